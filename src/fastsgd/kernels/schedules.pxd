"""The struct of include/schedules.h, and the steps it stands for."""

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

    void fsgd_fill_eta(const fsgd_schedule *s, double t, int n, double *eta)
