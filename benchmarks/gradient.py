"""One full gradient, by one thread and by two, against an epoch of SGD and NumPy's own.

    python benchmarks/gradient.py [--data rcv1_shaped] [--runs 7] [--json FILE]

The value and gradient of the mean loss at trained weights, in turn, medians; the vectors are
compared before a time is told. SciPy has X @ w and X.T @ g for it. Then a product of
the Hessian with a vector, and one trial of a line search, which does not look at X.
"""

import argparse
import os

import numpy as np

from fastsgd import FastSGDClassifier
from fastsgd.engine.linear.examples import Examples
from fastsgd.engine.linear.row_sums import RowSums
from fastsgd.engine.linear.sgd import Settings
from fastsgd.kernels.rows import Rows
from fastsgd.losses import LOSSES
from fastsgd.penalties import make_penalty
from harness import RESULTS, describe, in_turn, machine, show, write
from shapes import ALPHA, problem

LOSS = "log_loss"


def objective(rows, y, loss, n_threads):
    """f of this package, summed by so many threads."""
    settings = Settings(
        loss=LOSSES[loss], loss_constant=0.1, penalty=make_penalty(
            "l2", alpha=ALPHA), schedule={},
        adaptive=False, passive=False, fit_intercept=True, intercept_decay=1.0, average_from=0,
        max_iter=1, tol=None, n_iter_no_change=1, shuffle=False, n_threads=n_threads, solver="gd")
    return RowSums(Examples(rows, y), settings)


def by_scipy(X, y, loss, x):
    """(f, gradient) in plain SciPy and NumPy, float64 where they take it."""
    w = x[:-1].astype(X.dtype)
    z = np.asarray(X @ w, np.float64) + x[-1]
    if loss == "hinge":
        value, slope = np.maximum(0, 1 - y * z), np.where(y * z <= 1, -y, 0.0)
    else:
        value, slope = np.logaddexp(0, -y * z), -y / (1 + np.exp(y * z))
    gradient = np.asarray(X.T @ slope.astype(X.dtype), np.float64) / len(y) + ALPHA * x[:-1]
    return value.mean() + ALPHA / 2 * x[:-1] @ x[:-1], np.r_[gradient, slope.mean()]


def sgd_epochs(X, y, loss, n):
    """n epochs on one thread, as users have them: the whole of `fit`."""
    return FastSGDClassifier(loss, alpha=ALPHA, n_jobs=1, sync="serial", max_iter=n, tol=None,
                             random_state=0).fit(X, y)


def compare(X, y, loss, runs):
    """Seconds of each, and the ratios that matter."""
    rows, signs = Rows(X), np.where(y > 0, 1.0, -1.0)
    rows.check()
    rng = np.random.default_rng(0)
    trained = sgd_epochs(X, y, loss, 6)  # where hinge has as many slopes of 0 as in an epoch
    x = np.r_[trained.coef_[0], trained.intercept_].astype(np.float64)
    v = 0.1 * rng.standard_normal(len(x))
    with objective(rows, signs, loss, 1) as one, objective(rows, signs, loss, 2) as two:
        value, gradient = two.evaluate(x)
        theirs, exact = by_scipy(X, signs, loss, x)
        off = float(np.max(np.abs(gradient - exact)) / np.max(np.abs(exact)))
        if not off < 1e-3 or abs(value / theirs - 1) > 1e-5:
            raise AssertionError(f"the gradients differ by {off}")
        if gradient.tobytes() != one.evaluate(x)[1].tobytes():
            raise AssertionError("one thread and two give different bits")
        for f in (one, two):
            f.point_to(v)
        times, _ = in_turn({
            "gradient_1": lambda: one.evaluate(x), "gradient_2": lambda: two.evaluate(x),
            "sgd_1_epoch": lambda: sgd_epochs(X, y, loss, 1),
            "sgd_6_epochs": lambda: sgd_epochs(X, y, loss, 6),
            "scipy": lambda: by_scipy(X, signs, loss, x),
            "product_1": lambda: one.product(v), "product_2": lambda: two.product(v),
            "trial_1": lambda: one.along(0.1), "trial_2": lambda: two.along(0.1),
        }, runs)
    s = {name: took["median_s"] for name, took in times.items()}
    epoch = (s["sgd_6_epochs"] - s["sgd_1_epoch"]) / 5
    return {"times": times, "epoch_s": epoch, "relative_difference_from_scipy": off,
            "gradient_ns_per_nonzero": 1e9 * s["gradient_1"] / X.nnz,
            "epoch_ns_per_nonzero": 1e9 * epoch / X.nnz,
            "two_threads": s["gradient_1"] / s["gradient_2"],
            "gradient_over_epoch": s["gradient_1"] / epoch,
            "scipy_over_gradient": s["scipy"] / s["gradient_1"],
            "products_two_threads": s["product_1"] / s["product_2"]}


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="rcv1_shaped", help="see shapes.py; 'name:rows' is less")
    parser.add_argument("--runs", type=int, default=7, help="rounds that count (default: 7)")
    parser.add_argument("--json", metavar="FILE", default=RESULTS / "gradient.json")
    options = parser.parse_args(argv)
    if (os.cpu_count() or 1) < 2:
        raise SystemExit("gradient.py compares one thread with two: it needs two cores")
    data = problem(options.data)
    report = {**machine(), "data": describe(data), "runs": options.runs, "losses": {
        loss: compare(data.X_train, data.y_train, loss, options.runs)
        for loss in ("hinge", LOSS)}}
    write(options.json, report)
    for loss, found in report["losses"].items():
        show(f"{data.name}, {loss}", ("", "ms", "ns/non-zero"), [
            (name, f"{1e3 * took['median_s']:.2f}",
             f"{1e9 * took['median_s'] / data.X_train.nnz:.3f}")
            for name, took in found["times"].items()])
        print(f"two threads {found['two_threads']:.2f} times one; a gradient takes "
              f"{found['gradient_over_epoch']:.2f} of an epoch of SGD, SciPy "
              f"{found['scipy_over_gradient']:.2f} of a gradient", flush=True)
    return report


if __name__ == "__main__":
    main()
