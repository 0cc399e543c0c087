"""The struct of include/schedules.h."""

cdef extern from "schedules.h" nogil:
    ctypedef struct fsgd_schedule:
        int kind
        double eta0
        double alpha
        double t0
        double power_t
        double T_0
        double T_mult
        double eta_min
        double eta_max
