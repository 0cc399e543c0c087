"""scikit-learn's Ridge: least squares by conjugate gradients, LSQR or SAG."""

import warnings

from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import Ridge

from libraries import Library


class SklearnRidge(Library):
    """Its objective is ours times 2 n at alpha n; the bias is not penalised."""

    losses = ("squared_error",)

    def __init__(self, seed=0, solver="sparse_cg", max_iter=100, tol=1e-4, intercept=True):
        self.seed, self.solver, self.max_iter, self.tol = seed, solver, max_iter, tol
        self.intercept = intercept
        self.name, self.label = f"sklearn_ridge_{solver}", f"Ridge({solver})"

    def fit(self, X, y, alpha, loss, epochs):
        model = Ridge(alpha=alpha * X.shape[0], solver=self.solver, max_iter=self.max_iter,
                      tol=self.tol, random_state=self.seed, fit_intercept=self.intercept)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(X, y)
        return model.coef_.ravel(), float(model.intercept_)

    def parameters(self):
        return {"solver": self.solver, "alpha": "alpha n", "max_iter": self.max_iter,
                "tol": self.tol, "random_state": self.seed, "threads": 1,
                "bias": "not penalised"}
