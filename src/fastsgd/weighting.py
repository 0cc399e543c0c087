"""Weights of classes: those that users give, checked, and those by which all count alike."""

import numbers
from contextlib import suppress

import numpy as np

LARGEST = float(np.finfo(np.float64).max)
"""Beyond it are whole numbers that no float64 holds."""


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
