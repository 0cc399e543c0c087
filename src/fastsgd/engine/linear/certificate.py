"""How far a linear model is from the optimum at most: a bound that any solver can give.

Weak duality: f(w, b) - f* <= f(w, b) - D(beta) for any beta of the dual's domain (dual_point.py).
Here beta is made of the slopes of the losses at (w, b), which at the optimum is the dual optimum.
"""

from typing import NamedTuple

import numpy as np

WIDTHS = (0.0, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
"""By how much a loss with kinks is smoothed: rows at a kink have slopes in between."""


class Certificate(NamedTuple):
    """lower <= f* <= objective.

    Attributes
    ----------
    gap : float
        objective - lower, at least 0.
    objective : float
        f(w, b).
    lower : float
        D(dual).
    dual : float64 ndarray of shape (n_rows,)
        beta, of the dual's domain; sum s beta = 0 if there is a bias.
    """

    gap: float
    objective: float
    lower: float
    dual: np.ndarray


def certify(problem, w, b, dual=None):
    """An upper bound of f(w, b) - f*.

    For a smooth loss with l2 the bound is about |gradient|^2 / (2 alpha): it goes to 0 with the
    distance from the optimum. For a loss with kinks the slopes of rows at a kink are not known
    from (w, b); several widths are tried within which they are spread, and the best bound counts,
    but it stays above 0 at the optimum (docs/duality.md says by how much). Dual variables of
    sdca know the slopes, and make it exact; `certificate` can find them.

    Parameters
    ----------
    problem : DualProblem
    w : ndarray of shape (n_features,)
    b : float
    dual : ndarray of shape (n_rows,), default=None
        Dual variables to try too, such as those of sdca.

    Returns
    -------
    Certificate

    Raises
    ------
    FloatingPointError
        w or b is not finite.
    """
    if not (np.isfinite(w).all() and np.isfinite(b)):
        raise FloatingPointError("the model has weights that are not finite: nothing to certify")
    z = problem.margins(w)
    objective = problem.objective(z + b, w)
    best = (-np.inf, np.zeros(len(z)))
    for beta in _candidates(problem, z + b, dual):
        beta = problem.balance(beta)
        best = max(best, _best_multiple(problem, beta, objective), key=lambda pair: pair[0])
        if objective - best[0] <= 1e-12 * abs(objective):
            break
    return Certificate(max(0.0, objective - best[0]), objective, *best)


def _candidates(problem, z, dual):
    if dual is not None:
        yield np.ascontiguousarray(dual, np.float64)
    for width in (0.0,) if problem.settings.loss.smooth else WIDTHS:
        yield problem.smoothed(z + problem.balancing_shift(z, width), width)


def _best_multiple(problem, beta, objective):
    """(D, theta beta) with the best theta >= 0: the domain holds 0, and D is concave."""
    v = problem.sum_rows(beta)
    largest = problem.largest(beta)
    most = min(2.0, problem.bound / largest) if largest > 0 else 1.0
    most *= 1 - 1e-15
    if problem.l2 == 0:  # lasso: |v| <= l1 must hold
        size = np.abs(v).max(initial=0.0)
        most = min(most, problem.l1 / size) if size > 0 else most
    near = min(1.0, most)
    value = problem.value(near * beta, near * v)
    if objective - value > 1e-9 * abs(objective):
        from scipy.optimize import minimize_scalar  # here: it loads for a quarter of a second

        found = minimize_scalar(lambda t: -problem.value(t * beta, t * v), bounds=(0.0, most),
                                method="bounded", options={"xatol": 1e-6})
        nothing = problem.value(0 * beta, 0 * v)
        value, near = max((value, near), (-found.fun, found.x), (nothing, 0.0))
    return float(value), near * beta
