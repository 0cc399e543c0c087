"""``solver="newton-cg"``: truncated Newton steps, each by conjugate gradients on the Hessian.

Nocedal, Wright: Numerical Optimization, 2nd ed. 2006, algorithm 7.1 (line search Newton-CG). The
Hessian is never formed: a product with it is one pass over the rows.
"""

import numpy as np

from fastsgd.engine.linear.conjugate_gradients import MOST_PRODUCTS, newton_step
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
    proof = run.proof
    value, gradient = f.evaluate(f.start(run.state))
    units = f.units(proof, 0.5 if f.quadratic else 0.25)
    if proof.met_by_slopes(f, units):
        return run.ended(met=True)
    while True:
        step, decrement, whole = newton_step(f, units, proof, MOST_PRODUCTS * len(gradient))
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
