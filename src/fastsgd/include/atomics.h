/* atomics.h: what threads share, they touch through these.
 *
 * The promise of HOGWILD! (Niu, Recht, Re, Wright 2011), in the terms of C11: a relaxed load and a
 * relaxed store of one number are never torn and never a data race. fsgd_add_* is a load, an
 * addition and a store, not one atomic operation: an update that two threads make at the same
 * moment may be lost, and nothing else can go wrong. On x86-64 and arm64 both are plain moves.
 */
#ifndef FSGD_ATOMICS_H
#define FSGD_ATOMICS_H

#include "fsgd.h"

#define FSGD_RELAXED(T, SUFFIX)                                                                   \
    FSGD_FN T fsgd_load_##SUFFIX(const T *p)                                                      \
    {                                                                                             \
        T x;                                                                                      \
        __atomic_load(p, &x, __ATOMIC_RELAXED);                                                   \
        return x;                                                                                 \
    }                                                                                             \
    FSGD_FN void fsgd_store_##SUFFIX(T *p, T x)                                                   \
    {                                                                                             \
        __atomic_store(p, &x, __ATOMIC_RELAXED);                                                  \
    }                                                                                             \
    FSGD_FN void fsgd_add_##SUFFIX(T *p, T x)                                                     \
    {                                                                                             \
        fsgd_store_##SUFFIX(p, fsgd_load_##SUFFIX(p) + x);                                        \
    }

/* The same promise for rows of weights that are read and written as vectors (sparse_layer.inc,
 * optimizers_target.inc), where C11 has no word for a relaxed access of many numbers. Each function
 * reads and writes a number once, and x86-64 and arm64 never tear an aligned number of a vector;
 * in C11's terms it is a data race, which ThreadSanitizer is asked not to report. */
#define FSGD_RACY __attribute__((no_sanitize_thread))

FSGD_RELAXED(float, f32)
FSGD_RELAXED(double, f64)
FSGD_RELAXED(int, int)
FSGD_RELAXED(int64_t, i64)

/* Takes the next `n` items of a shared list; the only true read-modify-write. */
FSGD_FN int64_t fsgd_take(int64_t *cursor, int64_t n)
{
    return __atomic_fetch_add(cursor, n, __ATOMIC_RELAXED);
}

/* The lock of round-robin: whose turn it is. Acquire and release order the weights with it. */
FSGD_FN int64_t fsgd_turn_load(const int64_t *turn)
{
    return __atomic_load_n(turn, __ATOMIC_ACQUIRE);
}

FSGD_FN void fsgd_turn_pass(int64_t *turn, int64_t next)
{
    __atomic_store_n(turn, next, __ATOMIC_RELEASE);
}

#endif
