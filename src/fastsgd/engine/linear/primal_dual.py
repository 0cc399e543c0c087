"""Primal-dual interior point steps for losses that are sums of half-lines.

    minimise  sum_i C_i max(0, k_i - sigma_i z_i) + 1/2 sum_j P_j u_j^2,   z = A u.

Hinge is one half-line a row (sigma = y, k = 1), epsilon_insensitive two. With multipliers a of
0 <= a <= C, r = C - a, and slacks xi, t >= 0 of sigma z + xi - t = k, the conditions are P u =
A^T sigma a, a t = 0, r xi = 0. Each iteration solves (P + A^T Theta A) du = rhs with Theta = 1 /
(xi / r + t / a) for a predictor, Mehrotra's corrector (1992; Nocedal, Wright 2006, algorithm 14.3)
and Gondzio's (1996), all with one factor.
"""

import numpy as np

from fastsgd.engine.linear.cholesky import Factors

CORRECTORS = 2
"""Gondzio's correctors of an iteration, at most: each costs two passes over the rows."""

TO_THE_EDGE = 0.995
"""Part of the way to the edge of the domain that a step goes."""

LEAST = 1e-300


class PrimalDual:
    """A point within the domain, and the steps from it.

    Parameters
    ----------
    columns : Columns
    sigma, k : float64 ndarray of shape (n_lines, n_rows)
        Half-lines of each row; sigma is -1 or +1.
    C : float64 ndarray of shape (n_rows,)
        Weights of the rows; rows of 0 take no part.
    P : float64 ndarray, like the variables of `columns`
    start : float
        First slacks: about the size of a residual.

    Attributes
    ----------
    u : float64 ndarray
    z : float64 ndarray of shape (n_rows,)
        A u.
    a : float64 ndarray of shape (n_lines, n_rows)
        The multipliers.
    length : float
        Of the last step, as a part of Newton's.
    """

    def __init__(self, columns, sigma, k, C, P, start=1.0):
        self._columns, self._sigma, self._P = columns, sigma, P
        self._used = np.broadcast_to(C > 0, sigma.shape)
        self._k = np.where(self._used, k, 0.0)
        self._C = np.where(self._used, C, 1.0)
        self.u, self.z = np.zeros(len(P)), np.zeros(sigma.shape[1])
        self.a = 0.5 * self._C
        q = self._k
        self._t = start + np.maximum(0.0, -q)
        self._xi = start + np.maximum(0.0, q)
        self.length, self._n = 1.0, max(1, int(self._used.sum()))

    @property
    def signed(self):
        """sum over a row's half-lines of sigma a: what each row pulls with, of shape (n_rows,)."""
        return np.where(self._used, self._sigma * self.a, 0.0).sum(axis=0)

    def _mean(self, a, t, r, xi):
        """mu: the mean product of multipliers and slacks."""
        products = np.where(self._used, a * t + r * xi, 0.0)
        return float(products.sum()) / (2 * self._n)

    def step(self):
        """One iteration; false where the numbers are too far apart to go on."""
        a, t, xi, sigma = self.a, self._t, self._xi, self._sigma
        r = np.maximum(self._C - a, LEAST)
        mu = self._mean(a, t, r, xi)
        self._r1 = self._columns.sum(self.signed) - self._P * self.u
        self._r2 = self._k + t - sigma * self.z - xi
        self._theta = np.where(self._used, 1 / (xi / r + t / a), 0.0)
        H = self._columns.gram(self._theta.sum(axis=0))
        H[np.diag_indices_from(H)] += self._P
        try:
            self._factors = Factors(H)
        except FloatingPointError:
            return False
        moved = self._solve(r, -r * xi, -a * t)  # the predictor
        reach = self._reach(r, moved)
        du, dz, da, dxi, dt = moved
        affine = self._mean(a + reach * da, t + reach * dt, r - reach * da, xi + reach * dxi)
        target = (max(affine, 0.0) / mu) ** 3 * mu
        m1, m2 = target - r * xi + da * dxi, target - a * t - da * dt
        moved = self._solve(r, m1, m2)
        reach = self._reach(r, moved)
        for _ in range(CORRECTORS):
            more = self._correct(r, moved, reach, target)
            tried = self._solve(r, m1 + more[0], m2 + more[1])
            its = self._reach(r, tried)
            if its < reach + 0.01:
                break
            m1, m2, moved, reach = m1 + more[0], m2 + more[1], tried, its
        return self._move(moved, TO_THE_EDGE * reach)

    def _solve(self, r, m1, m2):
        """The step for which r xi and a t change by m1 and m2, to first order."""
        e1, e2, sigma = m1 / r, m2 / self.a, self._sigma
        rho = self._r2 - e1 + e2
        pull = (sigma * self._theta * rho).sum(axis=0)
        du = self._factors.solve(self._r1 + self._columns.sum(pull))
        dz = self._columns.margins(du)
        da = self._theta * (rho - sigma * dz)
        return du, dz, da, e1 + self._xi / r * da, e2 - self._t / self.a * da

    def _reach(self, r, moved):
        """How far the step goes until a multiplier or a slack is 0; 1 at most."""
        _, _, da, dxi, dt = moved
        most = 1.0
        for x, dx in ((self._xi, dxi), (self._t, dt), (self.a, da), (r, -da)):
            falls = self._used & (dx < 0)
            if falls.any():
                most = min(most, float((-x[falls] / dx[falls]).min()))
        return most

    def _correct(self, r, moved, reach, target):
        """Changes of m1 and m2 that bring the products at a longer step near to `target`."""
        _, _, da, dxi, dt = moved
        far = min(1.0, 1.08 * reach + 0.1)
        out = []
        for product in ((r - far * da) * (self._xi + far * dxi),
                        (self.a + far * da) * (self._t + far * dt)):
            wanted = np.clip(product, 0.1 * target, 10 * target)
            out.append(np.maximum(wanted - product, -10 * target))
        return out

    def _move(self, moved, length):
        du, dz, da, dxi, dt = moved
        if not (np.isfinite(length) and np.isfinite(du).all()):
            return False
        self.u = self.u + length * du
        self.z = self.z + length * dz
        self.a = np.clip(self.a + length * da, LEAST, self._C)
        self._xi = np.maximum(self._xi + length * dxi, LEAST)
        self._t = np.maximum(self._t + length * dt, LEAST)
        self.length = length
        return True
