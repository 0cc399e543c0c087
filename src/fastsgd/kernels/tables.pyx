"""The tables of the C headers, as Python sees them: names, flags, and each row's functions.

The lists are read from C, so no second list of losses or schedules exists.
"""

import numpy as np

from libc.stdint cimport int64_t

from fastsgd.kernels.schedules cimport fsgd_fill_eta, fsgd_schedule


cdef extern from "losses.h" nogil:
    int FSGD_N_LOSSES
    int FSGD_SMOOTH
    int FSGD_CLASSIFIER
    int FSGD_PROBABILITY
    int FSGD_CONSTANT
    int FSGD_UNBOUNDED
    const char **fsgd_loss_names
    const int *fsgd_loss_flags
    double fsgd_loss(int loss, double z, double y, double p)
    double fsgd_dloss(int loss, double z, double y, double p)
    double fsgd_ddloss(int loss, double z, double y, double p)

cdef extern from "duals.h" nogil:
    double fsgd_conjugate(int loss, double beta, double y, double p)
    double fsgd_ascend(int loss, double z, double y, double beta, double q, double p)
    double fsgd_dual_bound(int loss, double p)

cdef extern from "schedules.h" nogil:
    int FSGD_N_SCHEDULES
    int FSGD_PASSIVE_AGGRESSIVE
    int FSGD_ADAPTIVE
    int FSGD_NEEDS_ALPHA
    const char **fsgd_schedule_names
    const int *fsgd_schedule_flags

cdef extern from "fsgd.h":
    int FSGD_TILE

SMOOTH = FSGD_SMOOTH
CLASSIFIER = FSGD_CLASSIFIER
PROBABILITY = FSGD_PROBABILITY
CONSTANT = FSGD_CONSTANT
UNBOUNDED = FSGD_UNBOUNDED
PASSIVE_AGGRESSIVE = FSGD_PASSIVE_AGGRESSIVE
ADAPTIVE = FSGD_ADAPTIVE
NEEDS_ALPHA = FSGD_NEEDS_ALPHA
TILE = FSGD_TILE


def losses():
    """{name: (number, flags)} of every row of losses.h."""
    return {fsgd_loss_names[i].decode(): (i, fsgd_loss_flags[i]) for i in range(FSGD_N_LOSSES)}


def schedules():
    """{name: (number, flags)} of every row of schedules.h."""
    return {
        fsgd_schedule_names[i].decode(): (i, fsgd_schedule_flags[i])
        for i in range(FSGD_N_SCHEDULES)
    }


def loss_values(int loss, const double[::1] z, const double[::1] y, double p, int order):
    """loss(z, y) of each entry, or its derivative by z of `order` 1 or 2: float64.

    z, y: IN, of equal lengths.
    """
    cdef int64_t i, n = z.shape[0]
    out = np.empty(n)
    cdef double[::1] result = out
    with nogil:
        for i in range(n):
            if order == 0:
                result[i] = fsgd_loss(loss, z[i], y[i], p)
            elif order == 1:
                result[i] = fsgd_dloss(loss, z[i], y[i], p)
            else:
                result[i] = fsgd_ddloss(loss, z[i], y[i], p)
    return out


def dual_bound(int loss, double p):
    """The largest dual variable of a loss, may be infinite; NaN: it has no dual."""
    return fsgd_dual_bound(loss, p)


def conjugates(int loss, const double[::1] beta, const double[::1] y, double p):
    """loss*(-beta) of each entry: float64. beta, y: IN, of equal lengths."""
    cdef int64_t i, n = beta.shape[0]
    out = np.empty(n)
    cdef double[::1] result = out
    with nogil:
        for i in range(n):
            result[i] = fsgd_conjugate(loss, beta[i], y[i], p)
    return out


def ascents(int loss, const double[::1] z, const double[::1] y, const double[::1] beta,
            const double[::1] q, double p):
    """The dual variable after an exact step from beta at z, each entry: float64. All IN."""
    cdef int64_t i, n = z.shape[0]
    out = np.empty(n)
    cdef double[::1] result = out
    with nogil:
        for i in range(n):
            result[i] = fsgd_ascend(loss, z[i], y[i], beta[i], q[i], p)
    return out


def etas(dict schedule, double first, int64_t n):
    """eta of the steps first, first + 1, ..., as the kernels fill them, block by block."""
    cdef fsgd_schedule s = schedule
    out = np.empty(n)
    cdef double[::1] result = out
    cdef int64_t i = 0
    with nogil:
        while i < n:
            fsgd_fill_eta(&s, first + i, <int>min(n - i, <int64_t>FSGD_TILE), &result[i])
            i += FSGD_TILE
    return out
