# Declarations of include/ascent.h and of what threads share there, for ascent.pyx.

from libc.stdint cimport int64_t, uint64_t

from fastsgd.kernels.epoch cimport fsgd_barrier
from fastsgd.kernels.rows cimport fsgd_rows


cdef extern from "merge.h" nogil:
    void fsgd_sum_f64(double *w, double *const *replica, int n, double part, int64_t begin,
                      int64_t end)

cdef extern from "ascent.h" nogil:
    ctypedef struct fsgd_dual_row:
        double y
        double c
        double square
        double beta

    ctypedef struct fsgd_rest:
        pass

    ctypedef struct fsgd_ascent:
        fsgd_rows X
        fsgd_dual_row *row
        fsgd_rest *rest
        const int64_t *blocks
        int64_t n_blocks
        int64_t block_rows
        int loss
        double loss_constant
        double l1
        double l2
        double gain
        double caution
        double dull
        double *v
        double *b

    ctypedef struct fsgd_ascent_tally:
        double gap
        double conjugate
        int64_t visits

    int64_t fsgd_run_ascent(const fsgd_ascent *p, int64_t begin, int64_t end,
                            fsgd_ascent_tally *tally, const int *stop)
    int64_t fsgd_list_busy(const fsgd_ascent *p, int64_t *row)
    void fsgd_run_busy(const fsgd_ascent *p, int64_t *row, int64_t n, int64_t most, uint64_t seed,
                       uint64_t epoch, double *centre, fsgd_ascent_tally *tally,
                       const int *stop)
    int64_t fsgd_squares(const fsgd_rows *X, int64_t begin, int64_t end, fsgd_dual_row *row,
                         double *work)

cdef extern from *:
    """
    /* Where threads meet, and what each counts: all on cache lines of their own. */
    typedef struct {
        _Alignas(64) double b;
        _Alignas(64) int64_t cursor;
        _Alignas(64) int stop;
        fsgd_barrier barrier;
    } fsgd_ascent_shared;
    typedef struct {
        _Alignas(64) double b;
        fsgd_ascent_tally tally;
    } fsgd_ascent_own;
    """
    ctypedef struct fsgd_ascent_shared:
        double b
        int64_t cursor
        int stop
        fsgd_barrier barrier

    ctypedef struct fsgd_ascent_own:
        double b
        fsgd_ascent_tally tally
