"""A sample of the rows: small enough to try things on, spread over the whole data."""

from functools import cached_property

import numpy as np
from scipy import sparse

from fastsgd.engine.products import products
from fastsgd.kernels import order
from fastsgd.kernels.rows import Rows

STREAM = 0x5A3F
"""Keeps these random numbers apart from others of the same seed."""

MANY_FEATURES = 4096
"""Above which features that the sample lacks are left out."""


class Sample:
    """At most `size` rows, drawn one from each of `size` equal parts of the data, in random order.

    A pure function of the arguments. Rows of weight 0 are not drawn. Nothing is computed before it
    is asked for.

    Parameters
    ----------
    X : CSR or ndarray of shape (n_rows, n_features)
    sample_weight : float64 ndarray of shape (n_rows,) or None
    subset : int64 ndarray or None
        The rows to draw from; None means all.
    size : int
    seed : int

    Attributes
    ----------
    n_rows : int
        How many rows it was drawn from.
    rows : int64 ndarray of shape (n,), n <= size
        Their numbers in X.
    """

    def __init__(self, X, sample_weight, subset, size, seed):
        self._X, self._weight, self._subset = X, sample_weight, subset
        self._size, self._seed = size, seed

    @cached_property
    def _candidates(self):
        if self._weight is None:
            return self._subset
        used = self._weight > 0 if self._subset is None else self._weight[self._subset] > 0
        return np.flatnonzero(used) if self._subset is None else self._subset[used]

    @cached_property
    def n_rows(self):
        return self._X.shape[0] if self._candidates is None else len(self._candidates)

    @cached_property
    def rows(self):
        chosen = order.spread(self._seed ^ STREAM, self.n_rows, self._size)
        if self._candidates is not None:
            chosen = self._candidates[chosen]
        return chosen[order.permutation(self._seed, STREAM, len(chosen))]

    @cached_property
    def _parts(self):
        """(X, columns): with many features only those that occur, else all, as None."""
        Rows(self._X).check(np.sort(self.rows))  # here, where their numbers are known
        X = self._X[self.rows]
        if not sparse.issparse(X):
            return X, None
        X.sum_duplicates()  # of a copy: its rows are measured by themselves
        if X.shape[1] <= MANY_FEATURES:
            return X, None
        used = np.zeros(X.shape[1], bool)
        used[X.indices] = True
        used[0] = True  # at least one
        indices = (np.cumsum(used) - 1)[X.indices]
        columns = np.flatnonzero(used)
        return sparse.csr_array((X.data, indices, X.indptr), (X.shape[0], len(columns))), columns

    @property
    def X(self):
        """Their rows of X; with many features, without the columns that none of them has."""
        return self._parts[0]

    @property
    def columns(self):
        """The features that are columns of `X`; None for all."""
        return self._parts[1]

    @cached_property
    def weight(self):
        """Their weights, or None."""
        return None if self._weight is None else self._weight[self.rows]

    def margins(self, weights):
        """X @ weights."""
        return products(self._checked, weights[:, None])[:, 0]

    @cached_property
    def _checked(self):
        rows = Rows(self.X)
        rows.checked = True
        return rows

    def objective(self, weights, intercept, y, settings):
        """The objective of `settings` on these rows.

        Parameters
        ----------
        weights : ndarray of shape (n_features,) or, after `columns`, (X.shape[1],)
        intercept : float
        y : float64 ndarray of shape (n,)
            The targets of these rows.
        settings : Settings
        """
        used = weights
        if self.columns is not None and len(weights) != self.X.shape[1]:
            used = weights[self.columns]
        with np.errstate(over="ignore", invalid="ignore"):
            losses = settings.loss.value(self.margins(used) + intercept, y, settings.loss_constant)
            losses *= np.where(y > 0, settings.weight_pos, settings.weight_neg)
            if self.weight is not None:
                losses *= self.weight
            total = float(losses.sum()) / max(1, len(losses))
            if not settings.passive:
                total += settings.penalty.value(weights)
        return total
