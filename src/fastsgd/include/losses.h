/* losses.h: one row of FSGD_LOSSES is one loss.
 *
 * A loss is three pure functions of the margin z = w.x + b, the target y and one constant p (epsilon
 * of the losses that have one): its value and its first and second derivative with respect to z, in
 * the positive sense. Where a smooth loss has pieces of different curvature, the second derivative
 * at their ends is that of one of them (Clarke's generalised one, which Newton's method takes);
 * a loss that is not smooth tells 0, and is refused where curvature is needed. Classifiers take y in {-1, +1}. All is evaluated in double and finite for |z| <= 1e30.
 * From a row come the functions, the enum, the switch of the kernels and the names that Python
 * shows. Definitions follow scikit-learn's, factors of 1/2 included.
 */
#ifndef FSGD_LOSSES_H
#define FSGD_LOSSES_H

#include <math.h>

#include "fsgd.h"

#define FSGD_SMOOTH 1      /* the derivative is continuous */
#define FSGD_CLASSIFIER 2  /* y in {-1, +1}; a function of y*z */
#define FSGD_PROBABILITY 4 /* a link from z to P(y = 1 | x) is known */
#define FSGD_CONSTANT 8    /* uses the constant p */
#define FSGD_UNBOUNDED 16  /* the derivative grows without bound; its slope is at most 2 */

/*          id                           name                         flags */
#define FSGD_LOSSES(ROW)                                                                          \
    ROW(HINGE,                       hinge,                       FSGD_CLASSIFIER)                \
    ROW(SQUARED_HINGE,               squared_hinge,               FSGD_CLASSIFIER | FSGD_SMOOTH | FSGD_UNBOUNDED) \
    ROW(LOG_LOSS,                    log_loss,                                                    \
        FSGD_CLASSIFIER | FSGD_SMOOTH | FSGD_PROBABILITY)                                         \
    ROW(MODIFIED_HUBER,              modified_huber,                                              \
        FSGD_CLASSIFIER | FSGD_SMOOTH | FSGD_PROBABILITY)                                         \
    ROW(PERCEPTRON,                  perceptron,                  FSGD_CLASSIFIER)                \
    ROW(SQUARED_ERROR,               squared_error,               FSGD_SMOOTH | FSGD_UNBOUNDED)   \
    ROW(HUBER,                       huber,                       FSGD_SMOOTH | FSGD_CONSTANT)    \
    ROW(EPSILON_INSENSITIVE,         epsilon_insensitive,         FSGD_CONSTANT)                  \
    ROW(SQUARED_EPSILON_INSENSITIVE, squared_epsilon_insensitive, FSGD_SMOOTH | FSGD_CONSTANT | FSGD_UNBOUNDED)

/* hinge: max(0, 1 - yz); at the kink the derivative of the left side. */
FSGD_FN double fsgd_hinge(double z, double y, double p)
{
    return y * z <= 1 ? 1 - y * z : 0;
}
FSGD_FN double fsgd_hinge_d(double z, double y, double p)
{
    return y * z <= 1 ? -y : 0;
}
FSGD_FN double fsgd_hinge_dd(double z, double y, double p)
{
    return 0;
}

/* squared hinge: max(0, 1 - yz)^2 */
FSGD_FN double fsgd_squared_hinge(double z, double y, double p)
{
    double slack = 1 - y * z;
    return slack > 0 ? slack * slack : 0;
}
FSGD_FN double fsgd_squared_hinge_d(double z, double y, double p)
{
    double slack = 1 - y * z;
    return slack > 0 ? -2 * y * slack : 0;
}
FSGD_FN double fsgd_squared_hinge_dd(double z, double y, double p)
{
    return 1 - y * z > 0 ? 2 : 0;
}

/* log loss: log(1 + exp(-yz)). With e = exp(-|z|) nothing overflows, and one exponential serves
 * the value and the derivative. The quotient mends what the sum 1 + e lost: u - 1 is what it kept
 * of e, and 1 / u the slope of the logarithm there. */
FSGD_FN double fsgd_log_loss(double z, double y, double p)
{
    double m = y * z, e = exp(-fabs(m));
    double u = 1 + e, tail = log(u) - ((u - 1) - e) / u;
    return m > 0 ? tail : tail - m;
}
FSGD_FN double fsgd_log_loss_d(double z, double y, double p)
{
    double m = y * z, e = exp(-fabs(m));
    return -y * (m > 0 ? e / (1 + e) : 1 / (1 + e));
}
FSGD_FN double fsgd_log_loss_dd(double z, double y, double p)
{
    double e = exp(-fabs(y * z)), u = 1 + e;
    return e / (u * u);
}

/* modified Huber (Zhang 2004): max(0, 1 - yz)^2 for yz >= -1, else -4yz */
FSGD_FN double fsgd_modified_huber(double z, double y, double p)
{
    double m = y * z;
    return m >= 1 ? 0 : m >= -1 ? (1 - m) * (1 - m) : -4 * m;
}
FSGD_FN double fsgd_modified_huber_d(double z, double y, double p)
{
    double m = y * z;
    return m >= 1 ? 0 : m >= -1 ? -2 * y * (1 - m) : -4 * y;
}
FSGD_FN double fsgd_modified_huber_dd(double z, double y, double p)
{
    double m = y * z;
    return m >= 1 ? 0 : m >= -1 ? 2 : 0;
}

/* perceptron: max(0, -yz) */
FSGD_FN double fsgd_perceptron(double z, double y, double p)
{
    return y * z <= 0 ? -y * z : 0;
}
FSGD_FN double fsgd_perceptron_d(double z, double y, double p)
{
    return y * z <= 0 ? -y : 0;
}
FSGD_FN double fsgd_perceptron_dd(double z, double y, double p)
{
    return 0;
}

/* squared error: (z - y)^2 / 2 */
FSGD_FN double fsgd_squared_error(double z, double y, double p)
{
    return 0.5 * (z - y) * (z - y);
}
FSGD_FN double fsgd_squared_error_d(double z, double y, double p)
{
    return z - y;
}
FSGD_FN double fsgd_squared_error_dd(double z, double y, double p)
{
    return 1;
}

/* Huber: r^2 / 2 for |r| <= p, else p|r| - p^2 / 2, with r = z - y */
FSGD_FN double fsgd_huber(double z, double y, double p)
{
    double r = fabs(z - y);
    return r <= p ? 0.5 * r * r : p * r - 0.5 * p * p;
}
FSGD_FN double fsgd_huber_d(double z, double y, double p)
{
    double r = z - y;
    return r > p ? p : r < -p ? -p : r;
}
FSGD_FN double fsgd_huber_dd(double z, double y, double p)
{
    return fabs(z - y) <= p ? 1 : 0;
}

/* epsilon-insensitive: max(0, |z - y| - p) */
FSGD_FN double fsgd_epsilon_insensitive(double z, double y, double p)
{
    double slack = fabs(z - y) - p;
    return slack > 0 ? slack : 0;
}
FSGD_FN double fsgd_epsilon_insensitive_d(double z, double y, double p)
{
    double r = z - y;
    return r > p ? 1 : r < -p ? -1 : 0;
}
FSGD_FN double fsgd_epsilon_insensitive_dd(double z, double y, double p)
{
    return 0;
}

/* squared epsilon-insensitive: max(0, |z - y| - p)^2 */
FSGD_FN double fsgd_squared_epsilon_insensitive(double z, double y, double p)
{
    double slack = fabs(z - y) - p;
    return slack > 0 ? slack * slack : 0;
}
FSGD_FN double fsgd_squared_epsilon_insensitive_d(double z, double y, double p)
{
    double r = z - y;
    return r > p ? 2 * (r - p) : r < -p ? 2 * (r + p) : 0;
}
FSGD_FN double fsgd_squared_epsilon_insensitive_dd(double z, double y, double p)
{
    return fabs(z - y) >= p ? 2 : 0;
}

#define FSGD_ENUM(ID, name, flags) FSGD_LOSS_##ID,
enum { FSGD_LOSSES(FSGD_ENUM) FSGD_N_LOSSES };
#undef FSGD_ENUM

FSGD_FN double fsgd_loss(int loss, double z, double y, double p)
{
#define FSGD_CASE(ID, name, flags) case FSGD_LOSS_##ID: return fsgd_##name(z, y, p);
    switch (loss) { FSGD_LOSSES(FSGD_CASE) }
#undef FSGD_CASE
    return NAN;
}

FSGD_FN double fsgd_dloss(int loss, double z, double y, double p)
{
#define FSGD_CASE(ID, name, flags) case FSGD_LOSS_##ID: return fsgd_##name##_d(z, y, p);
    switch (loss) { FSGD_LOSSES(FSGD_CASE) }
#undef FSGD_CASE
    return NAN;
}

FSGD_FN double fsgd_ddloss(int loss, double z, double y, double p)
{
#define FSGD_CASE(ID, name, flags) case FSGD_LOSS_##ID: return fsgd_##name##_dd(z, y, p);
    switch (loss) { FSGD_LOSSES(FSGD_CASE) }
#undef FSGD_CASE
    return NAN;
}

/* Value and both derivatives by one switch: they share what they have in common (exponentials). */
FSGD_FN void fsgd_loss_terms(int loss, double z, double y, double p, double *value, double *d,
                             double *dd)
{
#define FSGD_CASE(ID, name, flags)                                                                \
    case FSGD_LOSS_##ID:                                                                          \
        *value = fsgd_##name(z, y, p);                                                            \
        *d = fsgd_##name##_d(z, y, p);                                                            \
        *dd = fsgd_##name##_dd(z, y, p);                                                          \
        return;
    switch (loss) { FSGD_LOSSES(FSGD_CASE) }
#undef FSGD_CASE
    *value = *d = *dd = NAN;
}

#define FSGD_NAME(ID, name, flags) #name,
static const char *const fsgd_loss_names[] = {FSGD_LOSSES(FSGD_NAME)};
#undef FSGD_NAME
#define FSGD_FLAGS(ID, name, flags) flags,
static const int fsgd_loss_flags[] = {FSGD_LOSSES(FSGD_FLAGS)};
#undef FSGD_FLAGS

#endif
