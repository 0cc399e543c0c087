"""Steps of a primal-dual interior point method for losses of straight pieces and an l2 penalty.

Such a loss is a sum of half-lines C max(0, K - g z), one a row for hinge (g = y, K = 1), two for
epsilon-insensitive (g = 1, K = y - eps; g = -1, K = -y - eps). On A u = X w + b of `Columns`

    min  u.P u / 2 + C.xi      with  g (A u) + xi - t = K,  xi >= 0,  t >= 0,

whose multipliers are a in [0, C], r = C - a. At the optimum P u = A^T (g a), a t = 0, r xi = 0; on
the central path the last two are mu. A Newton step on all of it is one system with the matrix
P + A^T diag(theta) A, theta = 1 / (xi / r + t / a), of as many variables as A has columns (Ferris,
Munson: Interior point methods for massive support vector machines, 2002).
"""

import numpy as np

from fastsgd.engine.linear.cholesky import factor

TO_THE_EDGE = 0.995
"""Part of the way to the nearest edge that a step takes."""

CORRECTORS = 2
"""Corrections of a step that are tried, as long as they make it longer (Gondzio 1996)."""

LONGER = 0.001
"""Gain in length for which such a correction is taken."""


class InteriorPoint:
    """A point of the interior, and its steps towards the central path and along it.

    Parameters
    ----------
    columns : Columns
    l2 : float
        alpha times the penalty's share of l2.
    sign, level : float64 ndarray of shape (n_lines, n_rows)
        g and K of each row's half-lines.
    cost : float64 ndarray of shape (n_rows,)
        C >= 0. Rows of 0 are left out.

    Attributes
    ----------
    u : float64 ndarray of shape (n_variables,)
    z : float64 ndarray of shape (n_rows,)
        A u; 0 for rows left out.
    """

    def __init__(self, columns, l2, sign, level, cost):
        self._columns, self._P = columns, columns.penalty(l2)
        self._rows = None if np.all(cost > 0) else np.flatnonzero(cost)
        self._n = len(cost)
        self._sign, self._level, self._cost = self._of_rows(sign), self._of_rows(level), (
            self._of_rows(cost))
        scale = self._begin()
        q = self._level - self._sign * self._z
        self._a = np.broadcast_to(0.5 * self._cost, q.shape).copy()
        self._r = self._a.copy()
        self._t, self._xi = scale + np.maximum(0, -q), scale + np.maximum(0, q)

    def _begin(self):
        """The start u = 0, but of numbers a bias at their mean; the scale of the margins there."""
        self.u = np.zeros(self._columns.n_variables)
        if len(self._sign) == 1:
            self._z = np.zeros(len(self._cost))
            return 1.0
        weight = self._cost / max(self._cost.sum(), np.finfo(float).tiny)
        y = 0.5 * (self._level[0] - self._level[1])
        mean = np.einsum("i,i->", weight, y) if self._columns.fit_intercept else 0.0
        if self._columns.fit_intercept:
            self.u[-1] = mean
        self._z = np.full(len(self._cost), mean)
        spread = np.sqrt(np.einsum("i,i->", weight, (y - mean) ** 2))
        return spread if 0 < spread < np.inf else 1.0

    @property
    def z(self):
        return self._all_rows(self._z)

    @property
    def dual(self):
        """sum g a / C over each row's half-lines, in [-1, 1]; 0 for rows left out."""
        near = np.where(self._r < self._a, 1 - self._r / self._cost, self._a / self._cost)
        return self._all_rows((self._sign * near).sum(axis=0))

    @property
    def rounded_dual(self):
        """`dual` with those at an end of [0, C] where the slacks say that they will end."""
        part = self._a / self._cost
        part = np.where(part < self._t / (self._t + self._xi) * 1e-2, 0.0, part)
        part = np.where(self._r / self._cost < self._xi / (self._t + self._xi) * 1e-2, 1.0, part)
        return self._all_rows((self._sign * part).sum(axis=0))

    def step(self, expired):
        """One predictor-corrector step; its length, or None where `expired` ended it before.

        Raises
        ------
        numpy.linalg.LinAlgError
            Rounding leaves nothing of the matrix.
        """
        a, r, t, xi = self._a, self._r, self._t, self._xi
        theta = 1 / (xi / r + t / a)
        H = self._columns.gram(self._all_rows(theta.sum(axis=0)))
        if expired():
            return None
        H[np.diag_indices_from(H)] += self._P
        solve = factor(H)
        r1 = self._products(self._sign * a) - self._P * self.u
        r2 = self._level + t - xi - self._sign * self._z

        def move(m1, m2):
            """The step for which r xi changes by m1 and a t by m2, to first order."""
            e1, e2 = m1 / r, m2 / a
            rho = r2 - e1 + e2
            du = solve(r1 + self._products(self._sign * theta * rho))
            dz = self._of_rows(self._columns.margins(du))
            da = theta * (rho - self._sign * dz)
            return du, dz, da, e1 + xi / r * da, e2 - t / a * da

        def length(step):
            """The part of a step, up to 1, that stays within the edges."""
            _, _, da, dxi, dt = step
            return 1 / max(1.0, *(float(np.max(part, initial=0.0)) for part in (
                -da / a, da / r, -dxi / xi, -dt / t)))

        mu = self._mu(a, r, t, xi)
        step = move(-r * xi, -a * t)
        part = length(step)
        _, _, da, dxi, dt = step
        after = self._mu(a + part * da, r - part * da, t + part * dt, xi + part * dxi)
        target = (max(after, 0.0) / mu) ** 3 * mu  # Mehrotra 1992
        m1, m2 = target - r * xi + da * dxi, target - a * t - da * dt
        step = move(m1, m2)
        part = length(step)
        for _ in range(CORRECTORS):
            if expired():
                return None
            longer = min(1.0, 1.08 * part + 0.1)
            _, _, da, dxi, dt = step
            n1 = m1 + _correction((r - longer * da) * (xi + longer * dxi), target)
            n2 = m2 + _correction((a + longer * da) * (t + longer * dt), target)
            other = move(n1, n2)
            reached = length(other)
            if not reached >= part + LONGER:
                break
            step, part, m1, m2 = other, reached, n1, n2
        if not (np.isfinite(part) and all(np.isfinite(each).all() for each in step)):
            raise np.linalg.LinAlgError("a step is not finite")
        self._move(step, TO_THE_EDGE * part)
        return part

    def _move(self, step, part):
        du, dz, da, dxi, dt = step
        tiny = np.finfo(float).tiny
        self.u = self.u + part * du
        self._z = self._z + part * dz
        self._a = np.maximum(self._a + part * da, tiny)
        self._r = np.maximum(self._r - part * da, tiny)
        self._t = np.maximum(self._t + part * dt, tiny)
        self._xi = np.maximum(self._xi + part * dxi, tiny)

    @staticmethod
    def _mu(a, r, t, xi):
        """Mean of the products that are 0 at the optimum."""
        total = np.einsum("ki,ki->", a, t) + np.einsum("ki,ki->", r, xi)
        return float(total) / max(1, 2 * a.size)

    def _products(self, lines):
        """A^T of the sums over each row's half-lines."""
        return self._columns.sum(self._all_rows(lines.sum(axis=0)))

    def _of_rows(self, values):
        """`values` of the rows that are not left out."""
        return values if self._rows is None else values[..., self._rows]

    def _all_rows(self, values):
        if self._rows is None:
            return values
        full = np.zeros(self._n)
        full[self._rows] = values
        return full


def _correction(products, target):
    """Changes that bring products to between a tenth and ten times of the target."""
    return np.maximum(np.clip(products, 0.1 * target, 10 * target) - products, -10 * target)
