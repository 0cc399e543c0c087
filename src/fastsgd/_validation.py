"""Checks of parameters and of X, y before any work starts; every message says what is allowed."""

import numbers
from contextlib import suppress

import numpy as np
from scipy import sparse
from sklearn.base import is_classifier
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, validate_data

from fastsgd._integers import MOST_FEATURES, check_integers
from fastsgd._random import random_numbers
from fastsgd.data.sparse import checked
from fastsgd.errors import NotBuiltYetError
from fastsgd.kernels import tables
from fastsgd.schedules import has_flag
from fastsgd.solvers import Gap, check_solver, solver_of

SYNCS = ("auto", "serial", "merge", "hogwild", "round_robin", "classes", "map_reduce")
MULTI_CLASS = ("ovr",)
"""How more than two classes are learnt, as far as it is built."""

DEFAULT_ALPHA = 1e-4
MAX_INT = np.iinfo(np.int32).max
LARGEST = float(np.finfo(np.float64).max)
"""Beyond it are whole numbers that no float64 holds."""


def check_reserved(estimator):
    """Refuses values of parameters that later releases will fill."""
    for name, built in (("multi_class", MULTI_CLASS), ("device", ("cpu",))):
        value = getattr(estimator, name, built[0])
        if value not in built:
            raise NotBuiltYetError(
                f"{name}={value!r} is not built yet; this release has "
                + " and ".join(f"{name}={only!r}" for only in built) + " only"
            )
    check_integers(estimator)
    if estimator.sync not in SYNCS:
        raise ValueError(
            f"unknown sync {estimator.sync!r}; the valid names are "
            + ", ".join(map(repr, SYNCS))
        )


def check_combinations(estimator, *, classifier, for_partial_fit, first=True):
    """Refuses combinations of parameters that have no meaning."""
    if estimator.early_stopping and for_partial_fit and first:
        raise ValueError("early_stopping should be False with partial_fit")
    check_reserved(estimator)
    check_solver(estimator)
    if estimator.C is not None and estimator.alpha != DEFAULT_ALPHA:
        raise ValueError(
            f"give alpha or C, not both: alpha={estimator.alpha}, C={estimator.C}; "
            "alpha = 1 / (n_samples * C)"
        )
    takes_steps = solver_of(estimator).takes_steps
    if (
        takes_steps
        and has_flag(estimator.learning_rate, tables.NEEDS_ALPHA)
        and estimator.alpha == 0
        and estimator.C is None
    ):
        raise ValueError(
            "alpha must be > 0 since learning_rate is 'optimal'. alpha is used to compute the "
            "optimal learning rate."
        )
    if takes_steps and has_flag(estimator.learning_rate, tables.PASSIVE_AGGRESSIVE):
        needed = "hinge" if classifier else "epsilon_insensitive"
        if estimator.loss != needed:
            raise ValueError(
                f"Learning rate '{estimator.learning_rate}' only works with loss '{needed}'."
            )
    if takes_steps and isinstance(estimator.eta0, str):
        if has_flag(estimator.learning_rate, tables.PASSIVE_AGGRESSIVE):
            raise ValueError(
                f"eta0='auto' finds a step size, and with learning_rate="
                f"'{estimator.learning_rate}' eta0 is the aggressiveness C of each step; give it "
                "as a number > 0, for example 1.0"
            )
        if estimator.loss == "perceptron":
            raise ValueError(
                "eta0='auto' takes the step with the least objective, which loss='perceptron' has "
                "at weights of 0; give eta0 as a number > 0, or take loss='hinge'"
            )
    if estimator.penalty == "elasticnet" and estimator.l1_ratio is None:
        raise ValueError("l1_ratio must be set when penalty is 'elasticnet'")
    if estimator.average and estimator.sync in ("merge", "hogwild", "round_robin"):
        raise ValueError(
            f"average={estimator.average!r} is not available with sync={estimator.sync!r}; "
            "use sync='serial' or 'auto'"
        )
    reason = obstacle_to_one_pass(estimator) if estimator.sync == "classes" else None
    if reason is not None:
        raise ValueError(f"sync='classes' learns all classes in one pass: {reason}; "
                         "use sync='auto' or 'serial'")


def obstacle_to_one_pass(estimator):
    """Why this estimator cannot learn all classes in one pass: a text, or None."""
    if not is_classifier(estimator):
        return "a regressor has no classes"
    if estimator.penalty not in ("l2", None):
        return f"penalty={estimator.penalty!r} is not available with it, only 'l2' and None"
    if estimator.average:
        return f"average={estimator.average!r} is not available with it"
    if has_flag(estimator.learning_rate, tables.ADAPTIVE):
        return "learning_rate='adaptive' has a step of its own for each class"
    if isinstance(estimator.tol, Gap):
        return f"tol={estimator.tol!r} is proven class by class"
    return None


def check_Xy(estimator, X, y, *, reset, dtype=None, classifier, multi_output=False):
    """X as CSR or C-ordered dense rows, float32 or float64, not copied if it is so; y as 1-D.

    With `multi_output` y may have columns and be CSR. Whether X is finite is seen in the first
    epoch, which names row and column (`Rows.check`).
    """
    y = checked_targets(y)
    X, y = validate_data(
        estimator,
        checked(X, "X", columns=False),
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
    """A start given by the user, as a new array of `shape`; None is zeros."""
    if init is None:
        return np.zeros(shape, dtype)
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


def is_seed(random_state):
    """Whether the user asked for the same bits again."""
    return isinstance(random_state, numbers.Integral)
