"""X as Newton's methods with a matrix see it: columns centred, scaled, and one of ones.

Dense columns are centred by their mean, so that large ones with little spread are told apart; of
sparse rows that would fill the zeros, and they are only scaled. No copy of X is made: dense rows
are centred and scaled a piece at a time.
"""

import numpy as np

from fastsgd.engine.blas import one_thread_of_blas
from fastsgd.kernels import duality
from fastsgd.kernels.gradient import count_shards
from fastsgd.kernels.gram import add_gram, add_squares, dense_values

PIECE = 1 << 17
"""Values of dense rows that are centred and scaled at once: 1 MB in float64."""


class Columns:
    """A, of one column for each of X, and one of ones for the bias.

    With m the columns' means and t their scales, A u = X w + b for w = u / t and b = u_b - m.w.
    Sums are cut by the rows alone, so their bits do not depend on how many threads there are.

    Parameters
    ----------
    rows : Rows
        Checked.
    fit_intercept : bool
        Whether there is a bias; without one nothing is centred.
    share : callable
        ``share(task)`` calls ``task(rank, n_threads)`` for each of some threads.
    """

    def __init__(self, rows, *, fit_intercept=True, share=lambda task: task(0, 1)):
        self._rows, self._share, self.d = rows, share, rows.shape[1]
        self.fit_intercept = fit_intercept
        self._centred = fit_intercept and rows.is_dense
        n = max(1, rows.shape[0])
        self._bounds = rows.cut(count_shards(rows.shape[0], rows.nnz, self.d * self.d))
        self.means = self._sum(np.ones(rows.shape[0])) / n if self._centred else np.zeros(self.d)
        squares = self._squares() / n
        largest = squares.max(initial=0.0)
        self.scales = np.sqrt(np.where(squares > 1e-30 * largest, squares, 1.0))

    def _shards(self, new, add):
        """Sums of ``add(out, begin, end)`` over all shards, in their order."""
        bounds, parts = self._bounds, {}

        def task(rank, n_threads):
            for k in range(rank, len(bounds) - 1, n_threads):
                parts[k] = new()
                add(parts[k], int(bounds[k]), int(bounds[k + 1]))

        self._share(task)
        total = parts[0]
        for k in range(1, len(parts)):
            total += parts[k]
        return total

    def _pieces(self, begin, end):
        """(begin, end, values less the means) of dense rows, in float64."""
        X, length = dense_values(self._rows), max(1, PIECE // max(1, self.d))
        for first in range(begin, end, length):
            last = min(end, first + length)
            yield first, last, X[first:last] - self.means

    def _squares(self):
        def add(out, begin, end):
            if not self._rows.is_dense:
                return add_squares(self._rows, out, begin, end)
            for _, _, A in self._pieces(begin, end):
                out += np.einsum("ij,ij->j", A, A)

        return self._shards(lambda: np.zeros(self.d), add)

    def _sum(self, a):
        """sum a_i x_i, not centred."""
        a = np.ascontiguousarray(a, np.float64)
        return self._shards(lambda: np.zeros(self.d), lambda out, begin, end: (
            duality.add_rows(self._rows, a, out, begin, end)))

    def sum(self, a):
        """A^T a: of the columns of X, then of the ones."""
        total = float(a.sum())
        v = (self._sum(a) - total * self.means) / self.scales
        return np.append(v, total) if self.fit_intercept else v

    def margins(self, u):
        """A u, of shape (n_rows,)."""
        w, b = self.weights_of(u)
        z, n = np.empty(self._rows.shape[0]), self._rows.shape[0]
        self._share(lambda rank, n_threads: duality.margins(
            self._rows, w, b, z, n * rank // n_threads, n * (rank + 1) // n_threads))
        return z

    def gram(self, theta):
        """A^T diag(theta) A, symmetric.

        Parameters
        ----------
        theta : float64 ndarray of shape (n_rows,)
            >= 0.
        """
        theta = np.ascontiguousarray(theta, np.float64)
        H = np.empty((self.d + self.fit_intercept,) * 2)
        if self._rows.is_dense:
            with one_thread_of_blas():
                G = self._shards(lambda: np.zeros((self.d, self.d)), self._dense_gram(theta))
        else:
            G = self._shards(lambda: np.zeros((self.d, self.d)), lambda out, begin, end: (
                add_gram(self._rows, theta, out, begin, end)))
            G += np.tril(G, -1).T
            G /= self.scales
            G /= self.scales[:, None]
        H[:self.d, :self.d] = G
        if self.fit_intercept:
            H[self.d] = H[:, self.d] = self.sum(theta)
        return H

    def _dense_gram(self, theta):
        root, inverse = np.sqrt(theta), 1 / self.scales

        def add(out, begin, end):
            for first, last, A in self._pieces(begin, end):
                A = A * inverse
                A *= root[first:last, None]
                out += A.T @ A

        return add

    def gradient(self, g):
        """The gradient by u of what has the gradient g by (w, b)."""
        v = g[:self.d] - self.means * (g[self.d] if self.fit_intercept else 0.0)
        v /= self.scales
        return np.append(v, g[self.d]) if self.fit_intercept else v

    def weights_of(self, u):
        """(w, b) of variables u."""
        w = u[:self.d] / self.scales
        b = float(u[self.d] - (self.means * w).sum()) if self.fit_intercept else 0.0
        return w, b

    def variables_of(self, w, b):
        """u of (w, b): the inverse of `weights_of`."""
        u = w * self.scales
        return np.append(u, b + (self.means * w).sum()) if self.fit_intercept else u

    def penalty(self, l2):
        """P with l2 |w|^2 = sum P u^2; the bias has none."""
        p = l2 / self.scales ** 2
        return np.append(p, 0.0) if self.fit_intercept else p
