"""``solver="lbfgs"``: scipy's L-BFGS-B on the Map-Reduce sums.

Liu, Nocedal: On the limited memory BFGS method for large scale optimization, 1989; ten pairs. The
variables are in units in which their curvatures differ less (`Objective.scales`). Of several ranks
the first alone runs it and tells the others where to evaluate: BLAS has other bits on another CPU.
"""

from contextlib import nullcontext

import numpy as np

from fastsgd._integers import INT32_MAX
from fastsgd.engine.blas import one_thread_of_blas
from fastsgd.engine.linear.conjugate_gradients import MOST_PRODUCTS, newton_step
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
        f, proof = self._f, self._run.proof
        if most < 1:
            return proof.met_by_slopes(f, self._units)
        step, decrement, whole = newton_step(f, self._units, proof, most)
        if whole:
            f.point_to(step)
            proof.try_step(f, step)
        return proof.met(f, decrement if whole else np.inf)

    def _after(self, x, value, enough):
        return self._run.after(x, value, value - self._f.penalty(x), enough=enough)


class Attempts:
    """When a proof is worth trying: estimates say that the optimum is near.

    No estimate along L-BFGS's points decides (measured, docs/solvers.md), so each failure puts the
    next try off. A Newton step may take as many products as iterations were made so far.

    Parameters
    ----------
    f : Objective
    proof : Proof
    units : float64 ndarray
    """

    LOOKBACK, PATIENCE = 5, 1.2

    def __init__(self, f, proof, units):
        self._f, self._proof, self._units = f, proof, units
        self._values, self._next = [], 0

    def due(self, lead):
        """Whether `tol` is proven to be met at the point last evaluated."""
        f, proof = self._f, self._proof
        if not proof.asked:
            return False
        self._values.append(f.value)
        enough, n = proof.enough(f.value), len(self._values)
        if f.excess(f.gradient, self._units) <= enough and lead.prove(0):
            return True
        slopes = 0.5 * float(((self._units * f.gradient) ** 2).sum())
        fall = (self._values[-1 - self.LOOKBACK] - f.value if n > self.LOOKBACK else np.inf)
        if n < self._next or not (slopes <= enough or fall <= enough):
            return False
        self._next = int(self.PATIENCE * n) + 1
        return lead.prove(max(n, 10))


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
    lead, attempts, met = LeadingRank(f, run, units), Attempts(f, proof, units), False
    if f.peers.rank:
        return run.ended(met=lead.follow())

    def evaluate(x):  # f / f(0), in units of the variables
        if not np.array_equal(x * units, f.x):
            lead.evaluate(x * units)
        return f.value / zero, f.gradient * units / zero

    def after(intermediate_result):
        nonlocal met
        evaluate(intermediate_result.x)
        met = attempts.due(lead)
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
