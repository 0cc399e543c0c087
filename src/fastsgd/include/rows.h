/* rows.h: a read-only matrix seen row by row: CSR with int32 or int64 indices, or dense. */
#ifndef FSGD_ROWS_H
#define FSGD_ROWS_H

#include <string.h>

#include "fsgd.h"
#include "simd.h"

enum { FSGD_F32, FSGD_F64 };               /* value type */
enum { FSGD_I32, FSGD_I64, FSGD_DENSE };   /* column type; dense rows carry no columns */

typedef struct {
    const void *data;      /* stored values; dense: n_rows x n_cols, C order */
    const void *indices;   /* columns, or NULL */
    const int64_t *indptr; /* row i holds the entries indptr[i] .. indptr[i + 1] - 1, or NULL */
    int64_t n_rows, n_cols;
    int real, index;
} fsgd_rows;

/* Whether entries begin..end are finite and lie in columns of the matrix. Bit by bit, so that the
 * compiler may take many at a time: an exponent of ones is infinity or NaN; the sign of
 * c | (last - c) is set outside 0..last. */
#define FSGD_SOUND(REAL, BITS, EXPONENT, SUFFIX)                                                  \
    FSGD_FN int fsgd_finite_##SUFFIX(const REAL *x, int64_t begin, int64_t end)                   \
    {                                                                                             \
        int bad = 0;                                                                              \
        for (int64_t j = begin; j < end; j++) {                                                   \
            BITS bits;                                                                            \
            memcpy(&bits, &x[j], sizeof bits);                                                    \
            bad |= (bits & EXPONENT) == EXPONENT;                                                 \
        }                                                                                         \
        return !bad;                                                                              \
    }
FSGD_SOUND(float, uint32_t, 0x7f800000u, f32)
FSGD_SOUND(double, uint64_t, 0x7ff0000000000000u, f64)
#undef FSGD_SOUND

#define FSGD_WITHIN(INDEX, UNSIGNED, SUFFIX)                                                      \
    FSGD_FN int fsgd_within_##SUFFIX(const INDEX *column, int64_t begin, int64_t end,             \
                                     UNSIGNED last)                                               \
    {                                                                                             \
        UNSIGNED outside = 0;                                                                     \
        for (int64_t j = begin; j < end; j++) {                                                   \
            const UNSIGNED c = (UNSIGNED)column[j];                                               \
            outside |= c | (last - c);                                                            \
        }                                                                                         \
        return !(outside >> (8 * sizeof(UNSIGNED) - 1));                                          \
    }
FSGD_WITHIN(int32_t, uint32_t, i32)
FSGD_WITHIN(int64_t, uint64_t, i64)
#undef FSGD_WITHIN

/* Whether rows i..i_end - 1 may be worked on: all values finite, all columns within the matrix. */
FSGD_FN int fsgd_rows_are_sound(const fsgd_rows *X, int64_t i, int64_t i_end)
{
    const int dense = X->index == FSGD_DENSE;
    const int64_t begin = dense ? i * X->n_cols : X->indptr[i];
    const int64_t end = dense ? i_end * X->n_cols : X->indptr[i_end];
    const int64_t last = X->n_cols - 1;
    if (!(X->real == FSGD_F32 ? fsgd_finite_f32((const float *)X->data, begin, end)
                              : fsgd_finite_f64((const double *)X->data, begin, end)))
        return 0;
    if (X->index == FSGD_I32)
        return fsgd_within_i32((const int32_t *)X->indices, begin, end,
                               last < INT32_MAX ? (uint32_t)last : INT32_MAX);
    return dense || fsgd_within_i64((const int64_t *)X->indices, begin, end, (uint64_t)last);
}

#if defined(__x86_64__)
FSGD_AVX2 static int fsgd_rows_are_sound_avx2(const fsgd_rows *X, int64_t i, int64_t i_end)
{
    return fsgd_rows_are_sound(X, i, i_end);
}
#else
#define fsgd_rows_are_sound_avx2 fsgd_rows_are_sound
#endif

static int fsgd_row_is_sound(const fsgd_rows *X, int64_t i)
{
    return fsgd_rows_are_sound(X, i, i + 1);
}

#endif
