"""Cost of an epoch against scikit-learn's SGDClassifier, and how good the first two are.

    python benchmarks/epoch.py [--rows N] [--runs 7] [--json FILE] [--skip-optimum]

Whole `fit` calls, one thread and two that merge, in turn with the peer, on RCV1-shaped float32
rows; all shuffle as they do by default. An epoch costs (fit(E2) - fit(E1)) / (E2 - E1), so that
what is done once a fit is left out; fit(E2) / E2, with it, is told as well. The small problems are
whole fits.
"""

import argparse
import statistics

from harness import RESULTS, describe, in_turn, machine, objective, show, sources, write
from libraries.fastsgd_linear import FastSGD
from libraries.sklearn_sgd import SklearnSGD
from references import certified
from shapes import ALPHA, random_rows

FEW, MANY = 1, 6
SEEDS = range(5)
SMALL = {
    "2,000 x 5,000 sparse 1 %": (2000, 5000, 0.01),
    "1,000 x 20 dense": (1000, 20, None),
}


def epoch_cost(X, y, loss, runs):
    """Seconds and ns per non-zero of an epoch, of all programs, and the ratios."""
    fits = {
        (library.name, epochs): lambda library=library, epochs=epochs: library.fit(
            X, y, ALPHA, loss, epochs)
        for epochs in (FEW, MANY)
        for library in (FastSGD("serial"), FastSGD("merge", 2, None), SklearnSGD())
    }
    times, _ = in_turn(fits, runs)
    report = {"epochs": [FEW, MANY]}
    for name in ("fastsgd_serial", "fastsgd_merge", "sklearn_sgd"):
        few, many = times[name, FEW], times[name, MANY]
        pairs = zip(few["runs_s"], many["runs_s"], strict=True)
        epoch = statistics.median((b - a) / (MANY - FEW) for a, b in pairs)
        whole = many["median_s"] / MANY
        report[name] = {
            "epoch_s": epoch, "ns_per_nonzero": 1e9 * epoch / X.nnz,
            "fit_over_epochs_s": whole, "fit_ns_per_nonzero": 1e9 * whole / X.nnz,
            "once_a_fit_s": few["median_s"] - epoch * FEW,
            f"fit_{FEW}": few, f"fit_{MANY}": many,
        }
    one, two, theirs = (report[n] for n in ("fastsgd_serial", "fastsgd_merge", "sklearn_sgd"))
    for key, ours in (("", one), ("two_threads_", two)):
        report[f"{key}epoch_ratio"] = theirs["epoch_s"] / ours["epoch_s"]
        report[f"{key}fit_ratio"] = theirs["fit_over_epochs_s"] / ours["fit_over_epochs_s"]
    report["two_threads_to_one"] = one["epoch_s"] / two["epoch_s"]
    return report


def after_epochs(X, y, optimum, epochs=(1, 2, 5)):
    """Gap to the optimum after a few epochs: median and worst over seeds, for both programs."""
    report = {}
    for make in (lambda seed: FastSGD("serial", 1, seed), SklearnSGD):
        for count in epochs:
            values = [objective("hinge", X, y, *make(seed).fit(X, y, ALPHA, "hinge", count), ALPHA)
                      for seed in (SEEDS if make is not SklearnSGD else SEEDS[:2])]
            report.setdefault(make(0).name, {})[str(count)] = {
                "f_median": statistics.median(values), "f_max": max(values),
                "gap_percent_median": 100 * (statistics.median(values) / optimum - 1),
                "gap_percent_max": 100 * (max(values) / optimum - 1),
                "seeds": len(values),
            }
    return report


def small_problem(n, d, density, runs=30, epochs=20):
    """Whole fits of both programs on a problem where the calls around the epochs count."""
    X, y = random_rows(n, d, density)
    libraries = (FastSGD("serial"), SklearnSGD())
    times, _ = in_turn({library.name: lambda library=library: library.fit(
        X, y, ALPHA, "hinge", epochs) for library in libraries}, runs)
    times["epochs"] = epochs
    times["ratio"] = times["sklearn_sgd"]["median_s"] / times["fastsgd_serial"]["median_s"]
    return times


def _print(report):
    for loss, cost in report["epoch"].items():
        rows = [(name, f"{c['epoch_s']:.4f}", f"{c['ns_per_nonzero']:.2f}",
                 f"{c['fit_over_epochs_s']:.4f}", f"{c['fit_ns_per_nonzero']:.2f}")
                for name, c in cost.items() if isinstance(c, dict)]
        for words, key in (("ratio", ""), ("ratio, two threads", "two_threads_")):
            rows.append((words, f"{cost[key + 'epoch_ratio']:.2f}", "",
                         f"{cost[key + 'fit_ratio']:.2f}", ""))
        rows.append(("two threads to one", f"{cost['two_threads_to_one']:.2f}", "", "", ""))
        show(f"An epoch, {loss}", (
            "", "epoch, s", "ns/non-zero", f"fit / {MANY} epochs, s", "ns/non-zero"), rows)
    show("Small problems, whole fits of 20 epochs, ms", ("", "fastsgd", "scikit-learn", "ratio"), [
        (name, f"{1e3 * s['fastsgd_serial']['median_s']:.2f}",
         f"{1e3 * s['sklearn_sgd']['median_s']:.2f}", f"{s['ratio']:.2f}")
        for name, s in report["small"].items()])
    if "optimum" in report:
        print("optimum", report["optimum"])
        show("Gap to the lower bound of the optimum, %", ("", "epochs", "median", "worst"), [
            (name, epochs, f"{g['gap_percent_median']:.4f}", f"{g['gap_percent_max']:.4f}")
            for name, gaps in report["gap"].items() for epochs, g in gaps.items()])


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, help="fewer rows than 804,414")
    parser.add_argument("--runs", type=int, default=7, help="rounds that count (default: 7)")
    parser.add_argument("--skip-optimum", action="store_true", help="timings only")
    parser.add_argument("--json", metavar="FILE", default=RESULTS / "epoch.json")
    options = parser.parse_args(argv)
    data = sources.rcv1(size="full", rows=options.rows)
    X, y = data.X_train, data.y_train
    report = {**machine(), "data": describe(data), "alpha": ALPHA, "runs": options.runs,
              "epoch": {loss: epoch_cost(X, y, loss, options.runs)
                        for loss in ("hinge", "log_loss")},
              "small": {name: small_problem(*shape) for name, shape in SMALL.items()}}
    if not options.skip_optimum:
        report["optimum"] = certified(X, y, ALPHA)
        report["gap"] = after_epochs(X, y, report["optimum"]["lower_bound"])
    write(options.json, report)
    _print(report)
    return report


if __name__ == "__main__":
    main()
