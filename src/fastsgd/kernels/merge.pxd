"""Declarations of include/merge.h and replicas.h, and of what else `merge` takes from C."""

from libc.stdint cimport int64_t

from fastsgd.kernels.epoch cimport fsgd_barrier


cdef extern from "fsgd.h":
    int FSGD_TILE

cdef extern from "atomics.h" nogil:
    double fsgd_load_f64(const double *p)
    void fsgd_store_f64(double *p, double x)

cdef extern from "schedules.h":
    int FSGD_SCHEDULE_CONSTANT

cdef extern from "sched.h" nogil:
    int sched_yield()

cdef extern from "merge.h" nogil:
    void fsgd_sum_f32(float *w, float *const *replica, int n, float part, int64_t begin,
                      int64_t end)
    void fsgd_sum_f64(double *w, double *const *replica, int n, double part, int64_t begin,
                      int64_t end)
    void fsgd_exchange_f32(float *w, float *v, float *base, float part, int64_t length)
    void fsgd_exchange_f64(double *w, double *v, double *base, double part, int64_t length)
    void fsgd_mean_f32(const float *w, float *const *replica, int n, float *out, int64_t begin,
                       int64_t end)
    void fsgd_mean_f64(const double *w, double *const *replica, int n, double *out, int64_t begin,
                       int64_t end)

cdef extern from "replicas.h" nogil:
    int FSGD_SELDOM

    ctypedef struct fsgd_looks:
        double apart
        double merged
        double met
        int64_t gap
        int64_t rest
        int64_t halvings
        int64_t next

    ctypedef struct fsgd_own:
        double intercept
        double base_intercept
        double loss
        int64_t tiles
        double apart
        double merged
        double met
        fsgd_looks looks

    ctypedef struct fsgd_meeting:
        int lock
        fsgd_barrier barrier

    int64_t fsgd_halvings_due(fsgd_looks *looks, double apart, double merged)
    void fsgd_compare_intervals(fsgd_looks *looks, double met, int64_t tiles)
