"""Arrays that data files hold, and the checks of them that every reader makes."""

from typing import Any, NamedTuple

import numpy as np

INT32_MAX = np.iinfo(np.int32).max
BLOCK = 1 << 20
"""Entries looked at at a time: a check needs no memory to speak of, whatever the file's size."""


class Data(NamedTuple):
    """The rows of a data file.

    Attributes
    ----------
    X : scipy.sparse.csr_matrix or ndarray of shape (n_samples, n_features)
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs), or None
        None where the file has no labels.
    index_base : {0, 1} or None
        The number by which svmlight text calls the first column, where the file knows it.
    """

    X: Any
    y: Any = None
    index_base: int | None = None


def blocks(array):
    """A vector cut in parts of `BLOCK` entries."""
    return (array[begin:begin + BLOCK] for begin in range(0, len(array), BLOCK))


def check_indptr(indptr, n_rows, n_entries):
    """Raises ValueError unless `indptr` cuts `n_entries` entries in `n_rows` rows."""
    if indptr.shape != (n_rows + 1,):
        raise ValueError(f"indptr must have {n_rows + 1} entries, one more than rows; its shape "
                         f"is {indptr.shape}")
    if indptr[0] != 0 or indptr[-1] != n_entries:
        raise ValueError(f"indptr must run from 0 to the {n_entries} stored values; it runs from "
                         f"{indptr[0]} to {indptr[-1]}")
    for begin in range(0, n_rows, BLOCK):
        part = indptr[begin:begin + BLOCK + 1]
        falls = part[1:] < part[:-1]
        if falls.any():
            raise ValueError(f"indptr falls at row {begin + int(np.argmax(falls))}; each entry "
                             "must be at least the one before it")


def check_indices(indices, n_features):
    """Raises ValueError unless all column numbers are within 0 and n_features - 1."""
    for part in blocks(indices):
        for found in (part.min(), part.max()):
            if not 0 <= found < n_features:
                raise ValueError(f"indices has the column {found}; with {n_features} features "
                                 f"they run from 0 to {n_features - 1}")


def check_targets(y, n_rows):
    """Raises ValueError unless there is a target, or a row of them, for each row of X."""
    if y.ndim not in (1, 2) or len(y) != n_rows:
        raise ValueError(f"y must have an entry for each of the {n_rows} rows of X; its shape is "
                         f"{y.shape}")
