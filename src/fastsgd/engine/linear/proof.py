"""Proof of a full-gradient method's points: f* from below, and whether `tol` is met.

`tol` is a part of the objective: it asks for f(w, b) - f* <= tol f(w, b). The proof is weak
duality (certificate.py): any dual point bounds f* from below, and the best bound that was met
counts. A Newton step s gives the best points: beta = -(l'(z) + l''(z) dz), the slopes of the
losses' second order models at its end, for which w(beta) = w + s up to the step's residual, and
nothing is divided by alpha. Where the penalty or the loss has no dual, half of Newton's decrement
takes the gap's place, which is as independent of scales.
"""

from functools import cached_property

import numpy as np

from fastsgd.duals import DUALS
from fastsgd.engine.linear.dual_problem import DualProblem, row_weights
from fastsgd.engine.peers import ALONE

ROUNDING = 1e-12
"""Part of f without weights below which no gap is asked for: differences are rounding."""

LEAST_PENALTY = 1e-250
"""alpha from which on a dual is of use: its variables are divided by it."""


def enough(tol, objective, zero):
    """The gap that `tol` asks for at an objective, where f without weights is `zero`."""
    return max(tol * abs(objective), ROUNDING * abs(zero))


def has_dual(settings):
    """Whether the problem has a dual that bounds anything, and whose numbers do not overflow."""
    penalty = settings.penalty
    return settings.loss.name in DUALS and penalty.l1 + penalty.l2 > LEAST_PENALTY


class Proof:
    """The best lower bound of f* so far, and f of the model that is kept.

    Parameters
    ----------
    examples : Examples
        Of all ranks, or of each its own; checked.
    settings : Settings
    state : LinearState
        Weights and bias are kept in the dtype of its weights.
    share : callable
        ``share(task)`` calls ``task(rank, n_threads)`` for each of some threads.
    peers : Peers
    tol : float or None
        What is asked for; None: nothing.

    Attributes
    ----------
    lower : float
        f* is at least this; -inf where there is no dual.
    gap : float or None
        What the kept model is above f* at most, as far as it was looked at.
    """

    def __init__(self, examples, settings, state, share=lambda task: task(0, 1), peers=ALONE,
                 tol=None):
        self._examples, self._share = examples, share
        self._settings, self._peers, self._dtype = settings, peers, state.weights.dtype
        self._tol = tol
        self._n = max(1, sum(peers.counts(examples.n_visits)))
        self.lower, self.gap = -np.inf, None
        self._zero = self._weight = None

    @cached_property
    def _row_weights(self):
        _, y, sample_weight, subset = self._examples
        return row_weights(y, sample_weight, self._settings, subset)

    @cached_property
    def problem(self):
        """The `DualProblem`, or None."""
        rows, y, *_ = self._examples
        return DualProblem(rows, y, self._row_weights, self._settings, self._n, self._share,
                           check=False, peers=self._peers) if has_dual(self._settings) else None

    def gather(self):
        """Finds what is found by sums over the rows of all ranks, which all must ask for."""
        return self.zero, self.weight

    @property
    def weight(self):
        """The mean weight of a row."""
        if self._weight is None:  # not cached_property, whose lock ranks in threads would share
            self._weight = self._peers.total(float(self._row_weights.sum()))[0] / self._n
        return self._weight

    @property
    def zero(self):
        """f without weights (`DualProblem.objective_of_none`); without a dual f(0, 0)."""
        if self._zero is None:
            self._zero = self._find_zero()
        return self._zero

    def _find_zero(self):
        if self.problem is not None:
            return self.problem.objective_of_none()
        y, settings = self._examples.y, self._settings
        losses = settings.loss.value(np.zeros(len(y)), y, settings.loss_constant)
        return self._peers.total(float((self._row_weights * losses).sum()))[0] / self._n

    def enough(self, objective):
        """The gap that is small enough at an objective."""
        return 0.0 if self._tol is None else enough(self._tol, objective, self.zero)

    @property
    def asked(self):
        """Whether `tol` asks for anything."""
        return self._tol is not None

    def met(self, f, decrement=np.inf):
        """Whether the model that is kept of `f`'s point is proven to be near enough.

        Parameters
        ----------
        f : Objective
        decrement : float
            Half of Newton's decrement there, which counts where there is no dual.
        """
        if self.problem is None:
            near = self.asked and decrement <= self.enough(f.value)
            return bool(self._peers.decide(near)[0])
        if not self._peers.decide(self._may_be_met(f.value))[0]:
            return False
        return self._met_by_kept(f, f.value, f.x)

    def _met_by_kept(self, f, objective, x):
        """Whether the weights that are kept of x are near enough; `objective` is x's own."""
        if self._dtype != np.float64:
            objective = self._objective_of_kept(f, x)
        self.gap = max(0.0, objective - self.lower)
        return bool(self._peers.decide(self.asked and self.gap <= self.enough(objective))[0])

    def met_by_slopes(self, f, units):
        """Whether the slopes at `f`'s point prove it; asked where the gradient is small enough.

        Without a dual they prove nothing, but where they are 0.
        """
        excess = f.excess(f.gradient, units, self.zero)
        near = self.asked and excess <= (0.0 if self.problem is None else self.enough(f.value))
        if not self._peers.decide(near)[0]:
            return False
        self.try_slopes(f)
        return self.met(f, excess)

    def _may_be_met(self, objective):
        """Whether it is worth finding f of the kept model, which rounding has moved."""
        return objective - self.lower <= 2 * self.enough(objective) or not self.asked

    def _objective_of_kept(self, f, x):
        """f(w, b) of the point x as it is kept."""
        with np.errstate(over="ignore"):
            w = f.weights_of(x).astype(self._dtype).astype(np.float64)
            b = float(self._dtype.type(f.intercept_of(x)))
        return self.problem.objective(self.problem.margins(w, b), w)

    def try_slopes(self, f):
        """Raises `lower` by the slopes at `f`'s point, with the bias that balances them."""
        problem = self.problem
        if problem is not None:
            z = problem.margins(f.weights_of(f.x), f.intercept_of(f.x))
            z += problem.balancing_shift(z, 0.0)
            self._raise(problem.inside(problem.smoothed(z, 0.0)))

    def try_duals(self, beta):
        """Raises `lower` by these dual variables."""
        self._raise(self.problem.inside(beta))

    def met_at(self, f, objective, x):
        """`met` at another point than `f`'s, whose objective is known."""
        if not self._peers.decide(self._may_be_met(objective))[0]:
            return False
        return self._met_by_kept(f, objective, x)

    def try_step(self, f, step):
        """Raises `lower` by the slopes that a Newton step from `f`'s point expects at its end.

        `f` has been pointed to it.
        """
        problem, loss, constant = self.problem, self._settings.loss, self._settings.loss_constant
        if problem is None:
            return
        z, change = f.line() or (
            problem.margins(f.weights_of(f.x), f.intercept_of(f.x)),
            problem.margins(f.weights_of(step), step[-1] if f.learns_intercept else 0.0))
        slopes = loss.derivative(z, problem.y, constant) + change * loss.second_derivative(
            z, problem.y, constant)
        self._raise(problem.inside(-slopes))

    def settle(self, f):
        """The gap of the model that is kept, or None where nothing bounds it."""
        if self.problem is None:
            return None
        if self.gap is None or not self.gap <= self.enough(f.value):
            self.try_slopes(f)
            self.gap = max(0.0, self._objective_of_kept(f, f.x) - self.lower)
        return self.gap

    def _raise(self, beta):
        problem, v = self.problem, self.problem.sum_rows(beta)
        if problem.l2 == 0:  # lasso: |v| <= l1 must hold
            largest = np.abs(v).max(initial=0.0)
            scale = min(1.0, (1 - 1e-15) * problem.l1 / largest) if largest > 0 else 1.0
            beta, v = scale * beta, scale * v
        value = problem.value(beta, v)
        if np.isfinite(value):
            self.lower = max(self.lower, value)
