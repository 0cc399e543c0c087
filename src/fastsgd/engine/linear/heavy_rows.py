"""Rows of large weight, visited several times in an epoch with a part of their weight each time.

The longest step that all rows allow falls with the largest weight, so that one row in a thousand
that weighs as much as all others slows the training of all. Where the weights are averaged, the
noise of longer steps averages out, so heavy rows are cut. The objective stays the same: the parts
of a row add up to its weight. 15 rows in 20,000 with class_weight="balanced", 20 features,
average=True: log loss ends 157 % above the optimum with whole rows and 10 % with parts, hinge
242 % and 10 %, after fewer epochs.
"""

from dataclasses import dataclass

import numpy as np

HEAVY = 20.0
"""Rows are cut where one weighs more than so many times the mean of the rows that have weight."""

LARGEST = 1.0
"""Largest weight of a visit, in the same means; so an epoch has at most twice as many visits."""


@dataclass(frozen=True)
class Parts:
    """Visits of an epoch in which heavy rows come several times.

    Attributes
    ----------
    rows : int64 ndarray of shape (n_visits,)
        The row of each visit; those of one row lie far apart.
    share : float64 ndarray of shape (n_rows,)
        What the weight of a row is multiplied by at each visit, so that the mean over the visits
        is that over the rows.
    """

    rows: np.ndarray
    share: np.ndarray


def parts_of(weight, subset=None):
    """The parts of rows of these weights, or None if no row is heavy enough to be cut.

    Parameters
    ----------
    weight : float64 ndarray of shape (n_rows,)
        Of the rows, their class's weight in it.
    subset : int64 ndarray or None
        The rows to visit; None means all.

    Returns
    -------
    Parts or None
    """
    rows = np.arange(len(weight)) if subset is None else subset
    used = weight[rows]
    positive = used[used > 0]
    if not len(positive) or positive.max() <= HEAVY * positive.mean():
        return None
    times = np.maximum(1, np.ceil(used / (LARGEST * positive.mean()))).astype(np.int64)
    n, visits = len(rows), int(times.sum())
    row = np.repeat(np.arange(n), times)
    part = np.arange(visits) - np.repeat(np.cumsum(times) - times, times)
    place = (row + part * n // times[row]) % n
    share = np.ones(len(weight))
    share[rows] = visits / (n * times)
    return Parts(rows[row[np.argsort(place, kind="stable")]].astype(np.int64, copy=False), share)
