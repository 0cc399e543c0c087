/* sums.h: the map of Map-Reduce: sums over some rows, for gradient descent and Newton's method.
 *
 * With z_i = w.x_i + b, s_i the weight of row i and l its loss, a task adds up over visits:
 *   GRADIENT  sum s l(z), sum s l'(z) x;   keeps z and s l''(z) of each visit
 *   MOVED     the same at z + eta dz, which becomes z: no product with w
 *   PRODUCT   sum c (v.x + v_b) x, with the c = s l'' that were kept: Hessian times v
 *   ALONG     nothing; keeps dz = d.x + d_b, how margins change in the direction d
 *   LINE      phi = sum s l(z + eta dz) and its first two derivatives by eta: no look at X
 * The sums of one range of visits are made by one thread in the order of visits, so they do not
 * depend on how many threads there are. All sums are kept in double.
 */
#ifndef FSGD_SUMS_H
#define FSGD_SUMS_H

#include <string.h>

#include "barrier.h"
#include "losses.h"
#include "rows.h"
#include "simd.h"

enum { FSGD_GRADIENT, FSGD_MOVED, FSGD_PRODUCT, FSGD_ALONG, FSGD_LINE };

#define FSGD_SUM_ROWS 8 /* visits whose losses are evaluated together */

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
    return task == FSGD_GRADIENT || task == FSGD_MOVED || task == FSGD_PRODUCT;
}

FSGD_FN double fsgd_weight_of(const fsgd_sums *p, int64_t row)
{
    const double weight = p->y[row] > 0 ? p->weight_pos : p->weight_neg;
    return p->sample_weight ? weight * p->sample_weight[row] : weight;
}

/* The factor of x in the vector's sum, from a visit's margin. OUT: what is kept of the visit. */
FSGD_FN double fsgd_factor(const fsgd_sums *p, int64_t visit, int64_t row, double margin,
                           fsgd_part *part)
{
    double value, d, dd;
    if (p->task == FSGD_PRODUCT) {
        const double q = p->curvature[visit] * margin;
        part->slope += q;
        return q;
    }
    const double s = fsgd_weight_of(p, row);
    fsgd_loss_terms(p->loss, margin, p->y[row], p->loss_constant, &value, &d, &dd);
    if (p->z) p->z[visit] = margin;
    if (p->curvature) p->curvature[visit] = s * dd;
    part->value += s * value;
    part->slope += s * d;
    return s * d;
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
#define REAL float
#define SUFFIX f32
#include "sums_real.inc"
#undef REAL
#undef SUFFIX
#define REAL double
#define SUFFIX f64
#include "sums_real.inc"
#undef REAL
#undef SUFFIX
#undef TARGET

/* LINE: what X is asked for nowhere. */
static void fsgd_map_line(const fsgd_sums *p, int64_t begin, int64_t end, double *vector,
                          fsgd_part *part)
{
    double value, d, dd;
    for (int64_t k = begin; k < end; k++) {
        const int64_t row = p->row ? p->row[k] : k;
        const double s = fsgd_weight_of(p, row), dz = p->dz[k];
        fsgd_loss_terms(p->loss, p->z[k] + p->eta * dz, p->y[row], p->loss_constant, &value, &d,
                        &dd);
        part->value += s * value;
        part->slope += s * d * dz;
        part->curve += s * dd * dz * dz;
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
