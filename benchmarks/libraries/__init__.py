"""One adapter for each program under test, all with the same face."""

from abc import ABC, abstractmethod
from typing import ClassVar


class Library(ABC):
    """A program that trains one linear classifier.

    Attributes
    ----------
    name : str
        Key in the result files.
    label : str
        What the table calls it.
    losses : tuple of str
        The losses it has, of "hinge" and "log_loss".
    rows : int or None
        It is given only this many training rows, evenly chosen; None means all.
    """

    name: str
    label: str
    losses: ClassVar[tuple] = ("hinge", "log_loss")
    rows: int | None = None

    @abstractmethod
    def fit(self, X, y, alpha, loss, epochs):
        """Minimises mean loss + (alpha / 2) |w|^2 over w and a free bias b.

        Parameters
        ----------
        X : CSR of shape (n_samples, n_features)
        y : ndarray of shape (n_samples,)
            -1 and +1.
        alpha : float
        loss : {"hinge", "log_loss"}
        epochs : int
            Passes over the rows, for programs that count them.

        Returns
        -------
        w : ndarray of shape (n_features,)
        b : float
        """

    @abstractmethod
    def parameters(self):
        """What a reader needs to repeat the run, and how the bias is treated."""


def weights(model):
    """(w, b) of a fitted estimator with `coef_` and `intercept_`."""
    coef = model.coef_
    coef = coef.toarray() if hasattr(coef, "toarray") else coef
    return coef.ravel(), float(model.intercept_[0])
