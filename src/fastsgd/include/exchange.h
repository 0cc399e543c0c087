/* exchange.h: collectives by direct exchange: each rank reads what it needs from the buffers of
 * its peers, where they lie. Between two phases all meet.
 *
 * All functions return a status of waiting.h. Buffers are told by their distance from the
 * segment's beginning.
 */
#ifndef FSGD_EXCHANGE_H
#define FSGD_EXCHANGE_H

#include <string.h>

#include "reduce.h"
#include "waiting.h"

/* What a rank calls: all ranks must call the same, on as many elements. */
typedef struct {
    int collective, type, op, root; /* type: numpy's number; op: -1 for none */
    int64_t offset, length, itemsize;
} fsgd_call;

FSGD_FN uint64_t fsgd_signature(const fsgd_call *call)
{
    return (uint64_t)call->collective << 48 | (uint64_t)(call->op + 1) << 40
           | (uint64_t)call->type << 24 | (uint64_t)call->root;
}

/* Enters a collective: tells what it is, and that this rank has arrived. */
FSGD_FN int fsgd_arrive(fsgd_comm *c, const fsgd_call *call)
{
    fsgd_slot *own = fsgd_slot_of(c, c->rank);
    c->at_step = 0;
    c->peer = -1;
    if (fsgd_in_trouble(c)) return FSGD_TROUBLE;
    own->offset = call->offset;
    own->length = call->length;
    own->signature = fsgd_signature(call);
    fsgd_advance(c, &own->progress, ++c->step);
    return FSGD_OK;
}

/* Waits until `peer` has arrived, and looks whether it calls the same. */
FSGD_FN int fsgd_meet(fsgd_comm *c, const fsgd_call *call, int peer, int same_length)
{
    const fsgd_slot *other = fsgd_slot_of(c, peer);
    const int status = fsgd_await(c, &fsgd_slot_of(c, peer)->progress, c->step, peer);
    if (status) return status;
    c->peer = peer;
    return other->signature != fsgd_signature(call)
                   || (same_length && other->length != call->length)
               ? FSGD_MISMATCH
               : FSGD_OK;
}

/* Enters a collective and waits until all have. */
static int fsgd_arrive_all(fsgd_comm *c, const fsgd_call *call, int same_length)
{
    int status = fsgd_arrive(c, call);
    for (int k = 1; k < c->size && !status; k++)
        status = fsgd_meet(c, call, (c->rank + k) % c->size, same_length);
    return status;
}

/* Waits until all have come to the end of this step. */
static int fsgd_next_step(fsgd_comm *c)
{
    int status = FSGD_OK;
    c->at_step++;
    fsgd_advance(c, &fsgd_slot_of(c, c->rank)->progress, ++c->step);
    for (int k = 1; k < c->size && !status; k++) {
        const int peer = (c->rank + k) % c->size;
        status = fsgd_await(c, &fsgd_slot_of(c, peer)->progress, c->step, peer);
    }
    return status;
}

FSGD_FN const char *fsgd_buffer_of(const fsgd_comm *c, int peer)
{
    return c->base + fsgd_slot_of(c, peer)->offset;
}

/* Reduces this rank's chunk of all buffers into its own, in the order rank + 1, ..., rank. */
static void fsgd_reduce_chunk(fsgd_comm *c, const fsgd_call *call, fsgd_reduce_fn reduce)
{
    const int64_t begin = fsgd_chunk_begin(call->length, c->size, c->rank);
    const int64_t length = fsgd_chunk_begin(call->length, c->size, c->rank + 1) - begin;
    const void *from[FSGD_MAX_RANKS];
    for (int k = 1; k < c->size; k++)
        from[k - 1] = fsgd_buffer_of(c, (c->rank + k) % c->size) + begin * call->itemsize;
    if (c->size > 1)
        reduce(c->base + call->offset + begin * call->itemsize, from, c->size - 1, length);
}

/* Copies the chunk of every peer. */
static void fsgd_gather_chunks(fsgd_comm *c, const fsgd_call *call)
{
    for (int k = 1; k < c->size; k++) {
        const int peer = (c->rank + k) % c->size;
        const int64_t begin = fsgd_chunk_begin(call->length, c->size, peer);
        const int64_t end = fsgd_chunk_begin(call->length, c->size, peer + 1);
        memcpy(c->base + call->offset + begin * call->itemsize,
               fsgd_buffer_of(c, peer) + begin * call->itemsize, (end - begin) * call->itemsize);
    }
}

static int fsgd_exchange_reduce_scatter(fsgd_comm *c, const fsgd_call *call,
                                        fsgd_reduce_fn reduce)
{
    const int status = fsgd_arrive_all(c, call, 1);
    if (status) return status;
    fsgd_reduce_chunk(c, call, reduce);
    return fsgd_next_step(c);
}

static int fsgd_exchange_all_gather(fsgd_comm *c, const fsgd_call *call)
{
    const int status = fsgd_arrive_all(c, call, 1);
    if (status) return status;
    fsgd_gather_chunks(c, call);
    return fsgd_next_step(c);
}

/* Nobody's chunk is overwritten while it is read: a rank writes its own chunk only in the first
 * phase, in which nobody reads it, and the others in the second. */
static int fsgd_exchange_all_reduce(fsgd_comm *c, const fsgd_call *call, fsgd_reduce_fn reduce)
{
    int status = fsgd_arrive_all(c, call, 1);
    if (status) return status;
    fsgd_reduce_chunk(c, call, reduce);
    status = fsgd_next_step(c);
    if (status) return status;
    fsgd_gather_chunks(c, call);
    return fsgd_next_step(c);
}

static int fsgd_exchange_broadcast(fsgd_comm *c, const fsgd_call *call)
{
    const int status = fsgd_arrive_all(c, call, 1);
    if (status) return status;
    if (c->rank != call->root)
        memcpy(c->base + call->offset, fsgd_buffer_of(c, call->root),
               call->length * call->itemsize);
    return fsgd_next_step(c);
}

/* After fsgd_arrive_all of parts of any length: copies them one after another. */
static int fsgd_exchange_parts(fsgd_comm *c, const fsgd_call *call, char *joined)
{
    for (int peer = 0; peer < c->size; peer++) {
        const int64_t bytes = fsgd_slot_of(c, peer)->length * call->itemsize;
        memcpy(joined, fsgd_buffer_of(c, peer), bytes);
        joined += bytes;
    }
    return fsgd_next_step(c);
}

#endif
