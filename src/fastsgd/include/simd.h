/* simd.h: how wide the registers of this machine are, so that one build is fast everywhere. */
#ifndef FSGD_SIMD_H
#define FSGD_SIMD_H

/* Attributes of functions that are compiled once more for wider registers; they are called only
 * where fsgd_vector_bytes() allows it. */
#define FSGD_AVX2 __attribute__((target("avx2")))
#define FSGD_AVX512 __attribute__((target("avx2,avx512f,avx512bw,avx512dq,avx512vl")))

/* Bytes of the widest registers that this machine has and that are used here, at most `limit`
 * where that is not 0. */
static inline int fsgd_vector_bytes(int limit)
{
    if (!limit) limit = 64;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") && limit >= 64)
        return 64;
    if (__builtin_cpu_supports("avx2") && limit >= 32) return 32;
#endif
    return 16;
}

#endif
