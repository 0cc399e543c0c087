"""Snap ML (the package snapml): threaded dual coordinate descent on the CPU."""

from libraries import Library, weights


class SnapML(Library):
    """Its objective is sum of losses + (regularizer / 2) |w|^2: ours times n at alpha n.

    Its bias is the weight of one more feature of value `intercept_scaling`, and is penalised:
    f + (alpha / 2) (b / intercept_scaling)^2. f(w, b) is computed without that. `fit` copies X,
    which is part of its time, as it is of its users'.
    """

    name, label, package = "snap_ml", "Snap ML", "snapml"

    def __init__(self, seed=0, n_jobs=2, tol=1e-3, max_iter=1000, intercept_scaling=1.0):
        self.seed, self.n_jobs, self.tol, self.max_iter = seed, n_jobs, tol, max_iter
        self.intercept_scaling = intercept_scaling
        self.label = f"Snap ML, {n_jobs} thread{'s' * (n_jobs > 1)}"

    def fit(self, X, y, alpha, loss, epochs):
        from snapml import LogisticRegression, SupportVectorMachine

        common = {"regularizer": alpha * X.shape[0], "tol": self.tol, "max_iter": self.max_iter,
                  "n_jobs": self.n_jobs, "fit_intercept": True, "random_state": self.seed,
                  "intercept_scaling": self.intercept_scaling, "use_gpu": False}
        model = (SupportVectorMachine(loss="hinge", **common) if loss == "hinge"
                 else LogisticRegression(dual=True, **common))
        model.fit(X, y)
        self.passes = int(model.n_iter_)
        w, b = weights(model)
        return w, b * self.intercept_scaling  # `intercept_` is that feature's weight, unscaled

    def parameters(self):
        return {"regularizer": "alpha n", "tol": self.tol, "max_iter": self.max_iter,
                "iterations": getattr(self, "passes", None), "dual": True, "use_gpu": False,
                "normalize": False, "intercept_scaling": self.intercept_scaling,
                "threads": self.n_jobs, "random_state": self.seed,
                "bias": "a weight of its own, penalised; f(w, b) leaves that penalty out"}
