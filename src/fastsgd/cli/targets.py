"""The labels of rows that a model is measured on, and what they weigh."""

import numpy as np
from sklearn.base import is_classifier
from sklearn.utils.class_weight import compute_class_weight


def check_kind(model, y):
    """Raises ValueError where y is of no kind that the command line trains this estimator on."""
    if not is_classifier(model):
        if y.dtype.kind not in "biuf":
            raise ValueError(f"y must be numbers to regress, got {y.dtype}")
    elif y.ndim == 2:
        raise ValueError(f"y has {y.shape[1]} columns; the command line classifies rows of one "
                         "label, FastSGDClassifier and FastMLPClassifier of many")


def check_labels(model, y):
    """Raises ValueError where y cannot be what this model answers."""
    check_kind(model, y)
    if not is_classifier(model):
        return
    unknown = np.setdiff1d(y, model.classes_)
    if len(unknown):
        raise ValueError(
            f"label {unknown[0]} of the data is not among the model's classes "
            + ", ".join(map(str, model.classes_)))


def class_weights(model, y):
    """Label -> weight, as the model's `class_weight` gives it for these rows."""
    balanced = isinstance(model.class_weight, str)
    given = "balanced" if balanced else model.class_weight
    present = np.unique(y) if balanced else model.classes_
    return dict(zip(present.tolist(), compute_class_weight(given, classes=present, y=y),
                    strict=True))
