"""Small problems with a dual, and their optima by a slow method that shares no code with sdca."""

import numpy as np
from kernel_reference import small_matrix
from scipy import sparse
from scipy.optimize import minimize

from fastsgd.engine.linear.dual_problem import DualProblem, row_weights
from fastsgd.engine.linear.sdca import train_sdca
from fastsgd.engine.linear.sgd import Settings
from fastsgd.engine.linear.state import LinearState
from fastsgd.kernels.rows import Rows
from fastsgd.losses import LOSSES
from fastsgd.penalties import make_penalty


def settings(loss="hinge", *, constant=0.1, penalty="l2", l1_ratio=0.3, alpha=0.01,
             fit_intercept=True, tol=1e-7, max_iter=20_000, **options):
    """Settings of a training by sdca; what only SGD uses is filled in."""
    return Settings(
        loss=LOSSES[loss], loss_constant=constant, penalty=make_penalty(
            penalty, l1_ratio, alpha), schedule={"eta0": 0.0}, adaptive=False, passive=False,
        fit_intercept=fit_intercept, intercept_decay=1.0, average_from=0, max_iter=max_iter,
        tol=tol, n_iter_no_change=5, shuffle=True, **options)


def data(loss="hinge", n=150, dtype=np.float64, index=np.int32, dense=False, seed=0, shift=0.4):
    """(X, y): rows of small_matrix, labels or numbers that want a bias."""
    X = small_matrix(n, dtype=dtype, index=index, seed=seed)
    rng = np.random.default_rng(seed + 1)
    y = X @ rng.normal(size=X.shape[1]) + 0.5 * rng.normal(size=n) + shift
    if LOSSES[loss].is_classifier:
        y = np.where(y > 0, 1.0, -1.0)
    return X.toarray() if dense else X, np.asarray(y, np.float64)


def train(X, y, chosen, sample_weight=None, seed=0, state=None, **options):
    """(Ascended, state) of a training from nothing."""
    if state is None:
        state = LinearState(np.zeros(X.shape[1], X.dtype))
    return train_sdca(Rows(X), y, sample_weight, state, chosen, seed, **options), state


def objective(X, y, w, b, chosen, sample_weight=None):
    """f(w, b), by NumPy alone."""
    s = row_weights(y, sample_weight, chosen)
    value = chosen.loss.value(X @ w.astype(np.float64) + b, y, chosen.loss_constant)
    return float(np.mean(s * value)) + chosen.penalty.value(w.astype(np.float64))


def problem(X, y, chosen, sample_weight=None):
    """The DualProblem of these rows."""
    return DualProblem(Rows(X), y, row_weights(y, sample_weight, chosen), chosen)


def optimum(X, y, chosen, sample_weight=None):
    """f*, by minimising f with a smoothed loss and |w|_1, less and less smoothed.

    With width g the objective is below by at most g / 2 times the largest slope's square: what
    is told is f itself at the minima, so it is at most too large.
    """
    X = X.toarray() if sparse.issparse(X) else np.asarray(X)
    X = X.astype(np.float64)
    s, n = row_weights(y, sample_weight, chosen), len(y)
    l1, l2 = chosen.penalty.l1, chosen.penalty.l2
    at = np.zeros(X.shape[1] + 1)
    widths = (0.3, 0.1, 0.03, 0.01, 3e-3, 1e-3, 3e-4, 1e-4, 1e-5, 1e-6, 1e-7)
    best = np.inf
    for width in widths:
        def smoothed(at, width=width):
            z = X @ at[:-1] + at[-1] * chosen.fit_intercept
            if chosen.loss.smooth:
                value = chosen.loss.value(z, y, chosen.loss_constant)
                slope = chosen.loss.derivative(z, y, chosen.loss_constant)
            else:
                value, slope = _rounded(chosen, z, y, width)
            root = np.sqrt(at[:-1] ** 2 + width**2)
            f = (s @ value / n + l1 * (root - width).sum() + 0.5 * l2 * (at[:-1] @ at[:-1]))
            g = X.T @ (s * slope) / n + l1 * at[:-1] / root + l2 * at[:-1]
            return f, np.append(g, chosen.fit_intercept * (s @ slope) / n)
        at = minimize(smoothed, at, jac=True, method="L-BFGS-B",
                      options={"maxiter": 5000, "maxfun": 20_000, "maxcor": 50, "ftol": 1e-16,
                               "gtol": 1e-10}).x
        best = min(best, objective(X, y, at[:-1], at[-1] * chosen.fit_intercept, chosen,
                                   sample_weight))
        if chosen.loss.smooth and not l1:
            break
    return best


def _rounded(chosen, z, y, width):
    """Value and slope of a loss with kinks, each kink rounded by a parabola `width` wide."""
    kinks, jumps, first = {
        "hinge": lambda: ([1.0], [1.0], -1.0),
        "epsilon_insensitive": lambda: (
            [-chosen.loss_constant, chosen.loss_constant], [1.0, 1.0], -1.0),
    }[chosen.loss.name]()
    m = y * z if chosen.loss.is_classifier else z - y
    slope = np.full(m.shape, first)
    value = first * (m - kinks[0])
    for kink, jump in zip(kinks, jumps, strict=True):
        part = np.clip((m - kink) / width + 0.5, 0, 1)
        slope = slope + jump * part
        value = value + jump * width * np.where(
            part < 1, 0.5 * part**2, (m - kink) / width)
    return value, slope * y if chosen.loss.is_classifier else slope
