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

/* z[i] = x_i.w for rows begin..end; w: n_cols, z: n_rows, both of X's type or double. Returns the
 * first row that cannot be used, or -1. */
typedef int64_t (*fsgd_predict_fn)(const fsgd_rows *X, const void *w, int64_t begin, int64_t end,
                                   int checked, void *z);

/* Bit by bit as in rows.h: the sign of what FSGD_BEYOND gives is set for a column outside. Four are
 * compared before they are followed, which costs less than a pass of its own; four sums, so that
 * an addition need not wait for the one before. */
#define FSGD_BEYOND(C) (C | (last - C))
#define FSGD_PREDICT_CSR(TARGET, NAME, REAL, REAL_NAME, WEIGHT, INDEX, INDEX_NAME, UNSIGNED,       \
                         LAST)                                                                    \
    TARGET static int64_t fsgd_predict_##NAME##_##INDEX_NAME(                                     \
        const fsgd_rows *X, const void *w_, int64_t begin, int64_t end, int checked, void *z_)    \
    {                                                                                             \
        const REAL *x = (const REAL *)X->data;                                                    \
        const INDEX *column = (const INDEX *)X->indices;                                          \
        const WEIGHT *w = (const WEIGHT *)w_;                                                     \
        const UNSIGNED last = LAST;                                                               \
        for (int64_t i = begin; i < end; i++) {                                                   \
            const int64_t first = X->indptr[i], stop = X->indptr[i + 1];                          \
            WEIGHT sum = 0, sum1 = 0, sum2 = 0, sum3 = 0;                                         \
            int64_t j = first;                                                                    \
            for (; j + 4 <= stop; j += 4) {                                                       \
                const UNSIGNED c = (UNSIGNED)column[j], c1 = (UNSIGNED)column[j + 1],             \
                               c2 = (UNSIGNED)column[j + 2], c3 = (UNSIGNED)column[j + 3];        \
                if ((FSGD_BEYOND(c) | FSGD_BEYOND(c1) | FSGD_BEYOND(c2) | FSGD_BEYOND(c3)) >>     \
                    (8 * sizeof(UNSIGNED) - 1))                                                   \
                    return i;                                                                     \
                sum += (WEIGHT)x[j] * w[c];                                                       \
                sum1 += (WEIGHT)x[j + 1] * w[c1];                                                 \
                sum2 += (WEIGHT)x[j + 2] * w[c2];                                                 \
                sum3 += (WEIGHT)x[j + 3] * w[c3];                                                 \
            }                                                                                     \
            for (; j < stop; j++) {                                                               \
                const UNSIGNED c = (UNSIGNED)column[j];                                           \
                if (FSGD_BEYOND(c) >> (8 * sizeof(UNSIGNED) - 1)) return i;                       \
                sum += (WEIGHT)x[j] * w[c];                                                       \
            }                                                                                     \
            sum = (sum + sum1) + (sum2 + sum3);                                                   \
            ((WEIGHT *)z_)[i] = sum;                                                              \
            if (!checked && sum - sum != 0 && !fsgd_finite_##REAL_NAME(x, first, stop)) return i; \
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

#define FSGD_PREDICT(TARGET, NAME, REAL, REAL_NAME, WEIGHT)                                       \
    FSGD_PREDICT_CSR(TARGET, NAME, REAL, REAL_NAME, WEIGHT, int32_t, i32, uint32_t,               \
                     X->n_cols - 1 < INT32_MAX ? (uint32_t)(X->n_cols - 1) : INT32_MAX)           \
    FSGD_PREDICT_CSR(TARGET, NAME, REAL, REAL_NAME, WEIGHT, int64_t, i64, uint64_t,               \
                     (uint64_t)(X->n_cols - 1))                                                   \
    FSGD_PREDICT_DENSE(TARGET, NAME, REAL, REAL_NAME, WEIGHT)
#define FSGD_PREDICT_TARGET(TARGET, NAME)                                                         \
    FSGD_PREDICT(TARGET, NAME##_f32, float, f32, float)                                           \
    FSGD_PREDICT(TARGET, NAME##_mixed, float, f32, double)                                        \
    FSGD_PREDICT(TARGET, NAME##_f64, double, f64, double)
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
