"""w.x + b of rows that were not checked before, by whatever `coef_` a linear model has."""

import numpy as np
from scipy import sparse

from fastsgd.engine.products import products
from fastsgd.kernels.rows import Rows
from fastsgd.models.linear.sparse_coef import by_class
from fastsgd.models.validation import check_X
from fastsgd.plan.threads import threads_of_products


def decision(model, X):
    """Margins of each row: ndarray of shape (n_samples, n_models).

    Of the wider type of X and `coef_`. X is checked in the same pass.

    Raises
    ------
    ValueError
        X holds NaN, infinity or a column outside, or does not fit the model.
    """
    model._check_fitted()
    X = check_X(model, X)
    rows, coef = Rows(X), by_class(model.coef_)
    if not sparse.issparse(coef):
        n_threads = threads_of_products(model.n_jobs, rows.nnz * len(coef))
        z, intercept = products(rows, coef.T, n_threads), model.intercept_
        return np.add(z, intercept, out=z if np.result_type(z, intercept) == z.dtype else None)
    rows.check()  # both are: scipy's product may follow them
    z = X @ coef.T
    return (z.toarray() if sparse.issparse(z) else z) + model.intercept_
