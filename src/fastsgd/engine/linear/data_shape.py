"""Sizes and spread of the rows: what the choice of a solver goes by."""

from typing import NamedTuple

import numpy as np

from fastsgd.kernels import order

SAMPLE, FEWEST, VALUES, SEED = 4096, 256, 60_000, 0x5A9E
"""Rows that are looked at: at most so many, and so many values but for the fewest rows. The draw
is a property of the data, the same for all models."""


class DataShape(NamedTuple):
    """Counts of some rows.

    Attributes
    ----------
    n, d, nnz : int
        Rows, features, stored values.
    dense : bool
        Whether rows are stored with their zeros.
    pairs : float
        Sum over the rows of stored values squared: what a Gram matrix of the columns costs.
    spread : float
        Mean |x - m|^2, m the mean row: how far rows are apart.
    """

    n: int
    d: int
    nnz: int
    dense: bool
    pairs: float
    spread: float

    @classmethod
    def of(cls, rows):
        """The shape of `Rows`, its spread and pairs by a sample with jitter.

        Parameters
        ----------
        rows : Rows
            Checked.
        """
        n, d = rows.shape
        if not n or not d:
            return cls(n, d, 0, rows.is_dense, 0.0, 0.0)
        most = max(FEWEST, min(SAMPLE, VALUES * n // max(1, rows.nnz)))
        part = rows.take(order.spread(SEED, n, min(n, most)))
        if rows.is_dense:
            values = np.asarray(part, np.float64)
            means, squares = values.mean(axis=0), (values * values).sum()
            pairs = float(n) * d * d
        else:
            values, m = part.data.astype(np.float64), part.shape[0]
            means = np.bincount(part.indices, values, minlength=d) / m
            squares = (values * values).sum()
            lengths = np.diff(part.indptr).astype(np.float64)
            pairs = float((lengths * lengths).mean()) * n
        spread = float(squares) / part.shape[0] - float((means * means).sum())
        return cls(n, d, int(rows.nnz), rows.is_dense, pairs, max(spread, 0.0))
