"""Epochs of dual coordinate ascent: by one thread, on merged replicas, and on a shared vector.

The arithmetic is in include/ascent.inc; here are the loops over blocks and the threads' shares.
"""

import numpy as np

from fastsgd.kernels.cache_lines import zeroed_lines

from libc.stdint cimport int64_t, uint64_t
from libc.string cimport memcpy

from fastsgd.kernels.duals cimport (
    fsgd_ascent, fsgd_ascent_own, fsgd_ascent_shared, fsgd_ascent_tally, fsgd_dual_row,
    fsgd_list_busy, fsgd_rest, fsgd_run_ascent, fsgd_run_busy, fsgd_squares, fsgd_sum_f64,
)
from fastsgd.kernels.epoch cimport (
    fsgd_barrier_wait, fsgd_load_int, fsgd_store_int, fsgd_take,
)
from fastsgd.kernels.rows cimport FSGD_DENSE, Rows

# Threads share the sweep of a merge in slices of whole cache lines.
cdef int64_t LINE = 8
# Threads that share v take so many blocks at a time.
cdef int64_t AT_ONCE = 4


cdef class Ascent:
    """The epochs of one linear model's dual.

    Parameters
    ----------
    rows : Rows
    cells : float64 array of shape (n_rows, 4)
        INOUT. Of each row y, c = s / (alpha n), |x|^2, which `measure` finds, and beta.
    rest : uint8 array of shape (n_rows, 2)
        INOUT. How long each row sleeps still, and how long it slept; zeros in the beginning.
    v : float64 array of shape (n_cols,)
        INOUT. sum c beta x.
    n_threads : int
        1, or replicas.
    loss, l1, l2, ... :
        As in include/ascent.h.
    """

    cdef fsgd_ascent p
    cdef fsgd_ascent_shared *shared
    cdef fsgd_ascent_own *own
    cdef readonly int n_threads
    cdef size_t[::1] replica  # addresses
    cdef tuple _keep
    cdef object _order, _busy

    def __init__(self, Rows rows, double[:, ::1] cells, unsigned char[:, ::1] rest,
                 double[::1] v, *, int loss, double loss_constant, double l1, double l2,
                 int n_threads=1):
        cdef size_t at
        if cells.shape[0] != rows.c.n_rows or cells.shape[1] != 4:
            raise ValueError(f"cells must have shape ({rows.c.n_rows}, 4)")
        if rest.shape[0] != rows.c.n_rows or rest.shape[1] != 2:
            raise ValueError(f"rest must have shape ({rows.c.n_rows}, 2)")
        if v.shape[0] != rows.c.n_cols:
            raise ValueError(f"v must have shape ({rows.c.n_cols},)")
        if not l2 > 0:
            raise ValueError("the dual needs l2 > 0")
        shared, at = zeroed_lines(sizeof(fsgd_ascent_shared))
        self.shared = <fsgd_ascent_shared *>at
        own, at = zeroed_lines(n_threads * sizeof(fsgd_ascent_own))
        self.own = <fsgd_ascent_own *>at
        vectors = [np.zeros(rows.c.n_cols) for _ in range(n_threads if n_threads > 1 else 0)]
        self.replica = np.array([r.ctypes.data for r in vectors], np.uintp)
        self._keep = (rows, cells, rest, v, shared, own, vectors)
        self.n_threads = n_threads
        self.p.X = rows.c
        self.p.row = <fsgd_dual_row *>&cells[0, 0]
        self.p.rest = <fsgd_rest *>&rest[0, 0]
        self.p.v, self.p.b = &v[0], &self.shared.b
        self.p.loss, self.p.loss_constant = loss, loss_constant
        self.p.l1, self.p.l2, self.p.gain, self.p.caution = l1, l2, 0, 1
        self.p.dull = -1
        self.set_order(None, rows.c.n_rows)

    def measure(self, int64_t begin, int64_t end):
        """Finds |x|^2 of rows begin..end; raises ValueError for one that cannot be used.

        Must be done for all rows before the first epoch; threads may share it.
        """
        cdef double[::1] work = np.zeros(self.p.X.n_cols)
        cdef Rows rows = self._keep[0]
        cdef int64_t bad
        with nogil:
            bad = fsgd_squares(&self.p.X, begin, end, self.p.row, &work[0])
        if bad < end:
            raise rows.complaint(bad)

    def set_order(self, blocks, int64_t block_rows):
        """Sets the order of an epoch: blocks of `block_rows` rows (at most 32 but for None).

        They may be some of the blocks only.
        """
        cdef const int64_t[::1] order
        cdef int64_t i
        if blocks is None:
            block_rows = min(block_rows, 32)
        self.p.block_rows = block_rows
        self.p.n_blocks = (self.p.X.n_rows + block_rows - 1) // block_rows
        self.p.blocks = NULL
        if blocks is not None:
            order = blocks
            if block_rows > 32 or order.shape[0] > self.p.n_blocks:
                raise ValueError(f"blocks of at most 32 rows must be at most {self.p.n_blocks}")
            for i in range(order.shape[0]):
                if not 0 <= order[i] < self.p.n_blocks:
                    raise ValueError("block numbers must be within X")
            self.p.n_blocks = order.shape[0]
            if self.p.n_blocks:
                self.p.blocks = &order[0]
        self._order = blocks
        self.shared.cursor = 0
        for i in range(self.n_threads):
            self.own[i].tally = fsgd_ascent_tally(0, 0, 0)

    def run(self, int64_t begin, int64_t end):
        """Blocks begin..end of the epoch by this thread; returns the end, or where it stopped."""
        end = min(end, self.p.n_blocks)
        with nogil:
            end = fsgd_run_ascent(&self.p, begin, end, &self.own[0].tally, &self.shared.stop)
        return end

    def run_busy(self, uint64_t seed, uint64_t epoch, double centre, int64_t few, int64_t most):
        """After an epoch: sweeps over the rows that still have something to gain, by this thread.

        None if these are more than `few`; about `most` visits. `centre` is the multiplier of the
        bias, which takes its step before the sweeps; it is returned. What `tally` tells of the
        gap stays that of the epoch.
        """
        cdef fsgd_ascent p = self.p
        cdef fsgd_ascent_tally tally = fsgd_ascent_tally(0, 0, 0)
        cdef int64_t n
        cdef int64_t[::1] row
        cdef unsigned char[:, ::1] rest
        if self._busy is None:
            self._busy = (np.empty(p.X.n_rows, np.int64), np.zeros((p.X.n_rows, 2), np.uint8))
        row, rest = self._busy
        n = fsgd_list_busy(&p, &row[0])
        p.rest = <fsgd_rest *>&rest[0, 0]
        if n <= few:
            with nogil:
                fsgd_run_busy(&p, &row[0], n, most, seed, epoch, &centre, &tally,
                              &self.shared.stop)
        self.own[0].tally.conjugate += tally.conjugate
        self.own[0].tally.visits += tally.visits
        return centre

    def run_merged(self, int rank, int64_t share, double caution):
        """A thread's part of an epoch on its replica; all threads call this.

        Every `share` blocks of each thread the changes are added up at a barrier, in the order of
        the ranks: the same bits for the same number of threads. A step of size `caution` on the
        replica counts as one of size 1 in the sum: 1 adds up steps as if they had been made one
        after the other; n_threads is safe for any data (Ma et al. 2015, sigma'). It multiplies
        `self.caution`, which is left in the sum.
        """
        cdef fsgd_ascent p = self.p
        cdef int64_t j = 0, first, last, n_cols = self.p.X.n_cols
        cdef int64_t slice = (n_cols // self.n_threads // LINE + 1) * LINE
        cdef int64_t slice_begin = min(n_cols, rank * slice)
        cdef int64_t slice_end = min(n_cols, slice_begin + slice)
        cdef fsgd_ascent_own *own = &self.own[rank]
        p.v, p.b, p.caution = <double *>self.replica[rank], &own.b, caution * self.p.caution
        with nogil:
            memcpy(p.v, self.p.v, n_cols * sizeof(double))
            own.b = self.shared.b
            while j < p.n_blocks:
                first = min(p.n_blocks, j + rank * share)
                last = min(p.n_blocks, first + share)
                fsgd_run_ascent(&p, first, last, &own.tally, &self.shared.stop)
                j += share * self.n_threads
                if self._meet():
                    break
                fsgd_sum_f64(self.p.v, <double *const *>&self.replica[0], self.n_threads,
                             1 / caution, slice_begin, slice_end)
                if rank == 0:
                    self._sum_biases(1 / caution)
                if self._meet():
                    break

    cdef bint _meet(self) noexcept nogil:
        return fsgd_barrier_wait(&self.shared.barrier, self.n_threads, &self.shared.stop)

    cdef void _sum_biases(self, double part) noexcept nogil:
        cdef double now = self.shared.b, sum = 0
        cdef int r
        for r in range(self.n_threads):
            sum += self.own[r].b - now
        self.shared.b = now + part * sum
        for r in range(self.n_threads):
            self.own[r].b = self.shared.b

    def run_shared(self, int rank):
        """A thread's part of an epoch on the shared v (PASSCoDe, Hsieh et al. 2015, "wild").

        Additions that two threads make at once may be lost: v must be summed anew afterwards.
        """
        cdef int64_t j
        if self.p.X.index == FSGD_DENSE:
            raise ValueError("sync='hogwild' with solver='sdca' takes sparse rows only, as each "
                             "step on a dense row writes all weights; use sync='merge'")
        with nogil:
            while not fsgd_load_int(&self.shared.stop):
                j = fsgd_take(&self.shared.cursor, AT_ONCE)
                if j >= self.p.n_blocks:
                    break
                fsgd_run_ascent(&self.p, j, min(j + AT_ONCE, self.p.n_blocks),
                                &self.own[rank].tally, &self.shared.stop)

    def tally(self):
        """(gap, conjugate, visits) of the epoch so far, see include/ascent.h."""
        parts = [(self.own[r].tally.gap, self.own[r].tally.conjugate, self.own[r].tally.visits)
                 for r in range(self.n_threads)]
        return tuple(map(sum, zip(*parts, strict=True)))

    def stop(self):
        """Asks every thread to return after its tile."""
        fsgd_store_int(&self.shared.stop, 1)

    @property
    def n_blocks(self):
        """Blocks of the order."""
        return self.p.n_blocks

    @property
    def stopped(self):
        return bool(fsgd_load_int(&self.shared.stop))

    @property
    def gain(self):
        """Gain of the bias: how far it moves with the sum of the dual variables; 0: no bias."""
        return self.p.gain

    @gain.setter
    def gain(self, double gain):
        self.p.gain = gain

    @property
    def caution(self):
        """How much a step moves v and the bias: 1, or what the steps of others are allowed for."""
        return self.p.caution

    @caution.setter
    def caution(self, double caution):
        self.p.caution = caution

    @property
    def b(self):
        """The bias."""
        return self.shared.b

    @b.setter
    def b(self, double b):
        self.shared.b = b

    @property
    def dull(self):
        """Part of the gap up to which a row has nothing to gain; negative: every row has."""
        return self.p.dull

    @dull.setter
    def dull(self, double dull):
        self.p.dull = dull
