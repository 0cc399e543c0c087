"""``solver="lbfgs"``: scipy's L-BFGS-B on the Map-Reduce sums.

Liu, Nocedal: On the limited memory BFGS method for large scale optimization, 1989; ten pairs. The
variables are in units in which their curvatures differ less (`Objective.scales`).
"""

from contextlib import nullcontext

import numpy as np

from fastsgd.engine.blas import one_thread_of_blas
from fastsgd.errors import DivergenceError

PAIRS = 10

THREADED = 10_000
"""Entries of a vector from which on OpenBLAS takes threads for a dot product."""


def _one_thread_of_blas(length):
    """The sums have threads of their own, beside which those of BLAS would spin."""
    return nullcontext() if length < THREADED else one_thread_of_blas()


def lbfgs(f, run):
    """Minimises a smooth objective until its largest slope is at most `tol`.

    Parameters
    ----------
    f : Objective
    run : Iterations
    """
    from scipy.optimize import minimize  # here: workers of other solvers start without it

    tol = 0.0 if run.settings.tol is None else run.settings.tol

    def reached():
        return np.max(np.abs(f.gradient), initial=0.0) <= tol

    def evaluate(x):  # in units of the variables
        if not np.array_equal(x, start / units):
            f.evaluate(x * units)
        return f.value, f.gradient * units

    def after(intermediate_result):
        x, value = intermediate_result.x * units, float(intermediate_result.fun)
        if run.after(x, value, value - f.penalty(x)) or reached():
            raise StopIteration

    start = f.start(run.state)
    value, _ = f.evaluate(start)
    if not np.isfinite(value):
        raise DivergenceError(
            "The objective is not finite at the start. Scaling input data with StandardScaler or "
            "MinMaxScaler might help; so do smaller coef_init.")
    if not reached():
        units = f.scales()
        with _one_thread_of_blas(len(start)):
            minimize(evaluate, start / units, jac=True, method="L-BFGS-B", callback=after,
                     options={"maxiter": run.settings.max_iter, "maxfun": np.iinfo(np.int32).max,
                              "maxls": 50, "maxcor": PAIRS, "gtol": 0.0,
                              "ftol": 64 * np.finfo(float).eps if tol else 0.0})
    run.end("tol")
