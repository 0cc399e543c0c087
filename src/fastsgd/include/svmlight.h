/* One line of svmlight / libsvm text -> one row of CSR arrays.
 *
 *     <label> [qid:<integer>] <index>:<value> <index>:<value> ... [# comment]
 *
 * A reader belongs to one thread and one range of whole lines; ranges of a file can be read by
 * several readers at once, or one after the other by the same reader. A line may also come in parts,
 * cut after a token or in a comment; the reader keeps where it stands. n_rows, nnz and n_labels move
 * last, so a line or part that fails, or wants wider indices, leaves no trace.
 */
#ifndef FASTSGD_SVMLIGHT_H
#define FASTSGD_SVMLIGHT_H

#include <stdint.h>
#include <string.h>

#include "decimal.h"

/* name, what was expected; %d stands for the reader's `detail`. */
#define FSGD_SVM_CODES(X)                                                                         \
    X(OK, "")                                                                                     \
    X(WIDEN, "int64 indices") /* no error: call again with them */                                \
    X(NO_LABEL, "a label before the first feature")                                               \
    X(LABEL, "a number as the label")                                                             \
    X(ONE_LABEL, "one label (multilabel=True reads several)")                                     \
    X(LABEL_END, "a space after the label")                                                       \
    X(NO_QID, "'qid:' and an integer after the label (query_id=True)")                            \
    X(QID_COLON, "':' after 'qid'")                                                               \
    X(QID, "an int64 after 'qid:'")                                                               \
    X(QID_END, "a space after the query id")                                                      \
    X(INDEX, "a feature index")                                                                   \
    X(NEGATIVE, "a feature index that is not negative")                                           \
    X(ZERO, "a feature index of at least 1 (zero_based=False)")                                   \
    X(ORDER, "a feature index above %d (they must rise along a line)")                            \
    X(INT64, "a feature index of at most 9223372036854775806")                                    \
    X(N_FEATURES, "a feature index of at most %d (n_features)")                                   \
    X(COLON, "':' after the feature index")                                                       \
    X(NO_VALUE, "a value after ':'")                                                              \
    X(VALUE, "a number as the value")                                                             \
    X(VALUE_END, "a space after the value")                                                       \
    X(NONFINITE, "a finite number (allow_nonfinite=False)")                                       \
    X(NUL, "text")

enum {
#define FSGD_SVM_ENUM(name, expected) FSGD_SVM_##name,
    FSGD_SVM_CODES(FSGD_SVM_ENUM)
#undef FSGD_SVM_ENUM
    FSGD_SVM_COUNT
};

/* where a line stands: before its label, between two labels, after them, after any query id */
enum { FSGD_SVM_START, FSGD_SVM_LABELS, FSGD_SVM_LABELLED, FSGD_SVM_ENTRIES };

typedef struct { const char *name, *expected; } fsgd_svm_code_row;
static const fsgd_svm_code_row fsgd_svm_codes[] = {
#define FSGD_SVM_ROW(name, expected) {#name, expected},
    FSGD_SVM_CODES(FSGD_SVM_ROW)
#undef FSGD_SVM_ROW
};

typedef struct {
    /* rules, IN */
    int one_based;  /* index 0 is an error */
    int multilabel; /* comma-separated labels, or none */
    int query_id;   /* every row must have one */
    int allow_nonfinite;
    int64_t index_limit; /* largest index as written in the file */
    int more;       /* the range is a part of a line that goes on; its newline only ends the range */
    int64_t before; /* bytes of the first line that came in earlier parts */
    /* arrays, OUT: the caller leaves room for (bytes of the range) / 2 + 1 more labels and rows and
     * (bytes of the range) / 4 + 1 more entries */
    double *labels;
    int64_t *label_ptr; /* row i has labels label_ptr[i] to label_ptr[i + 1] - 1; NULL: one a row */
    int64_t *qid;       /* NULL unless query_id */
    int64_t *indptr;
    int32_t *indices_32; /* one of the two is NULL */
    int64_t *indices_64;
    float *values_32; /* one of the two is NULL */
    double *values_64;
    /* state, IN and OUT */
    int64_t n_rows, nnz, n_labels;
    int64_t line; /* number of the line at hand */
    int64_t min_index, max_index;
    int64_t limit_line, limit_column; /* where index_limit was first seen; 0: nowhere */
    int stage, in_comment;            /* of the line at hand */
    int64_t previous, first;          /* its last and its first index; -1 and INT64_MAX: none yet */
    /* status, OUT */
    int code;
    int64_t detail;
    const char *at; /* where the fault is */
} fsgd_svm_reader;

static inline const char *fsgd_svm_fail(fsgd_svm_reader *r, int code, const char *at) {
    r->code = *at == '\0' ? FSGD_SVM_NUL : code;
    r->at = at;
    return NULL;
}

static inline void fsgd_svm_start_line(fsgd_svm_reader *r) {
    r->stage = FSGD_SVM_START;
    r->previous = -1;
    r->first = INT64_MAX;
}

static inline int fsgd_is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r' && c != '\n'); }

static inline int fsgd_ends_token(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r') || c == '#';
}

static inline const char *fsgd_skip_blanks(const char *p) {
    while (fsgd_is_blank(*p)) p++;
    return p;
}

/* The byte after the newline; p is at the newline or in a comment. A NUL in a comment is an error
 * too: blocks of zeros in a damaged file would hide rows. */
static const char *fsgd_svm_end_line(fsgd_svm_reader *r, const char *p, const char *end) {
    if (*p == '#' || r->in_comment) {
        const char *const newline = memchr(p, '\n', (size_t)(end - p));
        const char *const nul = memchr(p, '\0', (size_t)(newline - p));
        if (nul) return fsgd_svm_fail(r, FSGD_SVM_NUL, nul);
        p = newline;
        r->in_comment = r->more;
    }
    return p + 1;
}

/* OUT *value. Returns the byte after the digits, NULL when they pass `limit` (at least 10^18), p when
 * there are none. */
static inline const char *fsgd_integer_text(const char *p, uint64_t limit, uint64_t *value) {
    const char *const start = p;
    const int n = fsgd_up_to_8_digits(p, value);
    if (n < 8) return p + n;
    uint64_t v = 0;
    for (; fsgd_is_digit(*p); p++) {
        const uint64_t digit = (uint64_t)(*p - '0');
        if (p - start >= 18 && v > (limit - digit) / 10) return NULL;
        v = v * 10 + digit;
    }
    *value = v;
    return p;
}

static inline int fsgd_svm_is_finite(const fsgd_svm_reader *r, double v) {
    return fabs(v) <= DBL_MAX && !(r->values_32 && isinf((float)v));
}

static inline int fsgd_svm_goes_on(const fsgd_svm_reader *r, const char *p, const char *end) {
    return r->more && p + 1 == end;
}

/* Labels of a multilabel row: none when the line starts with a feature. */
static const char *fsgd_svm_labels(fsgd_svm_reader *r, const char *p, const char *end,
                                   int64_t *n_labels, int *stage) {
    if (*stage == FSGD_SVM_START) {
        const char *token = p;
        while (!fsgd_ends_token(*token) && *token != ':' && *token != ',') token++;
        if (*token == ':') return p;
    }
    for (*stage = FSGD_SVM_LABELS; !fsgd_svm_goes_on(r, p, end);) {
        double v;
        const char *const next = fsgd_decimal(p, &v);
        if (next == p) return fsgd_svm_fail(r, FSGD_SVM_LABEL, p);
        if (!r->allow_nonfinite && !(fabs(v) <= DBL_MAX)) return fsgd_svm_fail(r, FSGD_SVM_NONFINITE, p);
        r->labels[(*n_labels)++] = v;
        if (*next != ',') {
            *stage = FSGD_SVM_LABELLED;
            return fsgd_ends_token(*next) ? next : fsgd_svm_fail(r, FSGD_SVM_LABEL_END, next);
        }
        p = next + 1;
    }
    return p;
}

static inline const char *fsgd_svm_label(fsgd_svm_reader *r, const char *p, int64_t *n_labels) {
    double v;
    const char *const next = fsgd_decimal(p, &v);
    if (next == p || !fsgd_ends_token(*next)) {
        const char *colon = p;
        while (!fsgd_ends_token(*colon) && *colon != ':') colon++;
        if (*colon == ':') return fsgd_svm_fail(r, FSGD_SVM_NO_LABEL, p);
        if (next == p) return fsgd_svm_fail(r, FSGD_SVM_LABEL, p);
        return fsgd_svm_fail(r, *next == ',' ? FSGD_SVM_ONE_LABEL : FSGD_SVM_LABEL_END, next);
    }
    if (!r->allow_nonfinite && !(fabs(v) <= DBL_MAX)) return fsgd_svm_fail(r, FSGD_SVM_NONFINITE, p);
    r->labels[(*n_labels)++] = v;
    return next;
}

static const char *fsgd_svm_qid(fsgd_svm_reader *r, const char *p) {
    if (memcmp(p, "qid", 3) != 0) return r->query_id ? fsgd_svm_fail(r, FSGD_SVM_NO_QID, p) : p;
    p += 3;
    if (*p != ':') return fsgd_svm_fail(r, FSGD_SVM_QID_COLON, p);
    const char *const start = ++p;
    const int negative = *p == '-';
    p += negative;
    uint64_t v = 0;
    const char *const next = fsgd_integer_text(p, (uint64_t)INT64_MAX + negative, &v);
    if (!next || next == p) return fsgd_svm_fail(r, FSGD_SVM_QID, start);
    if (!fsgd_ends_token(*next)) return fsgd_svm_fail(r, FSGD_SVM_QID_END, next);
    if (r->query_id) r->qid[r->n_rows] = (int64_t)(negative ? 0 - v : v);
    return next;
}

/* Label and query id, from where the line stands: IN and OUT *stage. */
static inline const char *fsgd_svm_head(fsgd_svm_reader *r, const char *p, const char *end,
                                        int64_t *n_labels, int *stage) {
    if (*stage < FSGD_SVM_LABELLED) {
        p = r->multilabel ? fsgd_svm_labels(r, p, end, n_labels, stage) : fsgd_svm_label(r, p, n_labels);
        if (!p || *stage == FSGD_SVM_LABELS) return p;
        *stage = FSGD_SVM_LABELLED;
        p = fsgd_skip_blanks(p);
    }
    if (fsgd_svm_goes_on(r, p, end)) return p;
    *stage = FSGD_SVM_ENTRIES;
    return *p == 'q' || r->query_id ? fsgd_svm_qid(r, p) : p;
}

/* Counts the row whose line has ended. */
static inline const char *fsgd_svm_end_row(fsgd_svm_reader *r, const char *p) {
    if (r->first < r->min_index) r->min_index = r->first;
    if (r->previous > r->max_index) r->max_index = r->previous;
    r->n_rows += 1;
    r->indptr[r->n_rows] = r->nnz;
    if (r->label_ptr) r->label_ptr[r->n_rows] = r->n_labels;
    fsgd_svm_start_line(r);
    return p;
}

/* Reads the line at p, or a part of it, which ends before `end` with a newline. Returns the byte after
 * that, or NULL with code, detail and at set. */
static inline const char *fsgd_svm_line(fsgd_svm_reader *r, const char *p, const char *end) {
    const char *const line = p;
    int64_t n_labels = r->n_labels, nnz = r->nnz, previous = r->previous, first = r->first;
    const int in_comment = r->in_comment;
    int stage = r->stage;
    if (stage != FSGD_SVM_LABELS && !in_comment) p = fsgd_skip_blanks(p);
    if (stage == FSGD_SVM_START && (*p == '\n' || *p == '#' || in_comment))
        return fsgd_svm_end_line(r, p, end);
    if (stage != FSGD_SVM_ENTRIES && !in_comment) {
        p = fsgd_svm_head(r, p, end, &n_labels, &stage);
        if (!p) return NULL;
    }
    for (; !in_comment; nnz++) { /* a local: read through r in each round it cost 30 % */
        p = fsgd_skip_blanks(p);
        if (*p == '\n' || *p == '#') break;

        const char *const start = p;
        uint64_t digits = 0;
        p = fsgd_integer_text(p, INT64_MAX - 1, &digits);
        if (!p) return fsgd_svm_fail(r, FSGD_SVM_INT64, start);
        if (p == start) {
            const int negative = *p == '-' && fsgd_is_digit(p[1]);
            return fsgd_svm_fail(r, negative ? FSGD_SVM_NEGATIVE : FSGD_SVM_INDEX, p);
        }
        const int64_t index = (int64_t)digits;
        if (*p != ':') return fsgd_svm_fail(r, FSGD_SVM_COLON, p);
        if (index <= previous) {
            r->detail = previous;
            return fsgd_svm_fail(r, FSGD_SVM_ORDER, start);
        }
        if (index >= r->index_limit) {
            r->detail = r->index_limit;
            if (index > r->index_limit) return fsgd_svm_fail(r, FSGD_SVM_N_FEATURES, start);
            if (!r->limit_line) {
                r->limit_line = r->line;
                r->limit_column = start - line + 1 + r->before;
            }
        }
        if (previous < 0) {
            if (r->one_based && !index) return fsgd_svm_fail(r, FSGD_SVM_ZERO, start);
            first = index;
        }
        previous = index;

        double v;
        const char *const value = ++p;
        p = fsgd_decimal(p, &v);
        if (p == value)
            return fsgd_svm_fail(r, fsgd_ends_token(*p) ? FSGD_SVM_NO_VALUE : FSGD_SVM_VALUE, p);
        if (!fsgd_ends_token(*p)) return fsgd_svm_fail(r, FSGD_SVM_VALUE_END, p);
        if (!r->allow_nonfinite && !fsgd_svm_is_finite(r, v))
            return fsgd_svm_fail(r, FSGD_SVM_NONFINITE, value);

        if (r->values_64) r->values_64[nnz] = v;
        else r->values_32[nnz] = (float)v;
        if (r->indices_64) r->indices_64[nnz] = index;
        else if (index <= INT32_MAX) r->indices_32[nnz] = (int32_t)index;
        else return fsgd_svm_fail(r, FSGD_SVM_WIDEN, start);
    }
    p = fsgd_svm_end_line(r, p, end);
    if (!p) return NULL;
    r->nnz = nnz;
    r->n_labels = n_labels;
    r->stage = stage;
    r->previous = previous;
    r->first = first;
    return r->more ? p : fsgd_svm_end_row(r, p);
}

#endif
