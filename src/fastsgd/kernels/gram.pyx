"""Weighted sums of squares and products of sparse columns; see engine/linear/columns.py."""

from libc.stdint cimport int32_t, int64_t

from fastsgd.kernels.rows cimport FSGD_DENSE, FSGD_F32, FSGD_I32, Rows
from fastsgd.kernels.types cimport index_t, real_t


def add_gram(Rows rows, const double[::1] theta, double[:, ::1] gram, int64_t begin, int64_t end):
    """gram += sum theta[i] x_i x_i^T over the rows begin..end, of which the lower triangle.

    Parameters
    ----------
    rows : Rows
        CSR, checked. A column that a row names twice counts with the sum of its entries.
    theta : float64 ndarray of shape (n_rows,)
        IN. Rows of 0 are skipped.
    gram : float64 ndarray of shape (n_cols, n_cols)
        INOUT: of one thread. What lies above the diagonal is left as it is.
    begin, end : int

    Raises
    ------
    ValueError
        The shapes do not fit together, or rows are dense or were not checked.
    """
    cdef bint rising
    if not (gram.shape[0] == gram.shape[1] == rows.c.n_cols):
        raise ValueError(f"a matrix of {gram.shape[0]} x {gram.shape[1]}; X is {rows.shape}")
    _check(rows, theta.shape[0], begin, end)
    if begin == end or rows.c.n_cols == 0:
        return
    rising = rows.rising
    with nogil:
        if rows.c.real == FSGD_F32 and rows.c.index == FSGD_I32:
            _add_rows(<const float *>rows.c.data, <const int32_t *>rows.c.indices, rows.c.indptr,
                      &theta[0], &gram[0, 0], rows.c.n_cols, begin, end, rising)
        elif rows.c.real == FSGD_F32:
            _add_rows(<const float *>rows.c.data, <const int64_t *>rows.c.indices, rows.c.indptr,
                      &theta[0], &gram[0, 0], rows.c.n_cols, begin, end, rising)
        elif rows.c.index == FSGD_I32:
            _add_rows(<const double *>rows.c.data, <const int32_t *>rows.c.indices, rows.c.indptr,
                      &theta[0], &gram[0, 0], rows.c.n_cols, begin, end, rising)
        else:
            _add_rows(<const double *>rows.c.data, <const int64_t *>rows.c.indices, rows.c.indptr,
                      &theta[0], &gram[0, 0], rows.c.n_cols, begin, end, rising)


def add_squares(Rows rows, const double[::1] theta, double[::1] out, int64_t begin, int64_t end):
    """out[j] += sum theta[i] x_ij^2 over the rows begin..end, entry by entry. out: INOUT.

    Of a column that a row names twice the squares add up, not the entries.
    """
    if out.shape[0] != rows.c.n_cols:
        raise ValueError(f"an array of {out.shape[0]} columns; X is {rows.shape}")
    _check(rows, theta.shape[0], begin, end)
    if begin < end and rows.c.n_cols > 0:
        _add_squares(rows.keep[0], rows.keep[2], rows.keep[1], theta, out, begin, end)


cdef _check(Rows rows, n_rows, begin, end):
    if n_rows != rows.c.n_rows:
        raise ValueError(f"theta of {n_rows} rows; X is {rows.shape}")
    if not 0 <= begin <= end <= n_rows:
        raise ValueError(f"rows {begin} to {end} of {n_rows}")
    if rows.c.index == FSGD_DENSE or not rows.checked:
        raise ValueError("rows must be sparse and must have been checked")


def _add_squares(const real_t[::1] data, const index_t[::1] column, const int64_t[::1] indptr,
                 const double[::1] theta, double[::1] out, int64_t begin, int64_t end):
    cdef int64_t i, j
    with nogil:
        for i in range(begin, end):
            for j in range(indptr[i], indptr[i + 1]):
                out[column[j]] += theta[i] * data[j] * data[j]


cdef void _add_rising(const real_t *x, const index_t *column, int64_t nnz, double theta,
                      double *gram, int64_t d) noexcept nogil:
    """One row, whose columns rise: each pair lies below the diagonal as it is met."""
    cdef int64_t i, j
    cdef double scaled
    cdef double *line
    for i in range(nnz):
        scaled = theta * x[i]
        line = gram + <int64_t>column[i] * d
        for j in range(i + 1):
            line[column[j]] += scaled * x[j]


cdef void _add_any(const real_t *x, const index_t *column, int64_t nnz, double theta,
                   double *gram, int64_t d) noexcept nogil:
    """One row whose columns may lie in any order; a pair of entries of one column counts twice."""
    cdef int64_t i, j, first, second
    cdef double scaled
    for i in range(nnz):
        scaled = theta * x[i]
        first = column[i]
        gram[first * d + first] += scaled * x[i]
        for j in range(i):
            second = column[j]
            if first == second:
                gram[first * d + first] += 2 * scaled * x[j]
            elif first > second:
                gram[first * d + second] += scaled * x[j]
            else:
                gram[second * d + first] += scaled * x[j]


cdef void _add_rows(const real_t *x, const index_t *column, const int64_t *indptr,
                    const double *theta, double *gram, int64_t d, int64_t begin, int64_t end,
                    bint rising) noexcept nogil:
    cdef int64_t row, at
    for row in range(begin, end):
        if theta[row] == 0:
            continue
        at = indptr[row]
        if rising:
            _add_rising(x + at, column + at, indptr[row + 1] - at, theta[row], gram, d)
        else:
            _add_any(x + at, column + at, indptr[row + 1] - at, theta[row], gram, d)
