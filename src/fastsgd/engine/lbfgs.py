"""``solver="lbfgs"``: scipy's L-BFGS-B on the Map-Reduce sums.

Liu, Nocedal: On the limited memory BFGS method for large scale optimization, 1989; ten pairs.
"""

from contextlib import nullcontext
from functools import cache

import numpy as np
from scipy.optimize import minimize
from threadpoolctl import ThreadpoolController

from fastsgd.errors import DivergenceError

PAIRS = 10

THREADED = 10_000
"""Entries of a vector from which on OpenBLAS takes threads for a dot product."""


@cache
def _blas():
    return ThreadpoolController()  # looks through all loaded libraries: 20 ms


def _one_thread_of_blas(length):
    """The sums have threads of their own, beside which those of BLAS would spin."""
    return nullcontext() if length < THREADED else _blas().limit(limits=1, user_api="blas")


def lbfgs(f, run):
    """Minimises a smooth objective until its largest slope is at most `tol`.

    Parameters
    ----------
    f : Objective
    run : Iterations
    """
    tol = 0.0 if run.settings.tol is None else run.settings.tol

    start = f.start(run.state)

    def evaluate(x):
        value, gradient = f.evaluate(x.copy())
        if not np.isfinite(value) and not run.n_iter:
            raise DivergenceError(
                "The objective is not finite at the start. Scaling input data with "
                "StandardScaler or MinMaxScaler might help; so do smaller coef_init.")
        return value, gradient

    def after(intermediate_result):
        x, value = intermediate_result.x, float(intermediate_result.fun)
        if run.after(x, value, value - f.penalty(x)):
            raise StopIteration

    with _one_thread_of_blas(len(start)):
        minimize(evaluate, start, jac=True, method="L-BFGS-B", callback=after,
                 options={"maxiter": run.settings.max_iter, "maxfun": np.iinfo(np.int32).max,
                          "maxls": 50, "maxcor": PAIRS, "gtol": tol,
                          "ftol": 64 * np.finfo(float).eps if tol else 0.0})
    run.end("tol")
