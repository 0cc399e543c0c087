"""Checks of X, y and weights before any work starts; every message says what is allowed."""

import numpy as np
from scipy import sparse
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, validate_data

from fastsgd._integers import MOST_FEATURES
from fastsgd.data.sparse import checked


def check_Xy(estimator, X, y, *, reset, dtype=None, classifier, multi_output=False):
    """X as CSR or C-ordered dense rows, float32 or float64, not copied if it is so; y as 1-D.

    With `multi_output` y may have columns and be CSR. Whether X is finite is seen in the first
    epoch, which names row and column (`Rows.check`).
    """
    if not isinstance(y, np.ndarray):
        y = checked_targets(y)
    if not isinstance(X, np.ndarray):
        X = checked(X, "X", columns=False)
    X, y = validate_data(
        estimator,
        X,
        y,
        accept_sparse="csr",
        accept_large_sparse=True,
        dtype=[np.float64, np.float32] if dtype is None else dtype,
        order="C",
        ensure_all_finite=False,
        reset=reset,
        multi_output=multi_output,
    )
    if X.shape[1] > MOST_FEATURES:
        raise ValueError(f"X has {X.shape[1]} features, and a model has weights for at most "
                         f"{MOST_FEATURES}; number them from 0 or 1 on without gaps")
    if classifier and not _are_labels(y):
        check_classification_targets(y)
    return X, y


def checked_targets(y):
    """A sparse y whose positions were checked; one column as an array, taken as a dense one is."""
    if getattr(y, "ndim", 0) == 2 and y.shape[1] == 1 and hasattr(y, "sparse"):
        return np.asarray(y)  # a DataFrame with a sparse column
    y = checked(y, "y")
    one = sparse.issparse(y) and (y.ndim == 1 or y.shape[1] == 1)
    return y.toarray() if one else y


def _are_labels(y):
    """Whether y is surely no continuous target; scikit-learn's check takes ten times as long."""
    return y.dtype.kind in "biuUS" or (
        y.dtype.kind == "f" and y.ndim == 1 and np.array_equal(y, np.rint(y)))


def check_weights(sample_weight, X, *, allow_all_zero=False):
    """sample_weight as float64 of shape (n_rows,); None stays None and means ones."""
    if sample_weight is None:
        return None
    weight = _check_sample_weight(
        sample_weight, X, dtype=np.float64, allow_all_zero_weights=allow_all_zero
    )
    if np.min(weight, initial=0.0) < 0:
        row = int(np.argmax(weight < 0))
        raise ValueError(f"sample_weight must be >= 0, got {weight[row]:g} in row {row}; 0 leaves "
                         "a row out")
    return weight
