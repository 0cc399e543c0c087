/* mailbox.h: messages from one rank to another, through a ring of bytes that both see. */
#ifndef FSGD_MAILBOX_H
#define FSGD_MAILBOX_H

#include "exchange.h"

#define FSGD_LETTER (FSGD_MAILBOX / 4) /* bytes that are handed over at once */

/* Moves n <= FSGD_LETTER bytes in (write) or out. */
static int fsgd_letter(fsgd_comm *c, fsgd_mailbox *box, char *data, uint32_t n, int write,
                       int peer)
{
    fsgd_counter *mine = write ? &box->head : &box->tail;
    const uint32_t done = mine->value, at = done % FSGD_MAILBOX;
    const uint32_t first = n < FSGD_MAILBOX - at ? n : FSGD_MAILBOX - at;
    const int status = write ? fsgd_await(c, &box->tail, done + n - FSGD_MAILBOX, peer)
                             : fsgd_await(c, &box->head, done + n, peer);
    if (status) return status;
    if (write) {
        memcpy(box->data + at, data, first);
        memcpy(box->data, data + first, n - first);
    } else {
        memcpy(data, box->data + at, first);
        memcpy(data + first, box->data, n - first);
    }
    fsgd_advance(c, mine, done + n);
    return FSGD_OK;
}

/* Sends or receives a message: its signature and length, then its bytes. */
static int fsgd_message(fsgd_comm *c, const fsgd_call *call, char *data, int write, int peer)
{
    fsgd_mailbox *box = write ? fsgd_mailbox_of(c, c->rank, peer)
                              : fsgd_mailbox_of(c, peer, c->rank);
    uint64_t mine[2] = {fsgd_signature(call), (uint64_t)call->length}, head[2];
    const int64_t bytes = call->length * call->itemsize;
    int status = fsgd_in_trouble(c) ? FSGD_TROUBLE : FSGD_OK;
    c->at_step = 0;
    memcpy(head, mine, sizeof head);
    if (!status) status = fsgd_letter(c, box, (char *)head, sizeof head, write, peer);
    if (!status && memcmp(head, mine, sizeof head)) {
        memcpy(c->came, head, sizeof head);
        c->peer = peer;
        return FSGD_MISMATCH;
    }
    for (int64_t k = 0; k < bytes && !status; k += FSGD_LETTER) {
        const int64_t n = bytes - k < FSGD_LETTER ? bytes - k : FSGD_LETTER;
        status = fsgd_letter(c, box, data + k, (uint32_t)n, write, peer);
    }
    return status;
}

#endif
