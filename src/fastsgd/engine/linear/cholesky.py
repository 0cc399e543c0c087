"""Solution of H x = g by Cholesky, for a matrix that rounding may have bent a little."""

import numpy as np

JITTERS = (0.0, 1e-15, 1e-14, 1e-13, 1e-12, 1e-11, 1e-10, 1e-9, 1e-8)
"""Parts of the diagonal that are added to it, one after the other, until there is a factor."""


def factor(H, most=JITTERS[-1]):
    """Factors H once for many right sides.

    H is first scaled to a diagonal of ones, which bounds its condition by d times the least that
    any scaling of the variables reaches (van der Sluis 1969).

    Parameters
    ----------
    H : float64 ndarray of shape (d, d)
        IN: symmetric, positive semidefinite up to rounding. A diagonal entry of 0 or below
        counts as 1.

    most : float
        The largest jitter.

    Returns
    -------
    callable
        ``solve(g)`` gives x with H x = g, after one step of iterative refinement.

    Raises
    ------
    numpy.linalg.LinAlgError
        H has numbers that are not finite, or is not definite even with the largest jitter.
    """
    from scipy.linalg import cho_solve  # here: other solvers start without it

    diagonal = np.diag(H)
    unit = 1 / np.sqrt(np.where(diagonal > 0, diagonal, 1.0))
    with np.errstate(over="ignore", invalid="ignore"):
        normal = H * unit * unit[:, None]
    if not np.isfinite(normal).all():
        raise np.linalg.LinAlgError("the matrix has entries that are not finite")
    lower = _lower(normal, most)

    def solve(g):
        right = unit * g
        x = cho_solve(lower, right, check_finite=False)
        x += cho_solve(lower, right - normal @ x, check_finite=False)
        return unit * x

    return solve


def _lower(normal, most):
    """Factors a matrix with a diagonal of ones, as scipy's cho_factor."""
    from scipy.linalg import cho_factor

    for jitter in (jitter for jitter in JITTERS if jitter <= most):
        bent = normal.copy()
        bent[np.diag_indices_from(bent)] += jitter
        try:
            return cho_factor(bent, lower=True, overwrite_a=True, check_finite=False)
        except np.linalg.LinAlgError:
            continue
    raise np.linalg.LinAlgError(
        f"the matrix is not positive definite, even with {most:g} added to its diagonal")
