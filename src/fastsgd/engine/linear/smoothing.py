"""Gradient descent for losses with kinks, by smoothing them ever less.

Nesterov: Smooth minimization of non-smooth functions, 2005. In place of l stands its Moreau
envelope of a width, max over beta of -beta z - l*(-beta) - width beta^2 / 2, whose slope is minus
the best beta (include/duals.h). Accelerated steps minimise that; their slopes are dual variables,
which bound f from below. Where the bound is as near as the width allows, the width falls.
"""

import numpy as np

from fastsgd.engine.linear.accelerated import AcceleratedSteps
from fastsgd.engine.linear.objective import Objective

WIDEST, NARROWER = 1.0, 0.3
"""The first width, as a part of f without weights, and what it is multiplied by."""

NARROWEST = 1e-9


class Smoothed(Objective):
    """f with a smoothed loss, by the passes of a `DualProblem`.

    Parameters
    ----------
    f : Objective
        The objective itself: its start, penalty and peers.
    problem : DualProblem
    settings : Settings

    Attributes
    ----------
    width : float
    true : float
        f itself at x, not smoothed.
    """

    def __init__(self, f, problem, settings):
        super().__init__(settings, problem.rows.shape[1], f.intercept_of(np.zeros(0)), f.peers)
        self._f, self._problem, self.width = f, problem, WIDEST
        self._l2 = 0.0 if self.proximal else settings.penalty.l2
        self.true = np.inf

    def __exit__(self, *error):
        pass

    def expired(self):
        return self._f.expired()

    def evaluate(self, x):
        self.x, self._z = x, self._margins(x)
        self._arrive()
        return self.value, self.gradient

    def _margins(self, x):
        self.visits += self._problem.rows.shape[0]
        return self._problem.margins(self.weights_of(x), self.intercept_of(x))

    def _arrive(self):
        problem, x = self._problem, self.x
        value, self.slopes = self._envelope(self._z)
        self.mean_loss = value
        self.value = value + self.penalty(x)
        self.true = problem.objective(self._z, self.weights_of(x))
        gradient = np.empty(len(x))
        gradient[:self._d] = problem.penalty.weigh(-problem.sum_rows(self.slopes))
        gradient[:self._d] += self._l2 * self.weights_of(x)
        if self.learns_intercept:
            gradient[-1] = self._sum(-problem.c * self.slopes)
        self.gradient = gradient

    def _sum(self, parts):
        """alpha times a sum over the rows of all."""
        return self._problem.penalty.weigh(self._problem.total(float(parts.sum())))

    def _envelope(self, z):
        """(mean of the smoothed losses, minus their slopes) at margins."""
        problem, constant = self._problem, self._settings.loss_constant
        beta = problem.smoothed(z, self.width)
        values = -beta * z - problem.dual.conjugate(beta, problem.y, constant) - (
            0.5 * self.width * beta * beta)
        return self._sum(np.where(problem.c > 0, problem.c * values, 0.0)), beta

    def batch(self, x, rows, n=None):
        raise NotImplementedError("minibatches take subgradients")

    def product(self, v):
        raise NotImplementedError("slopes of envelopes have kinks")

    def units(self, proof, power=0.25):
        return self._f.units(proof, power)

    def point_to(self, direction):
        self._direction, self._dz = direction, self._problem.margins(
            self.weights_of(direction), direction[-1] if self.learns_intercept else 0.0)

    def along(self, eta):
        problem, (value, beta) = self._problem, self._envelope(self._z + eta * self._dz)
        w = self.weights_of(self.x + eta * self._direction)
        d = self.weights_of(self._direction)
        slope = self._sum(-problem.c * beta * self._dz) + self._l2 * float((w * d).sum())
        bend = self._sum(problem.c * self._dz * self._dz) / self.width  # no more than this
        return (value + 0.5 * self._l2 * float((w * w).sum()), slope,
                bend + self._l2 * float((d * d).sum()))

    def move(self, eta, to=None):
        return self.evaluate(self.x + eta * self._direction if to is None else to)


def descend_smoothed(f, run):
    """Minimises f of a loss with kinks and a dual until its gap is proven to be small enough.

    Parameters
    ----------
    f : Objective
    run : Iterations
        Its proof has a problem.
    """
    proof = run.proof
    g = Smoothed(f, proof.problem, run.settings)
    g.width = WIDEST * max(proof.zero, np.finfo(float).tiny) / max(proof.weight, 1e-300)
    g.evaluate(g.start(run.state))
    units, narrowest = g.units(proof, 0.0), NARROWEST * g.width
    steps, best, met = AcceleratedSteps(g, units), (g.true, g.x), False
    while True:
        moved = steps.step()
        if moved:
            g.evaluate(steps.x)  # slopes there: dual variables
        best = min(best, (g.true, steps.x), key=lambda pair: pair[0])
        proof.try_duals(g.slopes)
        met = proof.met_at(*best)
        if run.after(best[1], best[0], best[0] - f.penalty(best[1]), enough=met):
            break
        gap = best[0] - proof.lower
        if not moved or gap <= 2 * g.width * proof.weight:
            if g.width <= narrowest:
                break
            g.width *= NARROWER
            g.evaluate(steps.x)
            steps.restart(g.value)
    f.evaluate(best[1])
    return run.ended(met)
