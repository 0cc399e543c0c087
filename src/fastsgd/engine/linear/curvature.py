"""How long a step all rows together allow: the largest eigenvalue of (1/n) X^T X, by a sample."""

import numpy as np

from fastsgd.kernels import order

SAMPLE, SEED, ROUNDS = 1024, 0xE16, 3
"""Rows that are drawn; the draw is a property of the data, the same for all models and seeds."""


def largest_eigenvalue(rows, sample=SAMPLE):
    """About the largest eigenvalue of (1/n) X^T X, from some rows drawn all over X.

    Three rounds of the power method from the column sums of |x|: with features that are not
    negative these are close to the first eigenvector. In O(n_features + non-zeros of the sample).

    Parameters
    ----------
    rows : Rows
        INOUT: remembers what was found, for the next class or label.
    sample : int
        How many rows are drawn.
    """
    if rows.eigenvalue is None:
        rows.eigenvalue = _find(rows, sample)
    return rows.eigenvalue


def _find(rows, sample):
    if 0 in rows.shape:
        return 0.0
    part = abs(rows.take(order.spread(SEED, rows.shape[0], sample)))
    v = np.asarray(part.sum(axis=0), np.float64).ravel()
    found = 0.0
    for _ in range(ROUNDS):
        square = (v * v).sum()  # not by BLAS, which wakes threads of its own
        if not square > 0:
            break
        margin = part @ v
        found = (margin * margin).sum() / square / part.shape[0]
        v = part.T @ margin
    return float(found)
