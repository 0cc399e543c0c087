"""``solver="newton-cg"``: truncated Newton steps, each by conjugate gradients on the Hessian.

Nocedal, Wright: Numerical Optimization, 2nd ed. 2006, algorithm 7.1 (line search Newton-CG). The
Hessian is never formed: a product with it is one pass over the rows.
"""

import numpy as np

from fastsgd.engine.linear.line_search import exact
from fastsgd.engine.linear.objective import dot

ARMIJO = 1e-4


def newton_cg(f, run):
    """Minimises a smooth objective until its largest slope is at most `tol`.

    Parameters
    ----------
    f : Objective
    run : Iterations
    """
    tol = 0.0 if run.settings.tol is None else run.settings.tol
    value, gradient = f.evaluate(f.start(run.state))
    units = f.scales()
    first = max(1.0, np.sqrt(dot(gradient, gradient)))  # of unscaled features it is large
    while np.max(np.abs(gradient), initial=0.0) > tol:
        size = np.sqrt(dot(gradient, gradient))
        if f.quadratic:  # one step, as good as asked
            residual = 0.5 * tol if tol else 1e-14 * size
        else:
            residual = max(min(0.5, np.sqrt(size / first)) * size, 0.1 * tol)
        step = solve(f.product, gradient, residual, units)
        slope = dot(gradient, step)
        if not slope < 0:
            break
        f.point_to(step)
        eta = 1.0
        if not f.along(eta)[0] <= value + ARMIJO * slope:
            eta = exact(f.along, slope, eta)
        if not f.along(eta)[0] < value:  # rounding is all that is left
            break
        value, gradient = f.move(eta)
        if run.after(f.x, f.value, f.mean_loss):
            return
    run.converged()


def solve(product, gradient, residual, units=1.0):
    """Conjugate gradients for H s = -gradient, until |H s + gradient| <= residual.

    The variables are in `units` (`Objective.scales`; Nocedal, Wright, algorithm 5.3, with M =
    units^-2). A direction without curvature ends it: what was found is a descent direction; the
    first is the steepest one, in these units.
    """
    s, r = np.zeros_like(gradient), -gradient
    scaled = units * units * r
    p, rz = scaled.copy(), dot(r, scaled)
    for _ in range(20 * len(gradient)):
        if np.sqrt(dot(r, r)) <= residual:
            break
        q = product(p)
        curve = dot(p, q)
        if curve <= 1e-15 * dot(p, p):
            return s if np.any(s) else p
        s += (rz / curve) * p
        r -= (rz / curve) * q
        scaled = units * units * r
        rz, before = dot(r, scaled), rz
        p = scaled + (rz / before) * p
    return s
