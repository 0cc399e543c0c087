"""fastsgd's FastSGDClassifier with each of its solvers."""

import warnings

from sklearn.exceptions import ConvergenceWarning

from fastsgd import FastSGDClassifier
from libraries import Library, second_half, weights


class FastSolver(Library):
    """`max_iter` alone decides, or the certified gap `tol` where it is given."""

    losses = ("hinge", "squared_hinge", "log_loss", "squared_error")

    def __init__(self, seed=0, solver="sgd", n_jobs=2, max_iter=1000, tol=None, average=False,
                 intercept=True, **options):
        self.seed, self.solver, self.n_jobs, self.max_iter = seed, solver, n_jobs, max_iter
        self.tol, self.average, self.intercept, self.options = tol, average, intercept, options
        self.name, self.label = f"fastsgd_{solver}", f"fastsgd {solver}"

    def fit(self, X, y, alpha, loss, epochs):
        average = self.average and second_half(X.shape[0], self.max_iter)
        model = FastSGDClassifier(
            loss, alpha=alpha, solver=self.solver, max_iter=self.max_iter, tol=self.tol,
            n_jobs=self.n_jobs, random_state=self.seed, fit_intercept=self.intercept,
            average=average, **self.options)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(X, y)
        self.ran_as = {key: model.fit_stats_[key] for key in ("solver", "sync", "threads")}
        self.iterations = model.n_iter_
        return weights(model)

    def parameters(self):
        return {"n_jobs": self.n_jobs, "ran_as": getattr(self, "ran_as", None),
                "max_iter": self.max_iter, "tol": self.tol, "random_state": self.seed,
                "average": "the second half of the steps" if self.average else False,
                "iterations": getattr(self, "iterations", None), **self.options}
