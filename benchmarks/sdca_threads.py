"""What two threads cost and bring solver "sdca": fits by one thread, by "auto" and by "merge".

    python benchmarks/sdca_threads.py [--runs 3] [--json FILE]

Epochs tell what merges cost in progress, on any machine; the ratios of the medians tell the rest.
Fits take turns, and none is longer than 2 seconds.
"""

import argparse
import time
import warnings

import numpy as np

from fastsgd import FastSGDClassifier
from harness import RESULTS, in_turn, machine, show, sources, write

NAMES = ("rcv1_ccat", "news20", "w8a", "a9a", "frappe")
MNIST_ROWS = 10_000
LOSSES = {"hinge": (1e-2, 1e-4, 1e-6, 1e-8), "squared_hinge": (1e-3, 1e-6),
          "log_loss": (1e-2, 1e-4, 1e-6), "squared_error": (1e-3, 1e-6)}
WAYS = {"one": {"sync": "serial"}, "auto": {"n_jobs": 2}, "merge": {"n_jobs": 2, "sync": "merge"}}
ENOUGH = 180
"""Seconds after which no further problem is begun."""


def problems():
    """(name, X, y) of each data set; of several classes, the last against the rest."""
    for name in NAMES:
        X, y, *_ = sources.load(name)
        yield name, X, np.where(y == y.max(), 1.0, -1.0)
    with np.load(sources.data_directory() / "mnist" / "mnist.npz") as mnist:
        X, y = mnist["X_train"][:MNIST_ROWS], mnist["y_train"][:MNIST_ROWS]
    yield f"mnist, {MNIST_ROWS} rows", X.reshape(len(X), -1) / 255.0, np.where(y == 9, 1.0, -1.0)


def fit(X, y, loss, tol, way):
    model = FastSGDClassifier(loss, solver="sdca", alpha=1e-4, tol=tol, max_iter=5000,
                              max_time=2.0, random_state=0, **WAYS[way])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.fit(X, y)


def measure(X, y, loss, tol, runs):
    """Seconds, epochs and threads of each way."""
    times, models = in_turn({way: lambda way=way: fit(X, y, loss, tol, way) for way in WAYS},
                            runs, slow=0.7)
    return {way: {"seconds": times[way]["median_s"], "epochs": model.n_iter_,
                  "threads": model.fit_stats_["threads"],
                  "stopped_by": model.fit_stats_["stopped_by"]} for way, model in models.items()}


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=3, help="rounds that count (default: 3)")
    parser.add_argument("--json", metavar="FILE", default=RESULTS / "sdca_threads.json")
    options = parser.parse_args(argv)
    report, began = {**machine(), "alpha": 1e-4, "fits": []}, time.perf_counter()
    for name, X, y in problems():
        for loss, tols in LOSSES.items():
            for tol in tols:
                if time.perf_counter() - began > ENOUGH:
                    break
                report["fits"].append({"data": name, "loss": loss, "tol": tol,
                                       **measure(X, y, loss, tol, options.runs)})
    show("solver='sdca', alpha 1e-4: epochs, and seconds as a part of one thread's",
         ("", "tol", "epochs", "auto", "merge", "one, s", "auto / one", "merge / one"), [
             (f"{r['data']}, {r['loss']}", f"{r['tol']:g}",
              *(str(r[way]["epochs"]) for way in WAYS), f"{r['one']['seconds']:.3f}",
              *(f"{r[way]['seconds'] / r['one']['seconds']:.2f}" for way in ("auto", "merge")))
             for r in report["fits"]])
    write(options.json, report)
    return report


if __name__ == "__main__":
    main()
