/* rows.h: a read-only matrix seen row by row: CSR with int32 or int64 indices, or dense. */
#ifndef FSGD_ROWS_H
#define FSGD_ROWS_H

#include "fsgd.h"

enum { FSGD_F32, FSGD_F64 };               /* value type */
enum { FSGD_I32, FSGD_I64, FSGD_DENSE };   /* column type; dense rows carry no columns */

typedef struct {
    const void *data;      /* stored values; dense: n_rows x n_cols, C order */
    const void *indices;   /* columns, or NULL */
    const int64_t *indptr; /* row i holds the entries indptr[i] .. indptr[i + 1] - 1, or NULL */
    int64_t n_rows, n_cols;
    int real, index;
} fsgd_rows;

#endif
