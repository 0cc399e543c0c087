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
from fastsgd.engine.peers import ALONE
from fastsgd.kernels import duality

WIDENINGS = 200
"""Doublings of an interval in which a bias is sought, before it is taken to be infinite."""

LARGEST_WEIGHT = 1e300
"""The most that a row may weigh beside the penalty, s / (alpha n): sums of more would overflow."""


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
    y, s : float64 ndarray of shape (n_rows,)
        Targets, -1 and +1 for classifiers; the rows' weights, see `row_weights`.
    settings : Settings
        Of sgd.py: `loss`, `loss_constant`, `penalty` and `fit_intercept` count.
    n : int
        Rows that the mean is over; None: all.
    check : bool
        Whether to check the rows here, if they were not.
    share : callable
        ``share(task)`` calls ``task(rank, n_threads)`` for each of some threads.
    peers : Peers
        Who share the passes over X, each its part of the rows; all have the same arrays, and do
        the rest alike. Or each has rows of its own: arrays are of these, sums of all.

    Raises
    ------
    ValueError
        The loss or the penalty has no dual that is of use.
    """

    def __init__(self, rows, y, s, settings, n=None, share=lambda task: task(0, 1),
                 check=True, peers=ALONE):
        self.dual, self.settings = dual_of(settings.loss), settings
        self.penalty, self.unit = settings.penalty, settings.penalty.of_alpha(1.0)
        self.l1, self.l2 = self.unit.l1, self.unit.l2
        if not self.penalty.alpha > 0 or not self.l1 + self.l2 > 0:
            raise ValueError(
                "the dual needs a penalty: alpha > 0 and penalty 'l2', 'elasticnet' or 'l1'; "
                f"got alpha={self.penalty.alpha:g} with l1 and l2 shares of {self.l1:g} and "
                f"{self.l2:g}")
        if not np.min(s, initial=0.0) >= 0:
            raise ValueError(
                "the dual needs sample_weight >= 0 and class weights >= 0: a row of negative "
                "weight makes the objective bend downwards")
        if check:
            rows.check()
        self.rows, self.y, self._share = rows, np.ascontiguousarray(y, np.float64), share
        self._peers, self._mine = peers, peers.share(rows.shape[0])
        with np.errstate(over="ignore"):
            self.c = s / self.penalty.weigh(rows.shape[0] if n is None else n)
        if not np.max(self.c, initial=0.0) <= LARGEST_WEIGHT:
            raise ValueError(
                "the dual needs a larger alpha: sample_weight / (alpha * n_samples) must be at "
                f"most {LARGEST_WEIGHT:g}, got {self.c.max():g} with "
                f"alpha={self.penalty.alpha:g}; take alpha >= 1e-290, or smaller weights")

    @cached_property
    def bound(self):
        """The largest dual variable."""
        return self.dual.bound(self.settings.loss_constant)

    def dual_of(self, dual_coef):
        """The point of the domain, balanced, that is nearest to dual_coef / c."""
        with np.errstate(divide="ignore", invalid="ignore"):
            beta = np.where(self.c > 0, dual_coef / self.c, 0.0)
        return self.inside(beta)

    def inside(self, beta):
        """`beta` moved to the edge of the domain where it lies outside, and balanced."""
        beta = np.clip(np.asarray(beta, np.float64), -self.bound, self.bound)
        if self.settings.loss.is_classifier:
            beta = np.where(beta * self.y > 0, beta, 0.0)
        return self.balance(np.where(self.c > 0, beta, 0.0))

    def sum_rows(self, beta):
        """v = sum c beta x, in the order of the ranks."""
        a, parts = self.c * beta, {}

        def task(rank, n_threads):
            parts[rank] = np.zeros(self.rows.shape[1])
            duality.add_rows(self.rows, a, parts[rank], *self._part(rank, n_threads))

        self._share(task)
        v = parts[0]
        for rank in range(1, len(parts)):
            v += parts[rank]
        return self._peers.sum(v)

    def margins(self, w, b=0.0):
        """z = X w + b."""
        z, w = np.empty(self.rows.shape[0]), np.ascontiguousarray(w, np.float64)

        def task(rank, n_threads):
            duality.margins(self.rows, w, b, z, *self._part(rank, n_threads))

        self._share(task)
        return z if self._peers.own else self._peers.gather(z)

    def _part(self, rank, n_threads):
        """The rows (begin, end) of a thread of this process."""
        first, n = self._mine.start, self._mine.stop - self._mine.start
        return first + n * rank // n_threads, first + n * (rank + 1) // n_threads

    def weights_of(self, v):
        """w = soft(v, l1) / l2, the gradient of R* at v."""
        if self.l1 == 0:
            return v / self.l2
        return np.sign(v) * np.maximum(np.abs(v) - self.l1, 0) / self.l2

    def losses(self, z):
        return self.settings.loss.value(z, self.y, self.settings.loss_constant)

    def objective(self, z, w):
        """f(w, b) from the margins z."""
        losses, = self._peers.total(_dot(self.c, self.losses(z)))
        return float(self.penalty.weigh(losses) + self.penalty.value(w))

    def objective_of_none(self):
        """f without weights, which gaps are large or small beside: the zero model's.

        A regressor with a bias has that at the mean of y: else targets with a large mean would
        make any gap look small.
        """
        z = np.zeros(self.rows.shape[0])
        if not self.settings.loss.is_classifier and self.settings.fit_intercept:
            total, weight = self._peers.total(_dot(self.c, self.y), self.c.sum())
            z += total / weight if weight > 0 else 0.0
        return self.objective(z, z[:0])

    def penalty_dual(self, v):
        """R*(v); with l1 alone it is 0 where |v| <= l1, else infinite."""
        if self.l2 > 0:
            w = self.weights_of(v)
            return 0.5 * self.l2 * _dot(w, w)
        return 0.0 if np.abs(v).max(initial=0.0) <= self.l1 * (1 + 1e-12) else np.inf

    def conjugates(self, beta):
        """sum c l*(-beta)."""
        values = self.dual.conjugate(beta, self.y, self.settings.loss_constant)
        return self._peers.total(_dot(self.c[self.c > 0], values[self.c > 0]))[0]

    def largest(self, beta):
        """max |beta|."""
        return self._peers.largest(np.abs(beta).max(initial=0.0))

    def total(self, part):
        """The sum over the rows of all ranks, of a sum over this one's."""
        return self._peers.total(part)[0]

    def total_weight(self):
        """sum c."""
        return self.total(self.c.sum())

    def value(self, beta, v):
        """D(beta); a lower bound of f where `beta` is balanced or there is no bias."""
        return float(-self.penalty.weigh(self.conjugates(beta) + self.penalty_dual(v)))

    def balance(self, beta):
        """`beta` with sum c beta = 0, if there is a bias: the larger side is shrunk."""
        beta = np.array(beta, np.float64)
        if self.settings.fit_intercept and self._peers.own:
            balance_together(self.c, beta, self.bound, self._peers)
        elif self.settings.fit_intercept:
            duality.balance(self.c, beta, self.bound)
        return beta

    def best_bias(self, z, b, enough=0.0):
        """The bias that is best for margins z without it, near b: the root of sum c l'(z + b).

        What f could still lose by another bias is at most `enough`.
        """
        if not self.settings.fit_intercept:
            return 0.0
        loss, p = self.settings.loss.number, self.settings.loss_constant
        n = len(z)

        def total(b):
            return self._sum(lambda begin, end: (
                duality.slope_sum(loss, z, self.y, self.c, b, p, begin, end),), n)[0]

        return root(total, b, enough / self.penalty.alpha)

    def gap_terms(self, z, beta, dull, rest):
        """(sum c l(z), sum c l*(-beta)); wakes rows whose part of the gap exceeds `dull`."""
        loss, p = self.settings.loss.number, self.settings.loss_constant
        return self._sum(lambda begin, end: duality.gap_terms(
            loss, z, self.y, self.c, beta, p, dull, rest, begin, end), len(z))

    def _sum(self, part, n):
        """Sums tuples ``part(begin, end)`` over n rows in the order of the ranks."""
        parts = {}

        def task(rank, n_threads):
            parts[rank] = part(n * rank // n_threads, n * (rank + 1) // n_threads)

        self._share(task)
        sums = map(sum, zip(*(parts[rank] for rank in sorted(parts)), strict=True))
        return self._peers.total(*sums)

    def smoothed(self, z, width):
        """Minus the slopes at z of the losses smoothed by `width`, see include/duals.h."""
        return self.dual.ascend(z, self.y, 0.0, width, self.settings.loss_constant)

    def balancing_shift(self, z, width):
        """Shift of z by which the `smoothed` slopes add up to 0."""
        if not self.settings.fit_intercept:
            return 0.0
        dual, constant = self.dual, self.settings.loss_constant
        return root(lambda shift: -self._peers.total(_dot(
            self.c, dual.ascend(z + shift, self.y, 0.0, width, constant)))[0], 0.0)


def balance_together(c, beta, bound, peers):
    """`duality.balance` over the rows of all ranks, each of which has c and beta of its own."""
    for _ in range(3):
        part, free = c * beta, np.abs(beta) < bound
        up, down = np.maximum(part, 0.0), np.maximum(-part, 0.0)
        ups, downs, free_ups, free_downs = peers.total(
            up.sum(), down.sum(), up[free].sum(), down[free].sum())
        excess = ups - downs
        if excess == 0:
            break
        side, some = (ups, free_ups) if excess > 0 else (downs, free_downs)
        shrunk, enough = (beta > 0) == (excess > 0), some >= 2 * abs(excess)
        if enough:
            shrunk &= free
        beta[shrunk] *= max(0.0, 1 - abs(excess) / (some if enough else side))


def _dot(a, b):
    """a.b, not by BLAS, which wakes threads of its own."""
    return float(np.einsum("i,i->", a, b))


def root(total, start, enough=0.0):
    """Where ``total(shift)``, which does not fall, crosses 0; near `start`.

    Ends early where |total| times the width of the interval, which bounds what the integral of
    `total` could still lose, is at most `enough`.
    """
    now, step = total(start), 1e-4 * (1 + abs(start))
    low = high = start
    value_low = value_high = now
    for _ in range(WIDENINGS):
        if value_low <= 0 <= value_high:
            break
        if now > 0:
            high, value_high, low = low, value_low, low - step
            value_low = total(low)
        else:
            low, value_low, high = high, value_high, high + step
            value_high = total(high)
        step *= 4
    else:  # rows of one kind only: no bias is best
        return start
    for k in range(200):  # chords; each third time the middle: steps have no use for chords
        least = min((abs(value_low), low), (abs(value_high), high))
        middle = 0.5 * (low + high)
        if least[0] * (high - low) <= enough or not low < middle < high:
            break
        if k % 3 < 2 and value_high > value_low:
            edge = 1e-3 * (high - low)
            chord = low - value_low / (value_high - value_low) * (high - low)
            middle = min(max(chord, low + edge), high - edge)
        value = total(middle)
        if value > 0:
            high, value_high = middle, value
        else:
            low, value_low = middle, value
    return least[1]
