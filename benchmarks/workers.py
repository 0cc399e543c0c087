"""Training by workers: what it gives beside one process, how long it takes, what it sends.

    python benchmarks/workers.py [--data rcv1] [--workers 2 4] [--runs 5] [--json FILE]

Each solver makes the same epochs in one process with one thread, with two threads, and by worker
processes with a thread each; all take turns, and pools are open before. Also how long a pool of
each size takes to open.
"""

import argparse
import statistics
import time
import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import log_loss

import fastsgd.comm
from fastsgd import FastMLPClassifier, FastSGDClassifier, Workers
from harness import RESULTS, describe, in_turn, machine, objective, show, write
from shapes import ALPHA, problem

LINEAR = {
    "sgd, hinge": ({"loss": "hinge", "max_iter": 20}, "local"),
    "sgd, log loss": ({"loss": "log_loss", "max_iter": 20}, "local"),
    "gd, minibatches of 512": ({"loss": "log_loss", "solver": "gd", "batch_size": 512,
                                "learning_rate": "constant", "eta0": 1.0, "max_iter": 10}, "sync"),
    "lbfgs": ({"loss": "log_loss", "solver": "lbfgs", "max_iter": 30}, "sync"),
    "sdca": ({"loss": "log_loss", "solver": "sdca", "max_iter": 20}, "sync")}
NETWORKS = {"MLP, adam, sums": "sync", "MLP, adam, averages": "local"}
"""How workers go; threads of one process as `threads` says below."""

OPENED = 7
"""Pools that are opened one after another; the first does not count."""


def linear(options, more):
    return FastSGDClassifier(alpha=ALPHA, tol=None, random_state=0, **options, **more)


def network(more):
    return FastMLPClassifier((64,), batch_size=256, max_iter=2, random_state=0,
                             n_iter_no_change=np.inf, **more)


def ways(policy, sizes, threads):
    """Parameters of each way to train, by its name."""
    return {"1 thread": {"n_jobs": 1, "sync": "serial"},
            "2 threads": {"n_jobs": 2, "sync": threads},
            **{f"{n} workers": {"n_jobs": 1, "workers": Workers(n, policy=policy)} for n in sizes}}


def compare(models, data, value_of, runs):
    """Fits in turn: seconds, the value found, and what was sent, by way."""
    def fit(model):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            return model.fit(data.X_train, data.y_train)

    times, fitted = in_turn({way: lambda model=model: fit(model)
                             for way, model in models.items()}, runs)
    rows = {}
    for way, model in fitted.items():
        stats = model.fit_stats_
        rows[way] = {**times[way], "value": value_of(model), "n_iter": model.n_iter_,
                     "sync": stats["sync"], "bytes_sent": stats.get("bytes_sent", 0),
                     "comm_s": stats.get("comm_seconds", 0.0)}
    alone = rows["1 thread"]
    for row in rows.values():
        row["speed"] = alone["median_s"] / row["median_s"]
        row["above_percent"] = 100 * (row["value"] / alone["value"] - 1)
    return rows


def opening(sizes):
    """Seconds until a pool is open and has run its first task."""
    found = {}
    for n in sizes:
        took = []
        for _ in range(OPENED):
            begin = time.perf_counter()
            with fastsgd.comm.open("process", n) as pool:
                pool.run("fastsgd.comm:count_ranks")
                took.append(time.perf_counter() - begin)
        found[n] = {"median_s": statistics.median(took[1:]), "max_s": max(took[1:])}
    return found


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="rcv1", help="a name of shapes.py")
    parser.add_argument("--workers", type=int, nargs="+", default=[2, 4], metavar="N")
    parser.add_argument("--only", nargs="+", choices=[*LINEAR, *NETWORKS], metavar="WHAT",
                        help="some of: " + "; ".join([*LINEAR, *NETWORKS]))
    parser.add_argument("--runs", type=int, default=5, help="rounds that count (default: 5)")
    parser.add_argument("--json", metavar="FILE", default=RESULTS / "workers.json")
    options = parser.parse_args(argv)
    data, chosen = problem(options.data), options.only or [*LINEAR, *NETWORKS]
    report = {**machine(), "data": describe(data), "opening": opening(options.workers),
              "fits": {}}
    for what, (about, policy) in LINEAR.items():
        if what not in chosen:
            continue
        threads = {"sgd": "hogwild", "sdca": "merge"}.get(about.get("solver", "sgd"), "map_reduce")
        models = {way: linear(about, more)
                  for way, more in ways(policy, options.workers, threads).items()}
        report["fits"][what] = compare(models, data, lambda model, about=about: objective(
            about["loss"], data.X_train, data.y_train, model.coef_[0], model.intercept_[0],
            ALPHA), options.runs)
    for what, policy in NETWORKS.items():
        if what in chosen:
            models = {way: network(more)
                      for way, more in ways(policy, options.workers, "map_reduce").items()}
            report["fits"][what] = compare(models, data, lambda model: log_loss(
                data.y_train, model.predict_proba(data.X_train)), options.runs)
    show("by workers", ("", "way", "seconds", "times as fast", "% above one thread", "MB sent",
                        "share waiting"), [
        (what if way == "1 thread" else "", way, f"{row['median_s']:.3f}", f"{row['speed']:.2f}",
         f"{row['above_percent']:.5f}", f"{row['bytes_sent'] / 1e6:.1f}",
         f"{row['comm_s'] / row['median_s']:.2f}")
        for what, rows in report["fits"].items() for way, row in rows.items()])
    for n, took in report["opening"].items():
        print(f"a pool of {n} opens in {took['median_s']:.2f} s, {took['max_s']:.2f} at most")
    write(options.json, report)
    return report


if __name__ == "__main__":
    main()
