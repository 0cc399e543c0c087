/* ring.h: the ring all-reduce. Each rank reads from its left neighbour only, where the data lie.
 *
 * Scatter-reduce, N - 1 steps: in step s rank r takes chunk r - s - 2 of its left neighbour, as
 * summed up so far, and adds its own. After them rank r has the sum of chunk r, in the order of
 * ranks r + 1, r + 2, ..., r. All-gather, N - 1 steps: in step t it copies chunk r - t - 1.
 *
 * Steps are cut into segments of `piece` bytes. A rank may begin a segment when its left neighbour
 * has done that segment of the step before: all ranks are at work at once, and what one has
 * written is still in a cache when the next one reads it.
 *
 * Nothing is overwritten while it is read. In the gather's step t (step N - 1 + t of all) rank r
 * writes chunk r - t - 1, which its right neighbour has read in step t: r waits for step N - 2 + t
 * of r - 1, that waited for step N - 3 + t of r - 2, and so on, back to step t of rank
 * r - (N - 1), which is the right neighbour.
 */
#ifndef FSGD_RING_H
#define FSGD_RING_H

#include "exchange.h"

typedef struct {
    fsgd_comm *c;
    const fsgd_call *call;
    fsgd_counter *own, *left_done;
    const char *from; /* the left neighbour's buffer */
    char *to;
    int left;
    uint32_t base;           /* progress before the first segment */
    int64_t piece, segments; /* elements of a segment; segments of a step, alike on all ranks */
} fsgd_ring;

/* One step: `chunk` from the left, by `reduce` or as a copy. */
static int fsgd_ring_step(const fsgd_ring *ring, int step, int chunk, fsgd_reduce_fn reduce)
{
    fsgd_comm *c = ring->c;
    const int64_t size = ring->call->itemsize;
    const int64_t begin = fsgd_chunk_begin(ring->call->length, c->size, chunk);
    const int64_t end = fsgd_chunk_begin(ring->call->length, c->size, chunk + 1);
    c->at_step = step;
    for (int64_t k = 0; k < ring->segments; k++) {
        const int64_t first = begin + k * ring->piece;
        const int64_t left = end - first, length = left < ring->piece ? left : ring->piece;
        if (step) {
            const uint32_t wanted = ring->base + (uint32_t)((step - 1) * ring->segments + k + 1);
            const int status = fsgd_await(c, ring->left_done, wanted, ring->left);
            if (status) return status;
        }
        if (length > 0) {
            const void *from = ring->from + first * size;
            if (reduce)
                reduce(ring->to + first * size, &from, 1, length);
            else
                memcpy(ring->to + first * size, from, length * size);
        }
        fsgd_advance(c, ring->own, ++c->step);
    }
    return FSGD_OK;
}

/* All-reduce; without `gather` reduce-scatter, without `reduce` all-gather. */
static int fsgd_ring_run(fsgd_comm *c, const fsgd_call *call, fsgd_reduce_fn reduce, int gather)
{
    const int n = c->size, r = c->rank;
    fsgd_ring ring = {.c = c, .call = call, .left = (r + n - 1) % n};
    const int right = (r + 1) % n;
    int status = fsgd_arrive(c, call), step = 0;
    if (!status) status = fsgd_meet(c, call, ring.left, 1);
    if (status || n == 1) return status;
    ring.own = &fsgd_slot_of(c, r)->progress;
    ring.left_done = &fsgd_slot_of(c, ring.left)->progress;
    ring.from = fsgd_buffer_of(c, ring.left);
    ring.to = c->base + call->offset;
    ring.base = c->step;
    ring.piece = c->piece > call->itemsize ? c->piece / call->itemsize : 1;
    /* At least one, also of nothing: who ends the steps knows that all ranks have arrived. */
    ring.segments = call->length ? ((call->length + n - 1) / n + ring.piece - 1) / ring.piece : 1;
    if (reduce)
        for (int s = 0; s < n - 1 && !status; s++)
            status = fsgd_ring_step(&ring, step++, fsgd_modulo(r - s - 2, n), reduce);
    if (gather)
        for (int t = 0; t < n - 1 && !status; t++)
            status = fsgd_ring_step(&ring, step++, fsgd_modulo(r - t - 1, n), NULL);
    /* The right neighbour reads from here until it is done. */
    return status ? status : fsgd_await(c, &fsgd_slot_of(c, right)->progress, c->step, right);
}

#endif
