/* sparse_layer.h: the first layer of a network on CSR rows, forward and backward.
 *
 * Both ways are one function: a sum of rows of a matrix, each times a number,
 *   forward   out[k] = sum over the non-zeros (j, x) of row k:        x W[j]
 *   backward  G[j]   = sum over the rows k that hold feature j as x:  x delta[k]
 * The backward sum has the rows' non-zeros sorted by feature (fsgd_sort_by_feature), so a row of
 * the gradient is written once, from registers, and threads that own slices of the features share
 * nothing. A unit does the same arithmetic in the same order wherever it lies (no contraction to
 * fused multiply-add, no sum across lanes): the same bits by registers of any width and by any
 * cut of the features among threads.
 */
#ifndef FSGD_SPARSE_LAYER_H
#define FSGD_SPARSE_LAYER_H

#include "atomics.h"
#include "rows.h"
#include "simd.h"

#define FSGD_ROWS_AHEAD 4 /* rows of the matrix that are asked for so long before they are used */

/* out = scale * sum over e of x[e] M[index[e]]; out: OUT, n_units; M: rows `stride` apart. */
typedef void (*fsgd_combine_fn)(const void *x, const void *index, int64_t nnz, const void *M,
                                int64_t stride, int64_t n_units, double scale, void *out);

#define FSGD_PASTE4_(a, b, c, d) a##_##b##_##c##_##d
#define FSGD_PASTE4(a, b, c, d) FSGD_PASTE4_(a, b, c, d)
#define TARGET
#define TARGET_NAME base
#define VECTOR 16
#include "sparse_layer_target.inc"
#undef TARGET
#undef TARGET_NAME
#undef VECTOR
#if defined(__x86_64__)
#define TARGET FSGD_AVX2
#define TARGET_NAME avx2
#define VECTOR 32
#include "sparse_layer_target.inc"
#undef TARGET
#undef TARGET_NAME
#undef VECTOR
#define TARGET FSGD_AVX512
#define TARGET_NAME avx512
#define VECTOR 64
#include "sparse_layer_target.inc"
#undef TARGET
#undef TARGET_NAME
#undef VECTOR
#endif

/* [target][real][index]; units narrower than a register take narrower registers. */
static inline fsgd_combine_fn fsgd_choose_combine(int real, int index, int64_t n_units,
                                                  int vector)
{
#define FSGD_BY_TARGET(T)                                                                         \
    {{fsgd_combine_##T##_f32_i32, fsgd_combine_##T##_f32_i64},                                    \
     {fsgd_combine_##T##_f64_i32, fsgd_combine_##T##_f64_i64}}
    static const fsgd_combine_fn table[][2][2] = {
        FSGD_BY_TARGET(base),
#if defined(__x86_64__)
        FSGD_BY_TARGET(avx2),
        FSGD_BY_TARGET(avx512),
#endif
    };
#undef FSGD_BY_TARGET
    const int64_t bytes = n_units * (real == FSGD_F32 ? 4 : 8);
    const int target = vector >= 64 && bytes >= 64 ? 2 : vector >= 32 && bytes >= 32 ? 1 : 0;
    return table[target][real][index];
}

/* The non-zeros of some rows, sorted by feature; arrays are scratch of one thread.
 * Features have places 0, 1, ... in the order in which they first occur. */
typedef struct {
    int32_t *place;   /* n_cols: of each feature, plus 1; all 0 between calls */
    int64_t n;        /* features that occur */
    int64_t *touched; /* of each place, its feature */
    int64_t *ends;    /* of each place, where its entries end; they begin where the last ended */
    int32_t *at;      /* of each non-zero, its place */
    int32_t *visit;   /* of each entry, which of the visits it is from: ascending at each place */
    void *value;      /* REAL: of each entry */
} fsgd_by_feature;

#define FSGD_SORT(REAL, INDEX, SUFFIX)                                                            \
    static void fsgd_sort_by_feature_##SUFFIX(const fsgd_rows *X, const int64_t *row, int64_t n,  \
                                              fsgd_by_feature *s)                                 \
    {                                                                                             \
        const INDEX *column = (const INDEX *)X->indices;                                          \
        const REAL *data = (const REAL *)X->data;                                                 \
        REAL *value = (REAL *)s->value;                                                           \
        int64_t e = 0, begin = 0;                                                                 \
        s->n = 0;                                                                                 \
        for (int64_t k = 0; k < n; k++)                                                           \
            for (int64_t j = X->indptr[row[k]]; j < X->indptr[row[k] + 1]; j++, e++) {            \
                int32_t place = s->place[column[j]];                                              \
                if (!place) {                                                                     \
                    s->touched[s->n] = column[j];                                                 \
                    s->ends[s->n] = 0;                                                            \
                    s->place[column[j]] = place = (int32_t)++s->n;                                \
                }                                                                                 \
                s->at[e] = place - 1;                                                             \
                s->ends[place - 1]++;                                                             \
            }                                                                                     \
        for (int64_t p = 0; p < s->n; p++) {                                                      \
            const int64_t count = s->ends[p];                                                     \
            s->place[s->touched[p]] = 0;                                                          \
            s->ends[p] = begin; /* goes up to the end while entries are put in */                 \
            begin += count;                                                                       \
        }                                                                                         \
        e = 0;                                                                                    \
        for (int64_t k = 0; k < n; k++)                                                           \
            for (int64_t j = X->indptr[row[k]]; j < X->indptr[row[k] + 1]; j++, e++) {            \
                const int64_t to = s->ends[s->at[e]]++;                                           \
                s->visit[to] = (int32_t)k;                                                        \
                value[to] = data[j];                                                              \
            }                                                                                     \
    }
FSGD_SORT(float, int32_t, f32_i32)
FSGD_SORT(float, int64_t, f32_i64)
FSGD_SORT(double, int32_t, f64_i32)
FSGD_SORT(double, int64_t, f64_i64)
#undef FSGD_SORT

static inline void fsgd_sort_by_feature(const fsgd_rows *X, const int64_t *row, int64_t n,
                                        fsgd_by_feature *s)
{
    if (X->real == FSGD_F32)
        (X->index == FSGD_I32 ? fsgd_sort_by_feature_f32_i32
                              : fsgd_sort_by_feature_f32_i64)(X, row, n, s);
    else
        (X->index == FSGD_I32 ? fsgd_sort_by_feature_f64_i32
                              : fsgd_sort_by_feature_f64_i64)(X, row, n, s);
}

#endif
