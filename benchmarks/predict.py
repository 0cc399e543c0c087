"""Predictions with their checks against scipy's product, which checks nothing, in turn.

    python benchmarks/predict.py [--rows 800000] [--runs 7] [--json FILE]

Rows of RCV1's shape (75 non-zeros, 47,236 features, float32, few busy features), one thread.
"X @ W" is what scipy needs for the product alone; "products" the same sums with each row checked;
"predict" an estimator's whole call. Times are of the processor, in ms: others may use the machine.
"""

import argparse
import time

import numpy as np

from fastsgd import FastSGDClassifier
from fastsgd.engine.products import products
from fastsgd.kernels.rows import Rows
from harness import RESULTS, in_turn, machine, show, write
from shapes import zipf

FEATURES, PER_ROW = 47_236, 75
MODELS = (1, 3, 20, 101)


def fitted(n_models):
    """A model of that many classes (of two, for one model) with random weights."""
    draw = np.random.default_rng(n_models)
    model = FastSGDClassifier(max_iter=1, tol=None)
    model.classes_ = np.arange(max(2, n_models))
    model.coef_ = draw.normal(size=(FEATURES, n_models)).astype(np.float32).T
    model.intercept_ = np.zeros(n_models, np.float32)
    model.n_features_in_ = FEATURES
    return model


def by_processor(call):
    """Seconds of the processor that a call takes."""
    began = time.process_time()
    call()
    return time.process_time() - began


def measure(X, n_models, runs):
    """Medians and minima of the three, and ratios to scipy's product."""
    model = fitted(n_models)
    W = model.coef_.T
    taken = {"X @ W": [], "products": [], "predict": []}
    calls = {"X @ W": lambda: X @ W, "products": lambda: products(Rows(X), W),
             "predict": lambda: model.predict(X)}
    in_turn({name: (lambda name=name: taken[name].append(by_processor(calls[name])))
             for name in calls}, runs)
    taken = {name: seconds[1:] for name, seconds in taken.items()}
    median = {name: float(np.median(seconds)) for name, seconds in taken.items()}
    return {"models": n_models, "median_s": median,
            "min_s": {name: min(seconds) for name, seconds in taken.items()},
            "ratio_of_medians": {name: s / median["X @ W"] for name, s in median.items()}}


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=800_000)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--json", default=RESULTS / "predict.json")
    options = parser.parse_args(arguments)
    X = zipf(FEATURES, options.rows, PER_ROW)[0].astype(np.float32)
    report = {**machine(), "rows": options.rows, "features": FEATURES, "nonzeros": int(X.nnz),
              "dtype": "float32", "results": [measure(X, k, options.runs) for k in MODELS]}
    write(options.json, report)
    show(f"{options.rows:,} rows, {X.nnz:,} non-zeros",
         ("models", "X @ W, ms", "products", "predict", "products / scipy", "predict / scipy"),
         [(str(r["models"]), *(f"{1e3 * s:.0f}" for s in r["median_s"].values()),
           *(f"{r['ratio_of_medians'][name]:.2f}" for name in ("products", "predict")))
          for r in report["results"]])
    return report


if __name__ == "__main__":
    main()
