"""Linear classifiers of rows with any number of labels."""

import numpy as np

from fastsgd.models.labels import LabelColumns, column_labels


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
