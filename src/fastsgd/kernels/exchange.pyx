"""One rank's end of a shared segment: the collectives of include/ring.h and exchange.h.

Every method that waits lets other threads run, looks at the signals of Python every 50 ms, and
returns a status: 0, or what `Exchange.verdict` and the caller make an error of.
"""

import numpy as np

cimport numpy as cnp
from cpython.exc cimport PyErr_CheckSignals
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t
from libc.string cimport memset

cnp.import_array()

cdef extern from "segment.h" nogil:
    int FSGD_MAX_RANKS, FSGD_REASON
    ctypedef struct fsgd_counter:
        uint32_t value
    ctypedef struct fsgd_header:
        uint32_t trouble
        int32_t by
        char reason[800]
        uint32_t polling
        int32_t most_looks
        double yield_seconds
    ctypedef struct fsgd_entry:
        int64_t length
        uint64_t signature
    ctypedef struct fsgd_slot:
        fsgd_counter progress
        uint32_t dead
        uint32_t late
    ctypedef struct fsgd_comm:
        char *base
        int32_t rank
        int32_t size
        uint32_t step
        int32_t at_step
        int32_t peer
        int32_t looks
        int64_t piece
        int64_t block
        double timeout
        int (*poll)(void *) noexcept nogil
        void *poll_with
    fsgd_header *fsgd_header_of(const fsgd_comm *c)
    fsgd_slot *fsgd_slot_of(const fsgd_comm *c, int rank)
    fsgd_entry *fsgd_entry_of(const fsgd_comm *c, int rank)
    int64_t fsgd_control_bytes(int64_t size)

cdef extern from "waiting.h" nogil:
    int FSGD_INTERRUPTED, FSGD_LEAST_LOOKS
    void fsgd_raise(const fsgd_comm *c, uint32_t trouble, int by, const char *reason)

cdef extern from "reduce.h" nogil:
    ctypedef void (*fsgd_reduce_fn)(void *dst, const void **source, int n, int64_t length)
    fsgd_reduce_fn fsgd_choose_reduce(int type, int op)

cdef extern from "exchange.h" nogil:
    ctypedef struct fsgd_call:
        int collective
        int type
        int op
        int root
        int64_t offset
        int64_t length
        int64_t itemsize
    int fsgd_arrive_all(fsgd_comm *c, const fsgd_call *call, int same_length)
    int fsgd_exchange_run(fsgd_comm *c, const fsgd_call *call, fsgd_reduce_fn reduce, int gather)
    int fsgd_exchange_broadcast(fsgd_comm *c, const fsgd_call *call)
    int fsgd_exchange_parts(fsgd_comm *c, const fsgd_call *call, char *joined)

cdef extern from "ring.h" nogil:
    int fsgd_ring_run(fsgd_comm *c, const fsgd_call *call, fsgd_reduce_fn reduce, int gather)

cdef extern from "mailbox.h" nogil:
    int fsgd_message(fsgd_comm *c, const fsgd_call *call, char *data, int write, int peer)

MAX_RANKS = FSGD_MAX_RANKS
COLLECTIVES = ("barrier", "all_reduce", "reduce_scatter", "all_gather", "all_gatherv",
               "broadcast", "message")
MISMATCH = 2
"""The status of ranks that call different collectives."""

FINE, ABORTED, LATE, PEER_FAILED = range(4)
"""The verdicts."""

cdef enum:
    BARRIER, ALL_REDUCE, REDUCE_SCATTER, ALL_GATHER, ALL_GATHERV, BROADCAST, MESSAGE


def control_bytes(int size):
    """Bytes of a segment of `size` ranks before the first arena."""
    return fsgd_control_bytes(size)


def name_of_type(int number):
    """The name of numpy's type of this number: float32."""
    return cnp.PyArray_DescrFromType(number).name


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
        """The status; an exception of a signal handler is raised."""
        if status == FSGD_INTERRUPTED:
            error, self.pending = self.pending, None
            raise error
        return status

    cdef fsgd_call _call(self, cnp.ndarray flat, int collective, int op=-1, int root=0):
        cdef fsgd_call call
        memset(&call, 0, sizeof(call))
        call.collective = collective
        call.op = op
        call.root = root
        if flat is not None:
            call.type = cnp.PyArray_TYPE(flat)
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

    def all_reduce(self, cnp.ndarray flat, int type, int op, bint ring):
        cdef fsgd_call call = self._call(flat, ALL_REDUCE, op)
        cdef fsgd_reduce_fn reduce = fsgd_choose_reduce(type, op)
        cdef int status
        with nogil:
            if ring:
                status = fsgd_ring_run(&self.c, &call, reduce, 1)
            else:
                status = fsgd_exchange_run(&self.c, &call, reduce, 1)
        return self._told(status)

    def reduce_scatter(self, cnp.ndarray flat, int type, int op, bint ring):
        cdef fsgd_call call = self._call(flat, REDUCE_SCATTER, op)
        cdef fsgd_reduce_fn reduce = fsgd_choose_reduce(type, op)
        cdef int status
        with nogil:
            if ring:
                status = fsgd_ring_run(&self.c, &call, reduce, 0)
            else:
                status = fsgd_exchange_run(&self.c, &call, reduce, 0)
        return self._told(status)

    def all_gather(self, cnp.ndarray flat, bint ring):
        cdef fsgd_call call = self._call(flat, ALL_GATHER)
        cdef int status
        with nogil:
            if ring:
                status = fsgd_ring_run(&self.c, &call, NULL, 1)
            else:
                status = fsgd_exchange_run(&self.c, &call, NULL, 1)
        return self._told(status)

    def begin_parts(self, cnp.ndarray flat):
        """First half of all_gatherv: (status, number of elements of each rank's part)."""
        cdef fsgd_call call = self._call(flat, ALL_GATHERV)
        cdef int status, k
        with nogil:
            status = fsgd_arrive_all(&self.c, &call, 0)
        return self._told(status), np.array(
            [fsgd_entry_of(&self.c, k).length for k in range(self.c.size)], np.int64)

    def end_parts(self, cnp.ndarray flat, cnp.ndarray joined):
        """Second half: copies all parts into `joined`."""
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
        """How ranks wait: whether they poll, how often they look at most before they yield, for
        how long they yield before they sleep."""
        cdef fsgd_header *header = fsgd_header_of(&self.c)
        header.polling = polling
        header.most_looks = most_looks
        header.yield_seconds = yield_seconds

    def tell(self, int trouble, int by, str reason=""):
        """Wakes all ranks with a verdict, unless there is one already."""
        cdef bytes text = reason.encode()[:FSGD_REASON - 1]
        cdef const char *chars = text
        with nogil:
            fsgd_raise(&self.c, trouble, by, chars)

    def mark_dead(self, int rank):
        """A rank has died: all ranks are told."""
        fsgd_slot_of(&self.c, rank).dead = 1
        self.tell(PEER_FAILED, rank)

    def mark_late(self, int rank):
        """A rank stands still: all ranks are told."""
        fsgd_slot_of(&self.c, rank).late = 1
        self.tell(LATE, -1)

    def verdict(self):
        """(kind, rank that told it, its reason, ranks concerned)."""
        cdef fsgd_header *header = fsgd_header_of(&self.c)
        cdef int kind = header.trouble, k
        cdef list ranks = []
        for k in range(self.c.size):
            if (fsgd_slot_of(&self.c, k).dead if kind == PEER_FAILED
                    else fsgd_slot_of(&self.c, k).late):
                ranks.append(k)
        reason = (<bytes>header.reason).decode(errors="replace") if kind == ABORTED else ""
        return kind, header.by, reason, ranks

    def calls_of(self, int rank):
        """What a rank calls: (collective, numpy's type number, number of op, root, length)."""
        cdef fsgd_entry *entry = fsgd_entry_of(&self.c, rank)
        cdef uint64_t s = entry.signature
        return (COLLECTIVES[s >> 48], <int>(s >> 24 & 0xffff), <int>(s >> 40 & 0xff) - 1,
                <int>(s & 0xffffff), entry.length)


cdef extern from *:
    """
    #ifdef __linux__
    #include <signal.h>
    #include <sys/prctl.h>
    static void fsgd_die_with_parent(void) { prctl(PR_SET_PDEATHSIG, SIGKILL); }
    #else
    static void fsgd_die_with_parent(void) {}
    #endif
    """
    void fsgd_die_with_parent()


def die_with_parent():
    """Linux: kills this process when the thread that started it ends; elsewhere does nothing."""
    fsgd_die_with_parent()
