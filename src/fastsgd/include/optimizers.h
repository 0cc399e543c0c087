/* optimizers.h: one row of FSGD_OPTIMIZERS is one optimizer.
 *
 * A row is the rule of one coordinate (optimizers_rules.inc) and what lazy steps need to know of
 * it. A rule gets the gradient g, L2 included, changes the coordinate's state a, b (its slots) and
 * returns by how much the weight changes.
 *
 * Lazy steps visit the rows of a matrix of weights that a minibatch touched. Row j keeps `last`,
 * the step at which its state stands. Before it takes step t, the m = t - 1 - last steps that it
 * was left out of, with g = 0, are made up for in one go:
 *   a <- decay_a^m a, b <- decay_b^m b,
 *   the weight moves as the momentum in a would have moved it: by a sum of powers of ratio,
 *   L2 pulls it towards 0 with the force that a step has at this state, m times (fsgd_skip).
 * Without L2 that is the dense rule, exactly for all but Adam. A row that was never touched does
 * not move. docs/optimizers.md has the formulas and their sources.
 */
#ifndef FSGD_OPTIMIZERS_H
#define FSGD_OPTIMIZERS_H

#include <math.h>

#include "atomics.h"
#include "fsgd.h"
#include "simd.h"

#define FSGD_ADDS 1   /* changes that replicas made of w and state add up; else: averages */
#define FSGD_LINEAR 2 /* linear in w and g: L2 may be a scale of all weights */

typedef struct {
    double eta;
    double momentum; /* of momentum and nesterov */
    double beta_1, beta_2, rho, epsilon;
    double l2;       /* added to the gradient: l2 w */
    double t;        /* number of this step, from 1 */
    double scale;    /* weights and state are this times what is stored; 1 but for linear rules */
} fsgd_constants;

/* How a / sqrt(b) of Adam falls from step to step while g = 0. Where it would rise, epsilon ends
 * that: b is then taken to stay. */
FSGD_FN double fsgd_adam_ratio(const fsgd_constants *c)
{
    return c->beta_1 * c->beta_1 < c->beta_2 ? c->beta_1 / sqrt(c->beta_2) : c->beta_1;
}

/*      id        name      slots  decay of a   decay of b   ratio               flags */
#define FSGD_OPTIMIZERS(ROW)                                                                      \
    ROW(SGD,      sgd,      0,     1,           1,           0,         FSGD_ADDS | FSGD_LINEAR)  \
    ROW(MOMENTUM, momentum, 1,     c->momentum, 1,           c->momentum,        FSGD_LINEAR)     \
    ROW(NESTEROV, nesterov, 1,     c->momentum, 1,           c->momentum,        FSGD_LINEAR)     \
    ROW(ADAGRAD,  adagrad,  1,     1,           1,           0,                  FSGD_ADDS)       \
    ROW(RMSPROP,  rmsprop,  1,     c->rho,      1,           0,                  0)               \
    ROW(ADADELTA, adadelta, 2,     c->rho,      c->rho,      0,                  0)               \
    ROW(ADAM,     adam,     2,     c->beta_1,   c->beta_2,   fsgd_adam_ratio(c), 0)

#define FSGD_ENUM(ID, name, slots, decay_a, decay_b, ratio, flags) FSGD_OPTIMIZER_##ID,
enum { FSGD_OPTIMIZERS(FSGD_ENUM) FSGD_N_OPTIMIZERS };
#undef FSGD_ENUM
#define FSGD_NAME(ID, name, slots, decay_a, decay_b, ratio, flags) #name,
static const char *const fsgd_optimizer_names[] = {FSGD_OPTIMIZERS(FSGD_NAME)};
#undef FSGD_NAME
#define FSGD_SLOTS(ID, name, slots, decay_a, decay_b, ratio, flags) slots,
static const int fsgd_optimizer_slots[] = {FSGD_OPTIMIZERS(FSGD_SLOTS)};
#undef FSGD_SLOTS
#define FSGD_FLAGS(ID, name, slots, decay_a, decay_b, ratio, flags) flags,
static const int fsgd_optimizer_flags[] = {FSGD_OPTIMIZERS(FSGD_FLAGS)};
#undef FSGD_FLAGS

/* What a step is multiplied by at step t: eta, with Adam's correction of the bias (Kingma, Ba
 * 2015, end of section 2). */
FSGD_FN double fsgd_rate(int rule, const fsgd_constants *c, double t)
{
    if (rule != FSGD_OPTIMIZER_ADAM) return c->eta;
    return c->eta * sqrt(1 - pow(c->beta_2, t)) / (1 - pow(c->beta_1, t));
}

/* How a skipped state moves and decays: `move` is what a, the momentum, is multiplied by. */
typedef struct {
    double decay_a, decay_b, move, pull;
} fsgd_skip;

#define FSGD_SKIPS 128 /* steps left out that a table has; beyond, powers are computed */

/* A matrix of weights, its state, and the step to take. */
typedef struct {
    int rule, real;
    int64_t n_units;
    void *w, *a, *b;                       /* INOUT: rows; a, b: NULL without slots */
    int64_t w_stride, a_stride, b_stride;  /* from row to row, in numbers */
    int64_t *last;                         /* INOUT, by row; NULL: dense steps */
    int squares;                           /* whether changes of |w|^2 are summed */
    fsgd_constants c;
    double rate, decay_a, decay_b, ratio;
    fsgd_skip skip[FSGD_SKIPS + 1];        /* by the number of steps left out */
} fsgd_stepper;

/* What multiplies the momentum in a, of step t: it is in units of a step but for Adam's (whose
 * epsilon is taken to decay with b). */
FSGD_FN double fsgd_move_rate(const fsgd_stepper *s, double t)
{
    return s->rule == FSGD_OPTIMIZER_ADAM       ? -fsgd_rate(s->rule, &s->c, t)
           : s->rule == FSGD_OPTIMIZER_NESTEROV ? s->c.momentum : 1;
}

/* L2 as m steps feel it; momentum repeats each of its pulls 1 / (1 - momentum) times. */
FSGD_FN double fsgd_pull_of(const fsgd_stepper *s, double m)
{
    const int repeats = s->rule == FSGD_OPTIMIZER_MOMENTUM || s->rule == FSGD_OPTIMIZER_NESTEROV;
    return m * s->rate * s->c.l2 / (repeats ? fmax(1 - s->c.momentum, 1e-3) : 1);
}

/* Before the rows of one step: constants and, for lazy steps, the table of skips. */
static void fsgd_prepare(fsgd_stepper *s)
{
    const fsgd_constants *c = &s->c;
#define FSGD_CASE(ID, name, slots, decay_a_, decay_b_, ratio_, flags)                             \
    case FSGD_OPTIMIZER_##ID:                                                                     \
        s->decay_a = decay_a_, s->decay_b = decay_b_, s->ratio = ratio_;                          \
        break;
    switch (s->rule) { FSGD_OPTIMIZERS(FSGD_CASE) }
#undef FSGD_CASE
    s->rate = fsgd_rate(s->rule, c, c->t);
    if (!s->last) return;
    const int adam = s->rule == FSGD_OPTIMIZER_ADAM;
    double rate = fsgd_move_rate(s, c->t), p_1 = pow(c->beta_1, c->t), p_2 = pow(c->beta_2, c->t);
    s->skip[0] = (fsgd_skip){1, 1, 0, 0};
    for (int m = 1; m <= FSGD_SKIPS; m++) {
        const fsgd_skip *less = &s->skip[m - 1];
        fsgd_skip *skip = &s->skip[m];
        if (adam && s->ratio > 0 && m < c->t) { /* of step t - m, from the powers of the next */
            p_1 /= c->beta_1, p_2 /= c->beta_2;
            rate = -c->eta * sqrt(1 - p_2) / (1 - p_1);
        }
        /* move: the sum over i = 1..m of ratio^i times the rate of step t - 1 - m + i */
        *skip = (fsgd_skip){less->decay_a * s->decay_a, less->decay_b * s->decay_b,
                            s->ratio * (rate + less->move), fsgd_pull_of(s, m)};
    }
}

/* The m >= 0 steps that a row was left out of. */
FSGD_FN fsgd_skip fsgd_skip_of(const fsgd_stepper *s, int64_t m)
{
    if (m <= FSGD_SKIPS) return s->skip[m];
    const fsgd_skip *far = &s->skip[FSGD_SKIPS]; /* the last of them */
    const double before = (double)(m - FSGD_SKIPS), r = s->ratio;
    const double rest = r > 0 ? pow(r, before) : 0;
    /* those before the table, at the rate of one of them: the mean where ratio^i is the weight */
    const double sum = r < 1 ? r * (1 - rest) / (1 - r) : before;
    const double mean = s->c.t - (double)m + fmin(r / (1 - r), before - 1);
    return (fsgd_skip){
        far->decay_a * (s->decay_a < 1 ? pow(s->decay_a, before) : 1),
        far->decay_b * (s->decay_b < 1 ? pow(s->decay_b, before) : 1),
        r > 0 ? fsgd_move_rate(s, mean) * sum + rest * far->move : 0,
        fsgd_pull_of(s, (double)m)};
}

/* Step t of row `row` with the gradient g (REAL, n_units), after the steps that it was left out
 * of; g NULL: those only. Returns the change of the row's |w|^2 as stored. */
typedef double (*fsgd_step_fn)(const fsgd_stepper *s, int64_t row, const void *g);

/* Asks for the row's weights and state. */
static void fsgd_ask_for_row(const fsgd_stepper *s, int64_t row)
{
    const int64_t size = s->real ? 8 : 4, bytes = s->n_units * size;
    for (int64_t at = 0; at < bytes; at += FSGD_CACHE_LINE) {
        FSGD_PREFETCH((const char *)s->w + row * s->w_stride * size + at);
        if (s->a) FSGD_PREFETCH((const char *)s->a + row * s->a_stride * size + at);
        if (s->b) FSGD_PREFETCH((const char *)s->b + row * s->b_stride * size + at);
    }
}

#define FSGD_PASTE2_(a, b) a##_##b
#define FSGD_PASTE2(a, b) FSGD_PASTE2_(a, b)
#define FSGD_PASTE3_(a, b, c) a##_##b##_##c
#define FSGD_PASTE3(a, b, c) FSGD_PASTE3_(a, b, c)
#define fsgd_sqrt_f32 sqrtf
#define fsgd_sqrt_f64 sqrt
#define FSGD_MOST_f32 1e18f /* the largest gradient, whose square is finite */
#define FSGD_MOST_f64 1e150
#define FSGD_BY_REAL "optimizers_rules.inc"
#include "by_real.inc"
#undef FSGD_BY_REAL

static inline fsgd_step_fn fsgd_choose_step(int real, int vector)
{
    static const fsgd_step_fn table[][2] = {
        {fsgd_step_base_f32, fsgd_step_base_f64},
#if defined(__x86_64__)
        {fsgd_step_avx2_f32, fsgd_step_avx2_f64},
        {fsgd_step_avx512_f32, fsgd_step_avx512_f64},
#endif
    };
    return table[vector >= 64 ? 2 : vector >= 32 ? 1 : 0][real];
}

#endif
