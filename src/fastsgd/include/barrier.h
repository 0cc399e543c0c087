/* barrier.h: where threads of one kernel meet, and a lock that nobody waits for in vain.
 *
 * Waiting spins, then yields the core (there may be more threads than cores), and looks at the
 * stop flag, so that Ctrl-C reaches threads that wait.
 */
#ifndef FSGD_BARRIER_H
#define FSGD_BARRIER_H

#include <sched.h>

#include "atomics.h"

#define FSGD_SPINS 64 /* looks between two yields */

typedef struct {
    _Alignas(FSGD_CACHE_LINE) int arrived;
    _Alignas(FSGD_CACHE_LINE) int phase;
} fsgd_barrier;

/* Meets n threads; what each wrote before is seen by all after. Returns 1 when stopped. */
static int fsgd_barrier_wait(fsgd_barrier *b, int n, const int *stop)
{
    const int phase = __atomic_load_n(&b->phase, __ATOMIC_RELAXED);
    if (__atomic_add_fetch(&b->arrived, 1, __ATOMIC_ACQ_REL) == n) {
        __atomic_store_n(&b->arrived, 0, __ATOMIC_RELAXED);
        __atomic_store_n(&b->phase, phase + 1, __ATOMIC_RELEASE);
        return fsgd_load_int(stop);
    }
    for (unsigned spins = 1; __atomic_load_n(&b->phase, __ATOMIC_ACQUIRE) == phase; spins++)
        if (spins % FSGD_SPINS == 0) {
            if (fsgd_load_int(stop)) return 1;
            sched_yield();
        }
    return fsgd_load_int(stop);
}

/* Takes the lock if it is free. */
FSGD_FN int fsgd_try_lock(int *lock)
{
    return !fsgd_load_int(lock) && !__atomic_exchange_n(lock, 1, __ATOMIC_ACQUIRE);
}

FSGD_FN void fsgd_unlock(int *lock)
{
    __atomic_store_n(lock, 0, __ATOMIC_RELEASE);
}

#endif
