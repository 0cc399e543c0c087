"""Predictions with their checks against scipy's product, which checks nothing, in turn.

    python benchmarks/predict.py [--rows 800000] [--runs 7] [--json FILE]

Rows of RCV1's shape (75 non-zeros, 47,236 features, float32, few busy features). "X @ W" is what
scipy needs for the product alone, by one thread as always; "products" the same sums with each row
checked, by one thread; "predict" an estimator's whole call with n_jobs=None, all cores, and with
n_jobs=1. Seconds that pass.
"""

import argparse

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


def measure(X, n_models, runs):
    """Medians and minima of the four, and ratios to scipy's product."""
    model, alone = fitted(n_models), fitted(n_models).set_params(n_jobs=1)
    W = model.coef_.T
    taken, _ = in_turn({
        "X @ W": lambda: X @ W, "products": lambda: products(Rows(X), W),
        "predict": lambda: model.predict(X), "predict, n_jobs=1": lambda: alone.predict(X)}, runs)
    median = {name: times["median_s"] for name, times in taken.items()}
    return {"models": n_models, "median_s": median,
            "min_s": {name: times["min_s"] for name, times in taken.items()},
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
         ("models", "X @ W, ms", "products / scipy", "predict / scipy", "n_jobs=1 / scipy"),
         [(str(r["models"]), f"{1e3 * r['median_s']['X @ W']:.0f}",
           *(f"{ratio:.2f}" for ratio in list(r["ratio_of_medians"].values())[1:]))
          for r in report["results"]])
    return report


if __name__ == "__main__":
    main()
