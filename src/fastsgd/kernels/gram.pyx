"""The weighted Gram matrix of sparse rows, and the values of dense ones; see include/gram.h."""

import numpy as np

from libc.stdint cimport int64_t

from fastsgd.kernels.rows cimport FSGD_DENSE, Rows, fsgd_rows


cdef extern from "gram.h" nogil:
    void fsgd_gram(const fsgd_rows *X, const double *theta, int64_t begin, int64_t end,
                   double *gram)
    void fsgd_column_squares(const fsgd_rows *X, int64_t begin, int64_t end, double *squares)


def add_gram(Rows rows, const double[::1] theta, double[:, ::1] gram, int64_t begin, int64_t end):
    """Adds sum theta[i] x_i x_i^T of rows begin..end to the lower triangle of `gram`.

    Parameters
    ----------
    rows : Rows
        CSR, checked.
    theta : float64 array of shape (n_rows,)
    gram : float64 array of shape (n_cols, n_cols)
        INOUT.
    begin, end : int
    """
    cdef int64_t d = rows.c.n_cols
    _check(rows, theta.shape[0], begin, end)
    if gram.shape[0] != d or gram.shape[1] != d:
        raise ValueError(f"gram of {gram.shape[0]} x {gram.shape[1]} entries; X is {rows.shape}")
    if begin < end and d:
        with nogil:
            fsgd_gram(&rows.c, &theta[0], begin, end, &gram[0, 0])


def add_squares(Rows rows, double[::1] squares, int64_t begin, int64_t end):
    """Adds the squares of each column's entries in rows begin..end.

    Parameters
    ----------
    rows : Rows
        CSR, checked.
    squares : float64 array of shape (n_cols,)
        INOUT.
    begin, end : int
    """
    _check(rows, rows.c.n_rows, begin, end)
    if squares.shape[0] != rows.c.n_cols:
        raise ValueError(f"squares of {squares.shape[0]} columns; X is {rows.shape}")
    if begin < end and rows.c.n_cols:
        with nogil:
            fsgd_column_squares(&rows.c, begin, end, &squares[0])


cdef _check(Rows rows, int64_t n, int64_t begin, int64_t end):
    if rows.c.index == FSGD_DENSE or not rows.checked:
        raise ValueError("rows must be CSR, and have been checked")
    if n != rows.c.n_rows:
        raise ValueError(f"theta of {n} entries; X is {rows.shape}")
    if not 0 <= begin <= end <= n:
        raise ValueError(f"rows {begin} to {end} of {n}")


def dense_values(Rows rows):
    """The array of dense rows, (n_rows, n_cols): a view, not to be written."""
    if rows.c.index != FSGD_DENSE:
        raise ValueError("rows must be dense")
    return np.asarray(rows.keep[0]).reshape(rows.shape)
