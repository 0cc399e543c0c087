"""The state of a linear model: its weights, and all that its training needs to go on."""

from copy import copy
from dataclasses import dataclass, field

import numpy as np

from fastsgd._interrupts import whole


@dataclass
class LinearState:
    """One linear model between two epochs.

    Attributes
    ----------
    weights : ndarray of shape (n_features,) or None
        The last iterate; the kernels write it in place. None between two calls when it is
        what `coef_` shows.
    intercept : float
    t : int
        Number of the next step; counts samples from 1.
    epoch : int
        Epochs begun since the first `fit` or `partial_fit`: the visiting order's stream.
    seed : int or None
        The visiting order's seed; None until the first epoch draws it from `random_state`.
    l1_paid : ndarray of shape (n_features,) or None
        What cumulative clipping has taken from each weight, with an L1 part; else None.
    l1_total : float
        What it has taken from a weight that was never 0.
    average : float64 ndarray of shape (n_features,) or None
        Sum of the weights over the averaged steps; None without averaging.
    intercept_sum : float
    average_from : int
        The first step of these sums.
    eta0 : float or None
        What the schedule takes in place of the parameter: the adaptive schedule's present step,
        or the one that eta0="auto" chose.
    best : float
        Best objective (or validation score, negated) so far.
    stale : int
        Epochs since without progress.
    curve : list of float
        Objective by epoch.
    dual_coef : float64 ndarray of shape (n_rows,) or None
        Of solver "sdca": with l2 alone the weights are the rows' sum, each times its own.
    gap : float or None
        What the objective is above its optimum at most, where it was asked for.
    merge_halvings : int
        How often sync="merge" had to halve the intervals that a sample of the rows allowed.
    """

    weights: np.ndarray | None
    intercept: float = 0.0
    t: int = 1
    epoch: int = 0
    seed: int | None = None
    l1_paid: np.ndarray | None = None
    l1_total: float = 0.0
    average: np.ndarray | None = None
    intercept_sum: float = 0.0
    average_from: int = 0
    eta0: float | None = None
    best: float = np.inf
    stale: int = 0
    curve: list = field(default_factory=list)
    dual_coef: np.ndarray | None = None
    gap: float | None = None
    merge_halvings: int = 0

    def copy(self):
        """A state whose arrays may be written without touching this one's."""
        new = copy(self)
        for name in ("weights", "l1_paid", "average", "curve", "dual_coef"):
            value = getattr(self, name)
            setattr(new, name, None if value is None else value.copy())
        return new

    @whole
    def become(self, other):
        """Takes everything of `other`, copied; the weights keep their place in memory."""
        weights = self.weights
        weights[:] = other.weights
        self.__dict__.update(vars(other.copy()))
        self.weights = weights

    def begin_average(self, average_from):
        """Sums of the weights from step `average_from` on, or from now if that has passed."""
        if average_from and self.average is None:
            self.average = np.zeros(len(self.weights))
            self.average_from = max(average_from, self.t)

    def show(self, out):
        """Writes the weights to `out`, averaged if averaging has begun; returns the intercept."""
        steps = self.t - self.average_from
        if self.average is None or steps <= 0:
            if not np.may_share_memory(out, self.weights):
                out[:] = self.weights
            return self.intercept
        np.divide(self.average, steps, out=out, casting="same_kind")
        return self.intercept_sum / steps
