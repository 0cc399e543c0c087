"""Who solves a cell of auto.py, each fit in a process of its own that can be killed.

The process is forked from a server in which nothing has run but imports.
"""

import statistics
import time
import warnings
from multiprocessing import get_context

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from fastsgd import FastSGDClassifier, FastSGDRegressor
from fastsgd.solvers import SOLVERS
from libraries.liblinear import Liblinear
from libraries.sklearn_logistic import SklearnLogistic
from libraries.sklearn_ridge import SklearnRidge

OWN = ("sdca", "newton-cg", "lbfgs", "newton-cholesky", "interior-point")
SQUARE = ("newton-cholesky", "interior-point", "sklearn newton-cholesky", "sklearn cholesky")
LARGEST_SQUARE = 4000
"""min(rows, features) up to which methods with a matrix of that size are tried."""
SHORT = 0.3
"""Seconds below which a fit is timed again."""
GRACE = 5.0
"""Seconds past its limit after which a process is killed: its start, and max_time's slack."""
PRELOADED = ["fastsgd.estimators.linear.classifier", "fastsgd.estimators.linear.regressor",
             "sklearn.datasets", "sklearn.linear_model", "sklearn.svm", "scipy.optimize",
             "rich.console", "rich.table", "threadpoolctl"]
"""What takes long to import; modules of this folder are not on the server's path."""


def own(loss, shape):
    """Names of those of our solvers that there are and that can take the loss."""
    return [s for s in OWN if s in SOLVERS and not (loss == "hinge" and SOLVERS[s].smooth_only)
            and _small_enough(s, shape)]


def peers(loss, shape, dense):
    """name: (Library, whether it minimises the same objective); a penalised bias is another."""
    found = {}
    if loss == "log_loss":
        for solver in ("lbfgs", "newton-cholesky"):
            found[f"sklearn {solver}"] = SklearnLogistic(solver=solver, max_iter=10_000), True
    if loss == "squared_error":
        solver = "cholesky" if dense else "sparse_cg"
        found[f"sklearn {solver}"] = SklearnRidge(solver=solver, max_iter=10_000), True
    found["liblinear"] = Liblinear(
        max_iter=10_000, dual=loss == "hinge" or shape[1] > shape[0]), False
    return {name: peer for name, peer in found.items() if _small_enough(name, shape)}


def _small_enough(name, shape):
    return name not in SQUARE or min(shape) <= LARGEST_SQUARE


class Ours:
    """FastSGDClassifier, or FastSGDRegressor for squared error, by one solver."""

    def __init__(self, solver, loss, tol, n_jobs, max_time, max_iter):
        self.solver, self.loss = solver, loss
        self.options = {"tol": tol, "n_jobs": n_jobs, "max_time": max_time, "max_iter": max_iter}

    def __call__(self, X, y, alpha):
        kind = FastSGDRegressor if self.loss == "squared_error" else FastSGDClassifier
        model = kind(self.loss, solver=self.solver, alpha=alpha, random_state=0, **self.options)
        model.fit(X, y)
        stats, gap = model.fit_stats_, getattr(model, "gap_", None)
        return np.ravel(model.coef_), float(np.ravel(model.intercept_)[0]), {
            "gap": None if gap is None else float(np.max(gap)), "n_iter": int(model.n_iter_),
            "solver": stats["solver"], "why": stats.get("why"), "stopped_by": stats["stopped_by"]}


class Peer:
    """A program of libraries/."""

    def __init__(self, program, loss):
        self.program, self.loss = program, loss

    def __call__(self, X, y, alpha):
        return (*self.program.fit(X, y, alpha, self.loss, 0), {})


def attempt(fit, X, y, alpha, threads, limit):
    """What became of a fit: "w", "b", "seconds", "warned", what it tells; or a reason why not.

    Reasons are "killed", "refused" (a ValueError) and "failed" (any other end).
    """
    context = get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_timed, args=(sender, fit, X, y, alpha, threads), daemon=True)
    process.start()
    sender.close()
    try:
        if not receiver.poll(limit + GRACE):
            return {"killed": f"no end after {limit:g} s"}
        return receiver.recv() | _rest(receiver)
    except EOFError:
        process.join()
        return {"failed": f"its process ended with {process.exitcode}"}
    finally:
        process.kill()
        process.join()
        receiver.close()


def _rest(receiver):
    """The time of more runs, where the first one was short."""
    try:
        return receiver.recv() if receiver.poll(4 * SHORT + GRACE) else {}
    except EOFError:
        return {}


def _timed(sender, fit, X, y, alpha, threads):
    with threadpool_limits(threads), warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            seconds, (w, b, told) = _once(fit, X, y, alpha)
        except ValueError as error:
            sender.send({"refused": str(error)[:300]})
            return
        except Exception as error:
            sender.send({"failed": f"{type(error).__name__}: {error}"[:300]})
            return
        warned = [str(w.message)[:300] for w in said if issubclass(w.category, ConvergenceWarning)]
        sender.send({"w": w, "b": b, "seconds": seconds, "warned": warned, **told})
        if seconds < SHORT:
            again = [_once(fit, X, y, alpha)[0] for _ in range(3)]
            sender.send({"seconds": statistics.median(again)})
        sender.close()


def _once(fit, X, y, alpha):
    start = time.perf_counter()
    result = fit(X, y, alpha)
    return time.perf_counter() - start, result
