"""A cheap proof that a model is far above the optimum: another model with a lower objective.

f(w) - f* is at least f(w) - f(u) for every u. A u is looked for on half a sample of the rows, in
rounds of Newton steps within four directions: the model, its intercept, the negative gradient
over a bound on the diagonal of the Hessian, and the step of the last round, as in conjugate
gradients. Only if the other half says that u is better by the excess asked for, f(w) and f(u) are
computed on all rows, in one pass. So what is told is a proof and no estimate; a model of which
nothing is told may be far from the optimum too.
"""

import numpy as np

from fastsgd.engine.linear.sample import Sample
from fastsgd.engine.products import products

ROUNDS, NEWTON_STEPS, HALVINGS = 3, 3, 10

WORTH = 0.05
"""The least excess that is worth a proof."""

FEWEST_EPOCHS = 40
"""The pass that compares two models costs up to an epoch; of shorter fits nothing is told."""

LEAST_WORK = 3e7
"""Values that a fit has met (a row counts 10 more), below which the search costs over 3 %."""

SHARE, SMALLEST, LARGEST = 3e-4, 200, 4096
"""Rows of the sample: this share of the visits of a fit, within bounds."""


def proven_excess(X, rows, y, weight, model, settings, epochs, seed):
    """A lower bound of (f(w, b) - f*) / f*, or 0 where it is not proven to exceed `WORTH`.

    Parameters
    ----------
    X : CSR or ndarray
    rows : Rows
        Of X.
    y : float64 ndarray of shape (n_rows,)
    weight : float64 ndarray of shape (n_rows,) or None
        Of the rows, their class's weight in it.
    model : (ndarray of shape (n_features,), float)
        w and b.
    settings : Settings
        Of a smooth loss, without L1.
    epochs : int
        Of the fit.
    seed : int
    """
    n = rows.shape[0]
    if (epochs < FEWEST_EPOCHS or n < 2 * SMALLEST
            or epochs * (rows.nnz + 10 * n) < LEAST_WORK):
        return 0.0
    sample = Sample(X, None, None, int(np.clip(SHARE * n * epochs, SMALLEST, LARGEST)), seed)
    w, b = model
    with np.errstate(over="ignore", invalid="ignore"):
        better = _search(sample, y, weight, w, b, settings)
        if better is None:
            return 0.0
        both = np.stack([w, better[0]], axis=1)
        before, after = (
            _mean_loss(z + c, y, weight, settings) + settings.penalty.value(u)
            for z, c, u in zip(products(rows, both).T, (b, better[1]), both.T, strict=True))
    excess = (before - after) / after if after > 0 else 0.0
    return float(excess) if excess > WORTH else 0.0


def _mean_loss(z, y, weight, settings):
    losses = settings.loss.value(z, y, settings.loss_constant)
    return float(np.mean(losses if weight is None else weight * losses))


def _search(sample, y, weight, w, b, settings):
    """(u, its intercept) better than (w, b) by `WORTH` on rows that it was not found on, or None.

    Features that the sample lacks keep their weights.
    """
    X, columns, y = sample.X, sample.columns, y[sample.rows]
    weight = np.ones(len(y)) if weight is None else weight[sample.rows]
    l2, half = settings.penalty.l2, len(y) // 2
    begun = np.asarray(w if columns is None else w[columns], np.float64)
    A = _Half(X[:half], y[:half], weight[:half], settings)
    u, c, step = begun, float(b), None
    z = A.X @ u
    for _ in range(ROUNDS):
        directions = [u, A.descent(u, z + c)] + ([] if step is None else [step])
        margins = np.stack([z, *(A.X @ each for each in directions[1:])], axis=1)
        moves, c = A.newton(directions, margins, c)
        step = sum(move * each for move, each in zip(moves, directions, strict=True))
        u, z = u + step, z + margins @ moves
    B = _Half(X[half:], y[half:], weight[half:], settings)
    rest = settings.penalty.value(w) - l2 / 2 * (begun @ begun)
    before, after = B.value(B.X @ begun + b, begun) + rest, B.value(B.X @ u + c, u) + rest
    if not before > (1 + WORTH) * after:
        return None
    if columns is None:
        return u, c
    better = np.array(w, np.float64)
    better[columns] = u
    return better, c


class _Half:
    """Objective of some rows, and steps that lower it."""

    def __init__(self, X, y, weight, settings):
        self.X, self._y, self._weight = X, y, weight / len(y)
        self._loss, self._constant = settings.loss, settings.loss_constant
        self._l2, self._intercept = settings.penalty.l2, settings.fit_intercept
        some = np.array([-1e3, -0.5, 0.0, 0.5, 1.0, 1e3])
        self._curvature = float(self._loss.second_derivative(
            some, np.ones(6), self._constant).max())

    def value(self, z, u):
        losses = self._loss.value(z, self._y, self._constant)
        return float(self._weight @ losses) + self._l2 / 2 * float(u @ u)

    def _slopes(self, z):
        return self._weight * self._loss.derivative(z, self._y, self._constant)

    def descent(self, u, z):
        """The negative gradient over a bound on the Hessian's diagonal."""
        squares = self.X.multiply(self.X) if hasattr(self.X, "multiply") else self.X * self.X
        bound = self._curvature * (squares.T @ self._weight) + self._l2
        gradient = self.X.T @ self._slopes(z) + self._l2 * u
        return np.divide(-gradient, bound, out=np.zeros_like(gradient), where=bound > 0)

    def newton(self, directions, margins, c):
        """(moves along the directions, intercept) of a lower objective, by damped Newton steps."""
        D, begun, k = np.stack(directions), directions[0], len(directions)
        M = np.column_stack([margins, np.full(len(margins), float(self._intercept))])
        gram = np.zeros((k + 1, k + 1))
        gram[:k, :k] = self._l2 * (D @ D.T)
        linear = np.append(self._l2 * (D @ begun), 0.0)
        x, z = np.zeros(k + 1), margins[:, 0] + c

        def cost(x, z):
            losses = self._loss.value(z, self._y, self._constant)
            return float(self._weight @ losses) + linear @ x + x @ gram @ x / 2

        least = cost(x, z)
        for _ in range(NEWTON_STEPS):
            bend = self._loss.second_derivative(z, self._y, self._constant)
            bend = self._weight * np.maximum(bend, 1e-3 * self._curvature)
            hessian = M.T @ (M * bend[:, None]) + gram
            gradient = M.T @ self._slopes(z) + linear + gram @ x
            scale = np.sqrt(np.maximum(hessian.diagonal(), 1e-300))
            hessian = hessian / scale / scale[:, None] + 1e-9 * np.eye(k + 1)
            if not np.isfinite(hessian).all() or not np.isfinite(gradient).all():
                break
            move = -np.linalg.solve(hessian, gradient / scale) / scale
            for _ in range(HALVINGS):
                now = cost(x + move, z + M @ move)
                if now < least:
                    x, z, least = x + move, z + M @ move, now
                    break
                move = move / 2
            else:
                break
        return x[:k], c + x[k] * self._intercept
