"""w.x + b of rows that were not checked before, by whatever `coef_` a linear model has."""

import numpy as np
from scipy import sparse
from sklearn.utils.validation import check_is_fitted, validate_data

from fastsgd.data.sparse import checked
from fastsgd.engine.products import products
from fastsgd.estimators.linear.sparse_coef import by_class
from fastsgd.kernels.rows import Rows
from fastsgd.plan.threads import threads_of_products


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
        n_threads = threads_of_products(model.n_jobs, rows.nnz * len(coef))
        z, intercept = products(rows, coef.T, n_threads), model.intercept_
        return np.add(z, intercept, out=z if np.result_type(z, intercept) == z.dtype else None)
    rows.check()  # both are: scipy's product may follow them
    z = X @ coef.T
    return (z.toarray() if sparse.issparse(z) else z) + model.intercept_
