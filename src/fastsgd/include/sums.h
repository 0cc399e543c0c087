/* sums.h: the map of Map-Reduce: sums over some rows, for gradient descent and Newton's method.
 *
 * With z_i = w.x_i + b, s_i the weight of row i and l its loss, a task adds up over visits:
 *   GRADIENT  sum s l(z), sum s l'(z) x;   keeps z and s l''(z) of each visit
 *   MOVED     the same at z + eta dz, which becomes z: no product with w
 *   PRODUCT   sum c (v.x + v_b) x, with the c = s l'' that were kept: Hessian times v
 *   ALONG     nothing; keeps dz = d.x + d_b, how margins change in the direction d
 *   LINE      phi = sum s l(z + eta dz) and its first two derivatives by eta: no look at X
 *   SQUARES   sum s x^2, entry by entry
 * The sums of one range of visits are made by one thread in the order of visits, so they do not
 * depend on how many threads there are. All sums are kept in double.
 */
#ifndef FSGD_SUMS_H
#define FSGD_SUMS_H

#include <string.h>

#include "barrier.h"
#include "log_loss.h"
#include "losses.h"
#include "rows.h"
#include "simd.h"

enum { FSGD_GRADIENT, FSGD_MOVED, FSGD_PRODUCT, FSGD_ALONG, FSGD_LINE, FSGD_SQUARES };

#define FSGD_SUM_ROWS FSGD_TOGETHER /* visits whose losses are evaluated together */
#define FSGD_AHEAD 192  /* values that are asked for so long before they are used */

typedef struct {
    /* data, IN */
    fsgd_rows X;
    int vector;                    /* bytes of the registers to use for dense rows */
    const int64_t *row;            /* the row of each visit, or NULL: as they lie */
    const double *y;
    const double *sample_weight;   /* by row, or NULL for ones */
    double weight_pos, weight_neg; /* by the sign of y */
    int loss;
    double loss_constant;
    /* what is asked for, IN */
    int task;
    const double *w;               /* the point, or v, or d: n_cols */
    double b;                      /* its intercept */
    double eta;
    /* by visit, INOUT; NULL: not kept */
    double *z, *dz, *curvature;
} fsgd_sums;

/* What a shard adds up besides its vector. */
typedef struct {
    _Alignas(64) double value; /* of losses: phi */
    double slope;              /* of the vector's entry for the intercept; LINE: phi' */
    double curve;              /* LINE: phi'' */
} fsgd_part;

/* Whether the task looks at w, and whether it sums a vector. */
FSGD_FN int fsgd_task_reads(int task)
{
    return task == FSGD_GRADIENT || task == FSGD_PRODUCT || task == FSGD_ALONG;
}

FSGD_FN int fsgd_task_sums(int task)
{
    return task == FSGD_GRADIENT || task == FSGD_MOVED || task == FSGD_PRODUCT ||
           task == FSGD_SQUARES;
}

FSGD_FN double fsgd_weight_of(const fsgd_sums *p, int64_t row)
{
    const double weight = p->y[row] > 0 ? p->weight_pos : p->weight_neg;
    return p->sample_weight ? weight * p->sample_weight[row] : weight;
}

/* The losses of n <= FSGD_SUM_ROWS rows and their derivatives. value, d, dd: OUT. */
static void fsgd_terms(const fsgd_sums *p, int n, const int64_t *row, const double *margin,
                       double *value, double *d, double *dd)
{
    double y[FSGD_SUM_ROWS], z[FSGD_SUM_ROWS];
    if (p->loss != FSGD_LOSS_LOG_LOSS) {
        for (int k = 0; k < n; k++)
            fsgd_loss_terms(p->loss, margin[k], p->y[row[k]], p->loss_constant, &value[k], &d[k],
                            &dd[k]);
        return;
    }
    for (int k = 0; k < FSGD_SUM_ROWS; k++) {
        y[k] = p->y[row[k < n ? k : 0]];
        z[k] = margin[k < n ? k : 0];
    }
#if defined(__x86_64__)
    if (p->vector > 16) {
        fsgd_log_loss_terms_avx2(z, y, value, d, dd);
        return;
    }
#endif
    fsgd_log_loss_terms(z, y, value, d, dd);
}

/* The factors of x in the vector's sum, from n margins. factor: INOUT, the margins before. OUT:
 * what is kept of the visits. */
FSGD_FN void fsgd_factors(const fsgd_sums *p, int64_t visit, int n, const int64_t *row,
                          double *factor, fsgd_part *part)
{
    double value[FSGD_SUM_ROWS], d[FSGD_SUM_ROWS], dd[FSGD_SUM_ROWS];
    if (p->task == FSGD_PRODUCT) {
        for (int k = 0; k < n; k++) {
            factor[k] *= p->curvature[visit + k];
            part->slope += factor[k];
        }
        return;
    }
    fsgd_terms(p, n, row, factor, value, d, dd);
    for (int k = 0; k < n; k++) {
        const double s = fsgd_weight_of(p, row[k]);
        if (p->z) p->z[visit + k] = factor[k];
        if (p->curvature) p->curvature[visit + k] = s * dd[k];
        part->value += s * value[k];
        factor[k] = s * d[k];
        part->slope += factor[k];
    }
}

/* What threads share while they work on one task, each on a cache line of its own. */
typedef struct {
    _Alignas(64) int64_t shard; /* the next that nobody has taken */
    _Alignas(64) int64_t slice; /* of the reduce */
    _Alignas(64) int stop;
    fsgd_barrier barrier;
} fsgd_gathering;

/* Visits begin..end. vector: INOUT, the shard's sum, n_cols. */
typedef void (*fsgd_map_fn)(const fsgd_sums *p, int64_t begin, int64_t end, double *vector,
                            fsgd_part *part);

#define FSGD_PASTE3_(a, b, c) a##_##b##_##c
#define FSGD_PASTE3(a, b, c) FSGD_PASTE3_(a, b, c)
#define TARGET
#define FSGD_BY_REAL "sums_real.inc"
#include "by_real.inc"
#undef FSGD_BY_REAL
#undef TARGET

/* LINE: what X is asked for nowhere. */
static void fsgd_map_line(const fsgd_sums *p, int64_t begin, int64_t end, double *vector,
                          fsgd_part *part)
{
    double z[FSGD_SUM_ROWS], value[FSGD_SUM_ROWS], d[FSGD_SUM_ROWS], dd[FSGD_SUM_ROWS];
    int64_t row[FSGD_SUM_ROWS];
    for (int64_t first = begin; first < end; first += FSGD_SUM_ROWS) {
        const int n = end - first < FSGD_SUM_ROWS ? (int)(end - first) : FSGD_SUM_ROWS;
        for (int k = 0; k < n; k++) {
            row[k] = p->row ? p->row[first + k] : first + k;
            z[k] = p->z[first + k] + p->eta * p->dz[first + k];
        }
        fsgd_terms(p, n, row, z, value, d, dd);
        for (int k = 0; k < n; k++) {
            const double s = fsgd_weight_of(p, row[k]), dz = p->dz[first + k];
            part->value += s * value[k];
            part->slope += s * d[k] * dz;
            part->curve += s * dd[k] * dz * dz;
        }
    }
}

static inline fsgd_map_fn fsgd_choose_map(const fsgd_sums *p)
{
    static const fsgd_map_fn by_kind[2][3] = {
        {fsgd_map_f32_i32, fsgd_map_f32_i64, fsgd_map_f32_dense},
        {fsgd_map_f64_i32, fsgd_map_f64_i64, fsgd_map_f64_dense},
    };
    if (p->task == FSGD_LINE) return fsgd_map_line;
#if defined(__x86_64__)
    if (p->X.index == FSGD_DENSE && p->vector > 16)
        return p->X.real == FSGD_F32 ? fsgd_map_f32_dense_avx2 : fsgd_map_f64_dense_avx2;
#endif
    return by_kind[p->X.real][p->X.index];
}

/* The reduce: out = the sums of all shards, always in the same order, for features begin..end. */
static void fsgd_reduce(const double *sums, int64_t stride, int64_t n_shards, int64_t begin,
                        int64_t end, double *restrict out)
{
    for (int64_t j = begin; j < end; j++) out[j] = sums[j];
    for (int64_t s = 1; s < n_shards; s++)
        for (int64_t j = begin; j < end; j++) out[j] += sums[s * stride + j];
}

#endif
