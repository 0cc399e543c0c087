"""The best model of a training that the clock may end in the middle of an epoch."""

import numpy as np


class Best:
    """Keeps a copy of the state after the best whole epoch.

    By `keep`, epochs are compared by the mean loss that each met on its way, which costs nothing;
    by `settle`, two models by one measure.
    """

    def __init__(self):
        self._state, self._cost = None, np.inf

    def keep(self, state, cost):
        """After a whole epoch: copies `state` if its cost is the least so far."""
        if cost < self._cost:
            self._state, self._cost = state.copy(), cost

    def settle(self, state, measure):
        """At the end: `state` becomes the kept one, unless ``measure(weights, b)`` is less for it.

        The models compared are those that `coef_` would show, averages where there are any.
        """
        if self._state is None or self._state.t == state.t:
            return
        now, kept = (_shown(each, measure) for each in (state, self._state))
        if not now < kept:  # also where `now` is nan
            state.become(self._state)


def _shown(state, measure):
    weights = np.empty_like(state.weights)
    intercept = state.show(weights)
    return measure(weights, intercept)
