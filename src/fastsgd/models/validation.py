"""Checks of X, y and weights before any work starts; every message says what is allowed."""

import numpy as np
from scipy import sparse

from fastsgd._integers import MOST_FEATURES
from fastsgd.data.sparse import checked

FLOATS = (np.float64, np.float32)


def check_Xy(model, X, y, *, reset, dtype=None, classifier, multi_output=False):
    """X as CSR or C-ordered dense rows, float32 or float64, not copied if it is so; y as 1-D.

    With `multi_output` y may have columns and be CSR. Whether X is finite is seen in the first
    epoch, which names row and column (`Rows.check`).
    """
    if not isinstance(y, np.ndarray):
        y = checked_targets(y)
    if not isinstance(X, np.ndarray):
        X = checked(X, "X", columns=False)
    X, y = model._validated(X, y, dtype=FLOATS if dtype is None else dtype, reset=reset,
                           multi_output=multi_output)
    if X.shape[1] > MOST_FEATURES:
        raise ValueError(f"X has {X.shape[1]} features, and a model has weights for at most "
                         f"{MOST_FEATURES}; number them from 0 or 1 on without gaps")
    if classifier and not are_labels(y):
        model._check_continuous(y)
    return X, y


def check_X(model, X, dtype=FLOATS):
    """X as CSR or C-ordered dense rows, of features that the model knows; dtype one or several."""
    return model._validated(checked(X, "X", columns=False), dtype=dtype, reset=False)


def validated(model, X, y=None, *, dtype, reset, multi_output=False):
    """X, and y if it is given, with types and shapes that the kernels take.

    Parameters
    ----------
    model : Model
        INOUT: `n_features_in_`, with `reset`.
    X : ndarray or sparse matrix
    y : ndarray or sparse matrix, default=None
    dtype : dtype or tuple of dtype
        Allowed types of X; others become the first.
    reset : bool
        Whether the features may be others than before.
    multi_output : bool, default=False
        Whether y may have columns.
    """
    allowed = [np.dtype(each) for each in (dtype if isinstance(dtype, tuple) else (dtype,))]
    if X.dtype.kind not in "biuf":
        raise ValueError(f"X must hold numbers, got {X.dtype}")
    dtype = X.dtype if X.dtype in allowed else allowed[0]
    if sparse.issparse(X):
        X = X.tocsr().astype(dtype, copy=False)
    else:
        X = np.asarray(X, dtype=dtype, order="C")
    if X.ndim != 2 or 0 in X.shape:
        raise ValueError(f"X must have rows and features, got shape {X.shape}")
    if reset:
        model.n_features_in_ = X.shape[1]
    elif X.shape[1] != model.n_features_in_:
        raise ValueError(f"X has {X.shape[1]} features, the model {model.n_features_in_}")
    if y is None:
        return X
    if len(y.shape) > (2 if multi_output else 1):
        raise ValueError(f"y must have one value a row, got shape {y.shape}")
    if y.shape[0] != X.shape[0]:
        raise ValueError(f"X has {X.shape[0]} rows and y {y.shape[0]}")
    if not sparse.issparse(y) and y.dtype.kind == "f" and not np.isfinite(y).all():
        raise ValueError("y holds NaN or infinity")
    return X, y


def checked_targets(y):
    """A sparse y whose positions were checked; one column as an array, taken as a dense one is."""
    if getattr(y, "ndim", 0) == 2 and y.shape[1] == 1 and hasattr(y, "sparse"):
        return np.asarray(y)  # a DataFrame with a sparse column
    y = checked(y, "y")
    one = sparse.issparse(y) and (y.ndim == 1 or y.shape[1] == 1)
    return y.toarray() if one else y


def are_labels(y):
    """Whether y is surely no continuous target; scikit-learn's check takes ten times as long."""
    return y.dtype.kind in "biuUS" or (
        y.dtype.kind == "f" and y.ndim == 1 and np.array_equal(y, np.rint(y)))


def refuse_numbers(y):
    """Raises ValueError where y has no labels, but numbers."""
    if y.dtype.kind in "fc":
        raise ValueError(f"y has the number {y[y != np.rint(y)].flat[0]:g}, and classes are whole "
                         "numbers or text; to learn numbers take a regressor (--task regress)")


def check_weights(model, sample_weight, X, *, allow_all_zero=False):
    """sample_weight as float64 of shape (n_rows,); None stays None and means ones."""
    if sample_weight is None:
        return None
    weight = model._validated_weights(sample_weight, X, allow_all_zero=allow_all_zero)
    if np.min(weight, initial=0.0) < 0:
        row = int(np.argmax(weight < 0))
        raise ValueError(f"sample_weight must be >= 0, got {weight[row]:g} in row {row}; 0 leaves "
                         "a row out")
    return weight


def validated_weights(sample_weight, X, *, allow_all_zero):
    """Weights of the rows: float64 ndarray of shape (n_rows,), finite."""
    weight = np.asarray(sample_weight, dtype=np.float64)
    if weight.ndim == 0:
        weight = np.full(X.shape[0], float(weight))
    if weight.shape != (X.shape[0],):
        raise ValueError(f"sample_weight must be one number a row, {X.shape[0]}, got shape "
                         f"{weight.shape}")
    if not np.isfinite(weight).all():
        raise ValueError("sample_weight holds NaN or infinity")
    if not (allow_all_zero or weight.any()):
        raise ValueError("Sample weights must contain at least one non-zero number.")
    return weight
