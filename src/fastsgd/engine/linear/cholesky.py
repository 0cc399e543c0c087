"""Solution of a symmetric system that may be nearly singular, by Cholesky factors."""

import numpy as np

JITTER = (0.0, 1e-15, 1e-14, 1e-13, 1e-12, 1e-11, 1e-10, 1e-8, 1e-6)
"""What is added to a diagonal of ones, the first with which the matrix is positive definite."""

NEARLY_SINGULAR = 1e-10
"""Jitter that is more than rounding asks for."""


class Factors:
    """Cholesky factors of H, after its diagonal was scaled to ones.

    Golub, Van Loan: Matrix computations, 4th ed. 2013, sec. 4.2 and 3.5.3. Of several ranks or
    machines none has to have the same bits: steps are rank 0's.

    Parameters
    ----------
    H : float64 ndarray of shape (n, n)
        Symmetric, positive semidefinite up to rounding. Its diagonal holds no negative entry;
        where it is 0 the variable is left at 0.

    Attributes
    ----------
    sound : bool
        Whether H is not singular, nor nearly so.

    Raises
    ------
    FloatingPointError
        H holds NaN or infinity, or no jitter makes it positive definite.
    """

    def __init__(self, H):
        from scipy.linalg import cho_factor  # here: other solvers start without it

        diagonal = np.diagonal(H)
        self._free = diagonal > 0
        self._scale = np.where(self._free, 1 / np.sqrt(np.where(self._free, diagonal, 1.0)), 0.0)
        self._matrix = H * self._scale * self._scale[:, None]
        if not np.isfinite(self._matrix).all():
            raise FloatingPointError("a matrix of curvatures holds NaN or infinity")
        n = len(H)
        for jitter in JITTER:
            damped = self._matrix.copy()
            damped[np.diag_indices(n)] = np.where(self._free, 1 + jitter, 1.0)
            try:
                self._factor = cho_factor(damped, lower=True, overwrite_a=True,
                                          check_finite=False)
                break
            except np.linalg.LinAlgError:
                continue
        else:
            raise FloatingPointError("a matrix of curvatures is not positive definite")
        self.sound = bool(self._free.all()) and jitter <= NEARLY_SINGULAR

    def solve(self, g):
        """s with H s = g, once refined."""
        from scipy.linalg import cho_solve

        b = g * self._scale
        x = cho_solve(self._factor, b, check_finite=False)
        x += cho_solve(self._factor, b - self._matrix @ x, check_finite=False)
        return x * self._scale
