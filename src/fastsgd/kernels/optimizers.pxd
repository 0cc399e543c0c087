"""The structs of include/optimizers.h, and how arrays get into them."""

from libc.stdint cimport int64_t


cdef extern from "optimizers.h" nogil:
    ctypedef struct fsgd_constants:
        double eta
        double momentum
        double beta_1
        double beta_2
        double rho
        double epsilon
        double l2
        double t
        double scale

    ctypedef struct fsgd_stepper:
        int rule
        int real
        int64_t n_units
        void *w
        void *a
        void *b
        int64_t w_stride
        int64_t a_stride
        int64_t b_stride
        int64_t *last
        int squares
        fsgd_constants c

    ctypedef double (*fsgd_step_fn)(const fsgd_stepper *s, int64_t row, const void *g) noexcept

    int FSGD_N_OPTIMIZERS
    int FSGD_ADDS
    int FSGD_LINEAR
    const char **fsgd_optimizer_names
    const int *fsgd_optimizer_slots
    const int *fsgd_optimizer_flags
    void fsgd_prepare(fsgd_stepper *s)
    void fsgd_ask_for_row(const fsgd_stepper *s, int64_t row)
    fsgd_step_fn fsgd_choose_step(int real, int vector)

cdef extern from "simd.h" nogil:
    int fsgd_vector_bytes(int limit)


cdef struct Matrix:
    void *data
    int64_t n_rows
    int64_t n_units
    int64_t stride  # from row to row, in numbers

cdef Matrix matrix_of(object array, int real, str name, bint writable) except *
cdef int real_of(object array, str name) except -1
cdef void bind(fsgd_stepper *s, int rule, object W, object slots, dict constants,
               object last, bint squares) except *
