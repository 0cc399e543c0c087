"""Snap ML (the package snapml): threaded dual coordinate descent on the CPU."""

import numpy as np

from libraries import Library


class SnapML(Library):
    """Its objective is sum of losses + (regularizer / 2) |w|^2: ours times n at alpha n.

    Its bias is the weight of one more feature of value `intercept_scaling`, and is penalised:
    f + (alpha / 2) (b / intercept_scaling)^2. f(w, b) is computed without that. `fit` copies X,
    which is part of its time, as it is of its users'.
    """

    name, label, package = "snap_ml", "Snap ML", "snapml"
    losses = ("hinge", "log_loss", "squared_error")

    def __init__(self, seed=0, n_jobs=2, tol=1e-3, max_iter=1000, intercept_scaling=1.0,
                 intercept=True):
        self.seed, self.n_jobs, self.tol, self.max_iter = seed, n_jobs, tol, max_iter
        self.intercept_scaling, self.intercept = intercept_scaling, intercept
        self.label = f"Snap ML, {n_jobs} thread{'s' * (n_jobs > 1)}"

    def fit(self, X, y, alpha, loss, epochs):
        from snapml import LinearRegression, LogisticRegression, SupportVectorMachine

        common = {"regularizer": alpha * X.shape[0], "tol": self.tol, "max_iter": self.max_iter,
                  "n_jobs": self.n_jobs, "fit_intercept": self.intercept,
                  "random_state": self.seed, "use_gpu": False,
                  "intercept_scaling": self.intercept_scaling}
        model = (SupportVectorMachine(loss="hinge", **common) if loss == "hinge"
                 else LogisticRegression(dual=True, **common) if loss == "log_loss"
                 else LinearRegression(dual=True, **common))
        model.fit(X, y)
        self.passes = int(model.n_iter_)
        w, b = model.coef_.ravel(), float(np.ravel(model.intercept_)[0])
        return w, b * self.intercept_scaling  # `intercept_` is that feature's weight, unscaled

    def parameters(self):
        return {"regularizer": "alpha n", "tol": self.tol, "max_iter": self.max_iter,
                "iterations": getattr(self, "passes", None), "dual": True, "use_gpu": False,
                "normalize": False, "intercept_scaling": self.intercept_scaling,
                "threads": self.n_jobs, "random_state": self.seed,
                "bias": "a weight of its own, penalised; f(w, b) leaves that penalty out"}
