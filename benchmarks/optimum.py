"""The optimum of hinge loss with l2 penalty and a free bias, with a proof of how near it is.

Lower bound by duality: for 0 <= a_i <= 1 and sum a_i y_i = 0,

    f* >= D(a) = (1/n) sum a_i - (alpha / 2) |w(a)|^2,   w(a) = (1 / (alpha n)) sum a_i y_i x_i.

a is taken from the hinge with a rounded corner of width gamma, minimised by L-BFGS: a_i is minus
its derivative at z_i, which at its minimum meets both conditions. The bound's gap is at most
about gamma / 2 times the share of the rows in the corner; gamma is lowered in stages.
"""

from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize
from threadpoolctl import threadpool_limits

from harness import objective


class Optimum(NamedTuple):
    """lower <= f* <= upper; upper is f at (w, b)."""

    lower: float
    upper: float
    w: np.ndarray
    b: float


def hinge_optimum(X, y, alpha, w, b, gammas=(0.1, 0.03, 0.01, 0.003), max_iter=150):
    """Bounds on f*, starting from a good (w, b).

    Parameters
    ----------
    X : CSR of shape (n_samples, n_features)
    y : ndarray of shape (n_samples,)
        -1 and +1.
    w, b : ndarray, float
    gammas : tuple of float
    max_iter : int
        L-BFGS steps for each gamma.

    Returns
    -------
    Optimum
    """
    X, y64 = X.astype(np.float64, copy=False), y.astype(np.float64)
    XT = X.T
    best = Optimum(-np.inf, objective("hinge", X, y, w, b, alpha), w, b)
    at = np.append(np.asarray(w, np.float64), b)
    for gamma in gammas:
        with threadpool_limits(1):  # vectors of a few hundred kB: threads only wait
            at = minimize(_rounded, at, (X, XT, y64, alpha, gamma), jac=True, method="L-BFGS-B",
                          options={"maxiter": max_iter, "maxcor": 20, "ftol": 0,
                                   "gtol": 1e-9}).x
        f = objective("hinge", X, y, at[:-1], at[-1], alpha)
        if f < best.upper:
            best = best._replace(upper=f, w=at[:-1], b=at[-1])
        lower = _dual(X, XT, y64, alpha, gamma, at)
        best = best._replace(lower=max(best.lower, lower))
    return best


def _slopes(X, y, gamma, at):
    """z, and a = minus the slope of the rounded hinge: 1 below 1 - gamma, falling to 0 at 1."""
    z = y * (X @ at[:-1] + at[-1])
    return z, np.clip((1 - z) / gamma, 0.0, 1.0)


def _rounded(at, X, XT, y, alpha, gamma):
    z, a = _slopes(X, y, gamma, at)
    w, n = at[:-1], len(y)
    value = np.mean(a * (1 - z) - 0.5 * gamma * a * a) + 0.5 * alpha * (w @ w)
    gradient = np.empty_like(at)
    gradient[:-1] = alpha * w - XT @ (a * y) / n
    gradient[-1] = -np.mean(a * y)
    return value, gradient


def _dual(X, XT, y, alpha, gamma, at):
    """D(a), the larger class's a scaled down so that sum a_i y_i = 0 holds exactly."""
    _, a = _slopes(X, y, gamma, at)
    positive, negative = a[y > 0].sum(), a[y < 0].sum()
    if positive == 0 or negative == 0:
        return 0.0  # D(0)
    a *= np.where(y > 0, min(1.0, negative / positive), min(1.0, positive / negative))
    w = XT @ (a * y) / (alpha * len(y))
    return float(np.mean(a) - 0.5 * alpha * (w @ w))
