/* gram.h: the weighted Gram matrix of some sparse rows, sum theta_i x_i x_i^T.
 *
 * Only entries below the diagonal and on it are added up. Each pair of a row's entries is visited
 * once, so where a row names a column twice, as a sum, that is right too: (p, q) and (q, p) of
 * different columns fall on the same entry, and two in one column count twice on the diagonal.
 */
#ifndef FSGD_GRAM_H
#define FSGD_GRAM_H

#include "rows.h"

/* Rows begin..end of CSR. gram: INOUT, d x d in C order. */
#define FSGD_GRAM_OF(REAL, INDEX, SUFFIX)                                                         \
    static void fsgd_gram_##SUFFIX(const fsgd_rows *X, const double *theta, int64_t begin,        \
                                   int64_t end, double *gram)                                     \
    {                                                                                             \
        const REAL *x = (const REAL *)X->data;                                                    \
        const INDEX *column = (const INDEX *)X->indices;                                          \
        const int64_t d = X->n_cols;                                                              \
        for (int64_t i = begin; i < end; i++) {                                                   \
            if (theta[i] == 0) continue;                                                          \
            for (int64_t j = X->indptr[i]; j < X->indptr[i + 1]; j++) {                           \
                const double q = theta[i] * x[j];                                                 \
                const int64_t c = column[j];                                                      \
                double *row = gram + c * d;                                                       \
                for (int64_t k = X->indptr[i]; k < j; k++) {                                      \
                    const int64_t e = column[k];                                                  \
                    if (e < c) row[e] += q * x[k];                                                \
                    else if (e > c) gram[e * d + c] += q * x[k];                                  \
                    else row[c] += 2 * q * x[k];                                                  \
                }                                                                                 \
                row[c] += q * x[j];                                                               \
            }                                                                                     \
        }                                                                                         \
    }

FSGD_GRAM_OF(float, int32_t, f32_i32)
FSGD_GRAM_OF(float, int64_t, f32_i64)
FSGD_GRAM_OF(double, int32_t, f64_i32)
FSGD_GRAM_OF(double, int64_t, f64_i64)
#undef FSGD_GRAM_OF

/* squares: INOUT, of each column, += the squares of its entries in rows begin..end. */
#define FSGD_SQUARES_OF(REAL, INDEX)                                                              \
    {                                                                                             \
        const REAL *x = (const REAL *)X->data;                                                    \
        const INDEX *column = (const INDEX *)X->indices;                                          \
        for (int64_t j = X->indptr[begin]; j < X->indptr[end]; j++)                               \
            squares[column[j]] += (double)x[j] * x[j];                                            \
    }
FSGD_FN void fsgd_column_squares(const fsgd_rows *X, int64_t begin, int64_t end, double *squares)
{
    if (X->index == FSGD_I32 && X->real == FSGD_F32) FSGD_SQUARES_OF(float, int32_t)
    else if (X->index == FSGD_I32) FSGD_SQUARES_OF(double, int32_t)
    else if (X->real == FSGD_F32) FSGD_SQUARES_OF(float, int64_t)
    else FSGD_SQUARES_OF(double, int64_t)
}
#undef FSGD_SQUARES_OF

FSGD_FN void fsgd_gram(const fsgd_rows *X, const double *theta, int64_t begin, int64_t end,
                       double *gram)
{
    if (X->index == FSGD_I32)
        (X->real == FSGD_F32 ? fsgd_gram_f32_i32 : fsgd_gram_f64_i32)(X, theta, begin, end, gram);
    else
        (X->real == FSGD_F32 ? fsgd_gram_f32_i64 : fsgd_gram_f64_i64)(X, theta, begin, end, gram);
}

#endif
