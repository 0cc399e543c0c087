/* segment.h: the memory that all ranks of a communicator see.
 *
 *   header | a slot for each rank | a mailbox for each ordered pair of ranks | each rank's arena
 *
 * A slot says what its rank is at; only its rank writes it, but for the two flags of a verdict. A
 * buffer is told by its distance from the segment's beginning, which is the same in all processes
 * (among threads it may be anywhere).
 */
#ifndef FSGD_SEGMENT_H
#define FSGD_SEGMENT_H

#include "fsgd.h"

#define FSGD_MAX_RANKS 256
#define FSGD_MAILBOX (1 << 16) /* bytes, a power of two */
#define FSGD_PAGE 65536        /* arenas begin at pages of any machine */
#define FSGD_REASON 800

/* What went wrong first; kept in the header. */
enum { FSGD_FINE = 0, FSGD_ABORTED = 1, FSGD_LATE = 2, FSGD_PEER_FAILED = 3 };

/* Where the ranks' progress begins: its way past 2^32 is not left to the largest trainings. */
#define FSGD_FIRST_STEP ((uint32_t)-1000)

/* A number that only grows (modulo 2^32), and how many sleep until it does. */
typedef struct {
    _Alignas(FSGD_CACHE_LINE) uint32_t value;
    uint32_t sleepers;
} fsgd_counter;

typedef struct {
    _Alignas(FSGD_CACHE_LINE) uint32_t trouble;
    uint32_t taken; /* whoever sets it first may write the reason of an abort */
    int32_t by;     /* the rank that gave up, -1: who opened the communicator */
    char reason[FSGD_REASON];
    _Alignas(FSGD_CACHE_LINE) uint32_t polling; /* no futex here: sleep and look again */
    int32_t most_looks; /* at a counter before the first yield */
    double yield_seconds; /* how long a rank that waits only yields before it sleeps */
} fsgd_header;

/* A collective as a rank calls it, and where its buffer lies. */
typedef struct {
    int64_t offset, length;
    uint64_t signature;
} fsgd_entry;

typedef struct {
    fsgd_counter progress; /* arrivals and steps done since the beginning */
    _Alignas(FSGD_CACHE_LINE) int cpu; /* on which this rank ran when it arrived */
    /* The collectives that this rank has entered last, by turns: a rank may be one collective
     * ahead of another that still looks at the one before, never two. */
    fsgd_entry entry[2];
    /* What this rank waits for; read by a rank that looks for the one to blame. */
    _Alignas(FSGD_CACHE_LINE) int64_t awaited; /* distance of a counter; 0: nothing */
    int wanted, peer;
    int dead, late; /* verdicts */
} fsgd_slot;

/* A ring of bytes from one rank to another. */
typedef struct {
    fsgd_counter head, tail; /* bytes written, bytes read */
    _Alignas(FSGD_CACHE_LINE) char data[FSGD_MAILBOX];
} fsgd_mailbox;

/* One rank's end of it. */
typedef struct {
    char *base;
    int32_t rank, size;
    uint32_t step, turn; /* this rank's progress; collectives entered */
    int32_t at_step, peer; /* for errors: step of the collective, with whom */
    uint64_t came[2];      /* likewise: signature and length of another message than expected */
    int32_t looks;         /* at a counter before the first yield, as the last waits went */
    int64_t piece, block;  /* bytes of a segment of the ring, of a block of the direct exchange */
    double timeout;
    int (*poll)(void *); /* called every 50 ms at least; not 0: leave */
    void *poll_with;
} fsgd_comm;

FSGD_FN fsgd_header *fsgd_header_of(const fsgd_comm *c)
{
    return (fsgd_header *)c->base;
}

FSGD_FN fsgd_slot *fsgd_slot_of(const fsgd_comm *c, int rank)
{
    return (fsgd_slot *)(c->base + sizeof(fsgd_header)) + rank;
}

/* What a rank calls in the present collective. */
FSGD_FN fsgd_entry *fsgd_entry_of(const fsgd_comm *c, int rank)
{
    return &fsgd_slot_of(c, rank)->entry[c->turn & 1];
}

FSGD_FN fsgd_mailbox *fsgd_mailbox_of(const fsgd_comm *c, int from, int to)
{
    fsgd_mailbox *first = (fsgd_mailbox *)fsgd_slot_of(c, c->size);
    return first + (int64_t)from * c->size + to;
}

/* Bytes before the first arena. */
FSGD_FN int64_t fsgd_control_bytes(int64_t size)
{
    const int64_t used = sizeof(fsgd_header) + size * sizeof(fsgd_slot)
                         + size * size * sizeof(fsgd_mailbox);
    return (used + FSGD_PAGE - 1) / FSGD_PAGE * FSGD_PAGE;
}

FSGD_FN int fsgd_modulo(int a, int n)
{
    return ((a % n) + n) % n;
}

FSGD_FN int64_t fsgd_chunk_begin(int64_t length, int size, int chunk)
{
    return (int64_t)((__int128)length * chunk / size);
}

#endif
