"""Map-Reduce sums over the rows: losses, gradients, Hessian-vector products, line searches.

Map: a thread takes a shard of the visits and sums into a buffer of its own (include/sums.h).
Reduce: the threads take slices of the features and add up the buffers of all shards in the order
of the shards. How many shards there are and where they end depends on the rows alone, and so do
the bits of the sums. Kernels neither print, raise nor allocate; they poll the stop flag.
"""

import numpy as np

from libc.stdint cimport int64_t
from libc.string cimport memset

from fastsgd.kernels.epoch cimport (
    fsgd_barrier_wait, fsgd_load_int, fsgd_store_int, fsgd_take, fsgd_vector_bytes,
)
from fastsgd.kernels.rows cimport Rows
from fastsgd.kernels.sums cimport (
    FSGD_ALONG, FSGD_GRADIENT, FSGD_LINE, FSGD_MOVED, FSGD_PRODUCT, FSGD_SQUARES,
    fsgd_choose_map, fsgd_gathering, fsgd_map_fn, fsgd_part, fsgd_reduce, fsgd_sums,
    fsgd_task_reads, fsgd_task_sums,
)

MOST_SHARDS = 16
"""More would let more threads work, and each takes a vector of d doubles."""

SMALLEST_SHARD = 32_768
"""Stored values below which a shard is not worth a thread's start."""

cdef int64_t SLICE = 4096  # features of a slice of the reduce
cdef int64_t CHUNK = 65_536  # values between two looks at the stop flag
cdef int64_t LINE = 8  # doubles of a cache line


def count_shards(n_visits, nnz, n_features):
    """Into how many shards some rows are cut: by their shape alone.

    With 2 * n_features values a shard, the buffers take no more memory than half of the values in
    float64, and adding them up takes less time than the map.
    """
    return int(max(1, min(MOST_SHARDS, n_visits, nnz // SMALLEST_SHARD,
                          nnz // (2 * max(1, n_features)))))


def _lines(n):
    """n doubles, zeroed, that begin at a cache line and end with one."""
    buffer = np.zeros(n + 2 * LINE)
    skip = (-buffer.ctypes.data) % 64 // 8
    return buffer[skip:skip + n + LINE]


cdef class Sums:
    """Sums over the rows for one linear model: each method is one pass, cut into shards.

    Parameters
    ----------
    rows : Rows
        Checked.
    y : float64 array of shape (n_rows,)
        -1 and +1 for classifiers.
    sample_weight : float64 array of shape (n_rows,) or None
    loss, loss_constant, weight_pos, weight_neg :
        As in include/sums.h.
    keep : bool
        Whether margins and curvatures of all visits are kept, which `moved`, `product`, `along`
        and `line` need.
    vector : int
        Bytes of the widest registers to use for dense rows; 0: the widest there are.

    Attributes
    ----------
    n_shards : int
        More threads than this have no work.
    value, slope, curve : float
        Of the last task: sum of losses; the vector's entry for the intercept, or phi'; phi''.

    Notes
    -----
    A task is begun by `begin` and worked on by `run`, once by each thread, or by `run_serial`.
    """

    cdef fsgd_sums p
    cdef fsgd_gathering *shared
    cdef fsgd_part *parts
    cdef double *buffers
    cdef double *out
    cdef int64_t stride, per_chunk, at, n_slices
    cdef object _buffer, _parts, _buffers, _bounds, _row, _given, _kept
    cdef tuple _keep
    cdef Rows _rows
    cdef readonly int n_shards
    cdef readonly int64_t n_visits
    cdef readonly double value, slope, curve

    def __init__(self, Rows rows, const double[::1] y, sample_weight, *, int loss,
                 double loss_constant, double weight_pos=1, double weight_neg=1, bint keep=True,
                 int vector=0):
        cdef const double[::1] s
        cdef size_t at
        if not rows.checked:
            raise ValueError("rows must have been checked: call rows.check() first")
        if y.shape[0] != rows.c.n_rows:
            raise ValueError(f"y has {y.shape[0]} entries, X {rows.c.n_rows} rows")
        self._rows, self._keep = rows, (y, sample_weight)
        self.p.X, self.p.vector = rows.c, fsgd_vector_bytes(vector)
        self.p.y = &y[0]
        self.p.sample_weight = NULL
        if sample_weight is not None:
            s = sample_weight
            if s.shape[0] != y.shape[0]:
                raise ValueError(f"sample_weight has {s.shape[0]} entries, X {y.shape[0]} rows")
            self.p.sample_weight = &s[0]
        self.p.loss, self.p.loss_constant = loss, loss_constant
        self.p.weight_pos, self.p.weight_neg = weight_pos, weight_neg
        self._buffer = np.zeros(sizeof(fsgd_gathering) + 64, np.uint8)
        at = self._buffer.ctypes.data
        self.shared = <fsgd_gathering *>(at + (-at) % 64)
        self._kept = keep
        self.set_visits(None)

    def set_visits(self, row):
        """Which rows the sums go over, in this order (int64); None: all as they lie.

        What was kept of the visits before is forgotten.
        """
        cdef const int64_t[::1] order
        cdef int64_t n = self.p.X.n_rows
        cdef size_t at
        self.p.row = NULL
        if row is not None:
            order = row
            n = order.shape[0]
            if n and not (0 <= np.min(row) and np.max(row) < self.p.X.n_rows):
                raise ValueError("row numbers must be within X")
            if n:
                self.p.row = &order[0]
        nnz = int(self._rows.nnz)
        if row is not None:
            nnz = nnz * n // max(1, self.p.X.n_rows)
        self._row, self.n_visits = row, n
        self.n_shards = count_shards(n, nnz, self.p.X.n_cols)
        self._bounds = self._cut(n)
        self.per_chunk = max(8, CHUNK * n // max(1, nnz) // 8 * 8)
        self.stride = (self.p.X.n_cols + LINE - 1) // LINE * LINE
        self._parts = np.zeros(64 * (self.n_shards + 1), np.uint8)
        at = self._parts.ctypes.data
        self.parts = <fsgd_part *>(at + (-at) % 64)
        if self._buffers is None or len(self._buffers) < self.n_shards * self.stride:
            self._buffers = _lines(self.n_shards * self.stride)
            at = self._buffers.ctypes.data
            self.buffers = <double *>at
        self.p.z = self.p.dz = self.p.curvature = NULL
        if self._kept:
            self._given = np.zeros((3, max(1, n)))
            at = self._given.ctypes.data
            self.p.z = <double *>at
            self.p.dz = self.p.z + max(<int64_t>1, n)
            self.p.curvature = self.p.dz + max(<int64_t>1, n)

    def _cut(self, int64_t n):
        """Where shards begin and end, at about equal numbers of values."""
        if self._row is None:
            return self._rows.cut(self.n_shards)
        return np.arange(self.n_shards + 1, dtype=np.int64) * n // self.n_shards

    def begin(self, str task, const double[::1] w=None, double b=0, double eta=0,
              double[::1] out=None):
        """Sets a task of include/sums.h, by its name in small letters.

        w, b: IN, the point or direction (gradient, product, along). out: OUT, the sum of vectors
        (gradient, moved, product, squares), of shape (n_cols,).
        """
        cdef int number = {
            "gradient": FSGD_GRADIENT, "moved": FSGD_MOVED, "product": FSGD_PRODUCT,
            "along": FSGD_ALONG, "line": FSGD_LINE, "squares": FSGD_SQUARES}[task]
        cdef int s
        if number != FSGD_GRADIENT and number != FSGD_SQUARES and not self._kept:
            raise ValueError(f"{task!r} needs margins; these sums keep none")
        if fsgd_task_reads(number) and (w is None or w.shape[0] != self.p.X.n_cols):
            raise ValueError(f"{task!r} needs w with an entry for each of the columns of X")
        if fsgd_task_sums(number) and (out is None or out.shape[0] != self.p.X.n_cols):
            raise ValueError(f"{task!r} needs out with an entry for each of the columns of X")
        self.p.task, self.p.b, self.p.eta = number, b, eta
        self.p.w = &w[0] if w is not None else NULL
        self.out = &out[0] if out is not None else NULL
        self._keep = (self._keep[0], self._keep[1], w, out)
        for s in range(self.n_shards):
            self.parts[s].value = self.parts[s].slope = self.parts[s].curve = 0
        self.n_slices = 0
        if fsgd_task_sums(number):
            self.n_slices = (self.p.X.n_cols + SLICE - 1) // SLICE
        self.shared.shard = self.shared.slice = 0
        self.at = 0

    cdef double *start_shard(self, int64_t s) noexcept nogil:
        """Where shard s adds up, cleared."""
        cdef double *sums = self.buffers + s * self.stride
        if fsgd_task_sums(self.p.task):
            memset(sums, 0, self.p.X.n_cols * sizeof(double))
        return sums

    def run(self, int rank, int n_threads):
        """A thread's part of the task: all `n_threads` call this at once. No result if stopped."""
        cdef const int64_t[::1] bounds = self._bounds
        cdef fsgd_map_fn work = fsgd_choose_map(&self.p)
        cdef double *sums
        cdef int64_t s, at, end, j
        with nogil:
            while not fsgd_load_int(&self.shared.stop):
                s = fsgd_take(&self.shared.shard, 1)
                if s >= self.n_shards:
                    break
                sums = self.start_shard(s)
                at, end = bounds[s], bounds[s + 1]
                while at < end and not fsgd_load_int(&self.shared.stop):
                    work(&self.p, at, min(at + self.per_chunk, end), sums, &self.parts[s])
                    at += self.per_chunk
            if self.n_slices and not fsgd_barrier_wait(&self.shared.barrier, n_threads,
                                                       &self.shared.stop):
                while True:
                    j = fsgd_take(&self.shared.slice, 1)
                    if j >= self.n_slices:
                        break
                    fsgd_reduce(self.buffers, self.stride, self.n_shards, j * SLICE,
                                min((j + 1) * SLICE, self.p.X.n_cols), self.out)

    def run_serial(self, int64_t most):
        """About `most` values of the task in this thread; True when it is done."""
        cdef const int64_t[::1] bounds = self._bounds
        cdef fsgd_map_fn work = fsgd_choose_map(&self.p)
        cdef double *sums
        cdef int64_t end, done = 0, s = self.shared.shard
        with nogil:
            while done < most and s < self.n_shards:
                sums = self.buffers + s * self.stride
                if self.at == bounds[s]:
                    self.start_shard(s)
                end = min(self.at + self.per_chunk, bounds[s + 1])
                work(&self.p, self.at, end, sums, &self.parts[s])
                self.at = end
                done += CHUNK
                if end == bounds[s + 1]:
                    s += 1
            if s == self.n_shards and self.n_slices:
                fsgd_reduce(self.buffers, self.stride, self.n_shards, 0, self.p.X.n_cols,
                            self.out)
        self.shared.shard = s
        return s == self.n_shards

    def finish(self):
        """After the last thread: adds up what the shards have besides vectors."""
        cdef int s
        self.value = self.slope = self.curve = 0
        for s in range(self.n_shards):
            self.value += self.parts[s].value
            self.slope += self.parts[s].slope
            self.curve += self.parts[s].curve

    def stop(self):
        """Asks every thread to return soon; the sums of the task are then of no use."""
        fsgd_store_int(&self.shared.stop, 1)

    @property
    def stopped(self):
        """Whether `stop` was called."""
        return bool(fsgd_load_int(&self.shared.stop))

    @property
    def margins(self):
        """z of each visit, as the last `gradient` or `moved` left it: float64 (n_visits,)."""
        return self._given[0, :self.n_visits]

    @property
    def changes(self):
        """dz of each visit, as the last `along` left it: float64 (n_visits,)."""
        return self._given[1, :self.n_visits]

    @property
    def curvatures(self):
        """s l'' of each visit, as the last `gradient` or `moved` left it: float64 (n_visits,)."""
        return self._given[2, :self.n_visits]

    @property
    def shards(self):
        """(first, last + 1) visit of each shard."""
        ends = self._bounds.tolist()
        return list(zip(ends, ends[1:], strict=False))
