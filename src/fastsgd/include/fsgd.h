/* fsgd.h: the few macros that every header of fastsgd shares. */
#ifndef FSGD_H
#define FSGD_H

#include <stddef.h>
#include <stdint.h>

/* A function whose constant arguments must be folded into each of its uses. */
#define FSGD_FN static inline __attribute__((always_inline, unused))
#define FSGD_PREFETCH(p) __builtin_prefetch((p), 0, 3)
#define FSGD_CACHE_LINE 64

/* Rows of one block: visited one after the other, because they lie side by side in memory. */
#define FSGD_TILE 32

#endif
