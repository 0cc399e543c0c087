/* reduce.h: adding up buffers of several ranks, for each type, op and kind of machine. */
#ifndef FSGD_REDUCE_H
#define FSGD_REDUCE_H

#include "fsgd.h"
#include "simd.h"

#define FSGD_REDUCE_BLOCK 512 /* elements of a sum of five or more buffers, in the cache */

/* dst[i] = (((from[0][i] op from[1][i]) op ...) op dst[i]) over `n` >= 1 sources. */
typedef void (*fsgd_reduce_fn)(void *dst, const void *const *from, int n, int64_t length);

/* Sums of integers wrap around, as numpy's do: the addition is one of unsigned numbers. */
#define FSGD_WRAP(x, y) ((int64_t)((uint64_t)(x) + (uint64_t)(y)))
#define FSGD_ADD(x, y) ((x) + (y))

#define FSGD_TARGET
#define T float
#define FSGD_SUM FSGD_ADD
#define FSGD_NAME(OP) fsgd_##OP##_f32
#include "reduce.inc"
#undef T
#undef FSGD_NAME
#define T double
#define FSGD_NAME(OP) fsgd_##OP##_f64
#include "reduce.inc"
#undef T
#undef FSGD_NAME
#undef FSGD_SUM
#define T int64_t
#define FSGD_SUM FSGD_WRAP
#define FSGD_NAME(OP) fsgd_##OP##_i64
#include "reduce.inc"
#undef T
#undef FSGD_NAME
#undef FSGD_SUM
#undef FSGD_TARGET

#if defined(__x86_64__)
#define FSGD_TARGET FSGD_AVX2
#define T float
#define FSGD_SUM FSGD_ADD
#define FSGD_NAME(OP) fsgd_##OP##_f32_avx2
#include "reduce.inc"
#undef T
#undef FSGD_NAME
#define T double
#define FSGD_NAME(OP) fsgd_##OP##_f64_avx2
#include "reduce.inc"
#undef T
#undef FSGD_NAME
#undef FSGD_SUM
#define T int64_t
#define FSGD_SUM FSGD_WRAP
#define FSGD_NAME(OP) fsgd_##OP##_i64_avx2
#include "reduce.inc"
#undef T
#undef FSGD_NAME
#undef FSGD_SUM
#undef FSGD_TARGET
#endif

#define FSGD_OPS(SUFFIX) {fsgd_sum_##SUFFIX, fsgd_max_##SUFFIX, fsgd_min_##SUFFIX}

/* type: 0 float, 1 double, 2 int64; op: 0 sum, 1 max, 2 min, as in comm/base.py. */
static fsgd_reduce_fn fsgd_choose_reduce(int type, int op)
{
    static const fsgd_reduce_fn plain[3][3] = {FSGD_OPS(f32), FSGD_OPS(f64), FSGD_OPS(i64)};
#if defined(__x86_64__)
    static const fsgd_reduce_fn wide[3][3] = {
        FSGD_OPS(f32_avx2), FSGD_OPS(f64_avx2), FSGD_OPS(i64_avx2)};
    if (fsgd_vector_bytes(32) == 32) return wide[type][op];
#endif
    return plain[type][op];
}

#endif
