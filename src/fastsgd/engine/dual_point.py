"""A problem and its dual: both objectives, and the way from dual variables to a model.

With c_i = s_i / (alpha n) and beta_i dual to row i (include/duals.h)

    f(w, b) = alpha (sum c_i l(w.x_i + b) + R(w)),
    D(beta) = -alpha (sum c_i l*(-beta_i) + R*(v)),   v = sum c_i beta_i x_i,
    f(w, b) >= D(beta) for any w, b and any beta of the domain, with sum c_i beta_i = 0 if the bias
    is free (Shalev-Shwartz and Zhang 2013, eq. 2).
"""

from functools import cached_property

import numpy as np

from fastsgd.duals import dual_of
from fastsgd.kernels.ascent import add_rows, margins

WIDENINGS = 200
"""Doublings of an interval in which a bias is sought, before it is taken to be infinite."""


def row_weights(y, sample_weight, settings, subset=None):
    """The rows' weights s in the objective: of samples, of classes, 0 outside of `subset`."""
    s = np.ones(len(y)) if sample_weight is None else np.array(sample_weight, np.float64)
    if settings.weight_pos != 1 or settings.weight_neg != 1:
        s *= np.where(y > 0, settings.weight_pos, settings.weight_neg)
    if subset is not None:
        out = np.ones(len(y), bool)
        out[subset] = False
        s[out] = 0
    return s


class DualProblem:
    """The objective of one linear model and its dual.

    Parameters
    ----------
    rows : Rows
        Checked here, if they were not.
    y, s : float64 ndarray of shape (n_rows,)
        Targets, -1 and +1 for classifiers; the rows' weights, see `row_weights`.
    settings : Settings
        Of engine/loop.py: `loss`, `loss_constant`, `penalty`, `alpha` and `fit_intercept` count.
    n : int
        Rows that the mean is over; None: all.
    share : callable
        ``share(task)`` calls ``task(rank, n_threads)`` for each of some threads.

    Raises
    ------
    ValueError
        The loss or the penalty has no dual that is of use.
    """

    def __init__(self, rows, y, s, settings, n=None, share=lambda task: task(0, 1)):
        self.dual, self.settings = dual_of(settings.loss), settings
        self.l1, self.l2 = settings.penalty.l1_share, settings.penalty.l2_share
        self.alpha = float(settings.alpha)
        if not self.alpha > 0 or not self.l1 + self.l2 > 0:
            raise ValueError(
                "the dual needs a penalty: alpha > 0 and penalty 'l2', 'elasticnet' or 'l1'; got "
                f"alpha={settings.alpha:g} with l1 and l2 shares of {self.l1:g} and {self.l2:g}")
        rows.check()
        self.rows, self.y, self._share = rows, np.ascontiguousarray(y, np.float64), share
        self.c = s / (self.alpha * (rows.shape[0] if n is None else n))

    @cached_property
    def bound(self):
        """The largest dual variable."""
        return self.dual.bound(self.settings.loss_constant)

    def sum_rows(self, beta):
        """v = sum c beta x, in the order of the ranks."""
        a, n = self.c * beta, self.rows.shape[0]
        parts = {}

        def task(rank, n_threads):
            parts[rank] = np.zeros(self.rows.shape[1])
            add_rows(self.rows, a, parts[rank], n * rank // n_threads,
                     n * (rank + 1) // n_threads)

        self._share(task)
        v = parts[0]
        for rank in range(1, len(parts)):
            v += parts[rank]
        return v

    def margins(self, w, b=0.0):
        """z = X w + b."""
        n = self.rows.shape[0]
        z, w = np.empty(n), np.ascontiguousarray(w, np.float64)

        def task(rank, n_threads):
            margins(self.rows, w, b, z, n * rank // n_threads, n * (rank + 1) // n_threads)

        self._share(task)
        return z

    def weights_of(self, v):
        """w = soft(v, l1) / l2, the gradient of R* at v."""
        if self.l1 == 0:
            return v / self.l2
        return np.sign(v) * np.maximum(np.abs(v) - self.l1, 0) / self.l2

    def losses(self, z):
        return self.settings.loss.value(z, self.y, self.settings.loss_constant)

    def objective(self, z, w):
        """f(w, b) from the margins z."""
        return float(self.alpha * _dot(self.c, self.losses(z))
                     + self.alpha * self.settings.penalty.value(w))

    def penalty_dual(self, v):
        """R*(v); with l1 alone it is 0 where |v| <= l1, else infinite."""
        if self.l2 > 0:
            w = self.weights_of(v)
            return 0.5 * self.l2 * _dot(w, w)
        return 0.0 if np.abs(v).max(initial=0.0) <= self.l1 * (1 + 1e-12) else np.inf

    def conjugates(self, beta):
        """sum c l*(-beta)."""
        values = self.dual.conjugate(beta, self.y, self.settings.loss_constant)
        return float(_dot(self.c[self.c > 0], values[self.c > 0]))

    def value(self, beta, v):
        """D(beta); a lower bound of f where `beta` is balanced or there is no bias."""
        return float(-self.alpha * (self.conjugates(beta) + self.penalty_dual(v)))

    def balance(self, beta):
        """`beta` with sum c beta = 0, if there is a bias: the larger side is shrunk.

        Those that are inside the domain, if that is enough: those at its ends belong there.
        """
        if not self.settings.fit_intercept:
            return beta
        beta = beta.copy()
        for _ in range(3):  # rounding leaves a little the first time
            excess = _dot(self.c, beta)
            side = beta > 0 if excess > 0 else beta < 0
            inside = side & (np.abs(beta) < self.bound)
            if abs(_dot(self.c[inside], beta[inside])) < 2 * abs(excess):
                inside = side
            total = _dot(self.c[inside], beta[inside])
            if excess == 0 or total == 0:
                break
            beta[inside] *= max(0.0, 1 - excess / total)
        return beta

    def best_bias(self, z, b):
        """The bias that is best for margins z without it, near b: the root of sum c l'(z + b)."""
        if not self.settings.fit_intercept:
            return 0.0
        loss, constant = self.settings.loss, self.settings.loss_constant
        return _root(lambda at, y, shift: loss.derivative(at + shift, y, constant),
                     z, self.y, self.c, b)

    def smoothed(self, z, width):
        """Minus the slopes at z of the losses smoothed by `width`, see include/duals.h."""
        return self.dual.ascend(z, self.y, 0.0, width, self.settings.loss_constant)

    def balancing_shift(self, z, width):
        """What must be added to z for the `smoothed` slopes to add up to 0."""
        if not self.settings.fit_intercept:
            return 0.0
        dual, constant = self.dual, self.settings.loss_constant
        return _root(lambda at, y, shift: -dual.ascend(at + shift, y, 0.0, width, constant),
                     z, self.y, self.c, 0.0)


def _dot(a, b):
    """a.b, not by BLAS, which wakes threads of its own."""
    return float(np.einsum("i,i->", a, b))


def _root(slopes, z, y, c, start):
    """Where sum c slopes(z, y, shift), which does not fall with the shift, crosses 0.

    Rows whose slope is the same at both ends of the interval are summed once.
    """
    def total(shift):
        return _dot(c, slopes(z, y, shift))

    now = total(start)
    if now == 0:
        return start
    step, low, high = 1e-4 * (1 + abs(start)), start, start
    for _ in range(WIDENINGS):
        if now > 0:
            low = low - step
            if total(low) <= 0:
                break
            high = low
        else:
            high = high + step
            if total(high) >= 0:
                break
            low = high
        step *= 4
    else:  # rows of one kind only: no bias is best
        return start
    at_low, at_high = slopes(z, y, low), slopes(z, y, high)
    moved = np.flatnonzero(at_low != at_high)
    fixed = _dot(c, at_low) - _dot(c[moved], at_low[moved])
    z, y, c = (np.ascontiguousarray(a[moved]) for a in (z, y, c))
    value_low = fixed + _dot(c, at_low[moved])
    value_high = fixed + _dot(c, at_high[moved])
    for k in range(60):  # a chord, each third time the middle: steps have no use for chords
        if high - low <= 1e-14 * (1 + abs(low)):
            break
        middle = 0.5 * (low + high)
        if k % 3 < 2 and value_high > value_low:
            chord = low - value_low * (high - low) / (value_high - value_low)
            edge = 1e-3 * (high - low)
            middle = min(max(chord, low + edge), high - edge)
        value = fixed + _dot(c, slopes(z, y, middle))
        if value == 0:
            return middle
        if value > 0:
            high, value_high = middle, value
        else:
            low, value_low = middle, value
    return 0.5 * (low + high)
