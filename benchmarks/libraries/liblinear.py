"""LIBLINEAR as scikit-learn carries it: dual coordinate descent or Newton's method."""

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC, LinearSVR

from libraries import Library


class Liblinear(Library):
    """C = 1 / (alpha n), so that it minimises n C times our objective, but for the bias.

    Squared error is its regression with squared losses and epsilon 0, at half that C.

    LIBLINEAR's bias is the weight of one more feature of value `intercept_scaling`, and is
    penalised: f + (alpha / 2) (b / intercept_scaling)^2. Its f(w, b) is computed without that.
    """

    name, label = "liblinear", "LIBLINEAR"
    losses = ("hinge", "squared_hinge", "log_loss", "squared_error")

    def __init__(self, seed=0, tol=1e-4, max_iter=1000, intercept_scaling=1.0, dual=False,
                 intercept=True):
        self.dual, self.intercept = dual, intercept  # hinge has no other form than the dual
        self.seed, self.tol, self.max_iter = seed, tol, max_iter
        self.intercept_scaling = intercept_scaling

    def fit(self, X, y, alpha, loss, epochs):
        common = {"C": 1.0 / (alpha * X.shape[0]), "tol": self.tol, "max_iter": self.max_iter,
                  "intercept_scaling": self.intercept_scaling, "random_state": self.seed,
                  "fit_intercept": self.intercept}
        if loss == "log_loss":
            model = LogisticRegression(solver="liblinear", dual=self.dual, **common)
        elif loss == "squared_error":
            model = LinearSVR(epsilon=0.0, loss="squared_epsilon_insensitive", dual=self.dual,
                              **common | {"C": common["C"] / 2})
        else:
            model = LinearSVC(loss=loss, dual=loss == "hinge" or self.dual, **common)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(X, y)
        self.passes = int(np.max(model.n_iter_))
        return model.coef_.ravel(), float(np.ravel(model.intercept_)[0])

    def parameters(self):
        return {"C": "1 / (alpha n)", "tol": self.tol, "max_iter": self.max_iter,
                "intercept_scaling": self.intercept_scaling, "random_state": self.seed,
                "dual": "hinge always, other losses " + ("too" if self.dual else "not"),
                "iterations": getattr(self, "passes", None), "threads": 1,
                "bias": "a weight of its own, penalised; f(w, b) leaves that penalty out"}
