"""X W for rows that were not checked before: what linear models say of rows."""

from itertools import pairwise

import numpy as np

from fastsgd.kernels.predict import combine, dots

FEW = 3
"""Up to so many models each has a pass of its own over a block of rows; more lie side by side."""

VALUES = 1 << 20
"""Values of X that are converted at a time, where the weights are float64 and X is not."""


def products(rows, W):
    """X W, of which scipy's product is the same up to rounding.

    Parameters
    ----------
    rows : Rows
        They are checked, unless they were before.
    W : ndarray of shape (n_features, n_models)
        float32 or float64. Many models are not copied if C-contiguous and of X's type or wider.

    Returns
    -------
    ndarray of shape (n_rows, n_models)
        Of the wider of both types, in which sums are.

    Raises
    ------
    ValueError
        A row holds NaN, infinity or a column outside X.
    """
    n, (n_features, n_models) = rows.shape[0], W.shape
    if n_features != rows.shape[1]:
        raise ValueError(f"X has {rows.shape[1]} features, but the weights are of {n_features}")
    dtype = np.result_type(rows.dtype, W.dtype)
    if not n:
        return np.empty((0, n_models), dtype)
    if n_models <= FEW:
        z = np.empty((n_models, n), dtype)
        _use(rows, dots(rows, np.ascontiguousarray(W.T, dtype), z, 0, n))
        return z.T
    if W.dtype != dtype or W.strides[1] != W.itemsize:
        W = np.ascontiguousarray(W, dtype)
    out = np.empty((n, n_models), dtype)
    if rows.dtype == dtype:
        _use(rows, combine(rows, W, out, 0, n))
        return out
    rows.check()
    cuts = rows.cut(max(1, rows.nnz // VALUES))
    for begin, end in pairwise(cuts):
        combine(rows.part(begin, end, dtype), W, out[begin:end], 0, end - begin)
    return out


def _use(rows, bad):
    """Raises for a row that cannot be used; else all have been checked."""
    if bad >= 0:
        raise rows.complaint(bad)
    rows.checked = True
