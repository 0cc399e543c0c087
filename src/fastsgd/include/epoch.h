/* epoch.h: what one epoch of SGD reads and writes, and the choice of the tile function.
 *
 * The objective is f(w, b) = (1/n) sum_i s_i loss(y_i, w.x_i + b) + l2 |w|^2 / 2 + l1 |w|_1.
 * Weights are stored as v with w = scale * v: shrinking all of w by (1 - eta l2) multiplies one
 * number. That number, like the total of L1 and the sum of scales that averaging needs, is a
 * function of the step alone (fsgd_clock), so threads share no scalar but the intercept.
 */
#ifndef FSGD_EPOCH_H
#define FSGD_EPOCH_H

#include <sched.h>
#include <string.h>

#include "atomics.h"
#include "log_loss.h"
#include "losses.h"
#include "rows.h"
#include "schedules.h"
#include "simd.h"

typedef struct {
    /* data, IN */
    fsgd_rows X;
    int vector;                     /* bytes of the registers to use for dense rows */
    const double *y;
    const double *sample_weight;    /* by row, or NULL for ones */
    double weight_pos, weight_neg;  /* by the sign of y */
    /* visiting order, IN: tile j is the rows of block blocks[j], or row[32 j ...] */
    const int64_t *blocks;          /* numbers of blocks of FSGD_TILE rows, or NULL: as they lie */
    const int64_t *row;             /* row numbers in the order of visits, or NULL: blocks */
    int64_t n_visits;               /* rows of an epoch */
    int64_t *unsound;               /* NULL: X was checked; else OUT: a row that cannot be used */
    /* objective and steps, IN */
    int loss;
    double loss_constant, l1, l2;
    fsgd_schedule schedule;
    double intercept_decay;         /* 0: no intercept */
    int64_t average_from;           /* first step that counts in the average, 0: none */
    /* model, INOUT; hogwild and round-robin threads all write w and intercept */
    void *w;                        /* v, or pairs (v, q) with L1; REAL */
    double *average;                /* A of the averaged weights, or NULL; serial only */
    double *intercept;
} fsgd_problem;

/* The state before a step, known from the step alone. */
typedef struct {
    double t;         /* number of the step, from 1 */
    double scale;     /* w = scale * v */
    double l1_total;  /* u: what L1 has taken from an always positive weight since the start */
    double scale_sum; /* S: sum of scales since the last fold, over steps that are averaged */
} fsgd_clock;

/* What a thread brings back. */
typedef struct {
    double loss;          /* sum of weighted losses, each before its own step */
    double intercept_sum; /* of the steps that are averaged */
} fsgd_tally;

/* Round-robin: thread `rank` of `n_threads` takes every n_threads-th step, and writes in turn. */
typedef struct {
    int64_t *turn; /* NULL: not round-robin */
    const int *stop;
    int rank, n_threads;
} fsgd_turns;

/* Bytes of weights from which on those of the next row are asked for ahead. */
#define FSGD_WIDE (4 << 20)
/* scikit-learn's bound on |d loss|, against overflow. */
#define FSGD_MAX_DLOSS 1e12
/* Below these the scale is folded into v: the powers of ten that leave v room in its type. */
#define FSGD_MIN_SCALE_F32 1e-12
#define FSGD_MIN_SCALE_F64 1e-100
/* A sum of weights holds S v less what was subtracted when v changed: digits are lost as 1 / scale,
 * and in float32 each change of v is rounded besides. */
#define FSGD_MIN_SCALE_AVERAGED_F32 0.1
#define FSGD_MIN_SCALE_AVERAGED_F64 1e-3

FSGD_FN double fsgd_min_scale(const fsgd_problem *p)
{
    if (p->X.real == FSGD_F32)
        return p->average ? FSGD_MIN_SCALE_AVERAGED_F32 : FSGD_MIN_SCALE_F32;
    return p->average ? FSGD_MIN_SCALE_AVERAGED_F64 : FSGD_MIN_SCALE_F64;
}

/* Factor of one step's shrinkage by L2. */
FSGD_FN double fsgd_shrink(double eta, double l2)
{
    double factor = 1 - eta * l2;
    return factor > 0 ? factor : 0;
}

/* Rows of tile j and the number of steps before it; the last block may be short. */
FSGD_FN int fsgd_tile_rows(const fsgd_problem *p, int64_t j, int64_t *row)
{
    int64_t first = (p->blocks && !p->row ? p->blocks[j] : j) * FSGD_TILE;
    int n = first + FSGD_TILE <= p->n_visits ? FSGD_TILE : (int)(p->n_visits - first);
    for (int k = 0; k < n; k++) row[k] = p->row ? p->row[first + k] : first + k;
    return n;
}

/* Asks for what is known of the rows of tile j: where they begin, y and sample weights. */
FSGD_FN void fsgd_ask_for_tile(const fsgd_problem *p, int64_t j)
{
    int64_t row[FSGD_TILE];
    const int n = fsgd_tile_rows(p, j, row), step = p->row ? 1 : FSGD_CACHE_LINE / 8;
    for (int k = 0; k < n; k += step) {
        FSGD_PREFETCH(p->y + row[k]);
        if (p->X.indptr) FSGD_PREFETCH(p->X.indptr + row[k]);
        if (p->sample_weight) FSGD_PREFETCH(p->sample_weight + row[k]);
    }
}

/* The check of X that rides on the first epoch: notes a row of the tile that cannot be used. Rows
 * that lie side by side are checked at one go, which is three times as fast as row by row. */
static int fsgd_tile_is_sound(const fsgd_problem *p, const int64_t *row, int n)
{
    if (!p->row && (p->vector > 16 ? fsgd_rows_are_sound_avx2 : fsgd_rows_are_sound)(
                       &p->X, row[0], row[n - 1] + 1))
        return 1;
    for (int k = 0; k < n; k++)
        if (!fsgd_row_is_sound(&p->X, row[k])) {
            fsgd_store_i64(p->unsound, row[k]);
            return 0;
        }
    return 1;
}

/* The weighted losses of n rows of a tile, added to `sum`: after their steps, which need only the
 * derivatives. The log loss is evaluated for several rows at once. */
static double fsgd_sum_losses(const fsgd_problem *p, int n, const double *z, const double *y,
                              const double *weight, double sum)
{
    if (p->loss == FSGD_LOSS_LOG_LOSS) {
#if defined(__x86_64__)
        if (p->vector > 16) return fsgd_log_loss_sum_avx2(n, z, y, weight, sum);
#endif
        return fsgd_log_loss_sum(n, z, y, weight, sum);
    }
    for (int k = 0; k < n; k++)
        sum += weight[k] * fsgd_loss(p->loss, z[k], y[k], p->loss_constant);
    return sum;
}

/* Waits until it is step `t`'s turn. Returns 0 when the fit was stopped meanwhile. */
static int fsgd_await_turn(const fsgd_turns *turns, int64_t t)
{
    for (unsigned spins = 1; fsgd_turn_load(turns->turn) != t; spins++)
        if (spins % 64 == 0) {
            if (fsgd_load_int(turns->stop)) return 0;
            sched_yield();
        }
    return 1;
}

/* One function for each kind of value, column and penalty: with SHARED weights (relaxed access,
 * never folded) or its own. Sparse rows use relaxed access in both, which is also the fastest. */
#define FSGD_TILE_ARGS                                                                            \
    const fsgd_problem *p, const int64_t *row, int n, const int64_t *next, int n_next,            \
        fsgd_clock *clock, fsgd_tally *tally, const fsgd_turns *turns
typedef int (*fsgd_tile_fn)(FSGD_TILE_ARGS);
typedef void (*fsgd_fold_fn)(const fsgd_problem *p, fsgd_clock *clock);

#define TARGET
#define FSGD_BY_REAL "epoch_real.inc"
#include "by_real.inc"
#undef FSGD_BY_REAL

#undef TARGET

/* [shared][l1][real][index] */
#define FSGD_BY_INDEX(F, shared, l1)                                                              \
    {F##_##shared##_##l1##_f32_i32, F##_##shared##_##l1##_f32_i64, F##_##shared##_##l1##_f32_dense}, \
    {F##_##shared##_##l1##_f64_i32, F##_##shared##_##l1##_f64_i64, F##_##shared##_##l1##_f64_dense}
static const fsgd_tile_fn fsgd_tile_table[2][2][2][3] = {
    {{FSGD_BY_INDEX(fsgd_tile, own, l2)}, {FSGD_BY_INDEX(fsgd_tile, own, l1)}},
    {{FSGD_BY_INDEX(fsgd_tile, shared, l2)}, {FSGD_BY_INDEX(fsgd_tile, shared, l1)}},
};

static inline fsgd_tile_fn fsgd_choose_tile(const fsgd_problem *p, int shared)
{
#if defined(__x86_64__)
    if (p->X.index == FSGD_DENSE && !shared && p->l1 <= 0 && p->vector > 16)
        return p->X.real == FSGD_F32 ? fsgd_tile_own_avx2_l2_f32_dense
                                     : fsgd_tile_own_avx2_l2_f64_dense;
#endif
    return fsgd_tile_table[shared][p->l1 > 0][p->X.real][p->X.index];
}

/* Moves the scale into v: v <- scale * v, scale <- 1. No thread may be at work. */
static inline void fsgd_fold(const fsgd_problem *p, fsgd_clock *clock)
{
    (p->X.real == FSGD_F32 ? fsgd_fold_f32 : fsgd_fold_f64)(p, clock);
}

/* Brings every coordinate up to date with L1. No thread may be at work. */
static inline void fsgd_settle_l1(const fsgd_problem *p, fsgd_clock *clock)
{
    (p->X.real == FSGD_F32 ? fsgd_settle_f32 : fsgd_settle_f64)(p, clock);
}

/* Plans a segment for threads: clocks[j] is the state before tile j, for the tiles from `begin`
 * on, up to the one whose steps would take the scale under its minimum (or the end). Returns the
 * end of the segment; equal to `begin` when a single tile is already too steep to share. */
static int64_t fsgd_plan(const fsgd_problem *p, int64_t begin, int64_t end, fsgd_clock *clock,
                         fsgd_clock *clocks)
{
    double eta[FSGD_TILE], min_scale = fsgd_min_scale(p);
    int64_t row[FSGD_TILE];
    for (int64_t j = begin; j < end; j++) {
        fsgd_clock next = *clock;
        int n = fsgd_tile_rows(p, j, row);
        if (p->l1 > 0 || p->l2 > 0) {
            fsgd_fill_eta(&p->schedule, clock->t, n, eta);
            for (int k = 0; k < n; k++) {
                next.scale *= fsgd_shrink(eta[k], p->l2);
                next.l1_total += eta[k] * p->l1;
            }
        }
        next.t += n;
        if (next.scale < min_scale) return j;
        clocks[j] = *clock;
        *clock = next;
    }
    return end;
}

/* Tiles begin..end of the order, by one thread; returns the tile before which it was stopped. The
 * rows of the next tile are asked for while this one is worked on, what is known of those of the
 * tile after it (where they begin, y) one tile earlier: a block begins anywhere in memory. In the
 * first epoch each tile is checked just before it is used, which costs no pass of its own. */
static int64_t fsgd_run_tiles(const fsgd_problem *p, fsgd_tile_fn tile, int64_t begin, int64_t end,
                              fsgd_clock *clock, fsgd_tally *tally, const fsgd_turns *turns,
                              const int *stop)
{
    int64_t row[2][FSGD_TILE];
    int n = begin < end ? fsgd_tile_rows(p, begin, row[begin & 1]) : 0;
    for (int64_t j = begin; j < end; j++) {
        if (fsgd_load_int(stop)) return j;
        const int n_next = j + 1 < end ? fsgd_tile_rows(p, j + 1, row[(j + 1) & 1]) : 0;
        if (j + 2 < end) fsgd_ask_for_tile(p, j + 2);
        if (p->unsound && !fsgd_tile_is_sound(p, row[j & 1], n)) return j;
        if (tile(p, row[j & 1], n, row[(j + 1) & 1], n_next, clock, tally, turns)) return j;
        n = n_next;
    }
    return end;
}

/* After threads were stopped: moves the clock back from the segment's end to step `t`, the first
 * that was not made; clocks[j] holds it or a step before it. */
static void fsgd_rewind(const fsgd_problem *p, const fsgd_clock *clocks, int64_t j, double t,
                        fsgd_clock *clock)
{
    double eta[FSGD_TILE];
    int n = (int)(t - clocks[j].t);
    *clock = clocks[j];
    fsgd_fill_eta(&p->schedule, clock->t, n, eta);
    for (int k = 0; k < n; k++) {
        clock->scale *= fsgd_shrink(eta[k], p->l2);
        clock->l1_total += eta[k] * p->l1;
    }
    clock->t = t;
}

#endif
