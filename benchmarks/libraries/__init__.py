"""One adapter for each program under test, all with the same face."""

from abc import ABC, abstractmethod
from importlib.metadata import PackageNotFoundError, version
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
    package : str or None
        What must be installed for it, beyond what fastsgd itself needs.
    """

    name: str
    label: str
    losses: ClassVar[tuple] = ("hinge", "log_loss")
    rows: int | None = None
    package: ClassVar[str | None] = None

    def prepare(self, X, y):
        """X and y in the form that `fit` takes: a program's own reader would deliver it.

        Called before the clock starts, as loading is; who measures memory counts it.
        """
        return X, y

    @abstractmethod
    def fit(self, X, y, alpha, loss, epochs):
        """Minimises mean loss + (alpha / 2) |w|^2 over w and a free bias b.

        Parameters
        ----------
        X : CSR of shape (n_samples, n_features), or what `prepare` made of it
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


def second_half(n_rows, epochs):
    """`average` of an SGD program that is to average the second half of its steps."""
    return 1 + n_rows * epochs // 2


def installed(libraries):
    """The libraries that can run here, the versions of their packages, and a line for each other.

    Parameters
    ----------
    libraries : iterable of Library or of Library classes

    Returns
    -------
    present : list
    versions : dict of str to str
    left_out : list of str
    """
    present, versions, left_out = [], {}, {}
    for library in libraries:
        try:
            if library.package:
                versions[library.package] = version(library.package)
            present.append(library)
        except PackageNotFoundError:
            left_out[library.package] = (
                f"{library.package} is left out: it is not installed "
                "(pip install '.[bench]' where the platform has it)")
    return present, versions, list(left_out.values())
