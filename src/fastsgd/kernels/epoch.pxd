"""Declarations of include/epoch.h and atomics.h."""

from libc.stdint cimport int64_t

from fastsgd.kernels.rows cimport fsgd_rows
from fastsgd.kernels.schedules cimport fsgd_schedule


cdef extern from "atomics.h" nogil:
    int64_t fsgd_take(int64_t *cursor, int64_t n)
    int fsgd_load_int(const int *p)
    int64_t fsgd_load_i64(const int64_t *p)
    void fsgd_store_int(int *p, int x)

cdef extern from "barrier.h" nogil:
    ctypedef struct fsgd_barrier:
        pass

    int fsgd_barrier_wait(fsgd_barrier *b, int n, const int *stop)
    int fsgd_try_lock(int *lock)
    void fsgd_unlock(int *lock)

cdef extern from "simd.h" nogil:
    int fsgd_vector_bytes(int limit)

cdef extern from "epoch.h" nogil:
    ctypedef struct fsgd_problem:
        fsgd_rows X
        int vector
        const double *y
        const double *sample_weight
        double weight_pos
        double weight_neg
        const int64_t *blocks
        const int64_t *row
        int64_t n_visits
        int64_t *unsound
        int loss
        double loss_constant
        double l1
        double l2
        fsgd_schedule schedule
        double intercept_decay
        int64_t average_from
        void *w
        double *average
        double *intercept

    ctypedef struct fsgd_clock:
        double t
        double scale
        double l1_total
        double scale_sum

    ctypedef struct fsgd_tally:
        double loss
        double intercept_sum

    ctypedef struct fsgd_turns:
        int64_t *turn
        const int *stop
        int rank
        int n_threads

    ctypedef void *fsgd_tile_fn

    int fsgd_tile_rows(const fsgd_problem *p, int64_t j, int64_t *row)
    fsgd_tile_fn fsgd_choose_tile(const fsgd_problem *p, int shared)
    int64_t fsgd_run_tiles(const fsgd_problem *p, fsgd_tile_fn tile, int64_t begin, int64_t end,
                           fsgd_clock *clock, fsgd_tally *tally, const fsgd_turns *turns,
                           const int *stop)
    void fsgd_fold(const fsgd_problem *p, fsgd_clock *clock)
    void fsgd_settle_l1(const fsgd_problem *p, fsgd_clock *clock)
    int64_t fsgd_plan(const fsgd_problem *p, int64_t begin, int64_t end, fsgd_clock *clock,
                      fsgd_clock *clocks)
    void fsgd_rewind(const fsgd_problem *p, const fsgd_clock *clocks, int64_t j, double t,
                     fsgd_clock *clock)
