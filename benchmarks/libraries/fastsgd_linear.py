"""fastsgd's FastSGDClassifier in each of the ways its threads share the model."""

from fastsgd import FastSGDClassifier
from libraries import Library, second_half, weights


class FastSGD(Library):
    def __init__(self, sync="serial", n_jobs=1, seed=0, average=False):
        self.sync, self.n_jobs, self.seed = sync, 1 if sync == "serial" else n_jobs, seed
        self.average = average
        self.name = f"fastsgd_{sync}"
        threads = "1 thread" if self.n_jobs == 1 else f"{self.n_jobs} threads"
        self.label = f"fastsgd {sync.replace('_', '-')}, {threads}"

    def fit(self, X, y, alpha, loss, epochs):
        self.model = FastSGDClassifier(
            loss=loss, alpha=alpha, max_iter=epochs, tol=None, sync=self.sync,
            n_jobs=self.n_jobs, random_state=self.seed,
            average=self.average and second_half(X.shape[0], epochs))
        return weights(self.model.fit(X, y))

    def parameters(self):
        return {"sync": self.sync, "n_jobs": self.n_jobs, "learning_rate": "optimal",
                "shuffle": True, "tol": None, "random_state": self.seed,
                "average": "the second half of the steps" if self.average else False,
                "bias": "not penalised; steps 0.01 times as long (sparse X)"}
