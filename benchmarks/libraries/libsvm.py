"""libsvm's SVC with a linear kernel: the solver for any kernel, whose time grows as n^2 or worse.

It is given a part of the rows, or the table would take hours: C = 1 / (alpha n) with the part's n.
"""

from sklearn.svm import SVC

from libraries import Library, weights


class Libsvm(Library):
    name, label, losses = "libsvm", "libsvm SVC(linear)", ("hinge",)

    def __init__(self, rows=2000):
        self.rows = rows

    def fit(self, X, y, alpha, loss, epochs):
        model = SVC(kernel="linear", C=1.0 / (alpha * X.shape[0]), cache_size=500)
        return weights(model.fit(X, y))

    def parameters(self):
        return {"kernel": "linear", "C": "1 / (alpha n)", "tol": 1e-3, "rows": self.rows,
                "cache_size_MB": 500, "threads": 1, "bias": "not penalised",
                "note": "time and training are on these rows; f and test error on all"}
