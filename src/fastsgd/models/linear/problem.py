"""Problems of linear models: the targets, classes or labels that a training learns."""

from abc import ABC, abstractmethod

import numpy as np


class Problem(ABC):
    """Targets of some rows, as trainings ask for them.

    Attributes
    ----------
    classifies : bool
        Whether it is a `ClassProblem`.
    """

    classifies = False

    @property
    @abstractmethod
    def n_models(self):
        """How many scores a row has."""

    @abstractmethod
    def target(self, k):
        """y of model k: float64 ndarray of shape (n_rows,)."""

    @abstractmethod
    def labels(self):
        """y as the user gave it."""


class ClassProblem(Problem):
    """Classes or labels of some rows; a `target` is +1 and -1.

    The scores of a row, w_k.x + b_k, are learnt one by one, by their targets, or side by side, by
    the members: so a loss of all scores of a row would ask for them.
    """

    classifies = True

    @abstractmethod
    def counts(self):
        """Rows of each class or label."""

    @abstractmethod
    def members(self):
        """(begin of each row or None, class or labels of each row), as kernels.classes has it."""

    @abstractmethod
    def weight_pairs(self, weights):
        """(negative, positive) weights of each model, by those of the classes or labels."""


class OneAgainstRest(ClassProblem):
    """One class for each row, and one model for each class.

    Parameters
    ----------
    codes : int ndarray of shape (n_rows,)
        Places in `classes`.
    classes : ndarray of shape (n_classes,)
    """

    def __init__(self, codes, classes):
        self._codes, self._classes = codes, classes

    @property
    def n_models(self):
        return len(self._classes)

    def target(self, k):
        # not np.where, which guesses each branch: a tenth of the time
        return 2.0 * (self._codes == k) - 1.0

    def counts(self):
        return np.bincount(self._codes, minlength=len(self._classes))

    def members(self):
        return None, self._codes.astype(np.int32, copy=False)

    def weight_pairs(self, weights):
        return [(1.0, weight) for weight in weights]

    def labels(self):
        return self._classes[self._codes]


class Binary(OneAgainstRest):
    """Two classes, of which one model has the second as +1."""

    @property
    def n_models(self):
        return 1

    def target(self, k):
        return super().target(1)

    def counts(self):
        ones = np.count_nonzero(self._codes)
        return np.array([len(self._codes) - ones, ones])

    def weight_pairs(self, weights):
        return [(weights[0], weights[1])]


class Indicator(ClassProblem):
    """Any number of labels for each row, one model for each label.

    Parameters
    ----------
    Y : csr_array of shape (n_rows, n_labels)
        Stored where a row has a label, canonical.
    """

    def __init__(self, Y):
        self._Y, self._by_label = Y, None

    @classmethod
    def of_model(cls, model, Y):
        """The problem of a fitted multilabel model, or an error if Y is not of its kind."""
        n_labels = len(model.classes_)
        multilabel = model._is_multilabel
        if not multilabel or Y.ndim != 2 or Y.shape[1] != n_labels:
            kind = f"multilabel with {n_labels} labels" if multilabel else "not multilabel"
            raise ValueError(f"the model is {kind}; got y of shape {Y.shape}")
        return cls(Y)

    @property
    def n_models(self):
        return self._Y.shape[1]

    def target(self, k):
        if self._by_label is None:
            self._by_label = self._Y.tocsc()
        y = np.full(self._Y.shape[0], -1.0)
        y[self._by_label.indices[self._by_label.indptr[k]:self._by_label.indptr[k + 1]]] = 1.0
        return y

    def counts(self):
        return np.bincount(self._Y.indices, minlength=self._Y.shape[1])

    def members(self):
        indices = self._Y.indices.astype(np.int32, copy=False)
        return self._Y.indptr.astype(np.int64, copy=False), indices

    def weight_pairs(self, weights):
        return weights

    def labels(self):
        """y as a dense array of 0 and 1."""
        return self._Y.toarray()


class Numbers(Problem):
    """One number for each row, and one model.

    Parameters
    ----------
    y : array-like of shape (n_rows,)
    """

    def __init__(self, y):
        self._y = np.ascontiguousarray(y, dtype=np.float64)

    @property
    def n_models(self):
        return 1

    def target(self, k):
        return self._y

    def labels(self):
        return self._y
