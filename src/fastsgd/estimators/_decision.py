"""w.x + b of rows that were not checked before, by whatever `coef_` a linear model has."""

import numpy as np
from scipy import sparse
from sklearn.utils.validation import check_is_fitted, validate_data

from fastsgd.data.sparse import checked
from fastsgd.engine.products import products
from fastsgd.kernels.rows import Rows


def decision(model, X):
    """Margins of each row: ndarray of shape (n_samples, n_models).

    Of the wider type of X and `coef_`. X is checked in the same pass.

    Raises
    ------
    ValueError
        X holds NaN, infinity or a column outside, or does not fit the model.
    """
    check_is_fitted(model)
    X = validate_data(
        model, checked(X, "X", columns=False), accept_sparse="csr", accept_large_sparse=True,
        dtype=[np.float64, np.float32], order="C", ensure_all_finite=False, reset=False)
    rows, coef = Rows(X), by_class(model.coef_)
    if not sparse.issparse(coef):
        return products(rows, coef.T) + model.intercept_
    rows.check()  # both are: scipy's product may follow them
    z = X @ coef.T
    return (z.toarray() if sparse.issparse(z) else z) + model.intercept_


def by_class(coef):
    """`coef_` with a row for each model, float32 or float64; a sparse one is checked."""
    if sparse.issparse(coef):
        if len(coef.shape) == 1:  # of a regressor
            coef = sparse.csr_array((coef.data, coef.indices, coef.indptr), (1, *coef.shape))
        return checked(coef, "coef_")
    coef = np.atleast_2d(coef)
    return coef if coef.dtype in (np.float32, np.float64) else coef.astype(np.float64)


def dense(coef):
    """A dense `coef_` with a row for each model."""
    coef = by_class(coef)
    return coef.toarray() if sparse.issparse(coef) else coef
