"""Line searches: how far to go in a direction in which the objective falls."""

import numpy as np

MOST_TRIALS = 60


def exact(along, slope, eta):
    """The eta at which phi is least (Boyd, Vandenberghe 2004, sec. 9.2), for a convex phi.

    Newton's method on phi' from the first guess `eta`, kept within the bracket of the minimum that
    is known so far. Where a step leaves more than a tenth of the slope (on exponentials they all
    have the same length), the next one halves the bracket.

    Parameters
    ----------
    along : callable
        ``along(eta)``: phi, phi', phi''.
    slope : float
        phi'(0) < 0.
    eta : float
        > 0.

    Returns
    -------
    float
        Where phi' has fallen to 1e-6 of `slope`, or to the rounding.
    """
    low, high, before = 0.0, np.inf, np.inf  # before: |phi'| where Newton's step was taken
    for _ in range(MOST_TRIALS):
        _, now, curve = along(eta)
        if abs(now) <= 1e-6 * -slope:
            break
        if now < 0:
            low = eta
        else:  # also where it is nan or infinite: too far
            high = eta
        newton = eta - now / curve if curve > 0 and np.isfinite(now) else np.inf
        slow, before = not abs(now) < 0.1 * before and high < np.inf, np.inf
        if low < newton < high and not slow:
            eta, before = min(newton, 100 * eta), abs(now)
        elif high < np.inf:
            eta = 0.5 * (low + high)
        else:
            eta *= 10
        if high < np.inf and high - low <= 1e-15 * high:
            break
    return eta


def first_step(along, slope, otherwise):
    """The step to the minimum of phi's second-order model at 0."""
    curve = along(0.0)[2]
    return -slope / curve if curve > 0 else otherwise
