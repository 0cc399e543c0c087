"""``tol=Gap(...)`` for solvers that know no dual: certificates, ever more seldom."""

import numpy as np

from fastsgd.engine.linear.certificate import certify
from fastsgd.engine.linear.dual_problem import DualProblem, row_weights

PATIENCE = 1.5
"""After a certificate that was not good enough, epochs until the next one: times 1.5."""


class GapWatch:
    """Stands between a training and its `on_epoch`, and ends it where the gap is small enough.

    Parameters
    ----------
    rows, y, sample_weight, state, settings :
        As `sgd.train` takes them.
    within : float
        The gap that is enough, as a part of the objective.
    on_epoch : callable
    """

    def __init__(self, rows, y, sample_weight, state, settings, within, on_epoch):
        self._data, self._state = (rows, y, sample_weight, settings), state
        self._within, self._on_epoch, self._next, self._reached = within, on_epoch, 1, False

    def __call__(self, told):
        """Calls the `on_epoch` that it stands before, and certifies the model now and then."""
        ended = self._on_epoch(told)
        if told.number >= self._next:
            self._next = int(PATIENCE * told.number) + 1
            self._reached = self._certify()
        return ended or self._reached

    def settle(self, ended):
        """How the training ended, with a certificate of what came of it."""
        if self._reached:
            return ended.proven()
        return ended.proven() if self._certify() else ended

    def _certify(self):
        rows, y, sample_weight, settings = self._data
        problem = DualProblem(rows, y, row_weights(y, sample_weight, settings), settings)
        w = np.array(self._state.weights)
        b = w.dtype.type(self._state.show(w))  # what is certified is what is kept
        found = certify(problem, w.astype(np.float64), float(b))
        self._state.gap = found.gap
        return found.gap <= self._within * abs(found.objective)
