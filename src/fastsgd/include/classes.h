/* classes.h: SGD on many one-against-rest models at once: each non-zero meets all of them.
 *
 * The weights of a slice of the classes lie side by side: a row of `width` lanes for each feature,
 * private to one thread, plain memory, so that one instruction updates several classes. What
 * happens in a lane never depends on the lanes beside it nor on how many there are: sums run over
 * the non-zeros in their order, and nothing is contracted (-ffp-contract=off). So the same bits
 * come out whatever the number of threads and the width of the machine's registers.
 */
#ifndef FSGD_CLASSES_H
#define FSGD_CLASSES_H

#include "epoch.h"
#include "simd.h"

/* A slice of the classes and all that its thread writes. Arrays are by lane, `width` long. */
typedef struct {
    int n_classes;            /* lanes in use, the first ones */
    int width;                /* lanes; a row of weights has 16, 32 or a multiple of 64 bytes */
    void *w;                  /* INOUT: v, n_cols x width; REAL, aligned to a cache line */
    double *intercept;        /* INOUT */
    double *loss;             /* INOUT: sums of weighted losses, each before its own step */
    double *square;           /* OUT of fsgd_finish_classes: |w|^2 */
    const double *weight_pos; /* IN; both are 0 in lanes that learn nothing */
    const double *weight_neg; /* IN */
    /* the classes that row i belongs to: member[member_ptr[i] .. member_ptr[i + 1] - 1], or
     * member[i] alone where member_ptr is NULL */
    const int64_t *member_ptr;
    const int32_t *member;
    const int32_t *lane; /* of each class; -1: in another slice */
    /* scratch; between two rows y is -1 and weight is weight_neg everywhere */
    double *y, *weight, *z, *value, *slope;
    void *a;          /* REAL: what a step adds to v is a x */
    fsgd_clock clock; /* INOUT; the same steps and scale for all classes */
} fsgd_slice;

#define FSGD_CLASSES_ARGS const fsgd_problem *p, fsgd_slice *s, const int64_t *row, int n
typedef void (*fsgd_classes_fn)(FSGD_CLASSES_ARGS);
typedef void (*fsgd_fold_classes_fn)(const fsgd_problem *p, fsgd_slice *s, int squares);

/* Sets the targets of a row's own classes, or takes them back. */
FSGD_FN void fsgd_set_members(const fsgd_slice *s, int64_t row, int on)
{
    const int64_t begin = s->member_ptr ? s->member_ptr[row] : row;
    const int64_t end = s->member_ptr ? s->member_ptr[row + 1] : row + 1;
    for (int64_t j = begin; j < end; j++) {
        const int lane = s->lane[s->member[j]];
        if (lane < 0) continue;
        s->y[lane] = on ? 1 : -1;
        s->weight[lane] = on ? s->weight_pos[lane] : s->weight_neg[lane];
    }
}

/* One set of functions for each width of registers, chosen at run time: VECTOR is its bytes. */
#define FSGD_BY_TARGET "classes_target.inc"
#include "by_target.inc"
#undef FSGD_BY_TARGET

/* [target][real][index] */
#define FSGD_BY_TARGET(T)                                                                         \
    {{fsgd_classes_##T##_f32_i32, fsgd_classes_##T##_f32_i64, fsgd_classes_##T##_f32_dense},       \
     {fsgd_classes_##T##_f64_i32, fsgd_classes_##T##_f64_i64, fsgd_classes_##T##_f64_dense}}
static const fsgd_classes_fn fsgd_classes_table[][2][3] = {
    FSGD_BY_TARGET(base),
#if defined(__x86_64__)
    FSGD_BY_TARGET(avx2),
    FSGD_BY_TARGET(avx512),
#endif
};

#define FSGD_BY_TARGET_(T) {fsgd_fold_classes_##T##_f32, fsgd_fold_classes_##T##_f64}
static const fsgd_fold_classes_fn fsgd_fold_classes_table[][2] = {
    FSGD_BY_TARGET_(base),
#if defined(__x86_64__)
    FSGD_BY_TARGET_(avx2),
    FSGD_BY_TARGET_(avx512),
#endif
};

/* Row of the tables for registers of at most `vector` bytes; narrow rows take narrow ones. */
static inline int fsgd_classes_target(const fsgd_problem *p, const fsgd_slice *s, int vector)
{
    const int bytes = s->width * (p->X.real == FSGD_F32 ? 4 : 8);
    if (vector > bytes) vector = bytes;
    return vector >= 64 ? 2 : vector >= 32 ? 1 : 0;
}

static inline fsgd_classes_fn fsgd_choose_classes(const fsgd_problem *p, const fsgd_slice *s,
                                                  int vector)
{
    return fsgd_classes_table[fsgd_classes_target(p, s, vector)][p->X.real][p->X.index];
}

/* Ends an epoch: w in place of v, and |w|^2 of each lane. */
static inline void fsgd_finish_classes(const fsgd_problem *p, fsgd_slice *s, int vector)
{
    fsgd_fold_classes_table[fsgd_classes_target(p, s, vector)][p->X.real](p, s, 1);
}

#endif
