"""``solver="lbfgs"``: scipy's L-BFGS-B on the Map-Reduce sums.

Liu, Nocedal: On the limited memory BFGS method for large scale optimization, 1989; ten pairs. The
variables are in units in which their curvatures differ less (`Objective.scales`). Of several ranks
the first alone runs it and tells the others where to evaluate: BLAS has other bits on another CPU.
"""

from contextlib import nullcontext

import numpy as np

from fastsgd._integers import INT32_MAX
from fastsgd.engine.blas import one_thread_of_blas
from fastsgd.engine.linear.attempts import Attempts, prove
from fastsgd.engine.linear.conjugate_gradients import MOST_PRODUCTS
from fastsgd.errors import DivergenceError

PAIRS = 10

THREADED = 10_000
"""Entries of a vector from which on OpenBLAS takes threads for a dot product."""


def _one_thread_of_blas(length):
    """The sums have threads of their own, beside which those of BLAS would spin."""
    return nullcontext() if length < THREADED else one_thread_of_blas()


class LeadingRank:
    """Orders of rank 0 to the others, while it runs the method."""

    END, EVALUATE, AFTER, PROVE = range(4)

    def __init__(self, f, run, units):
        self._f, self._run, self._units, self._peers = f, run, units, f.peers

    def evaluate(self, x):
        """`Objective.evaluate`, on all ranks."""
        self._peers.decide(self.EVALUATE, 0.0)
        self._f.evaluate(self._peers.follow(x))

    def prove(self, most):
        """Whether a Newton step of `most` products proves the point last evaluated; all ranks."""
        self._peers.decide(self.PROVE, most)
        return self._prove(most)

    def after(self, x, value, enough):
        """`Iterations.after`, on all ranks."""
        self._peers.decide(self.AFTER, value)
        return self._after(self._peers.follow(x), value, enough)

    def end(self):
        """Nothing more will come."""
        self._peers.decide(self.END, 0.0)

    def follow(self):
        """Follow rank 0's orders to the end. An error that stops one of the others stops all."""
        met = False
        while True:
            what, value = self._peers.decide(self.END, 0.0)
            if what == self.END:
                return met
            if what == self.PROVE:
                met = self._prove(value)
                continue
            x = self._peers.follow(np.empty(len(self._f.x)))
            if what == self.EVALUATE:
                self._f.evaluate(x)
            else:
                self._after(x, value, met)

    def _prove(self, most):
        return prove(self._f, self._run.proof, self._units, most)

    def _after(self, x, value, enough):
        return self._run.after(x, value, value - self._f.penalty(x), enough=enough)


def lbfgs(f, run):
    """Minimises a smooth objective until its gap is proven to be small enough.

    Parameters
    ----------
    f : Objective
    run : Iterations
    """
    from scipy.optimize import minimize  # here: workers of other solvers start without it

    proof, start = run.proof, f.start(run.state)
    value, _ = f.evaluate(start)
    if not np.isfinite(value):
        raise DivergenceError(
            "The objective is not finite at the start. Scaling input data with StandardScaler or "
            "MinMaxScaler might help; so do smaller coef_init.")
    units, zero = f.units(proof), proof.zero if proof.zero > 0 else 1.0
    if proof.met_by_slopes(f, units):
        return run.ended(met=True)
    lead, met = LeadingRank(f, run, units), False
    attempts = Attempts(f, proof, units, lead.prove)
    if f.peers.rank:
        return run.ended(met=lead.follow())

    def evaluate(x):  # f / f(0), in units of the variables
        if not np.array_equal(x * units, f.x):
            lead.evaluate(x * units)
        return f.value / zero, f.gradient * units / zero

    def after(intermediate_result):
        nonlocal met
        evaluate(intermediate_result.x)
        met = attempts.near(f.value, f.gradient) and attempts.try_now()
        if lead.after(f.x, f.value, met):
            raise StopIteration

    with _one_thread_of_blas(len(start)):
        minimize(evaluate, start / units, jac=True, method="L-BFGS-B", callback=after,
                 options={"maxiter": min(run.settings.max_iter, INT32_MAX),
                          "maxfun": INT32_MAX, "maxls": 50, "maxcor": PAIRS, "gtol": 0.0,
                          "ftol": 64 * np.finfo(float).eps if proof.asked else 0.0})
    if not run.stopped and proof.asked and not met:
        met = lead.prove(MOST_PRODUCTS * len(start))
    lead.end()
    return run.ended(met)
