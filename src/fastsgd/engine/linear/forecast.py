"""How long a training still takes to its tolerance, as its gap has fallen so far.

Near the optimum the gap of dual coordinate ascent falls by a constant factor a pass (for smooth
losses: Shalev-Shwartz and Zhang 2013, theorem 1): a straight line through the logarithm of the
least gap, from the middle of the training to now, tells where it meets the tolerance.
"""

import numpy as np


def forecast(done, gaps, target):
    """Passes that the gap still needs to reach `target`.

    Parameters
    ----------
    done : array of shape (n,)
        Passes (or epochs) behind each measurement, rising.
    gaps : array of shape (n,)
        Of each, as a part of the objective; what is not finite counts as no measurement.
    target : float
        As the gaps are; > 0.

    Returns
    -------
    float
        0 where the least gap is small enough; infinity where the gap did not fall over the last
        half; nan where there is no measurement before the last to compare it with.
    """
    done, gaps = np.asarray(done, np.float64), np.asarray(gaps, np.float64)
    if not len(done):
        return np.nan
    least = np.minimum.accumulate(np.where(np.isfinite(gaps), gaps, np.inf))
    if least[-1] <= target:
        return 0.0
    middle = min(int(np.searchsorted(done, 0.5 * done[-1])), len(done) - 2)
    if middle < 0 or not np.isfinite(least[middle]):
        return np.nan
    if not target > 0:
        return np.inf
    fall = np.log(least[middle] / least[-1])
    if not fall > 0:
        return np.inf
    return float(np.log(least[-1] / target) * (done[-1] - done[middle]) / fall)


class Outlook:
    """Gaps of a training, and the moments at which it is asked whether to go on.

    Parameters
    ----------
    n_rows : int
        Visits that are one pass.
    first : float
        Passes before the first question; the others come each time they have doubled.
    """

    def __init__(self, n_rows, first=10.0):
        self._n_rows, self._next = max(1, n_rows), first
        self._done, self._gaps = [], []

    def note(self, visits, gap, objective):
        """Takes note of an epoch's gap, after so many visits of the training.

        An estimate below 0, which the bias can make, is no measurement.
        """
        self._done.append(visits / self._n_rows)
        self._gaps.append(gap / abs(objective) if objective and gap >= 0 else np.inf)

    def is_time(self):
        """Whether another doubling of the passes is over since the last question."""
        if not self._done or self._done[-1] < self._next:
            return False
        while self._next <= self._done[-1]:
            self._next *= 2
        return True

    def passes(self, target):
        """(passes that `target`, a part of the objective, still needs, passes done)."""
        return forecast(self._done, self._gaps, target), self._done[-1]

    def epochs(self, target, proven):
        """Epochs that `target` still needs, as `forecast` says, from the gap that is proven now.

        Estimates leave out rows that sleep, so they may be far below it; their rate counts.
        """
        gaps = np.array(self._gaps, np.float64)
        least = gaps[np.isfinite(gaps)].min(initial=np.inf)
        if 0 < least < np.inf:
            gaps *= proven / least
        return forecast(np.arange(1, len(gaps) + 1), gaps, target)
