"""Classifiers whose y may have a column, or a set of labels, for each row."""

import numpy as np
from scipy import sparse

from fastsgd.data.label_sets import LabelSets, label_sets_of
from fastsgd.models.pools import union
from fastsgd.models.validation import check_Xy


class LabelColumns:
    """Takes multilabel y: indicators, and label sets such as load_svmlight(multilabel=True) gives.
    """

    def _check_Xy(self, X, y, *, reset, dtype=None):
        """X and y checked; a multilabel y becomes a csr_array of ones (see `column_labels`)."""
        if isinstance(y, np.ndarray) and y.ndim == 1 and y.dtype.kind != "O":  # plain labels
            return check_Xy(self, X, y, reset=reset, dtype=dtype, classifier=True)
        sets, labels = label_sets_of(y), None
        if sets is not None:
            labels = self._labels_of(sets, reset)
            y = sets.indicator(labels)
        multilabel = is_multilabel(y)
        X, y = check_Xy(self, X, y, reset=reset, dtype=dtype, classifier=not multilabel,
                        multi_output=multilabel)
        if multilabel:
            y = check_indicator(y)
            y.labels = labels
        return X, y

    def _labels_of(self, sets, new):
        """The labels that the columns of these sets stand for."""
        if not new:
            if not getattr(self, "multilabel_", False):
                raise ValueError("the model is not multilabel; y must have one class a row, and "
                                 "it has sets of labels")
            return self.classes_
        labels = union(self, sets.labels)
        if len(labels) < 2:
            raise ValueError(f"y has sets of labels, of which there must be at least two; it has "
                             f"{len(labels)} in all")
        return labels

    def _named(self, y, classes):
        """The y of partial_fit; label sets are told which labels will ever come."""
        sets = label_sets_of(y)
        if sets is None:
            return y
        if classes is None and not hasattr(self, "classes_"):
            raise ValueError("classes must name all labels at the first call of partial_fit, "
                             "where y has sets of labels")
        return LabelSets(sets.values, sets.ptr, classes=classes)


def column_labels(Y):
    """Labels of the columns of a checked multilabel y: those of sets, else their numbers."""
    labels = getattr(Y, "labels", None)
    return np.arange(Y.shape[1]) if labels is None else labels


def check_first_classes(model, classes):
    """Sets `classes_` at the first call of `partial_fit`, and refuses others later.

    Parameters
    ----------
    model : Model
        INOUT: `classes_`.
    classes : array-like or None
        All classes that will ever come.
    """
    known = getattr(model, "classes_", None)
    if classes is None:
        if known is None:
            raise ValueError("classes must be passed on the first call to partial_fit.")
        return
    found = np.unique(classes)
    if found.dtype.kind == "U" and np.asarray(classes, dtype=object).dtype.kind == "O" and any(
            not isinstance(label, str) for label in np.ravel(np.asarray(classes, dtype=object))):
        raise ValueError("classes must be all numbers or all text, "
                         f"got both: {classes!r}")
    if known is None:
        model.classes_ = found
    elif not np.array_equal(known, found):
        raise ValueError(f"`classes={classes!r}` is not the same as on last call to partial_fit, "
                         f"was: {known!r}")


def is_multilabel(y):
    """Whether y has several columns: one for each label."""
    shape = getattr(y, "shape", None)
    if shape is None:
        try:
            shape = np.asarray(y).shape
        except ValueError:  # rows of unequal lengths: refused as any other bad y
            return False
    return len(shape) == 2 and shape[1] > 1


def check_indicator(y):
    """A checked y of two dimensions as csr_array of int8 ones, canonical.

    Raises
    ------
    ValueError
        An entry is neither 0 nor 1, or there are less than two labels.
    """
    if y.ndim != 2 or y.shape[1] < 2:
        raise ValueError(
            f"y with columns must have at least two, one for each label; got shape {y.shape}")
    values = y.data if sparse.issparse(y) else y
    valid = values.dtype.kind in "biuf" and not np.any((values != 0) & (values != 1))
    if not valid:
        raise ValueError(
            f"y with columns must be a multilabel indicator of 0 and 1; got {_wrong_in(values)}. "
            "For one class a row give a 1-D y.")
    if sparse.issparse(y):
        Y = sparse.csr_array(y, dtype=np.int8, copy=True)
        Y.sum_duplicates()
        Y.eliminate_zeros()
        Y.data[:] = 1
        return Y
    return sparse.csr_array(y != 0, dtype=np.int8)


def _wrong_in(values):
    """A value that a multilabel indicator must not have, or their type."""
    if values.dtype.kind not in "biuf":
        return f"values of type {values.dtype}"
    return f"{values[(values != 0) & (values != 1)].flat[0]:g}"


def label_weights(class_weight, Y):
    """Pairs of weights (rows without, rows with the label), of shape (n_labels, 2).

    Raises
    ------
    ValueError
        `class_weight` is neither None nor 'balanced'.
    """
    n, n_labels = Y.shape
    if class_weight is None:
        return np.ones((n_labels, 2))
    if not isinstance(class_weight, str) or class_weight != "balanced":
        raise ValueError(
            f"class_weight={class_weight!r} is not available with multilabel y; "
            "only None and 'balanced' (label by label) are")
    positive = np.bincount(Y.indices, minlength=n_labels)
    counts = np.column_stack([n - positive, positive])
    present = np.count_nonzero(counts, axis=1, keepdims=True)  # a label that all or none has: 1
    return n / (present * np.maximum(counts, 1))
