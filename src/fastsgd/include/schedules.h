/* schedules.h: one row of FSGD_SCHEDULES is one schedule: eta as a function of the step t alone.
 *
 * t counts samples from 1. A kernel fills the etas of its block on the stack, from the number of
 * the block's first step, so the steps do not depend on how threads interleave. What depends on
 * the data stays out: adaptive changes eta0 between epochs (engine/linear/sgd.py), and the
 * passive-aggressive steps replace eta by a function of the sample (epoch.inc).
 */
#ifndef FSGD_SCHEDULES_H
#define FSGD_SCHEDULES_H

#include <math.h>

#include "fsgd.h"

#define FSGD_PASSIVE_AGGRESSIVE 1 /* the step comes from the sample; eta0 is its aggressiveness C */
#define FSGD_ADAPTIVE 2           /* eta0 is divided by 5 when an epoch brings no progress */
#define FSGD_NEEDS_ALPHA 4        /* undefined without a penalty's alpha */

typedef struct {
    int kind;
    double eta0;
    double alpha;   /* optimal: strong convexity of the objective */
    double t0;      /* optimal: Bottou's offset */
    double power_t; /* invscaling */
    double T_0;     /* cosine: steps of the first cycle */
    double T_mult;  /* cosine: each cycle is this many times as long as the last */
    double eta_min; /* cosine */
    double eta_max; /* no step is longer: 1 / (2 curvature max |x|^2), or INFINITY */
} fsgd_schedule;

/*            id          name        flags */
#define FSGD_SCHEDULES(ROW)                                                                       \
    ROW(CONSTANT,   constant,   0)                                                                \
    ROW(OPTIMAL,    optimal,    FSGD_NEEDS_ALPHA)                                                 \
    ROW(INVSCALING, invscaling, 0)                                                                \
    ROW(ADAPTIVE,   adaptive,   FSGD_ADAPTIVE)                                                    \
    ROW(PA1,        pa1,        FSGD_PASSIVE_AGGRESSIVE)                                          \
    ROW(PA2,        pa2,        FSGD_PASSIVE_AGGRESSIVE)                                          \
    ROW(COSINE,     cosine,     0)

/* eta_t = eta0 */
FSGD_FN void fsgd_eta_constant(const fsgd_schedule *s, double t, int n, double *eta)
{
    for (int k = 0; k < n; k++) eta[k] = s->eta0;
}
#define fsgd_eta_adaptive fsgd_eta_constant
#define fsgd_eta_pa1 fsgd_eta_constant
#define fsgd_eta_pa2 fsgd_eta_constant

/* eta_t = 1 / (alpha * (t0 + t - 1)), Bottou's schedule for an alpha-strongly convex objective */
FSGD_FN void fsgd_eta_optimal(const fsgd_schedule *s, double t, int n, double *eta)
{
    for (int k = 0; k < n; k++) eta[k] = 1.0 / (s->alpha * (s->t0 + (t + k) - 1));
}

/* eta_t = eta0 / t^p. One pow for the block: (t + k)^-p = t^-p (1 + x)^-p with x = k / t, by the
 * binomial series (x <= 2^-7 / (1 + |p|), so that eight terms leave 1e-16). */
FSGD_FN void fsgd_eta_invscaling(const fsgd_schedule *s, double t, int n, double *eta)
{
    double p = s->power_t;
    if (t < 128.0 * FSGD_TILE * (1 + fabs(p))) {
        for (int k = 0; k < n; k++) eta[k] = s->eta0 / pow(t + k, p);
        return;
    }
    double first = s->eta0 / pow(t, p), c[8];
    c[0] = 1;
    for (int i = 1; i < 8; i++) c[i] = c[i - 1] * -(p + i - 1) / i;
    for (int k = 0; k < n; k++) {
        double x = k / t, sum = c[7];
        for (int i = 6; i >= 0; i--) sum = sum * x + c[i];
        eta[k] = first * sum;
    }
}

/* Cosine annealing with warm restarts (Loshchilov, Hutter 2017, eq. 5):
 * eta_t = eta_min + (eta0 - eta_min) (1 + cos(pi T_cur / T_i)) / 2.
 * T_cur steps of the cycle have passed; cycle i has T_i = T_0 T_mult^i steps. The cosines of one
 * block come from turning (cos, sin) by a fixed angle: four multiplications each. */
FSGD_FN void fsgd_eta_cosine(const fsgd_schedule *s, double t, int n, double *eta)
{
    const double pi = 3.14159265358979323846;
    double passed = t - 1, cycle = s->T_0, c = 1, si = 0, turn_c = 1, turn_s = 0;
    if (s->T_mult == 1) passed = fmod(passed, cycle);
    for (int k = 0; k < n; k++, passed += 1) {
        int restart = k == 0;
        while (passed >= cycle) {
            passed -= cycle;
            cycle *= s->T_mult;
            restart = 1;
        }
        if (restart) {
            c = cos(pi * passed / cycle), si = sin(pi * passed / cycle);
            turn_c = cos(pi / cycle), turn_s = sin(pi / cycle);
        }
        eta[k] = s->eta_min + 0.5 * (s->eta0 - s->eta_min) * (1 + c);
        double c_next = c * turn_c - si * turn_s;
        si = si * turn_c + c * turn_s;
        c = c_next;
    }
}

#define FSGD_ENUM(ID, name, flags) FSGD_SCHEDULE_##ID,
enum { FSGD_SCHEDULES(FSGD_ENUM) FSGD_N_SCHEDULES };
#undef FSGD_ENUM

/* Fills eta[0..n) with the steps t, t + 1, ..., n <= FSGD_TILE. Where the derivative of the loss
 * grows without bound, a step over 2 / (curvature |x|^2) diverges: eta_max keeps clear of it. */
FSGD_FN void fsgd_fill_eta(const fsgd_schedule *s, double t, int n, double *eta)
{
#define FSGD_CASE(ID, name, flags) case FSGD_SCHEDULE_##ID: fsgd_eta_##name(s, t, n, eta); break;
    switch (s->kind) { FSGD_SCHEDULES(FSGD_CASE) }
#undef FSGD_CASE
    for (int k = 0; k < n; k++) eta[k] = eta[k] < s->eta_max ? eta[k] : s->eta_max;
}

#define FSGD_NAME(ID, name, flags) #name,
static const char *const fsgd_schedule_names[] = {FSGD_SCHEDULES(FSGD_NAME)};
#undef FSGD_NAME
#define FSGD_FLAGS(ID, name, flags) flags,
static const int fsgd_schedule_flags[] = {FSGD_SCHEDULES(FSGD_FLAGS)};
#undef FSGD_FLAGS

#endif
