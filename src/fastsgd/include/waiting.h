/* waiting.h: how a rank waits for a counter of another, and how it tells that its own has grown.
 *
 * A wait looks at the counter, then yields the core between looks, and after `yield_seconds`
 * sleeps on a futex, for 50 ms at most, so that it sees a failure, an abort or Ctrl-C by itself.
 * Where there is no futex it sleeps for a moment and looks again.
 *
 * How long it looks before it yields decides the time of a small collective: with a core for each
 * rank a yield costs more than the whole wait, and where cores are shared each look keeps the
 * awaited rank from running. So a rank yields at once to one that was last on its own core; else
 * waits that were short let the next one look for longer, up to `most_looks`, and waits that were
 * long for less.
 */
#ifndef FSGD_WAITING_H
#define FSGD_WAITING_H

#include <limits.h>
#include <sched.h>
#include <time.h>
#ifdef __linux__
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include "atomics.h"
#include "segment.h"

#define FSGD_LEAST_LOOKS 16
#define FSGD_LOOK 27e-9            /* seconds */
#define FSGD_SHORT 20e-6           /* seconds of a short wait */
#define FSGD_NAP 50e-3            /* seconds, the longest sleep */
#define FSGD_POLL_NAP 100e-6      /* seconds, a sleep where there is no futex */
#define FSGD_LONGEST_TURN 100e-3  /* seconds that count at most between two looks: who was stopped
                                     itself blames nobody for the time */

enum { FSGD_OK = 0, FSGD_TROUBLE = 1, FSGD_MISMATCH = 2, FSGD_INTERRUPTED = 3 };

static double fsgd_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* The core that this rank runs on; -1: unknown. */
FSGD_FN int fsgd_cpu(void)
{
#ifdef __linux__
    return sched_getcpu();
#else
    return -1;
#endif
}

FSGD_FN void fsgd_relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

FSGD_FN int fsgd_reached(const fsgd_counter *counter, uint32_t wanted)
{
    return (int32_t)(__atomic_load_n(&counter->value, __ATOMIC_ACQUIRE) - wanted) >= 0;
}

static void fsgd_wake(const fsgd_comm *c, fsgd_counter *counter)
{
#ifdef __linux__
    if (!fsgd_header_of(c)->polling)
        syscall(SYS_futex, &counter->value, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
#endif
}

/* Lets the counter grow; all that was written before is seen by who sees it. */
FSGD_FN void fsgd_advance(const fsgd_comm *c, fsgd_counter *counter, uint32_t value)
{
    __atomic_exchange_n(&counter->value, value, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&counter->sleepers, __ATOMIC_SEQ_CST)) fsgd_wake(c, counter);
}

static void fsgd_sleep(const fsgd_comm *c, fsgd_counter *counter, uint32_t wanted)
{
    struct timespec nap = {0, (long)(1e9 * FSGD_NAP)};
#ifdef __linux__
    if (!fsgd_header_of(c)->polling) {
        __atomic_add_fetch(&counter->sleepers, 1, __ATOMIC_SEQ_CST);
        const uint32_t now = __atomic_load_n(&counter->value, __ATOMIC_SEQ_CST);
        if ((int32_t)(now - wanted) < 0)
            syscall(SYS_futex, &counter->value, FUTEX_WAIT, now, &nap, NULL, 0);
        __atomic_sub_fetch(&counter->sleepers, 1, __ATOMIC_SEQ_CST);
        return;
    }
#endif
    nap.tv_nsec = (long)(1e9 * FSGD_POLL_NAP);
    nanosleep(&nap, NULL);
}

/* What went wrong first; who sees it sees its reason and the ranks concerned. */
FSGD_FN uint32_t fsgd_trouble(const fsgd_comm *c)
{
    return __atomic_load_n(&fsgd_header_of(c)->trouble, __ATOMIC_ACQUIRE);
}

FSGD_FN int fsgd_in_trouble(const fsgd_comm *c)
{
    return fsgd_trouble(c) != FSGD_FINE;
}

/* Tells everybody what happened, unless somebody was first; the death of a peer outdoes all.
 *
 * Only an abort has a reason to write first. Whoever stops or dies while it writes keeps nobody
 * from telling that. */
static void fsgd_raise(const fsgd_comm *c, uint32_t trouble, int by, const char *reason)
{
    fsgd_header *h = fsgd_header_of(c);
    uint32_t fine = FSGD_FINE;
    if (trouble == FSGD_ABORTED) {
        int k = 0;
        if (__atomic_exchange_n(&h->taken, 1, __ATOMIC_ACQ_REL)) return;
        for (; reason[k] && k < FSGD_REASON - 1; k++) h->reason[k] = reason[k];
        h->reason[k] = 0;
        h->by = by;
    }
    if (trouble == FSGD_PEER_FAILED)
        __atomic_store_n(&h->trouble, trouble, __ATOMIC_RELEASE);
    else
        __atomic_compare_exchange_n(&h->trouble, &fine, trouble, 0, __ATOMIC_RELEASE,
                                    __ATOMIC_RELAXED);
    for (int p = 0; p < c->size; p++) fsgd_wake(c, &fsgd_slot_of(c, p)->progress);
}

/* Follows who waits for whom from `peer` on: to the rank that has what it waits for and yet does
 * not move, or waits for nothing. */
static int fsgd_culprit(const fsgd_comm *c, int peer)
{
    for (int hops = 0; hops < c->size; hops++) {
        const fsgd_slot *s = fsgd_slot_of(c, peer);
        const int64_t awaited = __atomic_load_n(&s->awaited, __ATOMIC_ACQUIRE);
        const int wanted = fsgd_load_int(&s->wanted), next = fsgd_load_int(&s->peer);
        if (!awaited || fsgd_reached((const fsgd_counter *)(c->base + awaited), (uint32_t)wanted))
            return peer;
        if (next == c->rank) return peer; /* they wait for each other: different collectives */
        peer = next;
    }
    return peer;
}

static int fsgd_await_slowly(fsgd_comm *c, fsgd_counter *counter, uint32_t wanted, int peer)
{
    fsgd_slot *own = fsgd_slot_of(c, c->rank);
    const int most = fsgd_header_of(c)->most_looks;
    double before, waited = 0, polled = 0;
    int status;
    const int apart = fsgd_cpu() < 0 || fsgd_load_int(&fsgd_slot_of(c, peer)->cpu) != fsgd_cpu();
    const int looks = apart ? c->looks : 0;
    for (int look = 0; look < looks; look++) {
        if (fsgd_reached(counter, wanted)) {
            if (2 * look > looks) c->looks = 2 * look < most ? 2 * look : most;
            return FSGD_OK;
        }
        fsgd_relax();
    }
    before = fsgd_now();
    c->peer = peer;
    fsgd_store_int(&own->peer, peer);
    fsgd_store_int(&own->wanted, (int)wanted);
    __atomic_store_n(&own->awaited, (char *)counter - c->base, __ATOMIC_RELEASE);
    for (;;) {
        status = FSGD_OK;
        for (int look = 0; look < FSGD_LEAST_LOOKS; look++) {
            if (fsgd_reached(counter, wanted)) goto done;
            fsgd_relax();
        }
        status = FSGD_TROUBLE;
        if (fsgd_in_trouble(c)) goto done;
        if (waited < fsgd_header_of(c)->yield_seconds)
            sched_yield();
        else
            fsgd_sleep(c, counter, wanted);
        const double now = fsgd_now(), turn = now - before;
        before = now;
        waited += turn < FSGD_LONGEST_TURN ? turn : FSGD_LONGEST_TURN;
        if (waited - polled > FSGD_NAP / 2) {
            polled = waited;
            status = FSGD_INTERRUPTED;
            if (c->poll && c->poll(c->poll_with)) goto done;
        }
        if (waited > c->timeout && !fsgd_reached(counter, wanted)) {
            status = FSGD_TROUBLE;
            if (!fsgd_in_trouble(c)) {
                fsgd_store_int(&fsgd_slot_of(c, fsgd_culprit(c, peer))->late, 1);
                fsgd_raise(c, FSGD_LATE, c->rank, NULL);
            }
            goto done;
        }
    }
done:
    /* Who gives up still counts as waiting: others that time out now must not blame it. */
    if (status == FSGD_TROUBLE) return status;
    if (apart && waited + looks * FSGD_LOOK < FSGD_SHORT)
        c->looks = 2 * c->looks < most ? 2 * c->looks : most;
    else if (apart && c->looks >= 2 * FSGD_LEAST_LOOKS)
        c->looks /= 2;
    fsgd_store_int(&own->cpu, fsgd_cpu()); /* it may have moved */
    __atomic_store_n(&own->awaited, 0, __ATOMIC_RELEASE);
    return status;
}

/* Waits until a counter that `peer` moves has reached `wanted`. */
FSGD_FN int fsgd_await(fsgd_comm *c, fsgd_counter *counter, uint32_t wanted, int peer)
{
    return fsgd_reached(counter, wanted) ? FSGD_OK : fsgd_await_slowly(c, counter, wanted, peer);
}

#endif
