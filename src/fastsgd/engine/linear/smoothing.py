"""Gradient descent for losses with kinks, by smoothing them ever less.

Nesterov: Smooth minimization of non-smooth functions, 2005. In place of l stands its Moreau
envelope of a width, max over beta of -beta z - l*(-beta) - width beta^2 / 2, whose slope is minus
the best beta (include/duals.h). Accelerated steps minimise that; their slopes are dual variables,
which bound f from below. Where the bound is as near as the width allows, the width falls.
"""

import numpy as np

from fastsgd.engine.linear.accelerated import AcceleratedSteps

WIDEST, NARROWER = 1.0, 0.3
"""The first width, as a part of f without weights, and what it is multiplied by."""

NARROWEST = 1e-9


class Smoothed:
    """f with a smoothed loss, by the passes of a `DualProblem`: what accelerated steps ask for.

    Parameters
    ----------
    f : Objective
        The objective itself: its point, penalty and peers.
    problem : DualProblem
    settings : Settings

    Attributes
    ----------
    width : float
    x, value, gradient, smooth_value, proximal :
        As of `Objective`, of the smoothed f.
    true : float
        f itself at x, not smoothed.
    slopes : float64 ndarray of shape (n_rows,)
        Minus those of the smoothed losses at x: dual variables.
    """

    def __init__(self, f, problem, settings):
        self._f, self._problem, self.width = f, problem, WIDEST
        self._constant, self.proximal = settings.loss_constant, f.proximal
        self._l2 = 0.0 if self.proximal else settings.penalty.l2
        self.penalty, self.prox = f.penalty, f.prox

    def evaluate(self, x):
        """Goes to the point x; f there and the gradient of its smooth part."""
        f, problem = self._f, self._problem
        w = f.weights_of(x)
        self.x, self._z = x, problem.margins(w, f.intercept_of(x))
        mean_loss, self.slopes = self._envelope(self._z)
        self.value, self.true = mean_loss + f.penalty(x), problem.objective(self._z, w)
        self.smooth_value = mean_loss if self.proximal else self.value
        self.gradient = np.empty(len(x))
        self.gradient[:len(w)] = problem.penalty.weigh(-problem.sum_rows(self.slopes))
        self.gradient[:len(w)] += self._l2 * w
        if f.learns_intercept:
            self.gradient[-1] = self._sum(-problem.c * self.slopes)
        return self.value, self.gradient

    def _sum(self, parts):
        """alpha times a sum over the rows of all."""
        return self._problem.penalty.weigh(self._problem.total(float(parts.sum())))

    def _envelope(self, z):
        """(mean of the smoothed losses, minus their slopes) at margins."""
        problem, constant = self._problem, self._constant
        beta = problem.smoothed(z, self.width)
        values = -beta * z - problem.dual.conjugate(beta, problem.y, constant) - (
            0.5 * self.width * beta * beta)
        return self._sum(np.where(problem.c > 0, problem.c * values, 0.0)), beta

    def point_to(self, direction):
        """Sets the line x + eta * direction for `along`."""
        f = self._f
        self._direction, self._dz = direction, self._problem.margins(
            f.weights_of(direction), direction[-1] if f.learns_intercept else 0.0)

    def along(self, eta):
        """phi(eta), phi' and a bound of phi'' of the smooth part on the line."""
        problem, (value, beta) = self._problem, self._envelope(self._z + eta * self._dz)
        w = self._f.weights_of(self.x + eta * self._direction)
        d = self._f.weights_of(self._direction)
        slope = self._sum(-problem.c * beta * self._dz) + self._l2 * float((w * d).sum())
        bend = self._sum(problem.c * self._dz * self._dz) / self.width  # no more than this
        return (value + 0.5 * self._l2 * float((w * w).sum()), slope,
                bend + self._l2 * float((d * d).sum()))


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
    g.evaluate(f.start(run.state))
    units, narrowest = f.units(proof, 0.0), NARROWEST * g.width
    steps, best, met = AcceleratedSteps(g, units), (g.true, g.x), False
    while True:
        moved = steps.step()
        if moved:
            g.evaluate(steps.x)  # slopes there: dual variables
        best = min(best, (g.true, steps.x), key=lambda pair: pair[0])
        proof.try_duals(g.slopes)
        met = proof.met_at(f, *best)
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
