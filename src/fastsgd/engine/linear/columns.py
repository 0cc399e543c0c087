"""A matrix X seen with columns centred and scaled and a column of ones, never copied whole.

A = [(X - 1 m^T) S^-1, 1]: m are the weighted means of dense columns (0 of sparse ones, which would
lose their zeros, and without a bias), S the columns' weighted root mean squares. A model of it is
u = (S w, b + m.w): the same margins as of (w, b), A u = X w + b.
"""

from itertools import pairwise

import numpy as np

from fastsgd.engine.blas import one_thread_of_blas
from fastsgd.kernels import duality
from fastsgd.kernels.gram import add_gram, add_squares

MOST_SHARDS = 8
"""Shards of the rows, each of which has a Gram matrix of its own while threads add them up."""

VALUES_OF_SHARD = 1 << 15
"""Least number of values of X in a shard."""

VALUES_OF_CHUNK = 1 << 17
"""Values of dense rows that are centred and scaled at a time, unless d rows are more."""

FLAT = 1e-12
"""A column whose root mean square about its mean is at most so much of the mean is constant."""


class Columns:
    """The rows X with a column of ones, centred and scaled: A, of shape (n_rows, d + 1).

    The work is cut into shards by the shape of X alone: by any number of threads the bits are the
    same.

    Parameters
    ----------
    rows : Rows
        Checked here, if they were not.
    fit_intercept : bool
        Without it there is no column of ones, and nothing is centred.
    share : callable
        ``share(task)`` calls ``task(rank, n_threads)`` for each of some threads.
    weight : float64 ndarray of shape (n_rows,) or None
        Of the rows in means and root mean squares, >= 0; None: all 1.

    Attributes
    ----------
    mean : float64 ndarray of shape (d,)
    inverse : float64 ndarray of shape (d,)
        1 / scale; 0 for a column without variance, which A then has as a column of zeros.
    """

    def __init__(self, rows, *, fit_intercept, share=lambda task: task(0, 1), weight=None):
        rows.check()
        self.rows, self.fit_intercept, self._share = rows, fit_intercept, share
        n, d = rows.shape
        self._shards = list(pairwise(rows.cut(max(1, min(
            MOST_SHARDS, rows.nnz // max(VALUES_OF_SHARD, 2 * d * d)))).tolist()))
        self._dense = rows.values
        weight = np.ones(n) if weight is None else np.ascontiguousarray(weight, np.float64)
        total = weight.sum()
        weight = weight / total if total > 0 else weight
        self.mean, self.inverse = np.zeros(d), np.ones(d)
        if rows.is_dense and fit_intercept:
            self.mean = self.sum_rows(weight)
        size = np.sqrt(self._mean_squares(weight))
        flat = ~(size > FLAT * np.abs(self.mean))
        self.inverse = np.where(flat, 0.0, 1 / np.where(flat, 1.0, size))

    @property
    def n_variables(self):
        return len(self.mean) + self.fit_intercept

    def margins(self, u):
        """A u: float64 ndarray of shape (n_rows,)."""
        w, b = self.weights_of(u)
        z = np.empty(self.rows.shape[0])
        self._run(lambda k, begin, end: duality.margins(self.rows, w, b, z, begin, end))
        return z

    def sum(self, a):
        """A^T a: float64 ndarray of shape (n_variables,)."""
        v, total = self.sum_rows(a), a.sum()
        v = (v - self.mean * total) * self.inverse
        return np.append(v, total) if self.fit_intercept else v

    def gradient(self, g):
        """The gradient by u of what has the gradient g by (w, b)."""
        d, b = len(self.mean), g[-1] if self.fit_intercept else 0.0
        v = (g[:d] - self.mean * b) * self.inverse
        return np.append(v, b) if self.fit_intercept else v

    def sum_rows(self, a):
        """X^T a, of the columns as they are: float64 ndarray of shape (d,)."""
        parts = np.zeros((len(self._shards), self.rows.shape[1]))
        self._run(lambda k, begin, end: duality.add_rows(self.rows, a, parts[k], begin, end))
        return parts.sum(axis=0)

    def gram(self, theta):
        """A^T diag(theta) A: symmetric float64 ndarray of (n_variables, n_variables).

        Parameters
        ----------
        theta : float64 ndarray of shape (n_rows,)
            >= 0.
        """
        return self._dense_gram(theta) if self.rows.is_dense else self._sparse_gram(theta)

    def weights_of(self, u):
        """(w, b) of a model u of A."""
        w = u[:len(self.mean)] * self.inverse
        return w, float(u[-1] - w @ self.mean) if self.fit_intercept else 0.0

    def variables_of(self, w, b):
        """The u of a model (w, b); a column without variance takes no weight."""
        w = np.asarray(w, np.float64)
        u = np.where(self.inverse > 0, w / np.where(self.inverse > 0, self.inverse, 1.0), 0.0)
        return np.append(u, b + w @ self.mean) if self.fit_intercept else u

    def penalty(self, l2):
        """P with l2 |w|^2 = sum P_j u_j^2; 0 for the bias, l2 where a column takes no weight."""
        P = l2 * np.where(self.inverse > 0, self.inverse, 1.0) ** 2
        return np.append(P, 0.0) if self.fit_intercept else P

    def _run(self, work):
        """``work(shard, begin, end)`` of all shards, by all threads."""
        def task(rank, n_threads):
            for k in range(rank, len(self._shards), n_threads):
                work(k, *self._shards[k])

        self._share(task)

    def _chunks(self, begin, end):
        """Begins and ends of chunks of dense rows."""
        d = self.rows.shape[1]
        step = max(1, d, VALUES_OF_CHUNK // max(1, d))
        return [(first, min(first + step, end)) for first in range(begin, end, step)]

    def _mean_squares(self, weight):
        """Weighted means of the squared columns, centred where they are."""
        parts = np.zeros((len(self._shards), self.rows.shape[1]))

        def dense(k, begin, end):
            for first, last in self._chunks(begin, end):
                chunk = self._dense[first:last] - self.mean
                chunk *= chunk
                parts[k] += np.einsum("i,ij->j", weight[first:last], chunk)

        def sparse(k, begin, end):
            add_squares(self.rows, weight, parts[k], begin, end)

        self._run(dense if self.rows.is_dense else sparse)
        return parts.sum(axis=0)

    def _dense_gram(self, theta):
        root, d, m = np.sqrt(theta), self.rows.shape[1], self.n_variables
        parts = np.zeros((len(self._shards), m, m))

        def work(k, begin, end):
            for first, last in self._chunks(begin, end):
                chunk = np.empty((last - first, m))
                np.subtract(self._dense[first:last], self.mean, out=chunk[:, :d])
                chunk[:, :d] *= self.inverse
                chunk[:, d:] = 1.0
                chunk *= root[first:last, None]
                parts[k] += chunk.T @ chunk

        with one_thread_of_blas():
            self._run(work)
        return parts.sum(axis=0)

    def _sparse_gram(self, theta):
        d, m = self.rows.shape[1], self.n_variables
        parts = np.zeros((len(self._shards), d, d))
        self._run(lambda k, begin, end: add_gram(self.rows, theta, parts[k], begin, end))
        lower = np.tril(parts.sum(axis=0) * self.inverse * self.inverse[:, None])
        gram = np.empty((m, m))
        gram[:d, :d] = lower + np.tril(lower, -1).T
        if self.fit_intercept:
            gram[d] = gram[:, d] = self.sum(theta)
        return gram
