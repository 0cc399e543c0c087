"""One rank's end of a shared segment: the collectives of include/ring.h and exchange.h.

Every method that waits lets other threads run, looks at the signals of Python every 50 ms, and
returns a status: 0, or what `Exchange.verdict` and the caller make an error of.
"""

import numpy as np

cimport numpy as cnp
from cpython.exc cimport PyErr_CheckSignals
from libc.stdint cimport int64_t, uint64_t
from libc.string cimport memset

cnp.import_array()

MAX_RANKS = FSGD_MAX_RANKS
COLLECTIVES = ("barrier", "all_reduce", "reduce_scatter", "all_gather", "all_gatherv",
               "broadcast", "message")
MISMATCH = FSGD_MISMATCH
"""The status of ranks that call different collectives."""

FINE, ABORTED, LATE, PEER_FAILED = 0, FSGD_ABORTED, FSGD_LATE, FSGD_PEER_FAILED
"""The verdicts."""

cdef enum:
    BARRIER, ALL_REDUCE, REDUCE_SCATTER, ALL_GATHER, ALL_GATHERV, BROADCAST, MESSAGE


def control_bytes(int size):
    """Bytes of a segment of `size` ranks before the first arena."""
    return fsgd_control_bytes(size)


cdef int _poll(void *end) noexcept nogil:
    with gil:
        return (<Exchange>end)._check_signals()


cdef class Exchange:
    """One rank's end.

    Parameters
    ----------
    segment : writable buffer
        Zeros at the beginning, one and the same for all ranks; it begins at a cache line.
    rank : int
        -1: an end that only looks and tells, as a parent has.
    size : int
    timeout : float
        Seconds.
    arena : (int, int), optional
        Begin and end of the bytes of the segment in which buffers lie that need no copy. None:
        ranks are threads, so buffers may lie anywhere.
    """

    cdef fsgd_comm c
    cdef const unsigned char[::1] segment
    cdef char *arena_begin
    cdef char *arena_end
    cdef bint anywhere
    cdef object pending

    def __init__(self, unsigned char[::1] segment, int rank, int size, double timeout, arena=None):
        if not 1 <= size <= FSGD_MAX_RANKS:
            raise ValueError(f"world_size must be 1 to {FSGD_MAX_RANKS}, got {size}")
        if segment.shape[0] < fsgd_control_bytes(size):
            raise ValueError(f"a segment of {size} ranks begins with {fsgd_control_bytes(size)} "
                             f"bytes, this one has {segment.shape[0]}")
        memset(&self.c, 0, sizeof(self.c))
        self.segment = segment
        self.c.base = <char *>&segment[0]
        self.c.rank = rank
        self.c.size = size
        self.c.timeout = timeout
        self.c.looks = FSGD_LEAST_LOOKS
        if rank >= 0:
            self.c.step = fsgd_slot_of(&self.c, rank).progress.value
        self.c.piece = 16384
        self.c.block = 131072
        self.c.poll = _poll
        self.c.poll_with = <void *>self
        self.anywhere = arena is None
        if arena is not None:
            self.arena_begin = self.c.base + <int64_t>arena[0]
            self.arena_end = self.c.base + <int64_t>arena[1]

    cdef int _check_signals(self) noexcept:
        try:
            PyErr_CheckSignals()
            return 0
        except BaseException as error:
            self.pending = error
            return 1

    cdef int _told(self, int status) except -1:
        """The status; an exception of a signal handler is raised, and ends the others' wait.

        This rank has left in the middle: nobody can go on with it.
        """
        if status == FSGD_INTERRUPTED:
            error, self.pending = self.pending, None
            self.tell(ABORTED, self.c.rank, f"interrupted by {type(error).__name__}")
            raise error
        return status

    cdef fsgd_call _call(self, cnp.ndarray flat, int collective, int op=-1, int64_t detail=0):
        cdef fsgd_call call
        memset(&call, 0, sizeof(call))
        call.collective = collective
        call.op = op
        call.detail = detail
        if flat is not None:
            call.type = flat.descr.kind << 8 | cnp.PyArray_ITEMSIZE(flat)
            call.itemsize = cnp.PyArray_ITEMSIZE(flat)
            call.length = cnp.PyArray_SIZE(flat)
            call.offset = <char *>cnp.PyArray_DATA(flat) - self.c.base
        return call

    @property
    def piece(self):
        """Bytes of a segment of the ring; alike on all ranks."""
        return self.c.piece

    @piece.setter
    def piece(self, value):
        self.c.piece = value

    @property
    def block(self):
        """Bytes of a block of the direct exchange; alike on all ranks."""
        return self.c.block

    @block.setter
    def block(self, value):
        self.c.block = value

    @property
    def at(self):
        """(step, peer) of the collective that ended last; peer -1: nobody in particular."""
        return self.c.at_step, self.c.peer

    def shares(self, cnp.ndarray flat):
        """Whether all ranks can read this array where it lies."""
        cdef char *data = <char *>cnp.PyArray_DATA(flat)
        return self.anywhere or (
            self.arena_begin <= data and data + cnp.PyArray_NBYTES(flat) <= self.arena_end)

    def reduce(self, cnp.ndarray flat, int type, int op, bint ring, bint gather):
        """All-reduce; without `gather` reduce-scatter."""
        cdef fsgd_call call = self._call(
            flat, ALL_REDUCE if gather else REDUCE_SCATTER, op, ring)
        cdef fsgd_reduce_fn reduce = fsgd_choose_reduce(type, op)
        cdef int status
        with nogil:
            if ring:
                status = fsgd_ring_run(&self.c, &call, reduce, gather)
            else:
                status = fsgd_exchange_run(&self.c, &call, reduce, gather)
        return self._told(status)

    def all_gather(self, cnp.ndarray flat, bint ring):
        cdef fsgd_call call = self._call(flat, ALL_GATHER, -1, ring)
        cdef int status
        with nogil:
            if ring:
                status = fsgd_ring_run(&self.c, &call, NULL, 1)
            else:
                status = fsgd_exchange_run(&self.c, &call, NULL, 1)
        return self._told(status)

    def begin_parts(self, cnp.ndarray flat, int64_t row):
        """First half of all_gatherv: (status, number of elements of each rank's part).

        `row` is the number of elements of a row of the parts, alike on all ranks.
        """
        cdef fsgd_call call = self._call(flat, ALL_GATHERV, -1, row)
        cdef int status, k
        with nogil:
            status = fsgd_arrive_all(&self.c, &call, 0)
        return self._told(status), np.array(
            [fsgd_entry_of(&self.c, k).length for k in range(self.c.size)], np.int64)

    def end_parts(self, cnp.ndarray flat, cnp.ndarray joined):
        """Second half: copies all parts into `joined`, which is as long as all of them."""
        cdef fsgd_call call = self._call(flat, ALL_GATHERV)
        cdef char *to = <char *>cnp.PyArray_DATA(joined)
        cdef int status
        with nogil:
            status = fsgd_exchange_parts(&self.c, &call, to)
        return self._told(status)

    def broadcast(self, cnp.ndarray flat, int root):
        cdef fsgd_call call = self._call(flat, BROADCAST, -1, root)
        cdef int status
        with nogil:
            status = fsgd_exchange_broadcast(&self.c, &call)
        return self._told(status)

    def message(self, cnp.ndarray flat, bint write, int peer):
        """Sends (write) or receives; the array may lie anywhere."""
        cdef fsgd_call call = self._call(flat, MESSAGE)
        cdef char *data = <char *>cnp.PyArray_DATA(flat)
        cdef int status
        with nogil:
            status = fsgd_message(&self.c, &call, data, write, peer)
        return self._told(status)

    def barrier(self, double timeout):
        cdef fsgd_call call = self._call(None, BARRIER)
        cdef double usual = self.c.timeout
        cdef int status
        self.c.timeout = timeout
        with nogil:
            status = fsgd_arrive_all(&self.c, &call, 1)
        self.c.timeout = usual
        return self._told(status)

    # What a parent and its watcher use, too.

    def configure(self, bint polling, int most_looks, double yield_seconds):
        """Before there are ranks: how they wait, whether they poll, how often they look at most
        before they yield, for how long they yield before they sleep."""
        cdef fsgd_header *header = fsgd_header_of(&self.c)
        cdef int rank
        header.polling = polling
        header.most_looks = most_looks
        header.yield_seconds = yield_seconds
        for rank in range(self.c.size):
            fsgd_slot_of(&self.c, rank).progress.value = FSGD_FIRST_STEP

    def tell(self, int trouble, int by, str reason=""):
        """Wakes all ranks with a verdict, unless there is one already."""
        cdef bytes text = reason.encode(errors="backslashreplace")[:FSGD_REASON - 1]
        cdef const char *chars = text
        with nogil:
            fsgd_raise(&self.c, trouble, by, chars)

    def mark_dead(self, int rank):
        """A rank has died: all ranks are told."""
        fsgd_store_int(&fsgd_slot_of(&self.c, rank).dead, 1)
        self.tell(PEER_FAILED, rank)

    def mark_late(self, int rank):
        """A rank stands still: all ranks are told."""
        fsgd_store_int(&fsgd_slot_of(&self.c, rank).late, 1)
        self.tell(LATE, -1)

    def verdict(self):
        """(kind, rank that told it, its reason, ranks concerned)."""
        cdef fsgd_header *header = fsgd_header_of(&self.c)
        cdef int kind = fsgd_trouble(&self.c), k
        cdef list ranks = []
        for k in range(self.c.size):
            if fsgd_load_int(&fsgd_slot_of(&self.c, k).dead if kind == FSGD_PEER_FAILED
                             else &fsgd_slot_of(&self.c, k).late):
                ranks.append(k)
        if kind != FSGD_ABORTED:
            return kind, -1, "", ranks
        return kind, header.by, (<bytes>header.reason).decode(errors="replace"), ranks

    def calls_of(self, int rank):
        """Signature of a rank's call in the present collective, as `_told_by` has it."""
        cdef fsgd_entry *entry = fsgd_entry_of(&self.c, rank)
        return _told_by(entry.signature, entry.length)

    def came(self):
        """The message that has come where another was expected, as `_told_by` has it."""
        return _told_by(self.c.came[0], <int64_t>self.c.came[1])


cdef _told_by(uint64_t s, int64_t length):
    """Parts of a signature: (collective, dtype, number of op, detail, length)."""
    kind, itemsize = chr(<int>(s >> 32 & 0xff)), <int>(s >> 24 & 0xff)
    dtype = np.dtype(f"{kind}{itemsize}").name if itemsize else None
    return COLLECTIVES[s >> 48], dtype, <int>(s >> 40 & 0xff) - 1, <int>(s & 0xffffff), length


def die_with_parent():
    """Linux: kills this process when the thread that started it ends; elsewhere does nothing."""
    fsgd_die_with_parent()
