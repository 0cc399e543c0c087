"""How far a model's answers are from the y of rows, added up some rows at a time."""

import math

import numpy as np

from fastsgd.cli.targets import indicator_of, rows_of_unseen_labels
from fastsgd.data.label_sets import LabelSets


class Mistakes:
    """Wrong answers of a classifier.

    Labels that the model lacks are never answered: their rows are errors. With several labels a
    row, error is the share of rows that are wrong in any label; f1_micro and hamming_loss are
    scikit-learn's, with a column of its own for each label that the model lacks.

    Parameters
    ----------
    model : estimator
    y : ndarray or LabelSets

    Attributes
    ----------
    lost : bool ndarray of shape (n_rows,)
        The rows with labels that the model lacks.
    n_known : int
        The other rows.
    Y : csr_array of shape (n_rows, n_labels) or None
        Of several labels a row: the labels that the model has.
    """

    def __init__(self, model, y):
        self.lost = rows_of_unseen_labels(y, model.classes_)
        self.n_known = len(self.lost) - int(np.count_nonzero(self.lost))
        self.Y, self._y, self._wrong = None, y, 0
        self._answered = self._right = self._true = self._n_labels = 0
        if getattr(model, "multilabel_", False):
            self.Y = indicator_of(y, model.classes_)
            self._true, self._n_labels = self.Y.nnz, self.Y.shape[1]
            if isinstance(y, LabelSets):
                unseen = ~y.known(model.classes_)
                rows = np.repeat(np.arange(len(y)), np.diff(y.ptr))[unseen]
                self._true += len(set(zip(rows.tolist(), y.values[unseen].tolist(), strict=True)))
                self._n_labels += len(np.unique(y.values[unseen]))

    def add(self, part, answers):
        """Rows of a slice, and what the model answers of them."""
        if self.Y is None:
            self._wrong += int(np.count_nonzero(answers != self._y[part]))
            return
        truth = self.Y[part].toarray()
        self._wrong += int(np.count_nonzero(
            np.any(answers != truth, axis=1) | self.lost[part]))
        self._answered += int(np.count_nonzero(answers))
        self._right += int(np.count_nonzero(answers & truth))

    def told(self, together):
        """rows, error, and what else there is to tell, of the rows of all."""
        n, wrong, known, answered, right, true = map(int, together.sums(
            len(self.lost), self._wrong, self.n_known, self._answered, self._right, self._true))
        result = {"rows": n, "error": wrong / n}
        if self.Y is not None:
            result["f1_micro"] = 2 * right / (answered + true) if answered + true else 0.0
            result["hamming_loss"] = (answered + true - 2 * right) / (n * self._n_labels)
        if known < n:
            result["rows_of_unseen_labels"] = n - known
        return result


class Squares:
    """Squared errors of a regression; r2 is the mean over the outputs, as scikit-learn's.

    Parameters
    ----------
    y : ndarray of shape (n_rows,) or (n_rows, n_outputs)
    """

    def __init__(self, y):
        self.n_known, self._squares = len(y), 0.0
        self._y = y.reshape(len(y), -1).astype(np.float64)

    def add(self, part, answers):
        """Rows of a slice, and what the model answers of them."""
        errors = answers.astype(np.float64).reshape(len(answers), -1) - self._y[part]
        self._squares = self._squares + np.sum(errors**2, axis=0)

    def told(self, together):
        """rows, rmse and r2, of the rows of all."""
        n, = together.sums(self.n_known)
        squares = np.array(together.sums(*self._squares))
        mean = np.array(together.sums(*np.sum(self._y, axis=0))) / n
        spread = np.array(together.sums(*np.sum((self._y - mean) ** 2, axis=0)))
        r2 = float(np.mean(1 - squares / spread)) if np.all(spread > 0) else math.nan
        return {"rows": int(n), "rmse": math.sqrt(float(np.mean(squares)) / n), "r2": r2}
