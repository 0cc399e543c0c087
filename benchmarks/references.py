"""f* of the benchmarks' problems: known beforehand, found once and kept, or found now.

What was found is kept in `results/optima.json`, so that a race need not search for minutes again;
delete an entry there to have it found anew.
"""

import json
import warnings

import numpy as np
from scipy.optimize import minimize
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from fastsgd import FastSGDClassifier
from harness import RESULTS, machine, objective
from libraries.fastsgd_linear import FastSGD
from libraries.liblinear import Liblinear
from optimum import hinge_optimum

KEPT = RESULTS / "optima.json"

KNOWN = {  # of all training rows at alpha 1e-4: the data directory's README tells how
    ("rcv1", "hinge"): 0.1848223, ("rcv1", "log_loss"): 0.2979924,
    ("blogs", "hinge"): 0.7747143, ("blogs", "log_loss"): 0.6338664,
}


def reference(name, loss, X, y, alpha):
    """{"f_star", "how", …} of the problem `shapes.problem(name)` with that loss."""
    if (name, loss) in KNOWN and alpha == 1e-4:
        return {"f_star": KNOWN[name, loss], "how": "the data's own reference figure"}
    key = f"{name}, {loss}, alpha {alpha:g}"
    kept = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    if key not in kept:
        find = certified if loss == "hinge" else smooth
        kept[key] = {**find(X, y, alpha), "commit": machine()["commit"]}
        KEPT.write_text(json.dumps(kept, indent=1) + "\n")
    return kept[key]


def certified(X, y, alpha):
    """Hinge: f* by the best of a long run, LIBLINEAR and L-BFGS; from below by duality."""
    w, b = FastSGD(average=True).fit(X, y, alpha, "hinge", 60)
    found = {
        "fastsgd, 60 epochs, the last 30 averaged": objective("hinge", X, y, w, b, alpha),
        "LinearSVC, tol 1e-6": objective(
            "hinge", X, y, *Liblinear(tol=1e-6, max_iter=200).fit(X, y, alpha, "hinge", 0), alpha),
    }
    bounds = hinge_optimum(X, y, alpha, w, b, gammas=(0.03, 0.01, 0.003), max_iter=100)
    found["rounded hinge, L-BFGS"] = bounds.upper
    upper = min(found.values())
    return {
        "f_star": upper, "lower_bound": bounds.lower, "f_by": found,
        "known_to_percent": 100 * (upper / bounds.lower - 1),
        "how": "the least f found; the lower bound is the dual value of the rounded hinge's "
               "slopes (benchmarks/optimum.py). Gaps against the lower bound are at most too "
               "large.",
    }


def certified_by_dual(X, y, alpha, loss, intercept, max_time=200):
    """f* of any loss that has a dual, from above and below, in float64; by solver="sdca"."""
    model = FastSGDClassifier(
        loss, alpha=alpha, solver="sdca", tol=1e-8, max_iter=200_000, max_time=max_time,
        fit_intercept=intercept, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(X.astype(np.float64), y)
    f = objective(loss, X, y, model.coef_[0], model.intercept_[0], alpha)
    return {"f_star": f, "known_to": model.gap_ / f, "epochs": model.n_iter_,
            "how": "solver='sdca' in float64; its duality gap bounds what f* may be below"}


def smooth(X, y, alpha, max_iter=2000):
    """Log loss: f* by L-BFGS in float64; with how far it can be from the minimum.

    f - alpha / 2 |w|^2 is convex, so f falls by at most |g_w|^2 / (2 alpha) + |g_b| |b - b*|: the
    gradient's two parts are told.
    """
    X, y = X.astype(np.float64, copy=False), y.astype(np.float64)
    XT, n = X.T, len(y)

    def value_and_gradient(at):
        w, z = at[:-1], y * (X @ at[:-1] + at[-1])
        slope = -y / (1 + np.exp(np.clip(z, -700, 700))) / n  # d loss / d (w.x + b)
        value = np.mean(np.logaddexp(0, -z)) + 0.5 * alpha * (w @ w)
        return value, np.append(XT @ slope + alpha * w, slope.sum())

    with threadpool_limits(1):  # vectors of a few hundred kB: threads only wait
        result = minimize(value_and_gradient, np.zeros(X.shape[1] + 1), jac=True,
                          method="L-BFGS-B", options={"maxiter": max_iter, "maxfun": 2 * max_iter,
                                                      "maxcor": 20, "ftol": 0, "gtol": 1e-9})
    gradient = value_and_gradient(result.x)[1]
    norm = float(np.linalg.norm(gradient[:-1]))
    return {"f_star": float(result.fun), "gradient_w": norm, "gradient_b": float(gradient[-1]),
            "known_to_percent": 100 * norm**2 / (2 * alpha) / float(result.fun),
            "iterations": int(result.nit), "how": "scipy's L-BFGS-B in float64"}
