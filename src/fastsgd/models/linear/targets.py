"""Targets of classifiers: the classes or labels of each row, as trainings ask for them."""

import numpy as np

from fastsgd.models.labels import LabelColumns, column_labels


class OneAgainstRest:
    """One class for each row. Two classes make one model, whose +1 is the second.

    Parameters
    ----------
    codes : int ndarray of shape (n_rows,)
        Places in `classes`.
    classes : ndarray of shape (n_classes,)
    """

    def __init__(self, codes, classes):
        self._codes, self._classes = codes, classes

    def __call__(self, k):
        """y of model k: float64, +1 and -1."""
        # not np.where, which guesses each branch: a tenth of the time
        return 2.0 * (self._codes == (1 if len(self._classes) == 2 else k)) - 1.0

    def counts(self):
        """Rows of each class."""
        if len(self._classes) == 2:
            ones = np.count_nonzero(self._codes)
            return np.array([len(self._codes) - ones, ones])
        return np.bincount(self._codes, minlength=len(self._classes))

    def members(self):
        """(None, class of each row), as kernels.classes takes it."""
        return None, self._codes.astype(np.int32, copy=False)

    def labels(self):
        """y as the user gave it."""
        return self._classes[self._codes]


class Indicator:
    """Any number of labels for each row, one model for each label.

    Parameters
    ----------
    Y : csr_array of shape (n_rows, n_labels)
        Stored where a row has a label, canonical.
    """

    def __init__(self, Y):
        self._Y, self._by_label = Y, None

    def __call__(self, k):
        """y of model k: float64, +1 and -1."""
        if self._by_label is None:
            self._by_label = self._Y.tocsc()
        y = np.full(self._Y.shape[0], -1.0)
        y[self._by_label.indices[self._by_label.indptr[k]:self._by_label.indptr[k + 1]]] = 1.0
        return y

    @classmethod
    def of_model(cls, model, Y):
        """The targets of a fitted multilabel model, or an error if Y is not of its kind."""
        n_labels = len(model.classes_)
        multilabel = model._is_multilabel
        if not multilabel or Y.ndim != 2 or Y.shape[1] != n_labels:
            kind = f"multilabel with {n_labels} labels" if multilabel else "not multilabel"
            raise ValueError(f"the model is {kind}; got y of shape {Y.shape}")
        return cls(Y)

    def counts(self):
        """Rows with each label."""
        return np.bincount(self._Y.indices, minlength=self._Y.shape[1])

    def members(self):
        """(begin of each row, labels), as kernels.classes takes them."""
        indices = self._Y.indices.astype(np.int32, copy=False)
        return self._Y.indptr.astype(np.int64, copy=False), indices

    def labels(self):
        """y as a dense array of 0 and 1."""
        return self._Y.toarray()


class Multilabel(LabelColumns):
    """Takes multilabel indicators as y, and predicts them."""

    @staticmethod
    def _check_labels(y, classes):
        """`classes` of a multilabel y: what its columns stand for, and nothing else."""
        labels = column_labels(y)
        if getattr(y, "labels", None) is None and classes is not None and not np.array_equal(
                classes, labels):
            raise ValueError(
                f"with multilabel y, classes must be None or the column numbers 0 to "
                f"{y.shape[1] - 1}, got {classes!r}")
        return labels

    @property
    def _is_multilabel(self):
        return getattr(self, "multilabel_", False)  # files of older versions lack it

    @property
    def _n_models(self):
        n_classes = len(self.classes_)
        return 1 if n_classes == 2 and not self._is_multilabel else n_classes

    def predict(self, X):
        """The class of each row; multilabel: 1 where a label's decision value is above 0.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,), or int ndarray of shape (n_samples, n_labels)
        """
        scores = self.decision_function(X)
        if self._is_multilabel:
            return (scores > 0).astype(int)
        columns = scores > 0 if scores.ndim == 1 else scores.argmax(axis=1)
        return self.classes_.take(columns, mode="clip")  # which is twice as fast, and none is


def weight_pairs(weights, n_models):
    """(negative, positive) weights of each model, of those of the classes or labels."""
    if np.ndim(weights) == 2:
        return weights
    if n_models == 1:
        return [(weights[0], weights[1])]
    return [(1.0, weight) for weight in weights]
