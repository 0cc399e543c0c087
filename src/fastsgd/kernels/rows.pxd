from libc.stdint cimport int64_t


cdef extern from "rows.h" nogil:
    ctypedef struct fsgd_rows:
        const void *data
        const void *indices
        const int64_t *indptr
        int64_t n_rows
        int64_t n_cols
        int real
        int index

    int fsgd_row_is_sound(const fsgd_rows *X, int64_t i)
    int FSGD_F32
    int FSGD_F64
    int FSGD_I32
    int FSGD_I64
    int FSGD_DENSE


cdef class Rows:
    cdef fsgd_rows c
    cdef tuple keep
    cdef readonly object dtype
    cdef readonly object shape
    cdef public bint checked
    cdef public object alike
    cdef public object eigenvalue
    cdef tuple _form  # (rising, repeats)
