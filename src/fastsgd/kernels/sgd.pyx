"""One epoch of SGD for one linear model: serial, HOGWILD! and round-robin.

The arithmetic is in include/epoch.inc; here are the loops over tiles and the threads' shares.
Kernels neither print, raise nor allocate. They poll the stop flag after every tile.
"""

import cython
import numpy as np

from libc.stdint cimport int64_t

from fastsgd.kernels.epoch cimport (
    fsgd_choose_tile, fsgd_clock, fsgd_fold, fsgd_load_i64, fsgd_load_int, fsgd_plan,
    fsgd_rewind, fsgd_run_tiles, fsgd_settle_l1, fsgd_store_int, fsgd_take, fsgd_tally,
    fsgd_tile_fn, fsgd_turns, fsgd_vector_bytes,
)
from fastsgd.kernels.rows cimport Rows
from fastsgd.kernels.schedules cimport fsgd_fill_eta


cdef extern from "fsgd.h":
    int FSGD_TILE

# HOGWILD! threads take up to so many tiles at a time from the shared cursor.
cdef int64_t MOST_AT_ONCE = 16


cdef bint _within(const int64_t[::1] numbers, int64_t end) noexcept nogil:
    """Whether all numbers are in [0, end)."""
    cdef int64_t i, low = 0, high = -1
    for i in range(numbers.shape[0]):
        low = min(low, numbers[i])
        high = max(high, numbers[i])
    return low >= 0 and high < end


cdef class Trainer:
    """The epochs of one linear model.

    Parameters
    ----------
    rows : Rows
    y : float64 array of shape (n_rows,)
        -1 and +1 for classifiers.
    sample_weight : float64 array of shape (n_rows,) or None
    weights : array of shape (n_cols,), or (n_cols, 2) when ``l1 > 0``; of the rows' dtype
        INOUT. With L1 the pairs are (weight, L1 paid so far), see Tsuruoka et al. 2009.
    average : float64 array of shape (n_cols,) or None
        INOUT. Sum of the weights over the averaged steps.
    loss, schedule, ... :
        As in include/epoch.h. `schedule` is a dict of the fields of fsgd_schedule.
    vector : int
        Bytes of the widest registers to use for dense rows; 0: the widest there are.
    """

    def __init__(self, Rows rows, const double[::1] y, sample_weight, weights, average, *,
                 int loss, double loss_constant, double l1, double l2, dict schedule,
                 double intercept, double intercept_decay, double weight_pos=1,
                 double weight_neg=1, int64_t average_from=0, double intercept_sum=0,
                 double t=1, double l1_total=0, int vector=0):
        cdef const double[::1] s
        cdef double[::1] a
        cdef size_t at
        if y.shape[0] != rows.c.n_rows:
            raise ValueError(f"y has {y.shape[0]} entries, X {rows.c.n_rows} rows")
        if l1 > 0 and weights.shape != (rows.c.n_cols, 2):
            raise ValueError(f"weights must have shape ({rows.c.n_cols}, 2), got {weights.shape}")
        if l1 == 0 and weights.shape != (rows.c.n_cols,):
            raise ValueError(f"weights must have shape ({rows.c.n_cols},), got {weights.shape}")
        if weights.dtype != rows.dtype or not weights.flags.c_contiguous:
            raise ValueError("weights must be contiguous and of the type of X")
        if not weights.flags.writeable:
            raise ValueError("weights must be writeable")
        self._buffer = np.zeros(sizeof(fsgd_shared) + 64, np.uint8)
        at = self._buffer.ctypes.data
        self.shared = <fsgd_shared *>(at + (-at) % 64)
        self.shared.intercept = intercept
        self.shared.unsound = -1
        self._rows = rows
        self._keep = (rows, y, sample_weight, weights, average)
        self.p.X, self.p.vector = rows.c, fsgd_vector_bytes(vector)
        self.p.y = &y[0]
        self.p.sample_weight = NULL
        if sample_weight is not None:
            s = sample_weight
            if s.shape[0] != y.shape[0]:
                raise ValueError(f"sample_weight has {s.shape[0]} entries, X {y.shape[0]} rows")
            self.p.sample_weight = &s[0]
        at = weights.ctypes.data
        self.p.w = <void *>at
        self.p.average = NULL
        if average is not None:
            a = average
            if a.shape[0] != rows.c.n_cols:
                raise ValueError("average must have one entry a feature")
            self.p.average = &a[0]
        self.p.intercept = &self.shared.intercept
        self.p.loss, self.p.loss_constant = loss, loss_constant
        self.p.l1, self.p.l2 = l1, l2
        self.p.schedule = schedule
        self.p.intercept_decay = intercept_decay
        self.p.weight_pos, self.p.weight_neg = weight_pos, weight_neg
        self.p.average_from = average_from if average is not None else 0
        self.tally.intercept_sum = intercept_sum
        self.clock.t, self.clock.scale = t, 1
        self.clock.l1_total = l1_total
        self.set_order(None, None)

    def set_order(self, blocks, row):
        """Sets the visiting order, and goes back to its start.

        `row` (int64, one entry a visit) lists rows; else `blocks` (int64) lists blocks of TILE
        contiguous rows; None and None visit the rows as they lie.
        """
        cdef const int64_t[::1] order
        cdef const int64_t *blocks_at = NULL
        cdef const int64_t *row_at = NULL
        cdef int64_t n_visits = self.p.X.n_rows, n_tiles
        if row is not None:
            order = row
            n_visits = order.shape[0]
            if not _within(order, self.p.X.n_rows):
                raise ValueError("row numbers must be within X")
            row_at = &order[0]
        n_tiles = (n_visits + FSGD_TILE - 1) // FSGD_TILE
        if row is None and blocks is not None:
            order = blocks
            if order.shape[0] != n_tiles or not _within(order, n_tiles):
                raise ValueError(f"blocks must be a permutation of range({n_tiles})")
            blocks_at = &order[0]
        self.p.blocks, self.p.row = blocks_at, row_at
        self.p.n_visits, self.n_tiles = n_visits, n_tiles
        self._order = (blocks, row)
        self.shared.cursor = 0
        self.segment_begin = self.segment_end = 0
        self.tally.loss = 0
        self.p.unsound = NULL if self._rows.checked else &self.shared.unsound

    def run_serial(self, int64_t begin, int64_t end):
        """Tiles begin..end of the order by this thread alone; returns the tile it stopped at."""
        cdef fsgd_tile_fn tile = fsgd_choose_tile(&self.p, 0)
        if begin < 0 or end > self.n_tiles:
            raise ValueError(f"tiles run from 0 to {self.n_tiles}, got {begin} to {end}")
        with nogil:
            begin = fsgd_run_tiles(&self.p, tile, begin, end, &self.clock, &self.tally, NULL,
                                   &self.shared.stop)
        self.raise_unsound()
        return begin

    def raise_unsound(self):
        """Raises ValueError when the epoch met a row of X that cannot be used."""
        cdef int64_t row = fsgd_load_i64(&self.shared.unsound)  # others may still be at work
        if row >= 0:
            raise self._rows.complaint(row)

    def plan(self, int64_t begin):
        """Plans the next segment of the epoch for threads; returns its last tile + 1.

        Within a segment the weights need not be folded, so threads need not meet. Where the
        result is `begin`, one tile alone shrinks too much: give it to `run_serial`.
        """
        if self._clocks is None or len(self._clocks) <= self.n_tiles:
            self._clocks = np.zeros((self.n_tiles + 1) * sizeof(fsgd_clock), np.uint8)
            self._clocks_at = self._clocks.ctypes.data
        fsgd_fold(&self.p, &self.clock)
        self.segment_begin = begin
        self.shared.cursor = begin
        self.shared.turn = <int64_t>self.clock.t
        with nogil:
            self.segment_end = fsgd_plan(&self.p, begin, self.n_tiles, &self.clock,
                                         self.clocks())
        return self.segment_end

    cdef fsgd_clock *clocks(self) noexcept nogil:
        """The state before each tile of the segment."""
        return <fsgd_clock *>self._clocks_at

    def run_hogwild(self):
        """A thread's part of the segment, without locks; many threads call this at once."""
        cdef fsgd_tile_fn tile = fsgd_choose_tile(&self.p, 1)
        cdef fsgd_clock *clocks = self.clocks()
        cdef fsgd_tally tally = fsgd_tally(0, 0)
        cdef fsgd_turns turns = fsgd_turns(NULL, &self.shared.stop, 0, 1)
        cdef fsgd_clock clock
        cdef int64_t j, take = min(MOST_AT_ONCE, 4 + self.n_tiles // 64)
        cdef int never = 0  # what was taken is finished: `_rewind` counts on it
        with nogil:
            while (not fsgd_load_int(&self.shared.stop)
                   and fsgd_load_i64(&self.shared.unsound) < 0):
                j = fsgd_take(&self.shared.cursor, take)
                if j >= self.segment_end:
                    break
                clock = clocks[j]
                fsgd_run_tiles(&self.p, tile, j, min(j + take, self.segment_end), &clock,
                               &tally, &turns, &never)
        with cython.critical_section(self):
            self.tally.loss += tally.loss
        self.raise_unsound()

    def run_round_robin(self, int rank, int n_threads):
        """Every n_threads-th step of the segment, written in turn, as HOGWILD!'s rival does."""
        cdef fsgd_tile_fn tile = fsgd_choose_tile(&self.p, 1)
        cdef fsgd_clock clock = self.clocks()[self.segment_begin]
        cdef fsgd_tally tally = fsgd_tally(0, 0)
        cdef fsgd_turns turns = fsgd_turns(&self.shared.turn, &self.shared.stop, rank, n_threads)
        with nogil:
            fsgd_run_tiles(&self.p, tile, self.segment_begin, self.segment_end, &clock, &tally,
                           &turns, &self.shared.stop)
        with cython.critical_section(self):
            self.tally.loss += tally.loss
        self.raise_unsound()

    def finish(self):
        """Ends an epoch: every weight up to date and unscaled, as `weights` then shows them.

        No thread may be at work. Where threads were stopped, the steps they made are what counts.
        """
        replicas = None if self.replicas is None else self.replicas()
        if replicas is not None:
            replicas.collect()
        if fsgd_load_int(&self.shared.stop):
            self._rewind()
        with nogil:
            if self.p.l1 > 0:
                fsgd_settle_l1(&self.p, &self.clock)
            fsgd_fold(&self.p, &self.clock)

    cdef _rewind(self):
        """Puts the clock where stopped threads left the segment: it stands at the planned end."""
        cdef fsgd_clock *clocks = self.clocks()
        cdef int64_t j = self.segment_begin
        cdef double t
        if self.segment_end == self.segment_begin:
            return
        if self.shared.cursor > j:  # hogwild: tiles that were taken were finished
            j = self.shared.cursor
            t = clocks[j].t if j < self.segment_end else self.clock.t
        else:
            t = self.shared.turn
        if t < self.clock.t:
            while j + 1 < self.segment_end and clocks[j + 1].t <= t:
                j += 1
            fsgd_rewind(&self.p, clocks, j, t, &self.clock)
        self.segment_end = self.segment_begin

    def stop(self):
        """Asks every thread to return after its tile."""
        fsgd_store_int(&self.shared.stop, 1)

    def set_eta0(self, double eta0):
        """For the adaptive schedule, between epochs."""
        self.p.schedule.eta0 = eta0

    @property
    def eta0(self):
        return self.p.schedule.eta0

    @property
    def intercept(self):
        return self.shared.intercept

    @property
    def t(self):
        """Number of the next step."""
        return self.clock.t

    @property
    def next_eta(self):
        """eta of the next step."""
        cdef double[32] eta
        fsgd_fill_eta(&self.p.schedule, self.clock.t, 1, eta)
        return eta[0]

    @property
    def l1_total(self):
        return self.clock.l1_total

    @property
    def loss_sum(self):
        """Weighted losses of this epoch so far, each met before its own step."""
        return self.tally.loss

    @property
    def intercept_sum(self):
        return self.tally.intercept_sum
