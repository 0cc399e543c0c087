"""The best model that a training by solver "sdca" knows, and the best lower bound of the optimum.

The dual objective rises with every step, the objective of the model need not: on rows of very
different lengths, or with a small alpha, it can stay above that of the zero model for thousands of
epochs. A training that ends before its tolerance takes the best of what is known.
"""

import numpy as np

from fastsgd.engine.linear.proof import enough

NEAR = 0.95
"""A multiple of the dual variables is sought where so large a one is better than they are."""

SHORTER, STEPS = 10.0, 30
"""Each time so much less of the dual variables is tried, at most so often."""

SECTIONS = 8
"""Golden sections of the interval that holds the best multiple: to 2 % of it."""


class BestPoint:
    """The best lower bound and the best dual variables of a training so far.

    Parameters
    ----------
    solver : DualAscent
        After `begin`.
    tol : float or None
        The gap that is enough, as a part of the objective.

    Attributes
    ----------
    zero : float
        The objective of the zero model; no training ends above it.
    lower : float
        The best lower bound of the optimum so far.
    dual : float64 ndarray of shape (n_rows,)
        Its dual variables.
    """

    def __init__(self, solver, tol):
        self._solver, self._problem, self._tol = solver, solver.problem, tol
        problem, n, d = solver.problem, len(solver.beta), len(solver.v)
        z, w = np.zeros(n), np.zeros(d)
        self.zero = problem.objective(z, w)
        self._without_weights = problem.objective_of_none()
        self.dual = np.zeros(n)
        self.lower = problem.value(self.dual, w)
        self._beta, self._estimate = None, np.inf

    def target(self, objective):
        """The gap that ends the training, or nan."""
        if self._tol is None:
            return np.nan
        return enough(self._tol, objective, self._without_weights)

    def is_enough(self, objective, gap):
        """Whether a gap, which is a finite number, is small enough."""
        return bool(np.isfinite(gap) and gap <= self.target(objective))

    def keep(self, estimate):
        """Copies the dual variables if the objective, by its estimate, is the least so far."""
        if estimate < self._estimate:
            if self._beta is None:
                self._beta = np.empty(len(self._solver.beta))
            self._beta[:], self._estimate = self._solver.beta, estimate

    def certify(self, state):
        """Certifies the model of the dual variables and writes it: (f, f - best lower bound)."""
        objective, lower = self._solver.certify(state)
        if lower > self.lower:
            self.lower, self.dual = lower, self._solver.beta.copy()
        return objective, max(0.0, objective - self.lower)

    def settle(self, state, found):
        """Makes `state`, which `found` is known of, the best model: (f, f - best lower bound)."""
        solver = self._solver
        if self._beta is not None and not self._estimate >= found[0]:
            found = self._try(state, found, self._beta)
        theta = best_multiple(solver, state, found[0])
        if theta < 1:
            found = self._try(state, found, theta * solver.beta)
        if not found[0] <= self.zero:
            solver.beta[:], solver.centre = 0.0, 0.0
            found = self.certify(state)
        if not found[0] <= self.zero:  # where no bias is best
            state.intercept = 0.0
            found = self.zero, max(0.0, self.zero - self.lower)
        return found

    def _try(self, state, found, beta):
        """Goes to `beta`, and back if it is no better."""
        before = self._solver.beta.copy()
        self._solver.beta[:] = beta
        now = self.certify(state)
        if now[0] < found[0] or not np.isfinite(found[0]):
            return now
        self._solver.beta[:] = before
        return self.certify(state)


@np.errstate(over="ignore", invalid="ignore")
def best_multiple(solver, state, objective):
    """The theta in [0, 1] for which the model of theta beta, with its best bias, is best.

    1 where 0.95 is no better: with l2 the objective is convex in theta, so a better one lies
    close to 1. With l2 the margins are those of `state` times theta.
    """
    problem = solver.problem
    margins = None if problem.l1 else problem.margins(state.weights)

    def value(theta):
        w = problem.weights_of(theta * solver.v)
        z = problem.margins(w) if margins is None else theta * margins
        b = problem.best_bias(z, state.intercept, 1e-4 * min(objective, 1e300))
        return problem.objective(z + b, w)

    if not value(NEAR) < objective and np.isfinite(objective):
        return 1.0
    theta, best = 1.0, objective
    for _ in range(STEPS):
        shorter = value(theta / SHORTER)
        if shorter >= best:
            break
        theta, best = theta / SHORTER, shorter
    return _golden(value, theta / SHORTER, min(1.0, theta * SHORTER))


def _golden(value, low, high):
    """The minimum of a function with one minimum in an interval, by golden sections."""
    part = 0.5 * (5**0.5 - 1)
    left, right = high - part * (high - low), low + part * (high - low)
    at_left, at_right = value(left), value(right)
    for _ in range(SECTIONS):
        if at_left <= at_right:
            high, right, at_right = right, left, at_left
            left = high - part * (high - low)
            at_left = value(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + part * (high - low)
            at_right = value(right)
    return left if at_left <= at_right else right
