"""``solver="lbfgs"``: scipy's L-BFGS-B on the Map-Reduce sums.

Liu, Nocedal: On the limited memory BFGS method for large scale optimization, 1989; ten pairs. The
variables are in units in which their curvatures differ less (`Objective.scales`). Of several ranks
the first alone runs it and tells the others where to evaluate: BLAS has other bits on another CPU.
"""

from contextlib import nullcontext

import numpy as np

from fastsgd._integers import INT32_MAX
from fastsgd.engine.blas import one_thread_of_blas
from fastsgd.errors import DivergenceError

PAIRS = 10

THREADED = 10_000
"""Entries of a vector from which on OpenBLAS takes threads for a dot product."""


def _one_thread_of_blas(length):
    """The sums have threads of their own, beside which those of BLAS would spin."""
    return nullcontext() if length < THREADED else one_thread_of_blas()


class LeadingRank:
    """Orders of rank 0 to the others, while it runs the method."""

    END, EVALUATE, AFTER = range(3)

    def __init__(self, f, run):
        self._f, self._run, self._peers = f, run, f.peers

    def evaluate(self, x):
        """`Objective.evaluate`, on all ranks."""
        self._peers.decide(self.EVALUATE, 0.0)
        self._f.evaluate(self._peers.follow(x))

    def after(self, x, value):
        """`Iterations.after`, on all ranks."""
        self._peers.decide(self.AFTER, value)
        return self._after(self._peers.follow(x), value)

    def end(self):
        """Nothing more will come."""
        self._peers.decide(self.END, 0.0)

    def follow(self):
        """Follow rank 0's orders to the end. An error that stops one of the others stops all."""
        while True:
            what, value = self._peers.decide(self.END, 0.0)
            if what == self.END:
                return
            x = self._peers.follow(np.empty(len(self._f.x)))
            if what == self.EVALUATE:
                self._f.evaluate(x)
            else:
                self._after(x, value)

    def _after(self, x, value):
        return self._run.after(x, value, value - self._f.penalty(x))


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
            lead.evaluate(x * units)
        return f.value, f.gradient * units

    def after(intermediate_result):
        x, value = intermediate_result.x * units, float(intermediate_result.fun)
        if lead.after(x, value) or reached():
            raise StopIteration

    start, lead = f.start(run.state), LeadingRank(f, run)
    value, _ = f.evaluate(start)
    if not np.isfinite(value):
        raise DivergenceError(
            "The objective is not finite at the start. Scaling input data with StandardScaler or "
            "MinMaxScaler might help; so do smaller coef_init.")
    if not reached():
        units = f.scales()
        if f.peers.rank:
            lead.follow()
            return run.converged()
        with _one_thread_of_blas(len(start)):
            minimize(evaluate, start / units, jac=True, method="L-BFGS-B", callback=after,
                     options={"maxiter": min(run.settings.max_iter, INT32_MAX),
                              "maxfun": INT32_MAX, "maxls": 50, "maxcor": PAIRS, "gtol": 0.0,
                              "ftol": 64 * np.finfo(float).eps if tol else 0.0})
        lead.end()
    run.converged()
