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
    int collective;
    int type;   /* numpy's letter of the kind, and the size: 'f' << 8 | 4 */
    int op;     /* -1: none */
    int64_t detail; /* a broadcast's root; 1: a ring; elements in a row of all_gatherv's parts */
    int64_t offset, length, itemsize;
} fsgd_call;

FSGD_FN uint64_t fsgd_signature(const fsgd_call *call)
{
    return (uint64_t)call->collective << 48 | (uint64_t)(call->op + 1) << 40
           | (uint64_t)call->type << 24 | ((uint64_t)call->detail & 0xffffff);
}

/* Enters a collective: tells what it is, and that this rank has arrived. */
FSGD_FN int fsgd_arrive(fsgd_comm *c, const fsgd_call *call)
{
    c->at_step = 0;
    c->peer = -1;
    if (fsgd_in_trouble(c)) return FSGD_TROUBLE;
    c->turn++;
    *fsgd_entry_of(c, c->rank) = (fsgd_entry){
        .offset = call->offset, .length = call->length, .signature = fsgd_signature(call)};
    fsgd_store_int(&fsgd_slot_of(c, c->rank)->cpu, fsgd_cpu());
    fsgd_advance(c, &fsgd_slot_of(c, c->rank)->progress, ++c->step);
    return FSGD_OK;
}

/* Waits until `peer` has arrived, and looks whether it calls the same. */
FSGD_FN int fsgd_meet(fsgd_comm *c, const fsgd_call *call, int peer, int same_length)
{
    const fsgd_entry *other = fsgd_entry_of(c, peer);
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

/* Where a block of elements lies in a buffer: bytes. */
typedef struct {
    int64_t begin, bytes;
} fsgd_span;

/* Block `block` of `length` elements of the chunk of `rank`; empty beyond the chunk's end. */
FSGD_FN fsgd_span fsgd_block_of(const fsgd_comm *c, const fsgd_call *call, int rank,
                                int64_t block, int64_t length)
{
    const int64_t begin = fsgd_chunk_begin(call->length, c->size, rank) + block * length;
    const int64_t rest = fsgd_chunk_begin(call->length, c->size, rank + 1) - begin;
    const int64_t n = rest < 0 ? 0 : rest < length ? rest : length;
    return (fsgd_span){begin * call->itemsize, n * call->itemsize};
}

FSGD_FN const char *fsgd_buffer_of(const fsgd_comm *c, int peer)
{
    return c->base + fsgd_entry_of(c, peer)->offset;
}

/* Reduces a block of this rank's chunk of all buffers into its own, in the order rank + 1, ...,
 * rank. */
static void fsgd_reduce_block(fsgd_comm *c, const fsgd_call *call, fsgd_reduce_fn reduce,
                              int64_t block, int64_t length)
{
    const fsgd_span s = fsgd_block_of(c, call, c->rank, block, length);
    const void *from[FSGD_MAX_RANKS];
    if (c->size == 1 || !s.bytes) return;
    for (int k = 1; k < c->size; k++)
        from[k - 1] = fsgd_buffer_of(c, (c->rank + k) % c->size) + s.begin;
    reduce(c->base + call->offset + s.begin, from, c->size - 1, s.bytes / call->itemsize);
}

/* Copies a block of the chunk of every peer, when it has come to `step`. */
static int fsgd_gather_block(fsgd_comm *c, const fsgd_call *call, int64_t block, int64_t length,
                             uint32_t step)
{
    for (int k = 1; k < c->size; k++) {
        const int peer = (c->rank + k) % c->size;
        const fsgd_span s = fsgd_block_of(c, call, peer, block, length);
        const int status = fsgd_await(c, &fsgd_slot_of(c, peer)->progress, step, peer);
        if (status) return status;
        memcpy(c->base + call->offset + s.begin, fsgd_buffer_of(c, peer) + s.begin, s.bytes);
    }
    return FSGD_OK;
}

/* All-reduce; without `gather` reduce-scatter, without `reduce` all-gather.
 *
 * Chunks are done in blocks, so that what one rank has summed is still in a cache when others copy
 * it; a block is copied after the next one is summed, so that nobody waits for long. Nobody's
 * block is overwritten while it is read: a rank writes to its own chunk when it sums, which nobody
 * else reads until it says so, and to a block of a peer's chunk when that peer has summed it. */
static int fsgd_exchange_run(fsgd_comm *c, const fsgd_call *call, fsgd_reduce_fn reduce,
                             int gather)
{
    const int64_t longest = (call->length + c->size - 1) / c->size;
    const int64_t length = c->block > call->itemsize ? c->block / call->itemsize : 1;
    const int64_t blocks = (longest + length - 1) / length;
    fsgd_counter *own = &fsgd_slot_of(c, c->rank)->progress;
    int status = fsgd_arrive_all(c, call, 1);
    const uint32_t begin = c->step;
    for (int64_t k = 0; k <= blocks && !status; k++) {
        if (reduce && k < blocks) {
            fsgd_reduce_block(c, call, reduce, k, length);
            fsgd_advance(c, own, ++c->step);
        }
        if (gather && k > 0) {
            c->at_step = 1;
            status = fsgd_gather_block(c, call, k - 1, length,
                                       reduce ? begin + (uint32_t)k : begin);
        }
    }
    return status ? status : fsgd_next_step(c); /* until then others read this rank's buffer */
}

static int fsgd_exchange_broadcast(fsgd_comm *c, const fsgd_call *call)
{
    const int status = fsgd_arrive_all(c, call, 1);
    if (status) return status;
    if (c->rank != call->detail)
        memcpy(c->base + call->offset, fsgd_buffer_of(c, (int)call->detail),
               call->length * call->itemsize);
    return fsgd_next_step(c);
}

/* After fsgd_arrive_all of parts of any length: copies them one after another. */
static int fsgd_exchange_parts(fsgd_comm *c, const fsgd_call *call, char *joined)
{
    for (int peer = 0; peer < c->size; peer++) {
        const int64_t bytes = fsgd_entry_of(c, peer)->length * call->itemsize;
        memcpy(joined, fsgd_buffer_of(c, peer), bytes);
        joined += bytes;
    }
    return fsgd_next_step(c);
}

#endif
