"""Checks of X, y and weights before any work starts; every message says what is allowed."""

import numbers
from contextlib import suppress

import numpy as np
from scipy import sparse
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, validate_data

from fastsgd._integers import MOST_FEATURES, is_seed
from fastsgd._random import random_numbers
from fastsgd.data.sparse import checked

MAX_INT = np.iinfo(np.int32).max
LARGEST = float(np.finfo(np.float64).max)
"""Beyond it are whole numbers that no float64 holds."""


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


def class_weights(class_weight, classes, y):
    """The weight of each of `classes`: float64 of shape (n_classes,).

    Parameters
    ----------
    class_weight : dict, 'balanced' or None
        Classes that a dict lacks weigh 1.
    classes, y : ndarray
        Labels.

    Raises
    ------
    ValueError
        A weight of a dict is no number, negative, NaN or infinite; the message names its class.
    """
    if class_weight is None:
        return np.ones(len(classes))
    if isinstance(class_weight, dict):
        for label, weight in class_weight.items():
            whole = isinstance(weight, numbers.Integral)  # which may be beyond all floats
            if not isinstance(weight, numbers.Real) or not (
                    0 <= (weight if whole else float(weight)) <= LARGEST):
                raise ValueError(
                    f"class_weight must give each class a finite number >= 0, got {weight!r} for "
                    f"class {label!r}; 0 leaves the rows of a class out")
        return _by_label(class_weight, classes)
    return _balanced(classes, y)


def _balanced(classes, y):
    """Weights by which each class counts as much as any other."""
    present, counts = np.unique(y, return_counts=True)
    if not np.isin(classes, present).all():
        raise ValueError("classes should have valid labels that are in y")
    return len(y) / (len(present) * counts[np.searchsorted(present, classes)])


def _by_label(class_weight, classes):
    """Weights as of scikit-learn, which looks for a text of digits as a number only."""
    weights, lacking = np.ones(len(classes)), []
    for k, label in enumerate(np.asarray(classes).tolist()):
        key = label
        if key not in class_weight and isinstance(label, str):
            with suppress(ValueError):
                key = int(label)
        if key in class_weight:
            weights[k] = class_weight[key]
        else:
            lacking.append(label)
    if lacking and len(classes) - len(lacking) != len(class_weight):
        raise ValueError(f"The classes, {lacking}, are not in class_weight")
    return weights


def check_init(init, shape, name, dtype):
    """A start given by the user, as a new array of `shape`."""
    if sparse.issparse(init):  # warm start after sparsify()
        init = checked(init, name).toarray()
    init = np.array(init, dtype=dtype)
    size = int(np.prod(shape))
    if init.size != size or (len(shape) == 2 and shape[0] > 1 and init.shape != shape):
        raise ValueError(
            f"Provided {name} does not match dataset. It has shape {init.shape}; "
            f"expected {shape}."
        )
    if not np.isfinite(init).all():
        raise ValueError(f"{name} holds NaN or infinity; weights to start from must be finite")
    return init.reshape(shape)


def draw_seeds(random_state, n):
    """`n` seeds from a random_state: the same for the same int, new ones for None."""
    if is_seed(random_state):
        return [(int(random_state) + k * 0x9E3779B97F4A7C15) % 2**64 for k in range(n)]
    return [int(s) for s in random_numbers(random_state).randint(MAX_INT, size=n)]
