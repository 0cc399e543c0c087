"""Scores of estimators, as scikit-learn has them, of each form of y."""

import numpy as np
from scipy import sparse

from fastsgd.data.label_sets import label_sets_of
from fastsgd.models.validation import checked_targets


class LabelScore:
    """Score of classifiers, whose y may be multilabel."""

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


class NumberScore:
    """Score of regressors, whose y may be sparse."""

    def score(self, X, y, sample_weight=None):
        """R^2 of the predictions.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : {array-like, sparse matrix} of shape (n_samples,) or (n_samples, n_outputs)
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        float
        """
        y = checked_targets(y)
        return super().score(X, y.toarray() if sparse.issparse(y) else y, sample_weight)
