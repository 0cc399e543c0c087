/* log_loss.h: the log loss of eight margins at once, in the registers of any machine.
 *
 * As the functions of losses.h, to within a few units in the last place, at a fifth of the time:
 * exp and log of the C library take one number after the other. e = exp(-|m|) by its polynomial
 * on |r| <= ln(2) / 2 after r = -|m| - n ln(2); log(1 + e) = 2 atanh(s), s = e / (2 + e) <= 1/3, by
 * one in s^2. Both are Chebyshev fits of relative error below 2e-17.
 */
#ifndef FSGD_LOG_LOSS_H
#define FSGD_LOG_LOSS_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "fsgd.h"
#include "simd.h"

#define FSGD_TOGETHER 8

/* value, d, dd: OUT, the loss and its derivatives by z. */
FSGD_FN void fsgd_log_loss_terms(const double *restrict z, const double *restrict y,
                                 double *restrict value, double *restrict d, double *restrict dd)
{
    const double magic = 6755399441055744.0; /* 1.5 * 2^52: the sum's last bits are an integer */
    double e[FSGD_TOGETHER];
    for (int k = 0; k < FSGD_TOGETHER; k++) {
        const double a = fabs(y[k] * z[k]), t = a > 708 ? 708 : a; /* NaN stays */
        const double whole = t * -1.4426950408889634 + magic, n = whole - magic;
        const double r = (-t - n * 0.693147180369123816490) - n * 1.90821492927058770002e-10;
        double f = 2.5100375832561233664e-8;
        f = f * r + 2.7620075879983366586e-7;
        f = f * r + 2.7557268480310025526e-6;
        f = f * r + 2.4801521322368693266e-5;
        f = f * r + 1.9841269863040545271e-4;
        f = f * r + 1.3888888917196719077e-3;
        f = f * r + 8.3333333333300644495e-3;
        f = f * r + 4.1666666666624161903e-2;
        f = f * r + 1.6666666666666667452e-1;
        f = f * r + 0.5;
        f = f * r * r + r + 1;
        uint64_t bits, power;
        memcpy(&bits, &f, 8);
        memcpy(&power, &whole, 8);
        bits += power << 52; /* times 2^n */
        memcpy(&e[k], &bits, 8);
    }
    for (int k = 0; k < FSGD_TOGETHER; k++) {
        const double m = y[k] * z[k], s = e[k] / (2 + e[k]), u = s * s, inverse = 1 / (1 + e[k]);
        double g = 0.080820228059717661105;
        g = g * u + 0.044003692430723369411;
        g = g * u + 0.060005364047953562676;
        g = g * u + 0.066570721048274680752;
        g = g * u + 0.076927850324793115517;
        g = g * u + 0.090908947180664290846;
        g = g * u + 0.11111111358713931495;
        g = g * u + 0.14285714283554378581;
        g = g * u + 0.20000000000007291337;
        g = g * u + 0.33333333333333329281;
        value[k] = 2 * s * (g * u + 1) - (m > 0 ? 0 : m);
        d[k] = -y[k] * (m > 0 ? e[k] * inverse : inverse) + 0 * m; /* NaN where m is */
        dd[k] = e[k] * inverse * inverse;
    }
}

/* The sum of the n <= 32 weighted losses, added to `sum` in their order. */
FSGD_FN double fsgd_log_loss_sum(int n, const double *z, const double *y, const double *weight,
                                 double sum)
{
    double value[FSGD_TILE], d[FSGD_TOGETHER], dd[FSGD_TOGETHER];
    double zs[FSGD_TILE] = {0}, ys[FSGD_TILE] = {0};
    memcpy(zs, z, n * sizeof(double));
    memcpy(ys, y, n * sizeof(double));
    for (int k = 0; k < n; k += FSGD_TOGETHER)
        fsgd_log_loss_terms(zs + k, ys + k, value + k, d, dd);
    for (int k = 0; k < n; k++) sum += weight[k] * value[k];
    return sum;
}

#if defined(__x86_64__)
/* The same bits by wider registers. */
static FSGD_AVX2 double fsgd_log_loss_sum_avx2(int n, const double *z, const double *y,
                                               const double *weight, double sum)
{
    return fsgd_log_loss_sum(n, z, y, weight, sum);
}
static FSGD_AVX2 void fsgd_log_loss_terms_avx2(const double *z, const double *y, double *value,
                                               double *d, double *dd)
{
    fsgd_log_loss_terms(z, y, value, d, dd);
}
#endif

#endif
