"""MLPs on sparse rows against scikit-learn and PyTorch: seconds an epoch, test error, memory.

    python benchmarks/mlp_sparse.py [--rows 20000] [--hidden 128] [--runs 3] [--json FILE]

RCV1-shaped rows, float32; one hidden layer of relu, minibatches of 256, adam, 3 epochs. All
programs run in turn, each run with a seed of its own; an epoch is a third of a whole `fit`, first
weights included. PyTorch (`pip install torch==2.13.0`) is left out where it is not installed.
Memory is the peak of a fresh process beyond the data, the weights and the optimizer's state.
"""

import argparse
import json
import sys
import warnings
from importlib.util import find_spec

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

from fastsgd import FastMLPClassifier
from harness import RESULTS, describe, forget_peak, in_child, in_turn, machine, peak, show, write
from libraries.torch_mlp import TorchMLP
from shapes import problem

EPOCHS, BATCH = 3, 256


def programs(hidden, threads):
    """{name: (make(seed), threads of BLAS)}."""
    given = {"hidden_layer_sizes": hidden, "batch_size": BATCH, "max_iter": EPOCHS,
             "n_iter_no_change": np.inf}
    ours = [("serial", 1), *((sync, threads) for sync in ("map_reduce", "hogwild", "merge"))]
    made = {f"scikit-learn, {n} threads": (
        lambda seed: MLPClassifier(random_state=seed, **given), n) for n in (1, threads)}
    if find_spec("torch") and len(hidden) == 1:
        for sparse, name in ((False, "Adam"), (True, "SparseAdam")):
            made[f"PyTorch, {name}, {threads} threads"] = (lambda seed, sparse=sparse: TorchMLP(
                *hidden, sparse=sparse, batch_size=BATCH, max_iter=EPOCHS, threads=threads,
                seed=seed), threads)
    for sync, n in ours:
        made[f"fastsgd, {sync}, {n} threads"] = (lambda seed, sync=sync, n=n: FastMLPClassifier(
            sync=sync, n_jobs=n, random_state=seed, **given), n)
    made["fastsgd, as it comes"] = lambda seed: FastMLPClassifier(**given), threads
    return made


class Fits:
    """Fits with seeds 0, 1, 2 … and the test error of each."""

    def __init__(self, make, blas, data):
        self._make, self._blas, self._data, self.errors = make, blas, data, []

    def __call__(self):
        model = self._make(len(self.errors))
        with threadpool_limits(self._blas, user_api="blas"), warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(self._data.X_train, self._data.y_train)
        self.errors.append(None)
        return model

    def measure(self, model):
        self.errors[-1] = float(np.mean(model.predict(self._data.X_test) != self._data.y_test))


def compare(data, hidden, threads, runs):
    """{name: seconds an epoch, times as fast as scikit-learn and PyTorch, test error}."""
    fits = {name: Fits(make, blas, data)
            for name, (make, blas) in programs(hidden, threads).items()}
    seconds = {name: [] for name in fits}
    for _ in range(runs + 1):  # the first is dropped
        times, models = in_turn(fits, 0)
        for name, model in models.items():
            fits[name].measure(model)
            seconds[name].append(times[name]["median_s"] / EPOCHS)
    epoch = {name: float(np.median(took[1:])) for name, took in seconds.items()}
    peers = {peer: min((s for name, s in epoch.items() if name.startswith(peer)), default=None)
             for peer in ("scikit-learn", "PyTorch, SparseAdam")}
    return {name: {"epoch_s": s, "runs_s": [round(t, 5) for t in seconds[name][1:]],
                   "times_as_fast": {peer: t / s for peer, t in peers.items() if t},
                   "test_error": float(np.mean(fits[name].errors))}
            for name, s in epoch.items()}


def memory(name, rows, hidden, threads):
    """Bytes of a fit at most, beyond what was there before it and weights and state."""
    data = problem(f"rcv1_shaped:{rows}")
    make, blas = programs(hidden, threads)[name]
    small = slice(0, 2 * BATCH)  # what the first fit of a process loads is not the fit's
    Fits(make, blas, data._replace(X_train=data.X_train[small], y_train=data.y_train[small]))()
    before = forget_peak()
    model = Fits(make, blas, data)()
    weights = sum(a.nbytes for a in (*model.coefs_, *model.intercepts_))
    return {"beyond": peak() - before - 3 * weights, "weights_and_state": 3 * weights}


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--hidden", default="128", help="units of each hidden layer: 64,128")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--runs", type=int, default=3, help="rounds that count (default: 3)")
    parser.add_argument("--json", metavar="FILE", default=RESULTS / "mlp_sparse.json")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.child:
        print(json.dumps(memory(**json.loads(options.child))))
        return None
    hidden = tuple(map(int, options.hidden.split(",")))
    data = problem(f"rcv1_shaped:{options.rows}")
    report = {**machine(), "data": describe(data), "hidden": hidden, "batch_size": BATCH,
              "epochs": EPOCHS, "runs": options.runs,
              "fits": compare(data, hidden, options.threads, options.runs)}
    if find_spec("torch"):
        import torch

        report["versions"]["torch"] = torch.__version__
    for name, found in report["fits"].items():
        if name.startswith("fastsgd"):
            found["memory"] = in_child(__file__, name=name, rows=options.rows, hidden=hidden,
                                       threads=options.threads)
    show(f"{data.name}, {options.rows:,} rows, {options.hidden} units, {EPOCHS} epochs", (
        "", "s/epoch", "x scikit-learn", "x SparseAdam", "test error", "MB beyond"), [
        (name, f"{r['epoch_s']:.4f}", *(f"{r['times_as_fast'].get(peer, np.nan):.1f}" for peer in (
            "scikit-learn", "PyTorch, SparseAdam")), f"{100 * r['test_error']:.2f} %",
         f"{r['memory']['beyond'] / 1e6:.0f}" if "memory" in r else "")
        for name, r in report["fits"].items()])
    write(options.json, report)
    return report


if __name__ == "__main__":
    sys.exit(0 if main() else None)
