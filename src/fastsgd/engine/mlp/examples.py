"""The rows to learn from with their targets and weights, and the order of an epoch."""

import numpy as np


class Examples:
    """X, targets and weights.

    Parameters
    ----------
    X : CSR or ndarray of shape (n_rows, n_features)
    rows : Rows
        Of X, checked.
    targets : ndarray
        As `outputs` takes them: int64 of shape (n_rows,), or (n_rows, n_outputs).
    sample_weight : ndarray of shape (n_rows,) or None
    label_weights : ndarray of shape (n_outputs, 2) or None
        Weights of the rows without and with each label.
    subset : int64 ndarray or None
        The rows to learn from; None means all.
    """

    def __init__(self, X, rows, targets, sample_weight=None, label_weights=None, subset=None):
        self.X, self.rows, self.targets = X, rows, targets
        self.sample_weight, self.label_weights, self.subset = (
            sample_weight, label_weights, subset)

    @property
    def n_rows(self):
        return self.rows.shape[0] if self.subset is None else len(self.subset)

    def total(self, visits):
        """The total weight of some rows."""
        if self.sample_weight is None:
            return float(len(visits))
        return float(np.take(self.sample_weight, visits).sum(dtype=np.float64))

    def of(self, visits):
        """(target, weight, total weight) of some rows; weight has columns, or is None."""
        target = np.take(self.targets, visits, axis=0)
        weight, total = None, float(len(visits))
        if self.sample_weight is not None:
            weight = np.take(self.sample_weight, visits)[:, None]
            total = float(weight.sum(dtype=np.float64))
        if self.label_weights is not None:
            absent, present = self.label_weights.T.astype(target.dtype)
            by_label = absent + target * (present - absent)
            weight = by_label if weight is None else by_label * weight
        return target, weight, total

    def order(self, shuffle, rng):
        """``next_order()``: int64 row numbers of each epoch.

        With `shuffle` each epoch shuffles the order of the one before, by the numbers that
        scikit-learn draws from the same `rng`.
        """
        places = np.arange(self.n_rows, dtype=np.int64)
        if not shuffle:
            fixed = places if self.subset is None else self.subset
            return lambda: fixed

        def shuffled():
            rng.shuffle(places)
            return places if self.subset is None else self.subset[places]

        return shuffled
