/* rng.h: random numbers as pure functions of a key, so that no state is shared or stored. */
#ifndef FSGD_RNG_H
#define FSGD_RNG_H

#include "fsgd.h"

/* The finaliser of SplitMix64 (Steele, Lea, Flood 2014): a bijection of 64 bits. */
FSGD_FN uint64_t fsgd_mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

/* Number `i` of the stream (seed, epoch). */
FSGD_FN uint64_t fsgd_random(uint64_t seed, uint64_t epoch, uint64_t i)
{
    uint64_t stream = fsgd_mix(seed + 0x9e3779b97f4a7c15u * (epoch + 1));
    return fsgd_mix(stream + 0x9e3779b97f4a7c15u * (i + 1));
}

/* Uniform in [0, 1), 53 bits. */
FSGD_FN double fsgd_uniform(uint64_t bits)
{
    return (double)(bits >> 11) * 0x1p-53;
}

/* Uniform in [0, n): the high half of a 128-bit product (bias below n / 2^64). */
FSGD_FN uint64_t fsgd_below(uint64_t bits, uint64_t n)
{
    return (uint64_t)(((unsigned __int128)bits * n) >> 64);
}

#endif
