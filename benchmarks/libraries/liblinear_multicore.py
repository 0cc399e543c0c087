"""Multi-core LIBLINEAR (the package liblinear-multicore), by its authors' own binding.

Solvers, by LIBLINEAR's numbers: 3 is dual coordinate descent for the hinge loss, 0 a Newton method
for the log loss; both take threads. 7 is dual coordinate descent for the log loss and has none.
"""

import numpy as np

from libraries import Library

THREADED = (0, 3)


class LiblinearMulticore(Library):
    """It minimises n C times our objective, C = 1 / (alpha n), but for the bias.

    The bias is the weight of one more feature of value 1 (-B 1). Solver 0 can leave it free (-R),
    and does; 3 and 7 penalise it: f + (alpha / 2) b^2. f(w, b) is computed without that.
    `prepare` writes the rows as LIBLINEAR's own reader would: 16 bytes for each non-zero.
    """

    name = "liblinear_multicore"
    package = "liblinear-multicore"

    def __init__(self, seed=0, n_jobs=2, tol=0.1, solver=None):
        # Its random numbers go on from call to call: `seed` only tells the runs apart.
        self.seed, self.n_jobs, self.tol, self.solver = seed, n_jobs, tol, solver
        self.label = f"liblinear-multicore, {n_jobs} thread{'s' * (n_jobs > 1)}"

    def _solver(self, loss):
        return self.solver if self.solver is not None else 3 if loss == "hinge" else 0

    def prepare(self, X, y):
        from liblinear.liblinearutil import problem

        return problem(y, X, bias=1), y

    def fit(self, X, y, alpha, loss, epochs):
        from liblinear.liblinearutil import parameter, problem, train

        if not isinstance(X, problem):
            X, y = self.prepare(X, y)
        solver = self._solver(loss)
        self.options = f"-s {solver} -B 1 -e {self.tol:g}"
        if solver == 0:
            self.options += " -R"
        if solver in THREADED:
            self.options += f" -m {self.n_jobs}"
        model = train(X, parameter(f"{self.options} -c {1.0 / (alpha * X.l)!r} -q"))
        w = np.ctypeslib.as_array(model.w, (X.n,)).copy()  # +1 is its first class; it frees w
        return w[:-1], float(w[-1])

    def parameters(self):
        options = getattr(self, "options", "")
        return {"C": "1 / (alpha n)", "options": options,
                "threads": self.n_jobs if " -m " in options else 1,
                "conversion": "apart from the time",
                "bias": "not penalised" if " -R" in options else
                        "a weight of its own, penalised; f(w, b) leaves that penalty out"}
