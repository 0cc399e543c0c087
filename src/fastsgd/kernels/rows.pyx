"""A read-only view of a matrix by rows, without a copy: CSR or dense, as the kernels take it."""

import numpy as np
from scipy import sparse

from fastsgd.kernels.types cimport index_t, real_t


cdef class Rows:
    """The rows of ``X``.

    Parameters
    ----------
    X : csr_matrix, csr_array or ndarray of shape (n_rows, n_cols)
        float32 or float64; CSR with int32 or int64 indices; dense in C order. Read-only and
        memory-mapped arrays are taken as they are. Only ``indptr`` is copied, where it is int32.

    Raises
    ------
    ValueError
        A column is outside [0, n_cols), or ``indptr`` is not a sequence of positions in order.
    """

    def __init__(self, X):
        self.shape = X.shape
        self.dtype = X.dtype
        self.c.n_rows, self.c.n_cols = X.shape
        if sparse.issparse(X):
            if X.format != "csr":
                raise TypeError(f"expected CSR, got {X.format}")
            indptr = X.indptr.astype(np.int64, copy=False)
            if len(indptr) != X.shape[0] + 1:
                raise ValueError(
                    f"X.indptr must have {X.shape[0] + 1} entries, got {len(indptr)}")
            nnz = indptr[len(indptr) - 1]
            if indptr[0] != 0 or nnz > len(X.indices) or np.any(np.diff(indptr) < 0):
                raise ValueError("X.indptr must start at 0, never fall and end within X.indices")
            if len(X.data) < nnz:
                raise ValueError("X.data is shorter than X.indptr says")
            data, indices = X.data, X.indices
            if nnz == 0:
                data, indices = np.zeros(1, X.dtype), np.zeros(1, X.indices.dtype)
            self.keep = (data, indptr, indices)
            self._bind(data, indices, indptr)
        else:
            self.keep = (X.reshape(-1), None)
            self._bind_dense(X)

    def _bind(self, const real_t[::1] data, const index_t[::1] indices, const int64_t[::1] indptr):
        cdef int64_t j
        cdef index_t low = 0, high = 0
        with nogil:
            for j in range(indptr[indptr.shape[0] - 1]):
                low = min(low, indices[j])
                high = max(high, indices[j])
        if low < 0 or high >= self.c.n_cols and indptr[indptr.shape[0] - 1] > 0:
            raise ValueError(
                f"X has a column number {low if low < 0 else high}; with {self.c.n_cols} "
                f"features they run from 0 to {self.c.n_cols - 1}"
            )
        self.c.data = &data[0]
        self.c.indices = &indices[0]
        self.c.indptr = &indptr[0]
        self.c.real = FSGD_F32 if real_t is float else FSGD_F64
        self.c.index = FSGD_I64 if sizeof(index_t) == 8 else FSGD_I32

    def _bind_dense(self, const real_t[:, ::1] data):
        self.c.data = &data[0, 0]
        self.c.real = FSGD_F32 if real_t is float else FSGD_F64
        self.c.index = FSGD_DENSE

    @property
    def nnz(self):
        """Stored values; for dense rows all of them."""
        if self.c.index == FSGD_DENSE:
            return self.c.n_rows * self.c.n_cols
        return self.c.indptr[self.c.n_rows]

    def max_square(self):
        """The largest |x|^2 of a row; 0 without rows."""
        if self.c.n_rows == 0 or self.c.n_cols == 0:
            return 0.0
        return _max_square(self.keep[0], self.keep[1], self.c.n_rows, self.c.n_cols)

    def largest_eigenvalue(self, int64_t sample):
        """About the largest eigenvalue of (1/n) X^T X, from `sample` rows spread over X.

        Three rounds of the power method from the column sums of |x|: with features that are not
        negative these are close to the first eigenvector. In O(n_cols + nonzeros of the sample).
        """
        if self.c.n_rows == 0 or self.c.n_cols == 0:
            return 0.0
        picked = np.arange(0, self.c.n_rows, max(1, self.c.n_rows // sample))
        if self.c.index == FSGD_DENSE:
            part = abs(np.asarray(self.keep[0]).reshape(self.shape)[picked])
        else:
            data, indptr, indices = self.keep
            lengths = indptr[picked + 1] - indptr[picked]
            ends = np.concatenate(([0], np.cumsum(lengths)))
            at = np.repeat(indptr[picked] - ends[:-1], lengths) + np.arange(ends[-1])
            part = abs(sparse.csr_array((data[at], indices[at], ends),
                                        shape=(len(picked), self.shape[1])))
        v = np.asarray(part.sum(axis=0), np.float64).ravel()
        found = 0.0
        for _ in range(3):
            square = (v * v).sum()  # not by BLAS, which wakes threads of its own
            if not square > 0:
                break
            margin = part @ v
            found = (margin * margin).sum() / square / len(picked)
            v = part.T @ margin
        return float(found)


def _max_square(const real_t[::1] data, const int64_t[::1] indptr, int64_t n_rows, int64_t n_cols):
    cdef double square, largest = 0
    cdef int64_t i, j, begin, end
    with nogil:
        for i in range(n_rows):
            begin = i * n_cols if indptr is None else indptr[i]
            end = begin + n_cols if indptr is None else indptr[i + 1]
            square = 0
            for j in range(begin, end):
                square += <double>data[j] * data[j]
            largest = max(largest, square)
    return largest
