"""What each row belongs to, as the two ways of training ask for it."""

import numpy as np
from scipy import sparse
from sklearn.utils.multiclass import type_of_target

from fastsgd._validation import checked_targets


class NumberTargets:
    """Regressors, whose y may be sparse."""

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
            "y with columns must be a multilabel indicator of 0 and 1; got "
            f"{type_of_target(y, input_name='y')} targets. For one class a row give a 1-D y.")
    if sparse.issparse(y):
        Y = sparse.csr_array(y, dtype=np.int8, copy=True)
        Y.sum_duplicates()
        Y.eliminate_zeros()
        Y.data[:] = 1
        return Y
    return sparse.csr_array(y != 0, dtype=np.int8)
