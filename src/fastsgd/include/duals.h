/* duals.h: one row of FSGD_DUALS is the dual of one loss.
 *
 * The dual variable beta of a row is minus a slope of its loss: at the optimum beta = -l'(z). Two
 * pure functions in double belong to it, with y and the constant p as in losses.h:
 *
 *     conjugate(beta) = l*(-beta) = max over z of  -beta z - l(z); infinite outside the domain,
 *     ascend(z, beta, q) = argmax over u of  -l*(-u) - (u - beta) z - q (u - beta)^2 / 2,
 *
 * the exact step of coordinate ascent from beta at the margin z, where the margin moves by q for
 * each unit of beta (Hsieh et al. 2008; Shalev-Shwartz and Zhang 2013, option I). From
 * beta = 0, ascend(z, 0, q) is minus the slope at z of the loss smoothed by q (Moreau's envelope).
 * The domain is |beta| <= bound, for classifiers with y beta >= 0; it holds 0 always.
 * A loss without a row here is refused by name: the perceptron's, whose optimum with any penalty is
 * w = 0.
 */
#ifndef FSGD_DUALS_H
#define FSGD_DUALS_H

#include "losses.h"

#define FSGD_DUALS(ROW)                                                                           \
    ROW(HINGE,                       hinge,                       1)                              \
    ROW(SQUARED_HINGE,               squared_hinge,               INFINITY)                       \
    ROW(LOG_LOSS,                    log_loss,                    1)                              \
    ROW(MODIFIED_HUBER,              modified_huber,              4)                              \
    ROW(SQUARED_ERROR,               squared_error,               INFINITY)                       \
    ROW(HUBER,                       huber,                       p)                              \
    ROW(EPSILON_INSENSITIVE,         epsilon_insensitive,         1)                              \
    ROW(SQUARED_EPSILON_INSENSITIVE, squared_epsilon_insensitive, INFINITY)

#define FSGD_LEAST_Q 1e-300 /* of rows without features: a quotient by 0 would not be a number */

FSGD_FN double fsgd_clamp(double x, double low, double high)
{
    return x < low ? low : x > high ? high : x;
}

/* argmax of a u - b u^2 / 2 - p |u|: soft threshold, then divide */
FSGD_FN double fsgd_soft(double a, double p)
{
    return a > p ? a - p : a < -p ? a + p : 0;
}

/* hinge: t = y beta in [0, 1]; conjugate -t */
FSGD_FN double fsgd_hinge_conjugate(double beta, double y, double p)
{
    const double t = y * beta;
    return t >= 0 && t <= 1 ? -t : INFINITY;
}
FSGD_FN double fsgd_hinge_ascend(double z, double y, double beta, double q, double p)
{
    return y * fsgd_clamp(y * beta + (1 - y * z) / q, 0, 1);
}

/* squared hinge: t >= 0; conjugate -t + t^2 / 4 */
FSGD_FN double fsgd_squared_hinge_conjugate(double beta, double y, double p)
{
    const double t = y * beta;
    return t >= 0 ? t * (0.25 * t - 1) : INFINITY;
}
FSGD_FN double fsgd_squared_hinge_ascend(double z, double y, double beta, double q, double p)
{
    const double t = (q * (y * beta) + 1 - y * z) / (q + 0.5);
    return t > 0 ? y * t : 0;
}

/* log loss: t in [0, 1]; conjugate t log t + (1 - t) log(1 - t). */
FSGD_FN double fsgd_log_loss_conjugate(double beta, double y, double p)
{
    const double t = y * beta;
    if (!(t >= 0 && t <= 1)) return INFINITY;
    return (t > 0 ? t * log(t) : 0) + (t < 1 ? (1 - t) * log1p(-t) : 0);
}
/* The step solves s + m + q (sigma(s) - t) = 0 for s = log(u / (1 - u)), m = y z. The left side
 * rises at least as fast as s and at most 1 + q / 4 times as fast; s lies between -m - q (1 - t)
 * and -m + q t. Newton's method, kept within these ends, needs one to three steps where q < 1. */
FSGD_FN double fsgd_log_loss_ascend(double z, double y, double beta, double q, double p)
{
    const double m = y * z, t = y * beta;
    double low = -m - q * (1 - t), high = -m + q * t, s = low > 0 ? low : high < 0 ? high : 0, u;
    if (q < 1) s = -m;
    for (int k = 0; k < 100; k++) {
        const double e = exp(-fabs(s)), small = e / (1 + e);
        u = s > 0 ? 1 - small : small;
        const double excess = s + m + q * (u - t), slope = 1 + q * small * (1 - small);
        const double change = -excess / slope;
        if (fabs(change) <= 1e-3) { /* what is left is of the order of change^2 / 20: nothing near
                                     * the optimum, little in a step that is one of many */
            u += small * (1 - small) * change;
            break;
        }
        if (excess > 0) high = s; else low = s;
        s += change;
        if (!(s > low && s < high)) s = 0.5 * (low + high);
    }
    return y * fsgd_clamp(u, 0, 1);
}

/* modified Huber: t in [0, 4]; conjugate -t + t^2 / 4 */
FSGD_FN double fsgd_modified_huber_conjugate(double beta, double y, double p)
{
    const double t = y * beta;
    return t >= 0 && t <= 4 ? t * (0.25 * t - 1) : INFINITY;
}
FSGD_FN double fsgd_modified_huber_ascend(double z, double y, double beta, double q, double p)
{
    return y * fsgd_clamp((q * (y * beta) + 1 - y * z) / (q + 0.5), 0, 4);
}

/* squared error: conjugate beta^2 / 2 - beta y */
FSGD_FN double fsgd_squared_error_conjugate(double beta, double y, double p)
{
    return beta * (0.5 * beta - y);
}
FSGD_FN double fsgd_squared_error_ascend(double z, double y, double beta, double q, double p)
{
    return (q * beta + y - z) / (1 + q);
}

/* Huber: |beta| <= p; conjugate beta^2 / 2 - beta y */
FSGD_FN double fsgd_huber_conjugate(double beta, double y, double p)
{
    return fabs(beta) <= p ? beta * (0.5 * beta - y) : INFINITY;
}
FSGD_FN double fsgd_huber_ascend(double z, double y, double beta, double q, double p)
{
    return fsgd_clamp((q * beta + y - z) / (1 + q), -p, p);
}

/* epsilon-insensitive: |beta| <= 1; conjugate p |beta| - beta y */
FSGD_FN double fsgd_epsilon_insensitive_conjugate(double beta, double y, double p)
{
    return fabs(beta) <= 1 ? p * fabs(beta) - beta * y : INFINITY;
}
FSGD_FN double fsgd_epsilon_insensitive_ascend(double z, double y, double beta, double q, double p)
{
    return fsgd_clamp(fsgd_soft(q * beta + y - z, p) / q, -1, 1);
}

/* squared epsilon-insensitive: conjugate p |beta| - beta y + beta^2 / 4 */
FSGD_FN double fsgd_squared_epsilon_insensitive_conjugate(double beta, double y, double p)
{
    return p * fabs(beta) - beta * y + 0.25 * beta * beta;
}
FSGD_FN double fsgd_squared_epsilon_insensitive_ascend(double z, double y, double beta, double q,
                                                       double p)
{
    return fsgd_soft(q * beta + y - z, p) / (q + 0.5);
}

FSGD_FN double fsgd_conjugate(int loss, double beta, double y, double p)
{
#define FSGD_CASE(ID, name, bound) case FSGD_LOSS_##ID: return fsgd_##name##_conjugate(beta, y, p);
    switch (loss) { FSGD_DUALS(FSGD_CASE) }
#undef FSGD_CASE
    return NAN;
}

FSGD_FN double fsgd_ascend(int loss, double z, double y, double beta, double q, double p)
{
    if (q < FSGD_LEAST_Q) q = FSGD_LEAST_Q;
#define FSGD_CASE(ID, name, bound)                                                                \
    case FSGD_LOSS_##ID: return fsgd_##name##_ascend(z, y, beta, q, p);
    switch (loss) { FSGD_DUALS(FSGD_CASE) }
#undef FSGD_CASE
    return NAN;
}

/* The largest |beta| of the domain; NAN: the loss has no dual here. */
static inline double fsgd_dual_bound(int loss, double p)
{
#define FSGD_CASE(ID, name, bound) case FSGD_LOSS_##ID: return bound;
    switch (loss) { FSGD_DUALS(FSGD_CASE) }
#undef FSGD_CASE
    return NAN;
}

/* How far the loss at z and its conjugate at beta are from l(z) + l*(-beta) = -beta z (Fenchel and
 * Young): at least 0; the row's part of the duality gap. For log loss, where it is the divergence
 * of t = y beta from u = 1 / (1 + exp(yz)), right to the second order only, without a logarithm. */
FSGD_FN double fsgd_gap(int loss, double z, double y, double beta, double p)
{
    if (loss == FSGD_LOSS_LOG_LOSS) {
        const double m = y * z, t = y * beta, e = exp(-fabs(m)), small = e / (1 + e);
        const double d = (m > 0 ? small : 1 - small) - t;
        return d == 0 ? 0 : d * d / (small * (1 - small) + t * (1 - t));
    }
    const double gap = fsgd_loss(loss, z, y, p) + fsgd_conjugate(loss, beta, y, p) + beta * z;
    return gap > 0 ? gap : 0;
}

/* conjugate(now) - conjugate(before). For log loss and small steps by the slope in the middle. */
FSGD_FN double fsgd_conjugate_change(int loss, double now, double before, double y, double p)
{
    if (loss == FSGD_LOSS_LOG_LOSS) {
        const double t = 0.5 * y * (now + before), change = y * (now - before);
        if (fabs(change) < 0.1 * t * (1 - t)) return change * log(t / (1 - t));
    }
    return fsgd_conjugate(loss, now, y, p) - fsgd_conjugate(loss, before, y, p);
}

#endif
