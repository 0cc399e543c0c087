"""LIBLINEAR as scikit-learn carries it: dual coordinate descent (hinge, log loss) or Newton."""

import warnings

from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from libraries import Library, weights


class Liblinear(Library):
    """C = 1 / (alpha n), so that it minimises n C times our objective, but for the bias.

    LIBLINEAR's bias is the weight of one more feature of value `intercept_scaling`, and is
    penalised: f + (alpha / 2) (b / intercept_scaling)^2. Its f(w, b) is computed without that.
    """

    name, label = "liblinear", "LIBLINEAR"

    def __init__(self, seed=0, tol=1e-4, max_iter=1000, intercept_scaling=1.0, dual=False):
        self.dual = dual  # of the log loss; hinge has no other form
        self.seed, self.tol, self.max_iter = seed, tol, max_iter
        self.intercept_scaling = intercept_scaling

    def fit(self, X, y, alpha, loss, epochs):
        common = {"C": 1.0 / (alpha * X.shape[0]), "tol": self.tol, "max_iter": self.max_iter,
                  "intercept_scaling": self.intercept_scaling, "random_state": self.seed}
        if loss == "hinge":
            model = LinearSVC(loss="hinge", **common)
        else:
            model = LogisticRegression(solver="liblinear", dual=self.dual, **common)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(X, y)
        self.passes = int(model.n_iter_ if loss == "hinge" else model.n_iter_[0])
        return weights(model)

    def parameters(self):
        return {"C": "1 / (alpha n)", "tol": self.tol, "max_iter": self.max_iter,
                "intercept_scaling": self.intercept_scaling, "random_state": self.seed,
                "dual": "hinge always, log loss " + ("too" if self.dual else "not"),
                "iterations": getattr(self, "passes", None), "threads": 1,
                "bias": "a weight of its own, penalised; f(w, b) leaves that penalty out"}
