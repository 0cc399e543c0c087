"""Declarations of a Trainer for other kernels."""

from libc.stdint cimport int64_t

from fastsgd.kernels.epoch cimport fsgd_clock, fsgd_problem, fsgd_tally
from fastsgd.kernels.rows cimport Rows


cdef extern from *:
    """
    /* What threads write, each on a cache line of its own. */
    typedef struct {
        _Alignas(64) double intercept;
        _Alignas(64) int64_t cursor;
        _Alignas(64) int64_t turn;
        _Alignas(64) int stop;
        _Alignas(64) int64_t unsound;
    } fsgd_shared;
    """
    ctypedef struct fsgd_shared:
        double intercept
        int64_t cursor
        int64_t turn
        int stop
        int64_t unsound


cdef class Trainer:
    cdef fsgd_problem p
    cdef fsgd_clock clock
    cdef fsgd_tally tally
    cdef fsgd_shared *shared
    cdef object _buffer, _clocks, _order
    cdef size_t _clocks_at
    cdef tuple _keep
    cdef Rows _rows
    cdef object replicas  # a weak reference, or None
    cdef int64_t segment_begin, segment_end
    cdef readonly int64_t n_tiles
    cdef fsgd_clock *clocks(self) noexcept nogil
    cdef _rewind(self)
