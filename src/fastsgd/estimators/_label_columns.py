"""Classifiers whose y may have a column, or a set of labels, for each row."""

import numpy as np

from fastsgd._validation import check_Xy, checked_targets
from fastsgd.data.label_sets import LabelSets, label_sets_of
from fastsgd.estimators._targets import check_indicator, is_multilabel
from fastsgd.estimators._workers import union


class LabelColumns:
    """Takes multilabel y: indicators, and label sets such as load_svmlight(multilabel=True) gives.
    """

    def _check_Xy(self, X, y, *, reset, dtype=None):
        """X and y checked; a multilabel y becomes a csr_array of ones (see `column_labels`)."""
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

    def score(self, X, y, sample_weight=None):
        """Share of the rows that are predicted right; multilabel: in all labels.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or {array, sparse matrix} of (n_samples, n_labels)
            Or a set of labels for each row.
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        float
        """
        sets = label_sets_of(y)
        if sets is None:
            return super().score(X, checked_targets(y), sample_weight)
        mine = sets.take(sets.known(self._labels_of(sets, new=False)))
        wrong = mine.indicator(self.classes_) != self.predict(X)
        # no answer is right in a row with a label that the model lacks
        right = ~np.any(wrong, axis=1) & (np.diff(mine.ptr) == np.diff(sets.ptr))
        return float(np.average(right, weights=sample_weight))


def column_labels(Y):
    """What the columns of a checked multilabel y stand for: labels of sets, else their numbers."""
    labels = getattr(Y, "labels", None)
    return np.arange(Y.shape[1]) if labels is None else labels
