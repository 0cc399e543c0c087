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
#define FSGD_BY_TARGET "sparse_layer_target.inc"
#include "by_target.inc"
#undef FSGD_BY_TARGET

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

/* Asks for the values (or columns) of a row that is visited soon. */
FSGD_FN void fsgd_ask_for_entries(const void *array, int size, const int64_t *indptr, int64_t row)
{
    const char *begin = (const char *)array + indptr[row] * size;
    const char *end = (const char *)array + indptr[row + 1] * size;
    for (; begin < end; begin += FSGD_CACHE_LINE) FSGD_PREFETCH(begin);
}

/* The non-zeros of some rows, sorted by feature; arrays are scratch of one thread.
 * Features have places 0, 1, ... in the order in which they first occur. */
typedef struct {
    int32_t *place;   /* n_cols: of each feature, plus 1; all 0 between calls */
    int64_t n;        /* features that occur */
    int64_t *touched; /* of each place, its feature; room for one more, as ends */
    int64_t *ends;    /* of each place, where its entries end; they begin where the last ended */
    int32_t *at;      /* of each non-zero, its place */
    int32_t *visit;   /* of each entry, which of the visits it is from: ascending at each place */
    void *value;      /* REAL: of each entry */
} fsgd_by_feature;

#define FSGD_SORT(REAL, INDEX, SUFFIX)                                                            \
    static void fsgd_sort_by_feature_##SUFFIX(const fsgd_rows *X, const int64_t *row, int64_t n,  \
                                              fsgd_by_feature *s)                                 \
    {                                                                                             \
        const INDEX *restrict column = (const INDEX *)X->indices;                                 \
        const REAL *restrict data = (const REAL *)X->data;                                        \
        const int64_t *restrict indptr = X->indptr;                                               \
        REAL *restrict value = (REAL *)s->value;                                                  \
        int64_t *restrict touched = s->touched, *restrict ends = s->ends;                         \
        int32_t *restrict places = s->place, *restrict at = s->at, *restrict visit = s->visit;    \
        int64_t e = 0, begin = 0, found = 0;                                                      \
        for (int64_t k = 0; k < n; k++) {                                                         \
            if (k + 2 < n) fsgd_ask_for_entries(column, sizeof(INDEX), indptr, row[k + 2]);       \
            const int64_t end = indptr[row[k] + 1];                                               \
            for (int64_t j = indptr[row[k]]; j < end; j++, e++) {                                 \
                /* no branch: which features are new cannot be guessed */                         \
                const int32_t known = places[column[j]];                                          \
                const int32_t place = known | (-(int32_t)!known & (int32_t)(found + 1));          \
                touched[found] = column[j];                                                       \
                ends[found] = 0;                                                                  \
                found += !known;                                                                  \
                places[column[j]] = place;                                                        \
                at[e] = place - 1;                                                                \
                ends[place - 1]++;                                                                \
            }                                                                                     \
        }                                                                                         \
        for (int64_t p = 0; p < found; p++) {                                                     \
            const int64_t count = ends[p];                                                        \
            places[touched[p]] = 0;                                                               \
            ends[p] = begin; /* goes up to the end while entries are put in */                    \
            begin += count;                                                                       \
        }                                                                                         \
        e = 0;                                                                                    \
        for (int64_t k = 0; k < n; k++) {                                                         \
            if (k + 2 < n) fsgd_ask_for_entries(data, sizeof(REAL), indptr, row[k + 2]);          \
            const int64_t end = indptr[row[k] + 1];                                               \
            for (int64_t j = indptr[row[k]]; j < end; j++, e++) {                                 \
                const int64_t to = ends[at[e]]++;                                                 \
                visit[to] = (int32_t)k;                                                           \
                value[to] = data[j];                                                              \
            }                                                                                     \
        }                                                                                         \
        s->n = found;                                                                             \
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
