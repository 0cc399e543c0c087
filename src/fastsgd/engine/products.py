"""X W for rows that were not checked before: what linear models say of rows."""

from itertools import pairwise

import numpy as np

from fastsgd.engine.team import Team
from fastsgd.kernels.predict import combine, dots

FEW = 3
"""Up to so many models each has a pass of its own over a block of rows; more lie side by side."""

VALUES = 1 << 20
"""Values of X that are converted at a time, where the weights are float64 and X is not; and that a
thread works on between two looks at whether it should end."""


def products(rows, W, n_threads=1):
    """X W, of which scipy's product is the same up to rounding.

    Parameters
    ----------
    rows : Rows
        They are checked, unless they were before.
    W : ndarray of shape (n_features, n_models)
        float32 or float64. Many models are not copied if C-contiguous and of X's type or wider.
    n_threads : int, default=1
        Threads that share the work, at most.

    Returns
    -------
    ndarray of shape (n_rows, n_models)
        Of the wider of both types, in which sums are. The same bits by any threads.

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
        W = np.ascontiguousarray(W.T, dtype)
        _share(rows, lambda begin, end: dots(rows, W, z, begin, end), n_threads)
        return z.T
    if W.dtype != dtype or W.strides[1] != W.itemsize:
        W = np.ascontiguousarray(W, dtype)
    z = np.empty((n, n_models), dtype)
    if rows.dtype == dtype:
        _share(rows, lambda begin, end: combine(rows, W, z, begin, end), n_threads)
        return z
    rows.check()

    def convert(begin, end):
        return combine(rows.part(begin, end, dtype), W, z[begin:end], 0, end - begin)

    _share(rows, convert, n_threads)
    return z


def _share(rows, use, n_threads):
    """``use(begin, end)`` of all rows by threads, each of which takes every so many-th piece.

    Raises for the first row of which it says that it cannot be used; else all have been checked.
    """
    pieces = list(pairwise(rows.cut(max(1, rows.nnz // VALUES)).tolist()))
    n_threads = min(n_threads, len(pieces))
    bad, stopped = [], []

    def work(rank):
        for begin, end in pieces[rank::n_threads]:
            first = -1 if stopped else use(begin, end)
            if first >= 0:
                bad.append(first)
                break

    if n_threads == 1:
        work(0)
    else:
        with Team(n_threads, lambda: stopped.append(True)) as team:
            team.run(work)
    if bad:
        raise rows.complaint(min(bad))
    rows.checked = True
