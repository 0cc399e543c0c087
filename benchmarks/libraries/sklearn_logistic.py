"""scikit-learn's LogisticRegression, bias free: L-BFGS on the whole sum, or SAG row by row."""

import warnings

from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from libraries import Library, weights


class SklearnLogistic(Library):
    """Its objective is ours times n C, C = 1 / (alpha n); the bias is not penalised."""

    losses = ("log_loss",)

    def __init__(self, seed=0, solver="lbfgs", max_iter=100, tol=1e-4, intercept=True):
        self.seed, self.solver, self.max_iter, self.tol = seed, solver, max_iter, tol
        self.intercept = intercept
        self.name, self.label = f"sklearn_{solver}", f"LogisticRegression({solver})"

    def fit(self, X, y, alpha, loss, epochs):
        model = LogisticRegression(
            solver=self.solver, C=1.0 / (alpha * X.shape[0]), max_iter=self.max_iter,
            tol=self.tol, random_state=self.seed, fit_intercept=self.intercept)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            return weights(model.fit(X, y))

    def parameters(self):
        return {"solver": self.solver, "C": "1 / (alpha n)", "max_iter": self.max_iter,
                "tol": self.tol, "random_state": self.seed, "threads": 1,
                "bias": "not penalised"}
