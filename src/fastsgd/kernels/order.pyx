"""The order in which an epoch visits blocks of rows, a pure function of (seed, epoch, block); and
rows drawn as a sample of all.
"""

import numpy as np

from libc.stdint cimport int64_t, uint64_t
from libc.stdlib cimport free, malloc


cdef extern from "rng.h" nogil:
    uint64_t fsgd_random(uint64_t seed, uint64_t epoch, uint64_t i)
    uint64_t fsgd_below(uint64_t bits, uint64_t n)
    double fsgd_uniform(uint64_t bits)


def permutation(uint64_t seed, uint64_t epoch, int64_t n):
    """A uniform permutation of range(n) (Fisher-Yates): int64 of shape (n,)."""
    out = np.arange(n, dtype=np.int64)
    cdef int64_t[::1] order = out
    cdef int64_t i, j
    with nogil:
        for i in range(n - 1, 0, -1):
            j = <int64_t>fsgd_below(fsgd_random(seed, epoch, <uint64_t>i), <uint64_t>(i + 1))
            order[i], order[j] = order[j], order[i]
    return out


def stratified(uint64_t seed, uint64_t epoch, int64_t n, int64_t n_strata=64):
    """A permutation of range(n) that spreads every part of the range over the whole order.

    range(n) is cut into `n_strata` contiguous strata. Block i of a stratum of m blocks gets the
    key (r + u) / m: r its rank in a random permutation of the stratum, u uniform in [0, 1). The
    order is that of the keys, so any stretch of it holds a fair share of every stratum. On data
    sorted by label this converges like a permutation of single rows; random blocks do not.

    Returns int64 of shape (n,).
    """
    out = np.empty(n, dtype=np.int64)
    if n == 0:
        return out
    cdef int64_t[::1] order = out
    cdef double *key = <double *>malloc(n * sizeof(double))
    cdef int64_t *start = <int64_t *>malloc((n + 1) * sizeof(int64_t))
    if key == NULL or start == NULL:
        free(key)
        free(start)
        raise MemoryError
    with nogil:
        _keys(seed, epoch, n, n_strata, &order[0], key)
        _sort(n, key, start, &order[0])
    free(key)
    free(start)
    return out


def spread(uint64_t seed, int64_t n, int64_t size):
    """A sample of range(n): one number from each of `size` equal parts, drawn within its part.

    Every part of the range has its share, and no period of the rows can hide from the sample or
    fill it, as with numbers that are equally far apart.

    Returns int64 of shape (min(size, n),), rising.
    """
    size = max(0, min(size, n))
    out = np.empty(size, dtype=np.int64)
    cdef int64_t[::1] drawn = out
    cdef int64_t i, begin, end = 0
    for i in range(size):
        begin, end = end, n * (i + 1) // size
        drawn[i] = begin + <int64_t>fsgd_below(fsgd_random(seed, 0, <uint64_t>i),
                                               <uint64_t>(end - begin))
    return out


cdef void _keys(uint64_t seed, uint64_t epoch, int64_t n, int64_t n_strata, int64_t *rank,
                double *key) noexcept nogil:
    cdef int64_t s, begin, end, i, j
    cdef uint64_t bits
    for s in range(n_strata):
        begin, end = n * s // n_strata, n * (s + 1) // n_strata
        for i in range(begin, end):  # inside-out Fisher-Yates: rank[begin:end] is a permutation
            bits = fsgd_random(seed, epoch, <uint64_t>i)
            j = begin + <int64_t>fsgd_below(bits, <uint64_t>(i - begin + 1))  # its high bits
            rank[i] = rank[j]
            rank[j] = i - begin
            key[i] = fsgd_uniform(bits << 32)  # its low bits
        for i in range(begin, end):
            key[i] = (rank[i] + key[i]) / (end - begin)


cdef void _sort(int64_t n, const double *key, int64_t *start, int64_t *order) noexcept nogil:
    """Bucket sort: the keys are spread evenly over [0, 1), one to a bucket on average."""
    cdef int64_t i, j, bucket, item
    for i in range(n + 1):
        start[i] = 0
    for i in range(n):
        start[min(<int64_t>(key[i] * n), n - 1) + 1] += 1  # a key may be rounded to 1
    for i in range(n):
        start[i + 1] += start[i]
    for i in range(n):
        bucket = min(<int64_t>(key[i] * n), n - 1)
        order[start[bucket]] = i
        start[bucket] += 1
    for i in range(1, n):  # insertion sort: nothing moves further than its bucket
        item = order[i]
        j = i
        while j > 0 and key[order[j - 1]] > key[item]:
            order[j] = order[j - 1]
            j -= 1
        order[j] = item


def expand(const int64_t[::1] blocks, int64_t block_rows, int64_t n):
    """Rows of `blocks` of `block_rows` contiguous rows of n, one after the other: int64.

    The last block of the n rows may be short, wherever it stands in the order.
    """
    out = np.empty(blocks.shape[0] * block_rows, dtype=np.int64)
    cdef int64_t[::1] row = out
    cdef int64_t i, k, at = 0
    with nogil:
        for i in range(blocks.shape[0]):
            for k in range(blocks[i] * block_rows, min((blocks[i] + 1) * block_rows, n)):
                row[at] = k
                at += 1
    return out[:at]
