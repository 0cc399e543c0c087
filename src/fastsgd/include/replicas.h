/* replicas.h: figures of threads that work on replicas, and looks at what their merges do.
 *
 * Rows that nobody has visited yet are asked, just before a merge and just after it, what loss
 * they meet. Measurements: docs/algorithms.md.
 */
#ifndef FSGD_REPLICAS_H
#define FSGD_REPLICAS_H

#include <stdint.h>

#include "barrier.h"

typedef struct {
    double apart, merged; /* losses met by replicas and by the merged weights, fading */
    double met;           /* mean loss of a row between the last two merges; -1: none yet */
    int64_t gap, rest;    /* tiles of a thread between two looks, and until the next */
    int64_t halvings;     /* that these looks know of */
    int64_t next;         /* halvings that the next bad look will make */
} fsgd_looks;

/* A merge went too far if rows meet so many times the loss of the replicas; older looks fade.
 * Looks at merges that did no harm came to at most 1.06 times, one to 1.24. */
#define FSGD_WORSE 1.25
#define FSGD_FADE 0.9
/* Between two looks: rows that meet so many times the loss of the interval before ask for one. */
#define FSGD_SURGE 2.0
/* Tiles of a thread between two looks, which take two passes over a tile: after a good one twice
 * as many as before it, up to these. */
#define FSGD_SELDOM 64
/* Halvings of one bad look: twice those of the last, up to these, until looks are seldom again. */
#define FSGD_MOST_HALVINGS 8

/* Takes note of a look; not 0 where the merged weights are far worse, also by NaN. */
static inline int64_t fsgd_halvings_due(fsgd_looks *looks, double apart, double merged)
{
    const int64_t due = looks->next;
    looks->apart = FSGD_FADE * looks->apart + apart;
    looks->merged = FSGD_FADE * looks->merged + merged;
    if (looks->merged <= FSGD_WORSE * looks->apart) {
        const int64_t gap = 2 * looks->gap + 1;
        looks->gap = looks->rest = gap < FSGD_SELDOM ? gap : FSGD_SELDOM;
        if (looks->gap == FSGD_SELDOM) looks->next = 1;
        return 0;
    }
    looks->apart = looks->merged = 0;
    looks->gap = looks->rest = 0;
    looks->next = 2 * due < FSGD_MOST_HALVINGS ? 2 * due : FSGD_MOST_HALVINGS;
    return due;
}

/* Takes note of what rows met in `tiles`; a surge is followed by looks at every merge. */
static inline void fsgd_compare_intervals(fsgd_looks *looks, double met, int64_t tiles)
{
    const double now = met / (double)tiles, before = looks->met;
    looks->met = now;
    if (before >= 0 && !(now <= FSGD_SURGE * before)) looks->gap = looks->rest = 0;
}

/* One thread's own figures, and where all meet: each on cache lines of its own. */
typedef struct {
    _Alignas(64) double intercept;
    double base_intercept, loss;
    int64_t tiles; /* of this segment; -1: the replica is not in use */
    double apart, merged; /* losses of a look, before the merge and after it */
    double met;           /* loss since the last merge */
    fsgd_looks looks;     /* of a thread that merges by itself */
} fsgd_own;
typedef struct {
    _Alignas(64) int lock;
    fsgd_barrier barrier;
} fsgd_meeting;

#endif
