/* merge.h: replicas of one vector of weights, and how their changes are added up.
 *
 * Each thread works on a replica of its own; a feature that most rows touch then costs no traffic
 * between cores. From time to time the changes of all replicas are added to the shared vector:
 * w <- w + part * sum_r (w_r - w), and every replica goes on from there.
 */
#ifndef FSGD_MERGE_H
#define FSGD_MERGE_H

#include <stdint.h>

#include "fsgd.h"

#define FSGD_REPLICAS(REAL, SUFFIX)                                                               \
    /* All replicas at once, entries begin..end; no other thread may touch those. */              \
    static void fsgd_sum_##SUFFIX(REAL *restrict w, REAL *const *replica, int n, REAL part,       \
                                  int64_t begin, int64_t end)                                     \
    {                                                                                             \
        for (int64_t from = begin; from < end; from += 512) {                                     \
            const int length = end - from < 512 ? (int)(end - from) : 512;                        \
            REAL sum[512];                                                                        \
            for (int k = 0; k < length; k++) sum[k] = 0;                                          \
            for (int r = 0; r < n; r++) {                                                         \
                const REAL *v = replica[r] + from;                                                \
                for (int k = 0; k < length; k++) sum[k] += v[k] - w[from + k];                    \
            }                                                                                     \
            for (int k = 0; k < length; k++)                                                      \
                w[from + k] += part * sum[k];                                                     \
            for (int r = 0; r < n; r++)                                                           \
                for (int k = 0; k < length; k++) replica[r][from + k] = w[from + k];              \
        }                                                                                         \
    }                                                                                             \
    /* One replica alone, with the shared vector locked; base is what the replica began with. */  \
    static void fsgd_exchange_##SUFFIX(REAL *restrict w, REAL *restrict v, REAL *restrict base,   \
                                       REAL part, int64_t length)                                 \
    {                                                                                             \
        for (int64_t j = 0; j < length; j++) {                                                    \
            w[j] = v[j] = base[j] = w[j] + part * (v[j] - base[j]);                               \
        }                                                                                         \
    }

FSGD_REPLICAS(float, f32)
FSGD_REPLICAS(double, f64)
#undef FSGD_REPLICAS

/* out = the mean of n replicas of w, entries begin..end */
#define FSGD_MEAN(REAL, SUFFIX)                                                          \
    static void fsgd_mean_##SUFFIX(const REAL *w, REAL *const *replica, int n, REAL *out, \
                                   int64_t begin, int64_t end)                           \
    {                                                                                    \
        for (int64_t j = begin; j < end; j++) {                                          \
            REAL sum = 0;                                                                \
            for (int r = 0; r < n; r++) sum += replica[r][j] - w[j];                     \
            out[j] = w[j] + sum / n;                                                     \
        }                                                                                \
    }
FSGD_MEAN(float, f32)
FSGD_MEAN(double, f64)
#undef FSGD_MEAN

#endif
