"""When a proof of the gap is worth trying, along a method that cannot tell how near it is."""

from fastsgd.engine.linear.conjugate_gradients import newton_step

LOOKBACK, PATIENCE = 5, 1.2
"""Iterations over which the fall of f is looked at; after a failure, iterations until the next
try: times 1.2."""

FEWEST_PRODUCTS = 10


def prove(f, proof, units, most):
    """Whether a Newton step of at most `most` products proves f's point; 0: its slopes alone.

    Parameters
    ----------
    f : Objective
        Evaluated at the point.
    proof : Proof
    units : float64 ndarray, like f.x
    most : int
    """
    if f.proximal:
        proof.try_slopes(f)
        return proof.met(f)
    if most < 1:
        return proof.met_by_slopes(f, units)
    step, decrement, whole = newton_step(f, units, proof, most)
    if whole:
        f.point_to(step)
        proof.try_step(f, step)
    return proof.met(f, decrement) if whole else proof.met(f)


class Attempts:
    """Estimates that say that the optimum may be near, and ever rarer tries.

    No estimate along the points of L-BFGS or of gradient descent decides (measured,
    docs/solvers.md). A Newton step may take as many products as there were iterations.

    Parameters
    ----------
    f : Objective
    proof : Proof
    units : float64 ndarray
    prove : callable
        ``prove(most)``, as the function above.
    """

    def __init__(self, f, proof, units, prove):
        self._f, self._proof, self.units, self._prove = f, proof, units, prove
        self._values, self._next = [], 0

    def near(self, value, gradient=None):
        """Whether a try is due after an iteration that ended at this value of f."""
        self._values.append(value)
        enough, n = self._proof.enough(value), len(self._values)
        if not self._proof.asked or n < self._next:
            return False
        fall = self._values[-1 - LOOKBACK] - value if n > LOOKBACK else float("inf")
        if fall <= enough:
            return True
        return gradient is not None and (
            0.5 * float(((self.units * gradient) ** 2).sum()) <= enough * self._proof.zero)

    def try_now(self):
        """A try at f's point: by its slopes, then by a Newton step where there is one."""
        n = len(self._values)
        self._next = int(PATIENCE * n) + 1
        if self._prove(0):
            return True
        return not self._f.proximal and self._prove(max(n, FEWEST_PRODUCTS))


def attempts_of(f, proof):
    """Makes the `Attempts` of a method that all ranks run alike; one unit for all weights."""
    units = f.units(proof, 0.0)
    return Attempts(f, proof, units, lambda most: prove(f, proof, units, most))
