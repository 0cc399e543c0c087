"""Declarations of include/sums.h."""

from libc.stdint cimport int64_t

from fastsgd.kernels.epoch cimport fsgd_barrier
from fastsgd.kernels.rows cimport fsgd_rows


cdef extern from "sums.h" nogil:
    int FSGD_GRADIENT
    int FSGD_MOVED
    int FSGD_PRODUCT
    int FSGD_ALONG
    int FSGD_LINE
    int FSGD_SQUARES

    ctypedef struct fsgd_sums:
        fsgd_rows X
        int vector
        const int64_t *row
        const double *y
        const double *sample_weight
        double weight_pos
        double weight_neg
        int loss
        double loss_constant
        int task
        const double *w
        double b
        double eta
        double *z
        double *dz
        double *curvature

    ctypedef struct fsgd_part:
        double value
        double slope
        double curve

    ctypedef void (*fsgd_map_fn)(const fsgd_sums *p, int64_t begin, int64_t end, double *vector,
                                 fsgd_part *part) noexcept nogil
    int fsgd_task_reads(int task)
    int fsgd_task_sums(int task)
    fsgd_map_fn fsgd_choose_map(const fsgd_sums *p)
    void fsgd_reduce(const double *sums, int64_t stride, int64_t n_shards, int64_t begin,
                     int64_t end, double *out)

    ctypedef struct fsgd_gathering:
        int64_t shard
        int64_t slice
        int stop
        fsgd_barrier barrier
