"""Passes over rows and over dual variables that certify a model; see engine/dual_point.py.

Each works on rows begin..end, so that threads may share it; none raises or allocates in its loop.
"""

from libc.math cimport fabs
from libc.stdint cimport int64_t

from fastsgd.kernels.rows cimport Rows, fsgd_rows


cdef extern from "ascent.h" nogil:
    void fsgd_margins(const fsgd_rows *X, const double *w, double b, int64_t begin, int64_t end,
                      double *z)
    void fsgd_add_rows(const fsgd_rows *X, const double *a, int64_t begin, int64_t end, double *v)
    double fsgd_loss(int loss, double z, double y, double p)
    double fsgd_dloss(int loss, double z, double y, double p)
    double fsgd_conjugate(int loss, double beta, double y, double p)


def margins(Rows rows, const double[::1] w, double b, double[::1] z, int64_t begin, int64_t end):
    """z[i] = x_i.w + b. z: OUT."""
    _check(rows, z.shape[0], w.shape[0], begin, end)
    if begin < end:
        with nogil:
            fsgd_margins(&rows.c, &w[0], b, begin, end, &z[0])


def add_rows(Rows rows, const double[::1] a, double[::1] v, int64_t begin, int64_t end):
    """v += sum a[i] x_i. v: INOUT."""
    _check(rows, a.shape[0], v.shape[0], begin, end)
    if begin < end:
        with nogil:
            fsgd_add_rows(&rows.c, &a[0], begin, end, &v[0])


cdef _check(Rows rows, n_rows, n_cols, begin, end):
    if n_rows != rows.c.n_rows or n_cols != rows.c.n_cols:
        raise ValueError(f"arrays of {n_rows} rows and {n_cols} columns; X is {rows.shape}")
    if not 0 <= begin <= end <= n_rows:
        raise ValueError(f"rows {begin} to {end} of {n_rows}")
    if not rows.checked:
        raise ValueError("rows must have been checked")


def slope_sum(int loss, const double[::1] z, const double[::1] y, const double[::1] c, double b,
              double p, int64_t begin, int64_t end):
    """sum c l'(z + b)."""
    cdef double total = 0
    cdef int64_t i
    with nogil:
        for i in range(begin, end):
            total += c[i] * fsgd_dloss(loss, z[i] + b, y[i], p)
    return total


def gap_terms(int loss, const double[::1] z, const double[::1] y, const double[::1] c,
              const double[::1] beta, double p, double dull, unsigned char[:, ::1] rest,
              int64_t begin, int64_t end):
    """(sum c l(z), sum c l*(-beta)); rows whose part of the gap exceeds `dull` are woken.

    rest: INOUT, see include/ascent.h.
    """
    cdef double losses = 0, conjugates = 0, value, conjugate
    cdef int64_t i
    with nogil:
        for i in range(begin, end):
            if c[i] <= 0:
                continue
            value = fsgd_loss(loss, z[i], y[i], p)
            conjugate = fsgd_conjugate(loss, beta[i], y[i], p)
            losses += c[i] * value
            conjugates += c[i] * conjugate
            if c[i] * (value + conjugate + beta[i] * z[i]) > dull:
                rest[i, 0] = rest[i, 1] = 0
    return losses, conjugates


def balance(const double[::1] c, double[::1] beta, double bound):
    """Makes sum c beta = 0 by shrinking the larger side towards 0. beta: INOUT.

    Only those inside the domain, if that is enough: those at its ends belong there.
    """
    cdef double up, down, free_up, free_down, excess, part, factor
    cdef int64_t i, n = beta.shape[0]
    cdef int _k
    cdef bint free_only
    with nogil:
        for _k in range(3):  # rounding leaves a little the first time
            up = down = free_up = free_down = 0
            for i in range(n):
                part = c[i] * beta[i]
                if part > 0:
                    up += part
                    if beta[i] < bound:
                        free_up += part
                elif part < 0:
                    down -= part
                    if beta[i] > -bound:
                        free_down -= part
            excess = up - down
            if excess == 0:
                break
            part = free_up if excess > 0 else free_down
            free_only = part >= 2 * fabs(excess)
            if not free_only:
                part = up if excess > 0 else down
            factor = 1 - fabs(excess) / part
            if factor < 0:
                factor = 0
            for i in range(n):
                if (beta[i] > 0) == (excess > 0) and (not free_only or fabs(beta[i]) < bound):
                    beta[i] *= factor
