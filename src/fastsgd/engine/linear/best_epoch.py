"""The best model that dual ascent has met, where it ends before its gap is small enough.

The dual objective rises with every epoch; the model's own does not. Where it is far from done, an
earlier epoch's dual variables, or a part of them, may have the better model.
"""

import numpy as np

TRIALS, LEAST = 24, -15.0
"""Values of the multiple that are tried, and the logarithm of the least but 0: golden sections of
its logarithm, since the model may be orders of magnitude too large."""


class BestEpoch:
    """Keeps the dual variables of the epoch with the least estimated objective."""

    def __init__(self):
        self._objective, self._beta = np.inf, None

    def keep(self, objective, solver):
        """Copies the dual variables after an epoch, if its objective is the least so far."""
        if objective < self._objective and solver.peers.alone:
            self._objective, self._beta = objective, solver.beta.copy()

    def settle(self, solver, state, objective, gap):
        """Takes the better of the last model and the kept one, and its best multiple.

        Parameters
        ----------
        solver : DualAscent
            INOUT: its dual variables, which `state` is made of.
        state : LinearState
            INOUT: certified.
        objective, gap : float
            Of it.

        Returns
        -------
        objective, gap : float
            Of the model in `state`; the gap is to the best lower bound.
        """
        lower, last = _lower(objective, gap), solver.beta.copy()
        if self._beta is not None and not self._objective >= objective:
            solver.beta[:] = self._beta
            its, gap = solver.certify(state, 0.0)
            lower = max(lower, _lower(its, gap))
            if its < objective:
                objective = its
            else:
                solver.beta[:] = last
                objective, _ = solver.certify(state, 0.0)
        multiple = best_multiple(solver, state, objective)
        if multiple < 1:
            solver.beta[:] *= multiple
            objective, _ = solver.certify(state, 0.0)
        return objective, max(0.0, objective - lower)


def _lower(objective, gap):
    return objective - gap if np.isfinite(objective) and np.isfinite(gap) else -np.inf


def best_multiple(solver, state, objective):
    """theta of [0, 1] for which the model of theta times the dual variables is best.

    They stay within the domain, which holds 0; with l2 alone w is linear in theta, and f is convex
    in it. With l1 only 0 is tried: the zero model.
    """
    problem = solver.problem
    w = problem.weights_of(solver.v)
    z = problem.margins(w)
    square = problem.penalty.value(w) if problem.l1 == 0 else 0.0

    def value(theta):
        b = problem.best_bias(theta * z, solver.centre)
        losses = problem.penalty.weigh(float((problem.c * problem.losses(theta * z + b)).sum()))
        found = losses + theta * theta * square
        return found if np.isfinite(found) else np.inf

    if problem.l1 > 0:
        return 0.0 if not value(0.0) >= objective else 1.0
    low, high, golden = LEAST, 0.0, 0.5 * (np.sqrt(5) - 1)  # of log10 theta
    a, b = high - golden * (high - low), low + golden * (high - low)
    at_a, at_b = value(10**a), value(10**b)
    for _ in range(TRIALS):
        if at_a <= at_b:
            high, b, at_b = b, a, at_a
            a = high - golden * (high - low)
            at_a = value(10**a)
        else:
            low, a, at_a = a, b, at_b
            b = low + golden * (high - low)
            at_b = value(10**b)
    best = min((at_a, 10**a), (at_b, 10**b), (value(0.0), 0.0))
    return best[1] if not best[0] >= objective else 1.0
