"""Epochs of SGD on many one-against-rest models at once; the arithmetic is in classes.inc."""

import numpy as np

from libc.stdint cimport int32_t, int64_t

from fastsgd.kernels.epoch cimport (
    fsgd_clock, fsgd_load_int, fsgd_problem, fsgd_store_int, fsgd_tile_rows,
    fsgd_vector_bytes,
)
from fastsgd.kernels.rows cimport Rows


cdef extern from "fsgd.h":
    int FSGD_TILE
    int FSGD_CACHE_LINE

cdef extern from "classes.h" nogil:
    ctypedef struct fsgd_slice:
        int n_classes
        int width
        void *w
        double *intercept
        double *loss
        double *square
        const double *weight_pos
        const double *weight_neg
        const int64_t *member_ptr
        const int32_t *member
        const int32_t *lane
        double *y
        double *weight
        double *z
        double *value
        double *slope
        void *a
        fsgd_clock clock

    ctypedef void (*fsgd_classes_fn)(
        const fsgd_problem *, fsgd_slice *, const int64_t *, int) noexcept

    fsgd_classes_fn fsgd_choose_classes(const fsgd_problem *, const fsgd_slice *, int vector)
    void fsgd_finish_classes(const fsgd_problem *, fsgd_slice *, int vector)


def lanes(int n_classes, dtype):
    """Lanes that n_classes take: 16 or 32 bytes, or whole cache lines."""
    size = np.dtype(dtype).itemsize
    for bytes_ in (16, 32):
        if n_classes * size <= bytes_:
            return bytes_ // size
    return -(-n_classes * size // FSGD_CACHE_LINE) * FSGD_CACHE_LINE // size


def _aligned(shape, dtype):
    """Zeros that begin at a cache line."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    memory = np.zeros(size + FSGD_CACHE_LINE, np.uint8)
    first = -memory.ctypes.data % FSGD_CACHE_LINE
    return memory[first:first + size].view(dtype).reshape(shape)


cdef class ClassSlice:
    """Some of the classes, learnt by one thread in weights of its own.

    Parameters
    ----------
    rows : Rows
    members : (int64 ndarray of shape (n_rows + 1,) or None, int32 ndarray)
        The classes of row i are ``member[ptr[i]:ptr[i + 1]]``, or member[i] where ptr is None.
    n_classes : int
        Of the whole problem.
    classes : int ndarray of shape (n,)
        Those of this slice.
    sample_weight : float64 ndarray of shape (n_rows,) or None
    class_weights : float64 ndarray of shape (2, n)
        Weights of the rows outside and inside of each class of the slice.
    loss, schedule, ... :
        As in include/epoch.h; there is no L1 and no average.
    vector : int
        Bytes of the widest registers to use; 0: the widest there are.

    Attributes
    ----------
    weights : ndarray of shape (n_cols, n)
        A view of the private weights; true only before the first tile and after `finish`.
    intercepts, loss_sums, squares : float64 ndarray of shape (n,)
        Squares are set by `finish`.
    """

    cdef fsgd_problem p
    cdef fsgd_slice s
    cdef int flag, vector
    cdef tuple _keep
    cdef object _order
    cdef double[:, ::1] _by_lane
    cdef readonly int64_t n_tiles
    cdef readonly object classes, weights, intercepts, loss_sums, squares, _class_weights

    def __init__(self, Rows rows, members, int n_classes, classes, sample_weight, class_weights,
                 *, int loss, double loss_constant, double l2, dict schedule,
                 double intercept_decay, double t=1, int vector=0):
        cdef const int64_t[::1] ptr
        cdef const int32_t[::1] member = members[1]
        cdef const double[::1] weight
        cdef int32_t[::1] lane
        cdef size_t at
        cdef int n = len(classes), width = lanes(n, rows.dtype)
        cdef int64_t n_rows = rows.c.n_rows, n_members = n_rows
        if members[0] is not None:
            ptr = members[0]
            if ptr.shape[0] != n_rows + 1 or ptr[0] != 0 or np.any(np.diff(members[0]) < 0):
                raise ValueError("members must have one ascending range for each row")
            n_members = ptr[n_rows]
            self.s.member_ptr = &ptr[0]
        if member.shape[0] < n_members:
            raise ValueError(f"members has {member.shape[0]} entries, {n_members} are needed")
        if n_members and not 0 <= np.min(members[1]) <= np.max(members[1]) < n_classes:
            raise ValueError(f"members must be class numbers below {n_classes}")
        if np.shape(class_weights) != (2, n):
            raise ValueError(f"class_weights must have shape (2, {n})")
        self.classes = np.array(classes)
        lane_of = np.full(n_classes, -1, np.int32)
        lane_of[self.classes] = np.arange(n)
        lane = lane_of
        memory = _aligned((rows.c.n_cols, width), rows.dtype)
        scratch = _aligned(width, rows.dtype)
        by_lane = np.zeros((10, width))
        self._keep = (rows, members, sample_weight, lane_of, memory, scratch)
        self._by_lane = by_lane
        self.p.X = rows.c
        if sample_weight is not None:
            weight = sample_weight
            if weight.shape[0] != n_rows:
                raise ValueError(f"sample_weight has {weight.shape[0]} entries, X {n_rows} rows")
            self.p.sample_weight = &weight[0]
        self.p.loss, self.p.loss_constant, self.p.l2 = loss, loss_constant, l2
        self.p.schedule, self.p.intercept_decay = schedule, intercept_decay
        self.s.n_classes, self.s.width = n, width
        at = memory.ctypes.data
        self.s.w = <void *>at
        at = scratch.ctypes.data
        self.s.a = <void *>at
        self.s.member, self.s.lane = &member[0] if n_members else NULL, &lane[0]
        self.s.intercept, self.s.loss = &self._by_lane[0, 0], &self._by_lane[1, 0]
        self.s.square, self.s.weight_neg = &self._by_lane[2, 0], &self._by_lane[3, 0]
        self.s.weight_pos, self.s.y = &self._by_lane[4, 0], &self._by_lane[5, 0]
        self.s.weight, self.s.z = &self._by_lane[6, 0], &self._by_lane[7, 0]
        self.s.value, self.s.slope = &self._by_lane[8, 0], &self._by_lane[9, 0]
        by_lane[3:5, :n] = class_weights
        by_lane[5] = -1
        by_lane[6] = by_lane[3]
        self.weights = memory[:, :n]
        self.intercepts, self.loss_sums, self.squares = by_lane[:3, :n]
        self._class_weights = by_lane[3:7]
        self.s.clock.t, self.s.clock.scale = t, 1
        self.vector = fsgd_vector_bytes(vector)
        self.set_order(None, None)

    def set_order(self, blocks, row):
        """Sets the visiting order as `sgd.Trainer.set_order` does, and begins an epoch."""
        cdef const int64_t[::1] order
        cdef int64_t n = self.p.X.n_rows
        self.p.blocks = self.p.row = NULL
        self.p.n_visits = n if row is None else len(row)
        self.n_tiles = (self.p.n_visits + FSGD_TILE - 1) // FSGD_TILE
        self._order = blocks if row is None else row
        if self._order is not None:
            order = self._order
            limit = n if row is not None else self.n_tiles
            if row is None and order.shape[0] != limit:
                raise ValueError(f"blocks must be a permutation of range({limit})")
            if not 0 <= np.min(self._order) <= np.max(self._order) < limit:
                raise ValueError("the order must stay within X")
            if row is None:
                self.p.blocks = &order[0]
            else:
                self.p.row = &order[0]
        self.loss_sums[:] = 0

    def run(self, int64_t begin, int64_t end):
        """Tiles begin..end of the order; returns the tile it stopped at."""
        cdef fsgd_classes_fn tile = fsgd_choose_classes(&self.p, &self.s, self.vector)
        cdef int64_t j = begin
        cdef int64_t[32] row
        cdef int n
        if begin < 0 or end > self.n_tiles:
            raise ValueError(f"tiles run from 0 to {self.n_tiles}, got {begin} to {end}")
        with nogil:
            while j < end and not fsgd_load_int(&self.flag):
                n = fsgd_tile_rows(&self.p, j, row)
                tile(&self.p, &self.s, row, n)
                j += 1
        return j

    def finish(self):
        """Ends an epoch: `weights` unscaled, `squares` of each class."""
        with nogil:
            fsgd_finish_classes(&self.p, &self.s, self.vector)

    def freeze(self, int lane):
        """The class in this lane learns nothing more: its rows weigh nothing."""
        self._class_weights[:2, lane] = 0
        self._class_weights[3, lane] = 0

    def stop(self):
        """Asks `run` to return after its tile."""
        fsgd_store_int(&self.flag, 1)

    @property
    def t(self):
        """Number of the next step."""
        return self.s.clock.t
