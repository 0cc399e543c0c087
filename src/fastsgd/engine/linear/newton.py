"""Newton's method: ``solver="newton-cg"`` and ``solver="newton-cholesky"``.

Steps of the former are truncated: conjugate gradients on the Hessian, which is never formed, since
a product with it is one pass over the rows (Nocedal, Wright: Numerical Optimization, 2nd ed. 2006,
algorithm 7.1). The latter makes whole steps by the Hessian's Cholesky factors.
"""

import numpy as np

from fastsgd.engine.linear.conjugate_gradients import MOST_PRODUCTS, NEAR, newton_step
from fastsgd.engine.linear.line_search import exact
from fastsgd.engine.linear.objective import dot

ARMIJO = 1e-4


def newton_cg(f, run):
    """Minimises a smooth objective until its gap is proven to be small enough.

    Parameters
    ----------
    f : Objective
    run : Iterations
    """
    return _newton(f, run, lambda units: newton_step(
        f, units, run.proof, MOST_PRODUCTS * len(f.x)))


def newton_cholesky(f, run):
    """The same by whole steps, of the Hessian's Cholesky factors.

    Boyd, Vandenberghe 2004, algorithm 9.5. The matrix is that of features which are centred (dense
    rows) and scaled without a copy of X: their units do not count (columns.py). Where it is
    singular, as for Huber's loss while few rows are in its curved part, steps are those above.

    Parameters
    ----------
    f : Objective
    run : Iterations
    """
    def find_step(units):
        step = f.solve(f.gradient)
        if step is None:  # conjugate gradients do not mind
            return newton_step(f, units, run.proof, MOST_PRODUCTS * len(f.x))
        decrement = -0.5 * dot(f.gradient, step)
        return step, decrement, f.quadratic or (
            decrement <= NEAR * run.proof.enough(f.value - decrement))

    return _newton(f, run, find_step)


def _newton(f, run, find_step):
    """Newton's method with steps ``find_step(units)``: (step, decrement, whether it may prove)."""
    proof = run.proof
    value, gradient = f.evaluate(f.start(run.state))
    units = f.units(proof, 0.5 if f.quadratic else 0.25)
    if proof.met_by_slopes(f, units):
        return run.ended(met=True)
    while True:
        step, decrement, whole = find_step(units)
        slope = dot(gradient, step)
        if not slope < 0:
            break
        f.point_to(step)
        eta = 1.0
        if not f.along(eta)[0] <= value + ARMIJO * slope:
            eta = exact(f.along, slope, eta)
        if whole:
            proof.try_step(f, step)
        if not f.along(eta)[0] < value:  # rounding is all that is left
            break
        value, gradient = f.move(eta)
        if run.after(f.x, f.value, f.mean_loss, enough=whole and proof.met(f, decrement)):
            return None
    return run.ended(met=proof.met(f, decrement if whole else np.inf))
