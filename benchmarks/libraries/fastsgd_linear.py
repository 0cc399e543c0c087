"""fastsgd's FastSGDClassifier in each of the ways its threads share the model."""

import numpy as np

from fastsgd import FastSGDClassifier
from fastsgd.errors import NotBuiltYetError
from libraries import Library, second_half, weights


class FastSGD(Library):
    def __init__(self, sync="serial", n_jobs=1, seed=0, average=False, shuffle=True):
        self.sync, self.n_jobs, self.seed = sync, 1 if sync == "serial" else n_jobs, seed
        self.average, self.shuffle = average, shuffle
        self.name = f"fastsgd_{sync}"
        threads = "1 thread" if self.n_jobs == 1 else f"{self.n_jobs} threads"
        self.label = f"fastsgd {sync.replace('_', '-')}"
        if sync != "auto":  # which chooses
            self.label += f", {threads}"

    def fit(self, X, y, alpha, loss, epochs):
        model = FastSGDClassifier(
            loss=loss, alpha=alpha, max_iter=epochs, tol=None, sync=self.sync,
            n_jobs=self.n_jobs, random_state=self.seed, shuffle=self.shuffle,
            average=self.average and second_half(X.shape[0], epochs))
        model.fit(X, y)
        self.ran_as = {key: model.fit_stats_[key] for key in ("sync", "threads")}
        return weights(model)

    def parameters(self):
        return {"sync": self.sync, "n_jobs": self.n_jobs,
                "ran_as": getattr(self, "ran_as", None), "learning_rate": "optimal",
                "shuffle": self.shuffle, "tol": None, "random_state": self.seed,
                "average": "the second half of the steps" if self.average else False,
                "bias": "not penalised; steps 0.01 times as long (sparse X)"}


def built(syncs):
    """Those of the syncs that this release has, and a line for each other."""
    X, y = np.eye(6, 4), np.arange(6) % 3
    present, left_out = [], []
    for sync in syncs:
        try:
            FastSGDClassifier(sync=sync, n_jobs=2, max_iter=1, tol=None).fit(X, y)
            present.append(sync)
        except NotBuiltYetError as error:
            left_out.append(f"fastsgd {sync} is left out: {error}")
    return present, left_out
