/* Exact comparison of a decimal text with a binary number, by integers of fixed size.
 *
 * decimal.h calls it for the few numbers that 128 bits cannot round, with two sides that differ by
 * less than one part in 2^52 (or both lie below the smallest double). Both then have at most 2,720
 * bits: 801 digits of text, or 2^54 * 5^1144. */
#ifndef FASTSGD_EXACT_H
#define FASTSGD_EXACT_H

#include <stdint.h>

enum { FSGD_LIMBS = 96, FSGD_DIGITS_KEPT = 800 }; /* midpoints of doubles have at most 767 digits */

typedef struct {
    int n; /* limbs in use, the lowest first; none for 0 */
    uint64_t limb[FSGD_LIMBS];
} fsgd_integer;

/* x = x * factor + add */
static void fsgd_multiply_add(fsgd_integer *x, uint64_t factor, uint64_t add) {
    for (int i = 0; i < x->n; i++) {
        const unsigned __int128 t = (unsigned __int128)x->limb[i] * factor + add;
        x->limb[i] = (uint64_t)t;
        add = (uint64_t)(t >> 64);
    }
    if (add && x->n < FSGD_LIMBS) x->limb[x->n++] = add;
}

static void fsgd_multiply_by_power_of_five(fsgd_integer *x, int64_t k) {
    for (; k >= 27; k -= 27) fsgd_multiply_add(x, 7450580596923828125u, 0); /* 5^27 */
    for (; k > 0; k--) fsgd_multiply_add(x, 5, 0);
}

static void fsgd_shift_left(fsgd_integer *x, int64_t bits) {
    for (; bits >= 32; bits -= 32) fsgd_multiply_add(x, 1ull << 32, 0);
    fsgd_multiply_add(x, 1ull << bits, 0);
}

/* Sign of [digits, end) * 10^q - odd * 2^e. The text holds digits and at most one point, which
 * counts for nothing: q is the power of its last digit. */
static int fsgd_compare_decimal(const char *digits, const char *end, int64_t q, uint64_t odd,
                                int64_t e) {
    fsgd_integer a = {0, {0}}, b = {1, {odd}};
    int kept = 0, more = 0;
    for (; digits < end; digits++) {
        if (*digits == '.') continue;
        if (kept < FSGD_DIGITS_KEPT) {
            fsgd_multiply_add(&a, 10, (uint64_t)(*digits - '0'));
            kept += 1;
        } else {
            more |= *digits != '0';
            q += 1;
        }
    }
    if (more) { /* one more digit stands for all that is left: no midpoint is that long */
        fsgd_multiply_add(&a, 10, 1);
        q -= 1;
    }
    fsgd_multiply_by_power_of_five(q > 0 ? &a : &b, q > 0 ? q : -q);
    fsgd_shift_left(q > e ? &a : &b, q > e ? q - e : e - q);
    if (a.n != b.n) return a.n < b.n ? -1 : 1;
    for (int i = a.n - 1; i >= 0; i--)
        if (a.limb[i] != b.limb[i]) return a.limb[i] < b.limb[i] ? -1 : 1;
    return 0;
}

#endif
