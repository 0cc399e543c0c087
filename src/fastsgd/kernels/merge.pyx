"""Threads that work on replicas and merge them: ``sync="merge"``.

The steps are those of include/epoch.inc on a thread's own weights; what is special is when and
how the changes of all replicas are added to the shared vector (include/merge.h).

How far apart replicas may go is estimated from a sample of the rows, which may miss what a few
rows or columns do. So each run also looks: rows that nobody has visited yet are asked, just before
a merge and just after it, what loss they meet (include/replicas.h).
"""

import weakref

import numpy as np

from fastsgd.kernels.cache_lines import zeroed_lines

from libc.math cimport INFINITY
from libc.stdint cimport int64_t
from libc.string cimport memcpy

from fastsgd.kernels.epoch cimport (
    fsgd_barrier_wait, fsgd_choose_tile, fsgd_clock, fsgd_load_i64, fsgd_load_int,
    fsgd_problem, fsgd_run_tiles, fsgd_take, fsgd_tally, fsgd_tile_fn, fsgd_try_lock, fsgd_unlock,
)
from fastsgd.kernels.rows cimport FSGD_F32
from fastsgd.kernels.schedules cimport fsgd_fill_eta
from fastsgd.kernels.sgd cimport Trainer, fsgd_shared

# Threads share the sweep of a merge in slices of whole cache lines.
cdef int64_t LINE = 16


cdef class Replicas:
    """The replicas of `n_threads` threads for one Trainer.

    Parameters
    ----------
    trainer : Trainer
        Without an average.
    n_threads : int
    in_order : bool
        True: static shares, merges at barriers in the order of the ranks, so that the same data,
        seed and number of threads give the same bits. False: a thread takes rows from a shared
        cursor and merges when the lock is free.
    shortest, longest : int
        Rows that a thread visits between two merges.
    reach : float
        What ``n_threads * rows * eta`` may be between two merges. Changes that were made apart
        overshoot along a direction of curvature c where that exceeds about 1 / c: so the
        interval gets shorter as eta gets longer, and where the shortest one is still too long
        only a part of the changes is added, down to their mean. INOUT: halved where merged
        weights meet far more loss than the replicas did.

    Attributes
    ----------
    halvings : int
        Of `reach`, so far.
    """

    cdef object __weakref__
    cdef Trainer trainer
    cdef int n_threads
    cdef readonly bint in_order
    cdef int64_t shortest, longest, length
    cdef double _reach
    cdef fsgd_looks looks  # of threads that merge in order
    cdef size_t kept  # address of the mean of the replicas at the last look
    cdef double kept_intercept
    cdef readonly int64_t halvings
    cdef fsgd_own *own
    cdef fsgd_meeting *meeting
    cdef size_t[::1] replica, base  # addresses
    cdef tuple _keep

    def __init__(self, Trainer trainer, int n_threads, bint in_order, *, int64_t shortest,
                 int64_t longest, double reach):
        cdef size_t at
        if trainer.p.average != NULL:
            raise ValueError("averages are made by one thread")
        if n_threads < 1 or shortest < 1 or longest < shortest:
            raise ValueError("n_threads >= 1 and 1 <= shortest <= longest")
        self.trainer, self.n_threads, self.in_order = trainer, n_threads, in_order
        self.shortest, self.longest, self._reach = shortest, longest, reach
        self.length = trainer.p.X.n_cols * (2 if trainer.p.l1 > 0 else 1)
        real = np.float32 if trainer.p.X.real == FSGD_F32 else np.float64
        vectors = [np.empty(self.length, real) for _ in range(n_threads * (1 if in_order else 2))]
        kept = np.empty(self.length if in_order else 0, real)
        self.kept = kept.ctypes.data
        addresses = np.array([vector.ctypes.data for vector in vectors], np.uintp)
        self.replica, self.base = addresses[:n_threads], addresses[n_threads:]
        own, at = zeroed_lines(n_threads * sizeof(fsgd_own))
        self.own = <fsgd_own *>at
        meeting, at = zeroed_lines(sizeof(fsgd_meeting))
        self.meeting = <fsgd_meeting *>at
        self._keep = (vectors, own, meeting, kept)
        for rank in range(n_threads):
            self.own[rank].tiles = -1
        trainer.replicas = weakref.ref(self)
        self.begin_epoch()

    def begin_epoch(self):
        """Forgets what was seen: an epoch is a function of the weights and `reach` before it.

        The first epoch, of the longest steps, begins with looks at every merge.
        """
        cdef fsgd_looks fresh = fsgd_looks(0, 0, -1, 0 if self.trainer.t == 1 else FSGD_SELDOM, 0,
                                           self.halvings, 1)
        self.looks = fresh
        for rank in range(self.n_threads):
            self.own[rank].looks = fresh

    @property
    def reach(self):
        return self._reach

    cdef double _eta(self, const fsgd_clock *clock) noexcept nogil:
        cdef double[32] eta
        fsgd_fill_eta(&self.trainer.p.schedule, clock.t, 1, eta)
        return eta[0]

    cdef int64_t _tiles_between(self, const fsgd_clock *clock) noexcept nogil:
        """Tiles that a thread visits between two merges from the state `clock` on."""
        cdef double rows = fsgd_load_f64(&self._reach) / (self.n_threads * self._eta(clock))
        rows = min(max(rows, <double>self.shortest), <double>self.longest)
        return max(1, <int64_t>(rows / FSGD_TILE))

    cdef double _part(self, const fsgd_clock *clock, int64_t tiles) noexcept nogil:
        """The share of the changes that is added: all that the reach allows, at least the mean.

        `tiles` were visited by all threads since the replica was like the shared weights.
        """
        cdef double steps = tiles * FSGD_TILE * self._eta(clock)
        return min(1.0, max(fsgd_load_f64(&self._reach) / steps, 1.0 / self.n_threads))

    cdef int64_t _apart(self, int64_t own, int64_t all_) noexcept nogil:
        """Tiles that count as visited apart, of `all_` since the last merge of who visited `own`.

        Only where both sides have gone far do their changes overshoot together: a thread that
        works while the others are held up, and one that was held up itself, add theirs whole.
        Twice the interval is let pass, since rows are taken in pieces and the lock may be busy.
        """
        cdef int64_t others = max(0, all_ - own) // max(1, self.n_threads - 1)
        return self.n_threads * max(1, min(own, others) // 2)

    def run(self, int rank):
        """A thread's part of the segment that `trainer.plan` made; all threads call this."""
        cdef fsgd_problem p = self.trainer.p
        cdef fsgd_tally tally = fsgd_tally(0, 0)
        p.w = <void *>self.replica[rank]
        p.intercept = &self.own[rank].intercept
        with nogil:
            if self.in_order:
                self._run_in_order(rank, &p, &tally)
            else:
                self._run_freely(rank, &p, &tally)
        self.own[rank].loss += tally.loss
        self.trainer.raise_unsound()

    cdef void _run_in_order(
            self, int rank, const fsgd_problem *p, fsgd_tally *tally) noexcept nogil:
        cdef fsgd_tile_fn tile = fsgd_choose_tile(p, 0)
        cdef fsgd_clock *clocks = self.trainer.clocks()
        cdef fsgd_shared *shared = self.trainer.shared
        cdef fsgd_clock clock
        cdef int64_t j = self.trainer.segment_begin, end = self.trainer.segment_end
        cdef int64_t share, first, last, done
        cdef double part, met
        cdef int64_t halvings
        cdef bint due
        cdef fsgd_looks looks = self.looks  # every thread draws the same conclusions
        cdef int64_t slice = (self.length // self.n_threads // LINE + 1) * LINE
        cdef int64_t slice_begin = min(self.length, rank * slice)
        cdef int64_t slice_end = min(self.length, slice_begin + slice)
        self._begin(rank)
        while j < end:
            share = self._tiles_between(&clocks[j])
            if end - j < share * self.n_threads:
                share = (end - j + self.n_threads - 1) // self.n_threads
            part = self._part(&clocks[j], self.n_threads * share)
            due = looks.rest <= 0 and part * self.n_threads > 1
            first = min(end, j + rank * share)
            last = min(end, first + share)
            met = tally.loss
            if first < last:
                clock = clocks[first]
                done = fsgd_run_tiles(p, tile, first, last, &clock, tally, NULL, &shared.stop)
                self.own[rank].tiles += done - first
                if done < last and fsgd_load_i64(&shared.unsound) >= 0:
                    return  # `run` raises, which stops the others
            self.own[rank].met = tally.loss - met
            done = j
            j = min(end, j + share * self.n_threads)
            looks.rest -= share
            if due:
                self.own[rank].apart = self._losses(p, tile, j + rank, end)
            if fsgd_barrier_wait(&self.meeting.barrier, self.n_threads, &shared.stop):
                return
            fsgd_compare_intervals(&looks, self._met(), j - done)
            if due:
                self._keep_mean(rank, slice_begin, slice_end)
            self._sum(part, slice_begin, slice_end)
            if rank == 0:
                self._sum_intercepts(part)
            if fsgd_barrier_wait(&self.meeting.barrier, self.n_threads, &shared.stop):
                return
            if due:
                self.own[rank].merged = self._losses(p, tile, j + rank, end)
                if fsgd_barrier_wait(&self.meeting.barrier, self.n_threads, &shared.stop):
                    return
                halvings = self._halvings_of_all(&looks)
                if halvings:
                    self._take_mean(rank, slice_begin, slice_end, halvings)
                    if fsgd_barrier_wait(&self.meeting.barrier, self.n_threads, &shared.stop):
                        return
        if rank == 0:
            self.looks = looks  # for the next segment

    cdef void _run_freely(self, int rank, const fsgd_problem *p, fsgd_tally *tally) noexcept nogil:
        cdef fsgd_tile_fn tile = fsgd_choose_tile(p, 0)
        cdef fsgd_clock *clocks = self.trainer.clocks()
        cdef fsgd_shared *shared = self.trainer.shared
        cdef fsgd_clock clock = clocks[self.trainer.segment_begin]
        cdef fsgd_own *own = &self.own[rank]
        cdef int64_t j, last, share, take, begun, since = 0
        cdef double met = 0
        cdef bint due
        cdef int never = 0  # what was taken is finished: the Trainer counts on it
        self._lock()
        self._begin(rank)
        begun = fsgd_load_i64(&shared.cursor)
        fsgd_unlock(&self.meeting.lock)
        share = self._tiles_between(&clocks[self.trainer.segment_begin])
        while not fsgd_load_int(&shared.stop) and fsgd_load_i64(&shared.unsound) < 0:
            take = min(share, 16)
            j = fsgd_take(&shared.cursor, take)
            if j >= self.trainer.segment_end:
                break
            last = min(j + take, self.trainer.segment_end)
            clock = clocks[j]
            share = self._tiles_between(&clock)
            fsgd_run_tiles(p, tile, j, last, &clock, tally, NULL, &never)
            since += last - j
            own.looks.rest -= last - j
            if since >= share and fsgd_try_lock(&self.meeting.lock):
                j = fsgd_load_i64(&shared.cursor)
                due = own.looks.rest <= 0 and j < self.trainer.segment_end
                if due:
                    own.apart = self._losses(p, tile, j, self.trainer.segment_end)
                self._exchange(rank, self._part(&clock, self._apart(since, j - begun)))
                if due:
                    own.merged = self._losses(p, tile, j, self.trainer.segment_end)
                    self._judge_own(own)
                fsgd_unlock(&self.meeting.lock)
                fsgd_compare_intervals(&own.looks, tally.loss - met, since)
                since, begun, met = 0, j, tally.loss
        self._lock()
        j = fsgd_load_i64(&shared.cursor)
        self._exchange(rank, self._part(&clock, self._apart(since, j - begun)))
        fsgd_unlock(&self.meeting.lock)

    cdef double _losses(self, const fsgd_problem *p, fsgd_tile_fn tile, int64_t j,
                        int64_t end) noexcept nogil:
        """Loss of a replica in tile j < end without a step: p with steps of 0, none clipped."""
        cdef fsgd_problem problem = p[0]
        cdef fsgd_clock clock
        cdef fsgd_tally tally = fsgd_tally(0, 0)
        cdef int never = 0
        if j >= end:
            return 0
        clock = self.trainer.clocks()[j]
        clock.l1_total = -INFINITY
        problem.schedule.kind, problem.schedule.eta0 = FSGD_SCHEDULE_CONSTANT, 0
        fsgd_run_tiles(&problem, tile, j, j + 1, &clock, &tally, NULL, &never)
        return tally.loss

    cdef double _met(self) noexcept nogil:
        """The loss of all threads since the last merge; between two barriers."""
        cdef double sum = 0
        cdef int r
        for r in range(self.n_threads):
            sum += self.own[r].met
        return sum

    cdef int64_t _halvings_of_all(self, fsgd_looks *looks) noexcept nogil:
        """The same answer for every thread, from what all have seen; between two barriers."""
        cdef double apart = 0, merged = 0
        cdef int r
        for r in range(self.n_threads):
            apart += self.own[r].apart
            merged += self.own[r].merged
        return fsgd_halvings_due(looks, apart, merged)

    cdef void _keep_mean(self, int rank, int64_t begin, int64_t end) noexcept nogil:
        """Before a merge in order: what is taken if it goes too far, as the mean never does."""
        cdef double now = self.trainer.shared.intercept, sum = 0
        cdef int r
        if self.trainer.p.X.real == FSGD_F32:
            fsgd_mean_f32(<float *>self.trainer.p.w, <float *const *>&self.replica[0],
                          self.n_threads, <float *>self.kept, begin, end)
        else:
            fsgd_mean_f64(<double *>self.trainer.p.w, <double *const *>&self.replica[0],
                          self.n_threads, <double *>self.kept, begin, end)
        if rank == 0:
            for r in range(self.n_threads):
                sum += self.own[r].intercept - now
            self.kept_intercept = now + sum / self.n_threads

    cdef void _take_mean(self, int rank, int64_t begin, int64_t end,
                         int64_t halvings) noexcept nogil:
        """Undoes a merge that went too far, a slice by each thread, and halves the reach."""
        cdef size_t size = 4 if self.trainer.p.X.real == FSGD_F32 else 8
        cdef const void *mean = <const void *>(self.kept + begin * size)
        cdef size_t at = <size_t>self.trainer.p.w
        cdef int r
        memcpy(<void *>(at + begin * size), mean, (end - begin) * size)
        for r in range(self.n_threads):
            memcpy(<void *>(self.replica[r] + begin * size), mean, (end - begin) * size)
        self.own[rank].intercept = self.kept_intercept
        if rank == 0:
            self.trainer.shared.intercept = self.kept_intercept
            self._halve(halvings)

    cdef void _judge_own(self, fsgd_own *own) noexcept nogil:
        """Halves the reach if one thread, which has the lock, went too far; not twice for one
        cause: what others have halved counts."""
        cdef bint known = own.looks.halvings == self.halvings
        cdef int64_t halvings = fsgd_halvings_due(&own.looks, own.apart, own.merged)
        if known:
            self._halve(halvings)
        if not known:
            own.looks.apart = own.looks.merged = 0
        own.looks.halvings = self.halvings

    cdef void _halve(self, int64_t times) noexcept nogil:
        fsgd_store_f64(&self._reach, fsgd_load_f64(&self._reach) * 0.5**times)
        self.halvings += times

    cdef void _lock(self) noexcept nogil:
        while not fsgd_try_lock(&self.meeting.lock):
            sched_yield()

    cdef void _begin(self, int rank) noexcept nogil:
        """The replica as the shared weights are; its thread touches the memory first."""
        cdef size_t bytes = self.length * (4 if self.trainer.p.X.real == FSGD_F32 else 8)
        memcpy(<void *>self.replica[rank], self.trainer.p.w, bytes)
        self.own[rank].intercept = self.trainer.shared.intercept
        self.own[rank].tiles = 0
        if not self.in_order:
            memcpy(<void *>self.base[rank], self.trainer.p.w, bytes)
            self.own[rank].base_intercept = self.trainer.shared.intercept

    cdef void _sum(self, double part, int64_t begin, int64_t end) noexcept nogil:
        if self.trainer.p.X.real == FSGD_F32:
            fsgd_sum_f32(<float *>self.trainer.p.w, <float *const *>&self.replica[0],
                         self.n_threads, part, begin, end)
        else:
            fsgd_sum_f64(<double *>self.trainer.p.w, <double *const *>&self.replica[0],
                         self.n_threads, part, begin, end)

    cdef void _sum_intercepts(self, double part) noexcept nogil:
        cdef double now = self.trainer.shared.intercept, sum = 0
        cdef int r
        for r in range(self.n_threads):
            sum += self.own[r].intercept - now
        sum = now + part * sum
        self.trainer.shared.intercept = sum
        for r in range(self.n_threads):
            self.own[r].intercept = sum

    cdef void _exchange(self, int rank, double part) noexcept nogil:
        cdef fsgd_own *own = &self.own[rank]
        cdef double change = own.intercept - own.base_intercept
        cdef double now = self.trainer.shared.intercept
        now += part * change
        self.trainer.shared.intercept = own.intercept = own.base_intercept = now
        if self.trainer.p.X.real == FSGD_F32:
            fsgd_exchange_f32(<float *>self.trainer.p.w, <float *>self.replica[rank],
                              <float *>self.base[rank], part, self.length)
        else:
            fsgd_exchange_f64(<double *>self.trainer.p.w, <double *>self.replica[rank],
                              <double *>self.base[rank], part, self.length)

    def collect(self):
        """Ends a segment, when all threads have returned: adds up their losses.

        What threads that were stopped have not merged is merged here.
        """
        cdef Trainer t = self.trainer
        cdef bint stopped = self.in_order and fsgd_load_int(&t.shared.stop)
        cdef int64_t tiles = 0
        cdef int r
        for r in range(self.n_threads):
            t.tally.loss += self.own[r].loss
            self.own[r].loss = 0
            if self.own[r].tiles < 0 and stopped:
                self._begin(r)
            tiles += self.own[r].tiles
            self.own[r].tiles = -1
        if stopped and tiles > 0:
            self._sum(1, 0, self.length)
            self._sum_intercepts(1)
            t.shared.cursor = t.segment_begin + tiles
