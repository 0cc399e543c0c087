"""Shape of a sparse text matrix, generated beside real: what decides a learner's speed."""

from __future__ import annotations

import numpy as np

import sources
from matrix_file import rows_view

QUANTILES = (0, 5, 25, 50, 75, 95, 99, 100)
TOP = (10, 100, 1000, 10_000)
ROWS = 20_000  # shares of rare words depend on the number of rows, so both sides use as many


def shape_of(X, y):
    """Name -> figure."""
    length = np.diff(X.indptr)
    df = np.sort(np.bincount(X.indices, minlength=X.shape[1]))[::-1]
    value = X.data
    out = {
        "rows": X.shape[0],
        "positive, %": 100 * np.mean(y > 0),
        "row length, mean": length.mean(),
    }
    out |= {f"row length, {q} %": np.percentile(length, q) for q in QUANTILES}
    out |= {f"rows with word {k:,}, %": 100 * df[k - 1] / X.shape[0] for k in (1, *TOP)}
    out |= {f"entries in top {k:,} words, %": 100 * df[:k].sum() / X.nnz for k in TOP}
    out["words that occur"] = np.count_nonzero(df)
    out |= {f"value, {q} %": np.percentile(value, q) for q in (5, 50, 95)}
    return out


def compare_with_rcv1(X, y):
    """Table of the first rows' shape, beside the real RCV1 sample if `sources.find` has it."""
    n = min(ROWS, X.shape[0])
    columns = {"generated": shape_of(rows_view(X, 0, n), y[:n])}
    if sources.find("rcv1_ccat"):
        X_real, y_real, _, _ = sources.load("rcv1_ccat")
        columns["RCV1"] = shape_of(rows_view(X_real, 0, min(n, X_real.shape[0])), y_real[:n])
    lines = [f"{'':28}" + "".join(f"{name:>12}" for name in columns)]
    for key in columns["generated"]:
        lines.append(f"{key:28}" + "".join(f"{c[key]:12.5g}" for c in columns.values()))
    return "\n".join(lines)
