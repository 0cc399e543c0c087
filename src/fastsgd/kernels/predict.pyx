"""Products of rows with models' weights, for predictions: rows are checked as they are met.

Each works on rows begin..end, so that threads may share it, and returns the first of them that
cannot be used, or -1. A row's product is the same bits alone or among others, by any threads, any
registers and both types of column numbers.
"""

import numpy as np

from libc.stdint cimport int32_t, int64_t

from fastsgd.kernels.optimizers cimport Matrix, fsgd_vector_bytes, matrix_of, real_of
from fastsgd.kernels.rows cimport (
    FSGD_DENSE, FSGD_F32, FSGD_F64, FSGD_I32, Rows, fsgd_row_is_sound, fsgd_rows,
)


cdef extern from "predict.h" nogil:
    ctypedef int64_t (*fsgd_predict_fn)(const fsgd_rows *X, const void *w, int64_t begin,
                                        int64_t end, int checked, void *z) noexcept
    fsgd_predict_fn fsgd_choose_predict(const fsgd_rows *X, int weight, int vector)
    int fsgd_rows_are_sound(const fsgd_rows *X, int64_t i, int64_t i_end)
    int fsgd_rows_are_sound_avx2(const fsgd_rows *X, int64_t i, int64_t i_end)

cdef extern from "sparse_layer.h" nogil:
    ctypedef void (*fsgd_combine_fn)(
        const void *x, const void *index, int64_t nnz, const void *M, int64_t stride,
        int64_t n_units, double scale, void *out) noexcept
    fsgd_combine_fn fsgd_choose_combine(int real, int index, int64_t n_units, int vector)

cdef int64_t BLOCK = 32  # rows that are checked, then used while they are in the cache


def dots(Rows rows, W, z, int64_t begin, int64_t end, *, int vector=0):
    """z[k, i] = x_i.W[k] of few models.

    Parameters
    ----------
    rows : Rows
    W : ndarray of shape (n_models, n_features)
        X's dtype, or float64.
    z : ndarray of shape (n_models, n_rows)
        OUT, W's dtype. Of rows begin..end.
    vector : int
        Bytes of the widest registers to use; 0: the widest there are. All give the same bits.

    Returns
    -------
    int
        The first of these rows that cannot be used, or -1.
    """
    cdef int weight = real_of(W, "W")
    cdef Matrix w = matrix_of(W, weight, "W", False)
    cdef Matrix out = matrix_of(z, weight, "z", True)
    cdef int64_t i = begin, stop, k, bad = -1
    cdef int size = 4 if weight == FSGD_F32 else 8
    cdef bint checked = rows.checked
    _check(rows, w.n_units, out.n_units, begin, end)
    if out.n_rows != w.n_rows:
        raise ValueError(f"z has {out.n_rows} rows for {w.n_rows} models")
    if rows.c.real == FSGD_F64 and weight != FSGD_F64:
        raise TypeError("W must be float64, as X is")
    cdef fsgd_predict_fn predict = fsgd_choose_predict(&rows.c, weight, fsgd_vector_bytes(vector))
    with nogil:
        while i < end and bad < 0:
            stop = min(i + BLOCK, end)
            for k in range(w.n_rows):
                bad = predict(&rows.c, <const char *>w.data + k * w.stride * size, i, stop,
                              checked or k > 0, <char *>out.data + k * out.stride * size)
                if bad >= 0:
                    break
            i = stop
    return bad


def combine(Rows rows, W, out, int64_t begin, int64_t end, *, int vector=0):
    """out[i] = x_i W of many models, whose weights of one feature lie side by side.

    Parameters
    ----------
    rows : Rows
    W : ndarray of shape (n_features, n_models)
        X's dtype. Rows are contiguous, and may lie apart.
    out : ndarray of shape (n_rows, n_models)
        OUT, X's dtype. Of rows begin..end.
    vector : int
        As in `dots`.

    Returns
    -------
    int
        The first of these rows that cannot be used, or -1.
    """
    cdef Matrix w = matrix_of(W, rows.c.real, "W", False)
    cdef Matrix z = matrix_of(out, rows.c.real, "out", True)
    cdef bint dense = rows.c.index == FSGD_DENSE
    cdef const int32_t[::1] all_columns
    cdef const char *columns = <const char *>rows.c.indices
    cdef int64_t i = begin, k, stop = 0, at, n
    cdef int size = 4 if rows.c.real == FSGD_F32 else 8
    cdef int width = 4 if dense or rows.c.index == FSGD_I32 else 8
    _check(rows, w.n_rows, z.n_rows, begin, end)
    if z.n_units != w.n_units:
        raise ValueError(f"out has {z.n_units} columns for {w.n_units} models")
    if dense and rows.c.n_cols:
        all_columns = np.arange(rows.c.n_cols, dtype=np.int32)
        columns = <const char *>&all_columns[0]
    vector = fsgd_vector_bytes(vector)
    cdef fsgd_combine_fn combine_row = fsgd_choose_combine(
        rows.c.real, FSGD_I32 if dense else rows.c.index, w.n_units, vector)
    with nogil:
        while i < end:
            stop = _block(rows, i, end, vector)
            if stop < 0:
                break
            for k in range(i, stop):
                at = k * rows.c.n_cols if dense else rows.c.indptr[k]
                n = rows.c.n_cols if dense else rows.c.indptr[k + 1] - at
                combine_row(<const char *>rows.c.data + at * size,
                            columns + (0 if dense else at * width), n, w.data, w.stride,
                            w.n_units, 1.0, <char *>z.data + k * z.stride * size)
            i = stop
    return -1 - stop if stop < 0 else -1


cdef int64_t _block(Rows rows, int64_t begin, int64_t end, int vector) noexcept nogil:
    """Where the block that begins there ends; if a row of it cannot be used, -1 - its number."""
    cdef int64_t i, stop = min(begin + BLOCK, end)
    if rows.checked or (fsgd_rows_are_sound_avx2(&rows.c, begin, stop) if vector >= 32
                        else fsgd_rows_are_sound(&rows.c, begin, stop)):
        return stop
    for i in range(begin, stop):
        if not fsgd_row_is_sound(&rows.c, i):
            return -1 - i
    return stop


cdef _check(Rows rows, n_features, n_rows, begin, end):
    if n_features != rows.c.n_cols or n_rows != rows.c.n_rows:
        raise ValueError(f"arrays of {n_rows} rows and {n_features} features; X is {rows.shape}")
    if not 0 <= begin <= end <= n_rows:
        raise ValueError(f"rows {begin} to {end} of {n_rows}")
