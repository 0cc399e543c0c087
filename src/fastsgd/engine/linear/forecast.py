"""Forecast of a gap: how many more passes a training needs until it is small enough."""

import numpy as np

FIRST = 10
"""Passes after which a forecast is made first; then at each doubling."""


class Forecast:
    """The best relative gap by passes over the rows, and where it is going.

    The gap of dual ascent falls by about the same factor in each pass once the active rows are
    found, so the logarithm of its best value over the last half of the passes tells the rest.

    Attributes
    ----------
    passes, gaps : list of float
        After each epoch: the passes so far, and the least gap so far as a part of the objective.
    """

    def __init__(self):
        self.passes, self.gaps, self._next = [], [], FIRST

    def add(self, passes, gap):
        """Notes an epoch's end; a gap that is not a number counts as infinite."""
        before = self.gaps[-1] if self.gaps else np.inf
        self.passes.append(float(passes))
        self.gaps.append(min(before, gap if gap == gap else np.inf))

    def due(self):
        """Whether it is time for a forecast: after 10, 20, 40, ... passes."""
        if not self.passes or self.passes[-1] < self._next:
            return False
        self._next = 2 * self.passes[-1]
        return True

    def needed(self, gap):
        """Passes that are needed still until the gap is `gap`; infinite where it does not fall.

        >>> forecast = Forecast()
        >>> for k in range(1, 11):
        ...     forecast.add(k, 10.0 ** -(k / 5))
        >>> round(forecast.needed(1e-3), 9)
        5.0
        """
        if not self.passes or not np.isfinite(self.gaps[-1]):
            return np.inf
        if self.gaps[-1] <= gap:
            return 0.0
        if gap <= 0:
            return np.inf
        last = len(self.passes) - 1
        half = int(np.searchsorted(self.passes, self.passes[last] / 2))
        first = max(0, min(half, last - 1))
        span, fall = self.passes[last] - self.passes[first], np.inf
        if np.isfinite(self.gaps[first]) and span > 0:
            fall = (np.log(self.gaps[first]) - np.log(self.gaps[last])) / span
        if not np.isfinite(fall):  # there was no bound before: what it fell by since is not known
            return np.inf
        return (np.log(self.gaps[last]) - np.log(gap)) / fall if fall > 0 else np.inf
