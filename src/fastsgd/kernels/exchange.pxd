# Declarations of the headers of a shared segment and its collectives, for exchange.pyx.

from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t


cdef extern from "atomics.h" nogil:
    int fsgd_load_int(const int *p)
    void fsgd_store_int(int *p, int x)

cdef extern from "segment.h" nogil:
    int FSGD_MAX_RANKS, FSGD_REASON, FSGD_ABORTED, FSGD_LATE, FSGD_PEER_FAILED
    uint32_t FSGD_FIRST_STEP
    ctypedef struct fsgd_counter:
        uint32_t value
    ctypedef struct fsgd_header:
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
        int dead
        int late
    ctypedef struct fsgd_comm:
        char *base
        int32_t rank
        int32_t size
        uint32_t step
        int32_t at_step
        int32_t peer
        uint64_t came[2]
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
    int FSGD_INTERRUPTED, FSGD_MISMATCH, FSGD_LEAST_LOOKS
    uint32_t fsgd_trouble(const fsgd_comm *c)
    void fsgd_raise(const fsgd_comm *c, uint32_t trouble, int by, const char *reason)

cdef extern from "reduce.h" nogil:
    ctypedef void (*fsgd_reduce_fn)(void *dst, const void **source, int n, int64_t length)
    fsgd_reduce_fn fsgd_choose_reduce(int type, int op)

cdef extern from "exchange.h" nogil:
    ctypedef struct fsgd_call:
        int collective
        int type
        int op
        int64_t detail
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

cdef extern from "parent.h":
    void fsgd_die_with_parent()
