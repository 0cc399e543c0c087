/* Decimal text -> double, correctly rounded (to nearest, ties to even), in any locale.
 *
 * A decimal number is w * 10^q. With 5^q held to 128 bits, the product of w and 5^q is known to
 * 64 bits and a remainder, and all but one number in about 10^18 can be rounded from there. What
 * is left (exact ties, and numbers of more than 19 digits that lie near a tie) is settled by
 * comparing the whole text with the midpoint of the two doubles, in exact.h.
 *
 * The caller owns every byte. Text must end in a byte that belongs to no number (a newline does)
 * and be followed by 8 readable bytes.
 */
#ifndef FASTSGD_DECIMAL_H
#define FASTSGD_DECIMAL_H

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "exact.h"

enum { FSGD_Q_MIN = -342, FSGD_Q_MAX = 308 }; /* beyond them w < 2^64 gives 0 or infinity */

/* 5^q = (high * 2^64 + low) * 2^(floor(q log2 5) - 127), cut off below; filled at import. */
typedef struct { uint64_t high, low; } fsgd_power;
static fsgd_power fsgd_powers_of_five[FSGD_Q_MAX - FSGD_Q_MIN + 1];

static inline int fsgd_is_digit(char c) { return (unsigned char)(c - '0') <= 9; }

/* The digits in the 8 bytes at p, without a branch on their number: *value gets them as an integer.
 * Returns how many there are, 0 to 8. */
static inline int fsgd_up_to_8_digits(const char *p, uint64_t *value) {
    uint64_t x;
    memcpy(&x, p, 8);
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    x = __builtin_bswap64(x);
#endif
    uint64_t d = x - 0x3030303030303030u;
    /* the top bit of a byte tells that it is no digit, rightly up to the first one that is none */
    const uint64_t none = ((x + 0x4646464646464646u) | d) & 0x8080808080808080u;
    const int n = none ? __builtin_ctzll(none) >> 3 : 8;
    if (!n) return 0;
    d <<= 64 - 8 * n;      /* leading zeros in front */
    d = d * 10 + (d >> 8); /* pairs of digits in the even bytes */
    *value = ((d & 0x000000FF000000FFu) * (100 + (1000000ull << 32)) +
              ((d >> 16) & 0x000000FF000000FFu) * (1 + (10000ull << 32))) >> 32;
    return n;
}

/* Appends the digits at p to *w (modulo 2^64); returns the byte after them. */
static inline const char *fsgd_append_digits(const char *p, uint64_t *w) {
    static const uint64_t ten_to[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000};
    uint64_t value;
    int n;
    do {
        n = fsgd_up_to_8_digits(p, &value);
        if (n) *w = *w * ten_to[n] + value;
        p += n;
    } while (n == 8);
    return p;
}

static inline double fsgd_double_from_bits(uint64_t bits) {
    double v;
    memcpy(&v, &bits, 8);
    return v;
}

/* IN  w > 0, the first 19 significant digits (all of them unless cut), and q.
 *     [digits, end): the significand's text, for exact.h; q_all: its exponent as an integer. */
static double fsgd_round(uint64_t w, int64_t q, int cut, const char *digits, const char *end,
                         int64_t q_all) {
    if (q < FSGD_Q_MIN) return 0.0;
    if (q > FSGD_Q_MAX) return HUGE_VAL;
    const int l = __builtin_clzll(w);
    const fsgd_power five = fsgd_powers_of_five[q - FSGD_Q_MIN];
    const unsigned __int128 upper = (unsigned __int128)(w << l) * five.high;
    const unsigned __int128 lower = (unsigned __int128)(w << l) * five.low;
    const unsigned __int128 sum = upper + (uint64_t)(lower >> 64);
    uint64_t m = (uint64_t)(sum >> 64), rest = (uint64_t)sum;
    int e = (int)(1 - l + ((217706 * q) >> 16)); /* value in [m, m + slack] * 2^e */
    if (!(m >> 63)) {
        m = m << 1 | rest >> 63;
        rest <<= 1;
        e -= 1;
    }
    const uint64_t slack = (rest >= UINT64_MAX - 4) + ((uint64_t)cut << (l + 2));

    int drop = 11;
    if (e < -1074 - 11) drop = -1074 - e;
    if (drop > 64) { /* below half of the smallest double, unless what was cut off lifts it there */
        const int near = cut && drop == 65 && m >= UINT64_MAX - slack;
        return near && fsgd_compare_decimal(digits, end, q_all, 1, -1075) > 0 ? 0x1p-1074 : 0.0;
    }
    const uint64_t half = 1ull << (drop - 1);
    const uint64_t tail = m & (half | (half - 1));
    uint64_t n = drop == 64 ? 0 : m >> drop;
    const int u = e + drop; /* n * 2^u is the double at or below the value */
    if (tail > half || (tail == half && rest > 0)) {
        n += 1;
    } else if (tail == half || half - tail <= slack) {
        const int side = fsgd_compare_decimal(digits, end, q_all, 2 * n + 1, u - 1);
        n += side > 0 || (side == 0 && (n & 1));
    }
    const uint64_t bits = ((uint64_t)(u + 1074) << 52) + n; /* the hidden bit adds 1 to the exponent */
    return bits >= 0x7FF0000000000000u ? HUGE_VAL : fsgd_double_from_bits(bits);
}

/* inf, infinity, nan in any case: the length of the word, 0 when there is none. */
static int fsgd_nonfinite_word(const char *p, double *value) {
    static const struct { const char *word; int length, is_nan; } words[] = {
        {"infinity", 8, 0}, {"inf", 3, 0}, {"nan", 3, 1}};
    for (int k = 0; k < 3; k++) {
        int i = 0;
        while (i < words[k].length && (p[i] | 0x20) == words[k].word[i]) i++;
        if (i == words[k].length) {
            *value = words[k].is_nan ? fsgd_double_from_bits(0x7FF8000000000000u) : HUGE_VAL;
            return i;
        }
    }
    return 0;
}

/* The general case of fsgd_decimal: w * 10^q has the digits [digits, end), of which only 19 fit. */
static double fsgd_long_decimal(const char *digits, const char *end, int64_t q) {
    while (digits < end && (*digits == '0' || *digits == '.')) digits++;
    uint64_t w = 0;
    int64_t after = 0;
    int taken = 0, cut = 0;
    for (const char *p = digits; p < end; p++) {
        if (*p == '.') continue;
        if (taken < 19) {
            w = w * 10 + (uint64_t)(*p - '0');
            taken += 1;
        } else {
            after += 1;
            cut |= *p != '0';
        }
    }
    return w ? fsgd_round(w, q + after, cut, digits, end, q) : 0.0;
}

/* [eE] [+-] digits at p: adds the power to *q; returns the byte after it, p if there is none. */
static const char *fsgd_power_of_ten(const char *p, int64_t *q) {
    const char *at = p + 1;
    const int down = *at == '-';
    at += down || *at == '+';
    if (!fsgd_is_digit(*at)) return p;
    int64_t power = 0;
    for (; fsgd_is_digit(*at); at++)
        if (power < (int64_t)1 << 56) power = power * 10 + (*at - '0');
    *q += down ? -power : power;
    return at;
}

/* Reads [+-] digits [. digits] [e [+-] digits], or [+-] inf | infinity | nan.
 * OUT *value, as Python's float() has it: infinity when too large.
 * Returns the first byte after the number, or p itself when no number starts there. */
static inline const char *fsgd_decimal(const char *p, double *value) {
    static const double ten_to[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                    1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                    1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    const char *const start = p;
    const int negative = *p == '-';
    p += negative || *p == '+';

    const char *const digits = p;
    uint64_t w = 0;
    int64_t q = 0;
    p = fsgd_append_digits(p, &w);
    int64_t count = p - digits;
    if (*p == '.') {
        const char *const fraction = ++p;
        p = fsgd_append_digits(p, &w);
        q = fraction - p;
        count -= q;
    }
    if (!count) {
        p = digits + fsgd_nonfinite_word(digits, value);
        if (p == digits) return start;
        *value = copysign(*value, negative ? -1.0 : 1.0);
        return p;
    }
    const char *const end = p;
    if ((*p | 0x20) == 'e') p = fsgd_power_of_ten(p, &q);

    double v;
    if (FLT_EVAL_METHOD == 0 && count <= 19 && w >> 53 == 0 && q <= 0 && q >= -22)
        v = (double)w / ten_to[-q]; /* both exact, so the quotient is rounded once */
    else if (count <= 19)
        v = w ? fsgd_round(w, q, 0, digits, end, q) : 0.0;
    else
        v = fsgd_long_decimal(digits, end, q);
    *value = negative ? -v : v;
    return p;
}

#endif
