"""`coef_` as an array or, after `sparsify`, as a sparse one."""

import numpy as np
from scipy import sparse

from fastsgd.data.sparse import checked


class SparseCoef:
    """The part of the linear models that makes `coef_` sparse, and dense again."""

    def sparsify(self):
        """Makes `coef_` a CSR matrix, of a regressor a csr_array of shape (n_features,).

        Worth it where most weights are 0, as with penalty='l1'. Predictions are the same up to
        rounding; training makes it dense again.

        Returns
        -------
        self : object
        """
        self._check_fitted("sparsifying")
        if not sparse.issparse(self.coef_):
            kind = sparse.csr_matrix if self.coef_.ndim == 2 else sparse.csr_array
            self.coef_ = kind(self.coef_)
        return self

    def densify(self):
        """Makes a sparse `coef_` an array again.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            It is corrupt, or too large for the memory.
        """
        self._check_fitted("densifying")
        if sparse.issparse(self.coef_):
            self.coef_ = dense(self.coef_).reshape(self.coef_.shape)
        return self


def by_class(coef):
    """`coef_` with a row for each model, float32 or float64; a sparse one is checked."""
    if sparse.issparse(coef):
        if len(coef.shape) == 1:  # of a regressor
            coef = sparse.csr_array((coef.data, coef.indices, coef.indptr), (1, *coef.shape))
        return checked(coef, "coef_")
    coef = np.atleast_2d(coef)
    return coef if coef.dtype in (np.float32, np.float64) else coef.astype(np.float64)


def dense(coef):
    """A dense `coef_` with a row for each model.

    Raises
    ------
    ValueError
        A sparse one is corrupt, or too large for the memory.
    """
    coef = by_class(coef)
    if not sparse.issparse(coef):
        return coef
    try:
        return coef.toarray()
    except MemoryError as error:
        raise ValueError(f"coef_ of shape {coef.shape} is sparse, and does not fit into memory as "
                         "a dense array") from error
