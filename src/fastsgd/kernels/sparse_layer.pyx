"""The first layer of a network on CSR rows: the arithmetic is in include/sparse_layer.h."""

import numpy as np

from libc.stdint cimport int32_t, int64_t

from fastsgd.kernels.optimizers cimport (
    Matrix, bind, fsgd_ask_for_row, fsgd_choose_step, fsgd_step_fn, fsgd_stepper,
    fsgd_vector_bytes, matrix_of,
)
from fastsgd.kernels.rows cimport FSGD_DENSE, FSGD_F32, FSGD_I32, Rows, fsgd_rows


cdef extern from "sparse_layer.h" nogil:
    ctypedef void (*fsgd_combine_fn)(
        const void *x, const void *index, int64_t nnz, const void *M, int64_t stride,
        int64_t n_units, double scale, void *out) noexcept

    ctypedef struct fsgd_by_feature:
        int32_t *place
        int64_t n
        int64_t *touched
        int64_t *ends
        int32_t *at
        int32_t *visit
        void *value

    void fsgd_ask_for_entries(const void *array, int size, const int64_t *indptr, int64_t row)
    fsgd_combine_fn fsgd_choose_combine(int real, int index, int64_t n_units, int vector)
    void fsgd_sort_by_feature(const fsgd_rows *X, const int64_t *row, int64_t n,
                              fsgd_by_feature *s)

cdef int64_t AHEAD = 4  # features whose weights and state are asked for before their step
cdef int64_t STEP_ENTRIES = 8  # non-zeros of a backward pass that take as long as a row's step


cdef class SparseLayer:
    """The first layer's products with the rows of a minibatch, and what it learns from them.

    `touch` sorts the non-zeros of a minibatch by feature; `backward` and `descend` then find the
    gradient of the features that occur, or of a slice of them. As a feature's gradient is one sum
    over all visits in their order, there is nothing to add up between threads: after `touch` they
    may share one layer, each with a slice of the features, and any cut gives the same bits.
    `touch` itself is for one thread at a time; HOGWILD! threads have a layer each.

    Parameters
    ----------
    rows : Rows
        Checked CSR rows.
    n_units : int
        Columns of W.
    vector : int
        Bytes of the widest registers to use; 0: the widest there are. All give the same bits.

    Attributes
    ----------
    n_touched : int
        Features of the last minibatch.
    """

    cdef fsgd_rows X
    cdef fsgd_by_feature sorted
    cdef int64_t n_units, n_visits, capacity
    cdef int vector, size
    cdef Rows rows
    cdef tuple _keep
    cdef object _place

    def __init__(self, Rows rows, int64_t n_units, *, int vector=0):
        cdef int32_t[::1] place
        if rows.c.index == FSGD_DENSE:
            raise ValueError("SparseLayer takes CSR rows; dense ones go through NumPy")
        if not rows.checked:
            raise ValueError("rows may hold columns outside X: call rows.check() first")
        if n_units < 1:
            raise ValueError(f"n_units must be >= 1, got {n_units}")
        self.rows, self.X, self.n_units = rows, rows.c, n_units
        self.size = 4 if rows.c.real == FSGD_F32 else 8
        self.vector = fsgd_vector_bytes(vector)
        self._place = place = np.zeros(max(1, rows.c.n_cols), np.int32)
        self.sorted.place = &place[0]
        self.capacity = -1
        self._grow(0)

    def _grow(self, int64_t nnz):
        """Scratch for so many non-zeros."""
        cdef int64_t[::1] touched, ends
        cdef int32_t[::1] at, visit
        cdef float[::1] single
        cdef double[::1] double_
        if nnz <= self.capacity:
            return
        self.capacity = nnz + nnz // 4
        n = min(self.capacity, self.X.n_cols) + 1, max(1, self.capacity)
        touched, ends = np.empty(n[0], np.int64), np.empty(n[0], np.int64)
        at, visit = np.empty(n[1], np.int32), np.empty(n[1], np.int32)
        value = np.empty(n[1], self.rows.dtype)
        if self.X.real == FSGD_F32:
            single = value
            self.sorted.value = &single[0]
        else:
            double_ = value
            self.sorted.value = &double_[0]
        self.sorted.touched, self.sorted.ends = &touched[0], &ends[0]
        self.sorted.at, self.sorted.visit = &at[0], &visit[0]
        self._keep = (touched, ends, at, visit, value)
        self.sorted.n = self.n_visits = 0

    @property
    def n_touched(self):
        return self.sorted.n

    cdef int64_t _nnz(self, const int64_t[::1] visits) except -1:
        """Their non-zeros; raises for rows outside X."""
        cdef int64_t k, n = 0
        cdef bint within = True
        with nogil:
            for k in range(visits.shape[0]):
                if visits[k] < 0 or visits[k] >= self.X.n_rows:
                    within = False
                    break
                n += self.X.indptr[visits[k] + 1] - self.X.indptr[visits[k]]
        if not within:
            raise ValueError(f"visits must be within 0 and {self.X.n_rows - 1}")
        return n

    cdef Matrix _matrix(self, object array, str name, int64_t n_rows, bint writable) except *:
        cdef Matrix m = matrix_of(array, self.X.real, name, writable)
        if array.ndim != 2 or m.n_units != self.n_units or m.n_rows < n_rows:
            raise ValueError(f"{name} must have shape ({n_rows}, {self.n_units}), got "
                             f"{array.shape}")
        return m

    def forward(self, visits, W, out, double scale=1.0):
        """out[k] = scale * x[visits[k]] @ W.

        Parameters
        ----------
        visits : int64 ndarray of shape (n,)
            IN. Rows of X. Any number of threads may call at once.
        W : ndarray of shape (n_features, n_units)
            IN, X's dtype. Rows are contiguous, and may lie apart. Others may write (HOGWILD!).
        out : ndarray of shape (n, n_units)
            OUT, X's dtype.
        """
        cdef const int64_t[::1] row = visits
        cdef int64_t k, begin, n = row.shape[0]
        self._nnz(row)
        cdef Matrix w = self._matrix(W, "W", self.X.n_cols, False)
        cdef Matrix z = self._matrix(out, "out", n, True)
        cdef int width = 4 if self.X.index == FSGD_I32 else 8
        cdef fsgd_combine_fn combine = fsgd_choose_combine(
            self.X.real, self.X.index, self.n_units, self.vector)
        with nogil:
            for k in range(n):
                if k + 2 < n:
                    fsgd_ask_for_entries(self.X.data, self.size, self.X.indptr, row[k + 2])
                    fsgd_ask_for_entries(self.X.indices, width, self.X.indptr, row[k + 2])
                begin = self.X.indptr[row[k]]
                combine(<const char *>self.X.data + begin * self.size,
                        <const char *>self.X.indices + begin * width,
                        self.X.indptr[row[k] + 1] - begin, w.data, w.stride, self.n_units, scale,
                        <char *>z.data + k * z.stride * self.size)

    def touch(self, visits):
        """Sorts the non-zeros of a minibatch by feature, in O(non-zeros).

        Parameters
        ----------
        visits : int64 ndarray of shape (n,)
            IN. Rows of X, n < 2**31.

        Returns
        -------
        touched : int64 ndarray
            The features that occur, each once, in the order in which they first do.
        """
        cdef const int64_t[::1] row = visits
        cdef int64_t nnz = self._nnz(row)
        if max(nnz, row.shape[0]) >= 2**31:
            raise ValueError(f"a minibatch has less than 2**31 non-zeros, got {nnz}")
        self._grow(nnz)
        self.n_visits = row.shape[0]
        self.sorted.n = 0
        if nnz:
            with nogil:
                fsgd_sort_by_feature(&self.X, &row[0], self.n_visits, &self.sorted)
        return np.array(self._keep[0][:self.sorted.n])

    def split(self, int n_parts):
        """Positions in `touched` that cut it into parts of about equal work: n_parts + 1."""
        n = self.sorted.n
        work = np.asarray(self._keep[1][:n]) + STEP_ENTRIES * np.arange(1, n + 1)
        total = work[n - 1] if n else 0
        cuts = np.searchsorted(work, total * np.arange(1, n_parts) / n_parts)
        return np.concatenate(([0], cuts, [n])).astype(np.int64)

    cdef int64_t _slice(self, int64_t begin, object end) except -1:
        cdef int64_t stop = self.sorted.n if end is None else end
        if not 0 <= begin <= stop <= self.sorted.n:
            raise ValueError(f"begin and end must be within 0 and {self.sorted.n} in order, got "
                             f"{begin} and {stop}")
        return stop

    def backward(self, delta, gradient, int64_t begin=0, end=None):
        """gradient[i] = row touched[begin + i] of X_b.T @ delta, X_b the rows of the last `touch`.

        Parameters
        ----------
        delta : ndarray of shape (n_visits, n_units)
            IN, X's dtype.
        gradient : ndarray of shape (end - begin or more, n_units)
            OUT, X's dtype.
        begin, end : int
            The slice of `touched`; threads may work on several at once.
        """
        cdef int64_t p, first, stop = self._slice(begin, end)
        cdef Matrix d = self._matrix(delta, "delta", self.n_visits, False)
        cdef Matrix g = self._matrix(gradient, "gradient", stop - begin, True)
        cdef fsgd_combine_fn combine = fsgd_choose_combine(
            self.X.real, FSGD_I32, self.n_units, self.vector)
        with nogil:
            for p in range(begin, stop):
                first = self.sorted.ends[p - 1] if p else 0
                combine(<const char *>self.sorted.value + first * self.size,
                        self.sorted.visit + first, self.sorted.ends[p] - first, d.data, d.stride,
                        self.n_units, 1.0, <char *>g.data + (p - begin) * g.stride * self.size)

    def descend(self, delta, int rule, W, slots, dict constants, last=None, int64_t begin=0,
                end=None, *, bint squares=False):
        """`backward` and `optimizers.step` in one: a feature's gradient never leaves the cache.

        The same bits as ``backward(delta, G, begin, end)`` and ``step(rule, W, G, slots,
        constants, touched[begin:end], last)``.

        Returns
        -------
        float
            The change of |W|^2 where `squares` asks for it.
        """
        cdef fsgd_stepper s
        cdef int64_t p, first, stop = self._slice(begin, end)
        cdef Matrix d = self._matrix(delta, "delta", self.n_visits, False)
        self._matrix(W, "W", self.X.n_cols, True)
        bind(&s, rule, W, slots, constants, last, squares)
        scratch = np.empty((1, self.n_units), self.rows.dtype)
        cdef Matrix g = self._matrix(scratch, "scratch", 1, True)
        cdef double change = 0
        cdef fsgd_step_fn step = fsgd_choose_step(self.X.real, self.vector)
        cdef fsgd_combine_fn combine = fsgd_choose_combine(
            self.X.real, FSGD_I32, self.n_units, self.vector)
        with nogil:
            for p in range(begin, stop):
                if p + AHEAD < stop:
                    fsgd_ask_for_row(&s, self.sorted.touched[p + AHEAD])
                first = self.sorted.ends[p - 1] if p else 0
                combine(<const char *>self.sorted.value + first * self.size,
                        self.sorted.visit + first, self.sorted.ends[p] - first, d.data, d.stride,
                        self.n_units, 1.0, g.data)
                change += step(&s, self.sorted.touched[p], g.data)
        return change
