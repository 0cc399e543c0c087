/* ascent.h: dual coordinate ascent on blocks of rows, and the two passes that certify it.
 *
 * With c_i = s_i / (alpha n) the dual variables beta stand for v = sum c_i beta_i x_i and for
 * w = soft(v, l1) / l2, where alpha R(w) is the penalty, R = l2 |w|^2 / 2 + l1 |w|_1. Row i's step
 * is fsgd_ascend at z = w.x + b with q = c_i (|x_i|^2 / l2 + gain): exact for l1 = 0, else that of
 * a quadratic lower bound of the dual (Shalev-Shwartz and Zhang 2014).
 *
 * The bias carries no penalty, so sum c_i beta_i must end at 0: b = centre + gain sum c_i beta_i is
 * the multiplier of that condition in an augmented Lagrangian of strength `gain`.
 *
 * A row that has nothing to gain k times running sleeps for 2^k - 1 epochs.
 */
#ifndef FSGD_ASCENT_H
#define FSGD_ASCENT_H

#include "atomics.h"
#include "duals.h"
#include "rng.h"
#include "rows.h"

#define FSGD_LONGEST_IDLE 5 /* 2^5 - 1 epochs are the longest sleep */

/* What a step needs of one row, side by side in memory. */
typedef struct {
    double y, c, square, beta;
} fsgd_dual_row;

typedef struct {
    uint8_t sleep, idle; /* epochs still to be slept; log2 of the last sleep */
} fsgd_rest;

typedef struct {
    fsgd_rows X;
    fsgd_dual_row *row;     /* y, c, |x|^2: IN; beta: INOUT, each by one thread at a time */
    fsgd_rest *rest;        /* INOUT */
    const int64_t *blocks;  /* order of the blocks, or NULL: as they lie */
    int64_t n_blocks, block_rows;
    int loss;
    double loss_constant;
    double l1, l2;          /* shares of the penalty */
    double gain;            /* of the bias; 0: there is none */
    double caution;         /* 1, or how much the steps of other threads are allowed for */
    double dull;            /* part of the gap up to which a row has nothing to gain */
    double *v;              /* INOUT; of this thread, or shared */
    double *b;              /* INOUT */
} fsgd_ascent;

typedef struct {
    double gap;       /* sum of c fsgd_gap(z, beta), before each step */
    double conjugate; /* what was added to sum c l*(-beta) */
    int64_t visits;
} fsgd_ascent_tally;

#define FSGD_MOST_ROWS (2 * FSGD_TILE)

/* The rows that are awake of blocks *j on, until there are FSGD_TILE or `end` is reached. */
static int fsgd_awake(const fsgd_ascent *p, int64_t *j, int64_t end, int64_t *row)
{
    int n = 0;
    for (; *j < end && n < FSGD_TILE; ++*j) {
        const int64_t first = (p->blocks ? p->blocks[*j] : *j) * p->block_rows;
        const int64_t rest = p->X.n_rows - first;
        const int64_t last = first + (rest < p->block_rows ? rest : p->block_rows);
        for (int64_t i = first; i < last; i++)
            if (p->rest[i].sleep)
                p->rest[i].sleep--;
            else
                row[n++] = i;
    }
    return n;
}

/* Asks for what is known of the rows of block j, two tiles before they are worked on. */
FSGD_FN void fsgd_ask_for_rest(const fsgd_ascent *p, int64_t j)
{
    const int64_t first = (p->blocks ? p->blocks[j] : j) * p->block_rows;
    FSGD_PREFETCH(p->rest + first);
}

#define FSGD_ASCENT_ARGS                                                                          \
    const fsgd_ascent *p, const int64_t *row, int n, const int64_t *next, int n_next,             \
        fsgd_ascent_tally *tally
typedef void (*fsgd_ascent_fn)(FSGD_ASCENT_ARGS);
typedef void (*fsgd_margins_fn)(const fsgd_rows *X, const double *w, double b, int64_t begin,
                                int64_t end, double *z);
typedef void (*fsgd_add_rows_fn)(const fsgd_rows *X, const double *a, int64_t begin, int64_t end,
                                 double *v);
typedef int64_t (*fsgd_squares_fn)(const fsgd_rows *X, int64_t begin, int64_t end,
                                   fsgd_dual_row *row, double *work);

#define FSGD_PASTE_(a, b, c) a##_##b##_##c
#define FSGD_PASTE(a, b, c) FSGD_PASTE_(a, b, c)
#define FSGD_BY_REAL "ascent_kinds.inc"
#include "by_real.inc"
#undef FSGD_BY_REAL
#undef FSGD_PASTE
#undef FSGD_PASTE_

#define FSGD_TABLE(F)                                                                             \
    {{F##_f32_i32, F##_f32_i64, F##_f32_dense}, {F##_f64_i32, F##_f64_i64, F##_f64_dense}}
static const fsgd_ascent_fn fsgd_ascent_table[2][3] = FSGD_TABLE(fsgd_ascend_rows);
static const fsgd_margins_fn fsgd_margins_table[2][3] = FSGD_TABLE(fsgd_margins);
static const fsgd_add_rows_fn fsgd_add_rows_table[2][3] = FSGD_TABLE(fsgd_add_rows);
static const fsgd_squares_fn fsgd_squares_table[2][3] = FSGD_TABLE(fsgd_squares);
#undef FSGD_TABLE

/* Blocks begin..end of the order, by one thread; returns the block before which it was stopped.
 * While a tile's rows are worked on, those of the next are asked for. */
static int64_t fsgd_run_ascent(const fsgd_ascent *p, int64_t begin, int64_t end,
                               fsgd_ascent_tally *tally, const int *stop)
{
    const fsgd_ascent_fn ascend = fsgd_ascent_table[p->X.real][p->X.index];
    int64_t row[2][FSGD_MOST_ROWS], j = begin;
    int n = fsgd_awake(p, &j, end, row[0]);
    for (int now = 0; n > 0 || j < end; now = !now) {
        if (fsgd_load_int(stop)) return j;
        const int n_next = fsgd_awake(p, &j, end, row[!now]);
        if (j < end) fsgd_ask_for_rest(p, j);
        ascend(p, row[now], n, row[!now], n_next, tally);
        n = n_next;
    }
    return end;
}

/* Rows that have something to gain: neither asleep nor found dull at their last visit. */
static int64_t fsgd_list_busy(const fsgd_ascent *p, int64_t *row)
{
    int64_t n = 0;
    for (int64_t i = 0; i < p->X.n_rows; i++)
        if (!p->rest[i].sleep && !p->rest[i].idle && p->row[i].c > 0) row[n++] = i;
    return n;
}

/* Sweeps over row[n], in a new order each time; who becomes dull leaves, for these sweeps only.
 * Ends when none is left or `most` were visited. row: INOUT; p->rest: 0 before and after.
 * The multiplier takes the epoch's step and then stays: a few rows alone may have no point where
 * the sum is 0, and b would go on and on. */
static void fsgd_run_busy(const fsgd_ascent *p, int64_t *row, int64_t n, int64_t most,
                          uint64_t seed, uint64_t epoch, double *centre,
                          fsgd_ascent_tally *tally, const int *stop)
{
    const fsgd_ascent_fn ascend = fsgd_ascent_table[p->X.real][p->X.index];
    const int64_t first = tally->visits;
    uint64_t drawn = 0;
    if (n > 0) {
        const double b = *p->b, excess = b - *centre;
        *centre = b;
        *p->b = b + excess;
    }
    while (n > 0 && tally->visits - first < most) {
        for (int64_t i = n - 1; i > 0; i--) {
            const int64_t j = (int64_t)fsgd_below(fsgd_random(seed, epoch, drawn++), i + 1);
            const int64_t other = row[i];
            row[i] = row[j];
            row[j] = other;
        }
        for (int64_t i = 0, size; i < n; i += size) {
            if (fsgd_load_int(stop)) return;
            const int64_t rest = n - i, after = rest - FSGD_TILE;
            size = rest < FSGD_TILE ? rest : FSGD_TILE;
            const int64_t n_next = after < 0 ? 0 : after < FSGD_TILE ? after : FSGD_TILE;
            ascend(p, row + i, (int)size, row + i + size, (int)n_next, tally);
        }
        int64_t left = 0;
        for (int64_t i = 0; i < n; i++) {
            fsgd_rest *const rest = &p->rest[row[i]];
            if (!rest->idle) row[left++] = row[i];
            rest->idle = rest->sleep = 0;
        }
        n = left;
    }
}

static inline void fsgd_margins(const fsgd_rows *X, const double *w, double b, int64_t begin,
                                int64_t end, double *z)
{
    fsgd_margins_table[X->real][X->index](X, w, b, begin, end, z);
}

static inline void fsgd_add_rows(const fsgd_rows *X, const double *a, int64_t begin, int64_t end,
                                 double *v)
{
    fsgd_add_rows_table[X->real][X->index](X, a, begin, end, v);
}

static inline int64_t fsgd_squares(const fsgd_rows *X, int64_t begin, int64_t end,
                                   fsgd_dual_row *row, double *work)
{
    return fsgd_squares_table[X->real][X->index](X, begin, end, row, work);
}

#endif
