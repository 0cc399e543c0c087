/* predict.h: x.w of rows that were not checked before, for one model.
 *
 * A row's columns are checked just before they are followed. Whether its values are finite shows
 * in the result: NaN or infinity times any weight is NaN or infinity, and so is every sum with it.
 * Only a row whose result is not finite is looked at again.
 */
#ifndef FSGD_PREDICT_H
#define FSGD_PREDICT_H

#include "rows.h"
#include "simd.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* z[i] = x_i.w for rows begin..end; w: n_cols, z: n_rows, both of X's type or double. Returns the
 * first row that cannot be used, or -1. */
typedef int64_t (*fsgd_predict_fn)(const fsgd_rows *X, const void *w, int64_t begin, int64_t end,
                                   int checked, void *z);

/* Whether one of eight columns is outside, seen before they are followed: less than a pass of its
 * own costs. Bit by bit as in rows.h: the sign of what FSGD_BEYOND gives is set for a column
 * outside. */
#define FSGD_BEYOND(C) (C | (last - C))
#define FSGD_ANY_BEYOND(INDEX, INDEX_NAME, UNSIGNED)                                              \
    static inline int fsgd_any_beyond_base_##INDEX_NAME(const INDEX *column, UNSIGNED last)       \
    {                                                                                             \
        UNSIGNED any = 0;                                                                         \
        for (int k = 0; k < 8; k++) any |= FSGD_BEYOND((UNSIGNED)column[k]);                      \
        return (int)(any >> (8 * sizeof(UNSIGNED) - 1));                                          \
    }
FSGD_ANY_BEYOND(int32_t, i32, uint32_t)
FSGD_ANY_BEYOND(int64_t, i64, uint64_t)
#undef FSGD_ANY_BEYOND

#if defined(__x86_64__)
FSGD_AVX2 static inline int fsgd_any_beyond_avx2_i32(const int32_t *column, uint32_t last_)
{
    const __m256i last = _mm256_set1_epi32((int32_t)last_),
                  c = _mm256_loadu_si256((const __m256i *)column);
    return _mm256_movemask_ps(
        _mm256_castsi256_ps(_mm256_or_si256(c, _mm256_sub_epi32(last, c))));
}

FSGD_AVX2 static inline int fsgd_any_beyond_avx2_i64(const int64_t *column, uint64_t last_)
{
    const __m256i last = _mm256_set1_epi64x((int64_t)last_),
                  c = _mm256_loadu_si256((const __m256i *)column),
                  d = _mm256_loadu_si256((const __m256i *)(column + 4));
    return _mm256_movemask_pd(_mm256_castsi256_pd(
        _mm256_or_si256(_mm256_or_si256(c, _mm256_sub_epi64(last, c)),
                        _mm256_or_si256(d, _mm256_sub_epi64(last, d)))));
}
#endif

/* Four sums, so that an addition need not wait for the one before. */
#define FSGD_PREDICT_CSR(TARGET, ISA, NAME, REAL, REAL_NAME, WEIGHT, INDEX, INDEX_NAME, UNSIGNED, \
                         LAST)                                                                    \
    TARGET static int64_t fsgd_predict_##ISA##_##NAME##_##INDEX_NAME(                             \
        const fsgd_rows *X, const void *w_, int64_t begin, int64_t end, int checked, void *z_)    \
    {                                                                                             \
        const REAL *x = (const REAL *)X->data;                                                    \
        const INDEX *column = (const INDEX *)X->indices;                                          \
        const WEIGHT *w = (const WEIGHT *)w_;                                                     \
        const UNSIGNED last = LAST;                                                               \
        for (int64_t i = begin; i < end; i++) {                                                   \
            const int64_t first = X->indptr[i], stop = X->indptr[i + 1];                          \
            WEIGHT sum[4] = {0};                                                                  \
            int64_t j = first;                                                                    \
            for (; j + 8 <= stop; j += 8) {                                                       \
                if (fsgd_any_beyond_##ISA##_##INDEX_NAME(column + j, last)) return i;             \
                for (int k = 0; k < 8; k++)                                                       \
                    sum[k & 3] += (WEIGHT)x[j + k] * w[(UNSIGNED)column[j + k]];                  \
            }                                                                                     \
            for (int k = 0; j < stop; j++, k++) {                                                 \
                const UNSIGNED c = (UNSIGNED)column[j];                                           \
                if (FSGD_BEYOND(c) >> (8 * sizeof(UNSIGNED) - 1)) return i;                       \
                sum[k & 3] += (WEIGHT)x[j] * w[c];                                                \
            }                                                                                     \
            const WEIGHT all = (sum[0] + sum[1]) + (sum[2] + sum[3]);                             \
            ((WEIGHT *)z_)[i] = all;                                                              \
            if (!checked && all - all != 0 && !fsgd_finite_##REAL_NAME(x, first, stop)) return i; \
        }                                                                                         \
        return -1;                                                                                \
    }

#define FSGD_PREDICT_DENSE(TARGET, NAME, REAL, REAL_NAME, WEIGHT)                                 \
    TARGET static int64_t fsgd_predict_##NAME##_dense(                                            \
        const fsgd_rows *X, const void *w_, int64_t begin, int64_t end, int checked, void *z_)    \
    {                                                                                             \
        const WEIGHT *w = (const WEIGHT *)w_;                                                     \
        const int64_t n = X->n_cols;                                                              \
        for (int64_t i = begin; i < end; i++) {                                                   \
            const REAL *x = (const REAL *)X->data + i * n;                                        \
            WEIGHT lane[16] = {0}, sum = 0;                                                       \
            int64_t j = 0;                                                                        \
            for (; j + 16 <= n; j += 16)                                                          \
                for (int k = 0; k < 16; k++) lane[k] += (WEIGHT)x[j + k] * w[j + k];              \
            for (int k = 0; k < 16; k++) sum += lane[k];                                          \
            for (; j < n; j++) sum += (WEIGHT)x[j] * w[j];                                        \
            ((WEIGHT *)z_)[i] = sum;                                                              \
            if (!checked && sum - sum != 0 && !fsgd_finite_##REAL_NAME(x, 0, n)) return i;        \
        }                                                                                         \
        return -1;                                                                                \
    }

#define FSGD_PREDICT(TARGET, ISA, NAME, REAL, REAL_NAME, WEIGHT)                                  \
    FSGD_PREDICT_CSR(TARGET, ISA, NAME, REAL, REAL_NAME, WEIGHT, int32_t, i32, uint32_t,               \
                     X->n_cols - 1 < INT32_MAX ? (uint32_t)(X->n_cols - 1) : INT32_MAX)           \
    FSGD_PREDICT_CSR(TARGET, ISA, NAME, REAL, REAL_NAME, WEIGHT, int64_t, i64, uint64_t,               \
                     (uint64_t)(X->n_cols - 1))                                                   \
    FSGD_PREDICT_DENSE(TARGET, ISA##_##NAME, REAL, REAL_NAME, WEIGHT)
#define FSGD_PREDICT_TARGET(TARGET, ISA)                                                          \
    FSGD_PREDICT(TARGET, ISA, f32, float, f32, float)                                             \
    FSGD_PREDICT(TARGET, ISA, mixed, float, f32, double)                                          \
    FSGD_PREDICT(TARGET, ISA, f64, double, f64, double)
FSGD_PREDICT_TARGET(, base)
#if defined(__x86_64__)
FSGD_PREDICT_TARGET(FSGD_AVX2, avx2)
#endif
#undef FSGD_PREDICT_CSR
#undef FSGD_BEYOND
#undef FSGD_PREDICT_DENSE
#undef FSGD_PREDICT
#undef FSGD_PREDICT_TARGET

/* weight: FSGD_F32 or FSGD_F64, of the weights; not narrower than X's. */
static inline fsgd_predict_fn fsgd_choose_predict(const fsgd_rows *X, int weight, int vector)
{
#define FSGD_KINDS(NAME)                                                                          \
    {fsgd_predict_##NAME##_i32, fsgd_predict_##NAME##_i64, fsgd_predict_##NAME##_dense}
#define FSGD_BY_TARGET(T) {FSGD_KINDS(T##_f32), FSGD_KINDS(T##_mixed), FSGD_KINDS(T##_f64)}
    static const fsgd_predict_fn table[][3][3] = {
        FSGD_BY_TARGET(base),
#if defined(__x86_64__)
        FSGD_BY_TARGET(avx2),
#endif
    };
#undef FSGD_KINDS
#undef FSGD_BY_TARGET
    const int types = X->real == FSGD_F64 ? 2 : weight == FSGD_F64 ? 1 : 0;
    return table[vector >= 32][types][X->index];
}

#endif
