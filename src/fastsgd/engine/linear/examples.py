"""The rows that one linear model learns from."""

from typing import Any, NamedTuple

import numpy as np


class Examples(NamedTuple):
    """Rows with their targets and weights.

    Attributes
    ----------
    rows : Rows
    y : float64 ndarray of shape (n_rows,)
        -1 and +1 for classifiers.
    sample_weight : float64 ndarray of shape (n_rows,) or None
    subset : int64 ndarray or None
        The rows that count; None means all.
    """

    rows: Any
    y: np.ndarray
    sample_weight: np.ndarray | None = None
    subset: np.ndarray | None = None

    @property
    def n_visits(self):
        """Rows of an epoch."""
        return self.rows.shape[0] if self.subset is None else len(self.subset)

    def share(self, peers):
        """The part that a rank goes over: neighbouring rows, or a share of `subset`."""
        rows, y, sample_weight, subset = self
        if peers.own:
            return self
        if subset is not None:
            return self._replace(subset=subset[peers.share(len(subset))])
        begin, end = rows.cut(peers.size)[peers.rank:peers.rank + 2]
        weight = None if sample_weight is None else sample_weight[begin:end]
        return Examples(rows.part(begin, end), y[begin:end], weight)
