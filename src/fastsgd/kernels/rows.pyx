"""A read-only view of a matrix by rows, without a copy: CSR or dense, as the kernels take it."""

import numpy as np
from scipy import sparse

from fastsgd.kernels.csr import csr_arrays
from fastsgd.kernels.types cimport index_t, real_t


cdef class Rows:
    """The rows of ``X``.

    Parameters
    ----------
    X : csr_matrix, csr_array or ndarray of shape (n_rows, n_cols)
        float32 or float64; CSR with int32 or int64 indices; dense in C order. Read-only and
        memory-mapped arrays are taken as they are. Only ``indptr`` is copied, where it is int32,
        and what is not contiguous, or whose indices are of another type.

    Attributes
    ----------
    checked : bool
        Whether all values are known to be finite and all columns to be within X: by `check`, or
        by a Trainer's first epoch, which checks each row before it uses it.
    alike : bool or None
        What engine.visiting has found out about neighbours; None before.
    eigenvalue : float or None
        What engine.curvature has found out about all rows; None before.

    Raises
    ------
    ValueError
        The arrays do not fit together, or ``indptr`` is not a sequence of positions in order.
    """

    def __init__(self, X):
        if sparse.issparse(X):
            if X.format != "csr":
                raise TypeError(f"expected CSR, got {X.format}")
            self._take(X.data, X.indices, X.indptr, X.shape)
        else:
            self._set_shape(X.shape)
            self.dtype, self.keep = X.dtype, (X.reshape(-1), None)
            self._bind_dense(X)

    def _set_shape(self, shape):
        self.shape = shape
        try:
            self.c.n_rows, self.c.n_cols = shape
        except (OverflowError, TypeError) as error:
            raise ValueError(f"X has the shape {shape}, and must have two dimensions of less "
                             "than 2**63") from error

    @staticmethod
    def of_arrays(data, indices, indptr, shape):
        """The rows of CSR arrays, where they lie; scipy's matrices may convert large ones."""
        cdef Rows rows = Rows.__new__(Rows)
        rows._take(data, indices, indptr, tuple(shape))
        return rows

    def _take(self, data, indices, indptr, shape):
        self._set_shape(shape)
        data, indices, indptr = csr_arrays(data, indices, indptr, shape)
        self.dtype, indptr = data.dtype, indptr.astype(np.int64, copy=False)
        nnz = indptr[len(indptr) - 1]
        if nnz == 0:
            data, indices = np.zeros(1, data.dtype), np.zeros(1, indices.dtype)
        self.keep = (data, indptr, indices)
        self._bind(data, indices, indptr)

    def part(self, int64_t begin, int64_t end, dtype=None):
        """Rows begin..end, a view unless of another dtype; of CSR rows only `indptr` is copied."""
        cdef Rows rows
        shape, dtype = (end - begin, self.shape[1]), self.dtype if dtype is None else dtype
        if self.c.index == FSGD_DENSE:
            X = np.asarray(self.keep[0]).reshape(self.shape)
            rows = Rows(X[begin:end].astype(dtype, copy=False))
        else:
            data, indptr, indices = self.keep
            first, last = indptr[begin], indptr[end]
            rows = Rows.of_arrays(data[first:last].astype(dtype, copy=False), indices[first:last],
                                  indptr[begin:end + 1] - first, shape)
        rows.checked, rows.alike = self.checked, self.alike
        return rows

    def _bind(self, const real_t[::1] data, const index_t[::1] indices, const int64_t[::1] indptr):
        self.c.data = &data[0]
        self.c.indices = &indices[0]
        self.c.indptr = &indptr[0]
        self.c.real = FSGD_F32 if real_t is float else FSGD_F64
        self.c.index = FSGD_I64 if sizeof(index_t) == 8 else FSGD_I32

    def _bind_dense(self, const real_t[:, ::1] data):
        self.c.data = &data[0, 0]
        self.c.real = FSGD_F32 if real_t is float else FSGD_F64
        self.c.index = FSGD_DENSE

    def cut(self, int64_t n_parts):
        """Where parts of about equal numbers of values begin and end: int64 of (n_parts + 1,)."""
        share = np.arange(n_parts + 1, dtype=np.int64)
        if self.c.index == FSGD_DENSE or self.nnz <= self.c.n_rows:
            return share * self.c.n_rows // n_parts
        bounds = np.searchsorted(self.keep[1], share * self.nnz // n_parts)
        bounds[0], bounds[n_parts] = 0, self.c.n_rows
        return bounds.astype(np.int64)

    @property
    def is_dense(self):
        return self.c.index == FSGD_DENSE

    @property
    def values(self):
        """The matrix of dense rows, a view; None of sparse ones."""
        return np.asarray(self.keep[0]).reshape(self.shape) if self.is_dense else None

    @property
    def nnz(self):
        """Stored values; for dense rows all of them."""
        if self.c.index == FSGD_DENSE:
            return self.c.n_rows * self.c.n_cols
        return self.c.indptr[self.c.n_rows]

    def check(self, rows=None):
        """Raises ValueError for the first row (of `rows`) that holds NaN, infinity or a column
        outside X."""
        cdef const int64_t[::1] listed
        cdef int64_t i, n = self.c.n_rows
        cdef bint sound = True
        if self.checked:
            return
        if rows is not None:
            listed = rows
            n = listed.shape[0]
        with nogil:
            for i in range(n):
                sound = fsgd_row_is_sound(&self.c, i if rows is None else listed[i])
                if not sound:
                    break
        if not sound:
            raise self.complaint(i if rows is None else listed[i])
        self.checked = rows is None

    def complaint(self, int64_t row):
        """Error about a row that `check` or a Trainer found, as a ValueError."""
        if self.c.index == FSGD_DENSE:
            values, columns = np.asarray(self.keep[0]).reshape(self.shape)[row], None
        else:
            data, indptr, indices = self.keep
            values, columns = (a[indptr[row]:indptr[row + 1]] for a in (data, indices))
            outside = columns[(columns < 0) | (columns >= self.shape[1])]
            if len(outside):
                return ValueError(
                    f"X has a column number {outside[0]} in row {row}; with {self.shape[1]} "
                    f"features they run from 0 to {self.shape[1] - 1}")
        at = int(np.argmin(np.isfinite(values)))
        what = "NaN" if np.isnan(values[at]) else "infinity"
        column = at if columns is None else columns[at]
        told = (f"Input X contains {what}: {values[at]} in row {row}, column {column}. All values "
                "must be finite; impute or drop what is missing (sklearn.impute.SimpleImputer)")
        if values.dtype == np.float32 and np.isinf(values[at]):  # of a finite float64, maybe
            told += ". The model computes in float32, where numbers end at 3.4e+38"
        return ValueError(told)

    def max_square(self):
        """The largest |x|^2 of a row; 0 without rows. Not of rows that have `repeats`."""
        return self._squares(None)[0]

    def mean_square(self):
        """The mean of |x|^2 over the rows; 0 without rows. Not of rows that have `repeats`."""
        return self._squares(None)[1]

    def squares(self):
        """|x|^2 of each row: float64 ndarray of shape (n_rows,). Not of rows with `repeats`."""
        out = np.zeros(self.c.n_rows)
        self._squares(out)
        return out

    def _squares(self, out):
        if self.c.n_rows == 0 or self.c.n_cols == 0:
            return 0.0, 0.0
        return _squares(self.keep[0], self.keep[1], self.c.n_rows, self.c.n_cols, out)

    @property
    def rising(self):
        """Whether the columns of each row rise; dense rows count as such. Found once."""
        if self._form is None:
            self._form = self._look_at_columns()
        return self._form[0]

    @property
    def repeats(self):
        """Whether a row names a column twice: its entries there add up. Found once.

        |x|^2 is then not the sum of the squares of what is stored.
        """
        if self._form is None:
            self._form = self._look_at_columns()
        return self._form[1]

    def _look_at_columns(self):
        """(rising, repeats), in O(stored values)."""
        if self.c.index == FSGD_DENSE:
            return True, False
        unsorted = _first_unsorted(self.keep[2], self.keep[1], 0)
        if unsorted == self.c.n_rows:
            return True, False
        self.check()  # whose columns are about to be places in memory
        last = np.zeros(self.shape[1], np.int64)
        return False, _names_twice(self.keep[2], self.keep[1], unsorted, last)

    def take(self, picked):
        """Some rows as a matrix: dense, or a new CSR matrix whose rows name each column once.

        Parameters
        ----------
        picked : int64 ndarray of shape (n,)
        """
        self.check(picked)
        if self.c.index == FSGD_DENSE:
            return np.asarray(self.keep[0]).reshape(self.shape)[picked]
        data, indptr, indices = self.keep
        lengths = indptr[picked + 1] - indptr[picked]
        ends = np.concatenate(([0], np.cumsum(lengths)))
        at = np.repeat(indptr[picked] - ends[:-1], lengths) + np.arange(ends[-1])
        part = sparse.csr_array((data[at], indices[at], ends), shape=(len(picked), self.shape[1]))
        part.sum_duplicates()
        return part

    def mean_dot(self, first, second):
        """Mean dot product of pairs of rows.

        Parameters
        ----------
        first, second : int64 ndarray of shape (n,)
            Numbers of the rows.
        """
        if self.c.index == FSGD_DENSE:
            X = np.asarray(self.keep[0]).reshape(self.shape)
            return float(np.einsum("ij,ij->", X[first], X[second], dtype=np.float64)
                         / max(1, len(first)))
        found = _mean_dot(self.keep[0], self.keep[2], self.keep[1], first, second)
        if found is None:  # not all rows are in order
            found = self.take(first).multiply(self.take(second)).sum() / max(1, len(first))
        return float(found)


def _mean_dot(const real_t[::1] data, const index_t[::1] indices, const int64_t[::1] indptr,
              const int64_t[::1] first, const int64_t[::1] second):
    """None where the columns of a row do not rise."""
    cdef double dot, sum = 0
    cdef int64_t k, a, b, a_end, b_end, n = first.shape[0]
    with nogil:
        for k in range(n):
            a, a_end, dot = indptr[first[k]], indptr[first[k] + 1], 0
            b, b_end = indptr[second[k]], indptr[second[k] + 1]
            if not (_rises(indices, a, a_end) and _rises(indices, b, b_end)):
                n = -1
                break
            while a < a_end and b < b_end:
                if indices[a] == indices[b]:
                    dot += <double>data[a] * data[b]
                    a += 1
                    b += 1
                elif indices[a] < indices[b]:
                    a += 1
                else:
                    b += 1
            sum += dot
    return None if n < 0 else sum / n if n else 0.0


cdef bint _rises(const index_t[::1] indices, int64_t begin, int64_t end) noexcept nogil:
    """By the signs of differences, so that the compiler may take many at a time."""
    cdef int64_t j
    cdef index_t falls = 0
    for j in range(begin + 1, end):
        falls |= indices[j] - indices[j - 1] - 1
    return falls >= 0


def _first_unsorted(const index_t[::1] indices, const int64_t[::1] indptr, int64_t begin):
    """The first row from `begin` on whose columns do not rise; else their number."""
    cdef int64_t i, n = indptr.shape[0] - 1
    with nogil:
        for i in range(begin, n):
            if not _rises(indices, indptr[i], indptr[i + 1]):
                n = i
    return n


def _names_twice(const index_t[::1] indices, const int64_t[::1] indptr, int64_t begin,
                 int64_t[::1] last):
    """Whether a row from `begin` on has two entries in a column; last: zeros, by column."""
    cdef int64_t i, j
    cdef bint twice = False
    with nogil:
        for i in range(begin, indptr.shape[0] - 1):
            for j in range(indptr[i], indptr[i + 1]):
                twice |= last[indices[j]] == i + 1
                last[indices[j]] = i + 1
            if twice:
                break
    return twice


def _squares(const real_t[::1] data, const int64_t[::1] indptr, int64_t n_rows, int64_t n_cols,
             double[::1] out):
    """(largest, mean) |x|^2 of a row; `out`, if it is not None, gets those of all."""
    cdef double square, largest = 0, total = 0
    cdef int64_t i, j, begin, end
    with nogil:
        for i in range(n_rows):
            begin = i * n_cols if indptr is None else indptr[i]
            end = begin + n_cols if indptr is None else indptr[i + 1]
            square = 0
            for j in range(begin, end):
                square += <double>data[j] * data[j]
            if out is not None:
                out[i] = square
            largest = max(largest, square)
            total += square
    return largest, total / n_rows
