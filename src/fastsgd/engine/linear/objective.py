"""The objective of one linear model, as gd, lbfgs and newton-cg ask for it.

f(w, b) = (1/n) sum_i s_i loss(y_i, w.x_i + b) + alpha R(w), at a point x = (w, b) in float64.

Whoever starts a method brings the objective: `RowSums` of row_sums.py finds it on the threads of
this machine, and another may find it elsewhere. The methods themselves look at no row.
"""

from abc import ABC, abstractmethod

import numpy as np

from fastsgd.engine.peers import ALONE


class Stopped(Exception):
    """The clock ended a pass over the rows before its sums were whole."""


def dot(u, v):
    """u.v, the same bits on every machine: ranks decide by it, each for itself.

    BLAS and einsum take other loops on another CPU; products one by one, and numpy's sum of a
    vector, are the same on all.
    """
    return float((u * v).sum())


class Objective(ABC):
    """f at a point that moves; gives back what it holds at the end of a `with` block.

    Parameters
    ----------
    settings : Settings
    n_features : int
    intercept : float
        b where it is not learnt.
    peers : Peers
        The ranks that share the passes over the rows; all get the same bits.

    Attributes
    ----------
    x : float64 ndarray of shape (n_features + fit_intercept,)
        The point: weights, then the intercept.
    value, mean_loss : float
        f and its first part there.
    gradient : float64 ndarray, like x
        Of the smooth part: with L1 of mean_loss alone, whose R is left to `prox`; else of f.
    proximal : bool
        Whether there is a part of L1.
    quadratic : bool
        Whether the Hessian is the same everywhere.
    visits : int
        Rows read so far, by all ranks.
    """

    def __init__(self, settings, n_features, intercept=0.0, peers=ALONE):
        self._settings, self._d, self._intercept = settings, n_features, intercept
        self.peers, self.visits = peers, 0
        self.proximal = settings.penalty.l1 > 0
        self.quadratic = settings.loss.name == "squared_error"
        self.x = self.gradient = None
        self.value = self.mean_loss = np.inf

    def __enter__(self):
        return self

    @abstractmethod
    def __exit__(self, *error): ...

    def start(self, state):
        """The point that a state's weights are."""
        x = np.empty(self._d + self._settings.fit_intercept)
        x[:self._d] = state.weights
        x[self._d:] = state.intercept
        return x

    @property
    def learns_intercept(self):
        """Whether the last variable is b."""
        return bool(self._settings.fit_intercept)

    @property
    def smooth_value(self):
        """Value at x of the part that `gradient` belongs to."""
        return self.mean_loss if self.proximal else self.value

    def intercept_of(self, x):
        """b at a point."""
        return float(x[self._d]) if len(x) > self._d else self._intercept

    def weights_of(self, x):
        """w at a point, a view."""
        return x[:self._d]

    def penalty(self, x):
        """alpha R(w)."""
        return self._settings.penalty.value(x[:self._d])

    def prox(self, x, step):
        """argmin_u |u - x|^2 / (2 step) + alpha R(u); the intercept stays."""
        u = x.copy()
        u[:self._d] = self._settings.penalty.prox(x[:self._d], step)
        return u

    @abstractmethod
    def expired(self):
        """Whether this rank's time is over."""

    @abstractmethod
    def evaluate(self, x):
        """Goes to the point x; f there and the gradient (a new array)."""

    @abstractmethod
    def batch(self, x, rows, n=None):
        """Sum of the losses and the mean gradient at x over some rows (int64) alone.

        Each rank takes its share of these rows; `n` is their number where ranks have their own.
        """

    @abstractmethod
    def product(self, v):
        """The Hessian of the smooth part at x times v."""

    def solve(self, gradient):
        """Newton's step: s with H s = -gradient, H the Hessian of the smooth part at x.

        None where H is singular, or nearly so, and where no matrix is made: conjugate gradients
        find the step.
        """
        return None

    @abstractmethod
    def units(self, proof, power=0.25):
        """Units u > 0 of the variables: x = u * variables.

        In them f / f(0) is the same whatever the units of features and targets are, and its
        curvatures differ less: h_j, a bound of the Hessian's diagonal, to the power 1 - 2 `power`.
        `proof` knows f(0) and the mean weight of a row.
        """

    def share(self, task):
        """Runs ``task(rank, n_threads)`` on the threads of the sums."""
        task(0, 1)

    def excess(self, residual, units, zero):
        """Bound of what a Newton step's residual may add to a gap: |r|^2 / (2 l2), of the weights.

        Where there is no l2, and for the intercept, l2 is the curvature that `units` stand for;
        `zero` is the f(0) in them.
        """
        scaled = (units * residual) ** 2 / (zero if zero > 0 else 1.0)
        if self._settings.penalty.l2 > 0:
            scaled[:self._d] = residual[:self._d] ** 2 / self._settings.penalty.l2
        return 0.5 * float(scaled.sum())

    @abstractmethod
    def point_to(self, direction):
        """Sets the line x + eta * direction for `along` and `move`."""

    def line(self):
        """(margins at x, their changes along the direction) of all rows, or None: not at hand."""
        return None

    @abstractmethod
    def along(self, eta):
        """phi(eta), phi', phi'' of the smooth part on the line; asked for many times."""

    @abstractmethod
    def move(self, eta, to=None):
        """Goes to x + eta * direction (or to `to`, which it is); returns as `evaluate`."""
