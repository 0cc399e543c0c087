"""A pipeline of two stages against one thread and against two that share minibatches.

    python benchmarks/pipeline.py [--rows 20000] [--epochs 2] [--runs 3] [--json FILE]

MNIST, float32, adam, minibatches of 256, whole fits in turn. One network is cut into two stages
of nearly the same cost, the other is not. All programs take the same steps: their losses agree.
Beside the time stands how long each stage waited, and what the schedule alone would have it wait.
Then the stages only sleep, equally long: what is left is the schedule.
"""

import argparse
import sys

import numpy as np

from fastsgd import FastMLPClassifier, LayerPipeline
from fastsgd.engine.mlp.pipeline.schedule import bubble
from harness import RESULTS, ROOT, in_turn, machine, show, write
from mlp import fit, mnist

if str(ROOT / "examples") not in sys.path:
    sys.path.insert(0, str(ROOT / "examples"))

from pipeline_bubble import SIZES, measure

NETWORKS = {"784-512-512-10": (512, 512), "784-256-128-10": (256, 128)}
MICRO_BATCHES = (1, 2, 4, 8, 16)
BATCH_SIZE = 256


def programs(hidden, epochs):
    """{name: model}."""
    given = {"hidden_layer_sizes": hidden, "max_iter": epochs, "random_state": 0,
             "batch_size": BATCH_SIZE, "n_iter_no_change": np.inf}
    return {
        "one thread": FastMLPClassifier(sync="serial", **given),
        "map_reduce, 2 threads": FastMLPClassifier(sync="map_reduce", n_jobs=2, **given),
        **{f"2 stages, {m} micro-batches": FastMLPClassifier(pipeline=LayerPipeline(2, m), **given)
           for m in MICRO_BATCHES}}


def compare(hidden, epochs, runs, X, y):
    """Seconds of whole fits, loss, and what each pipeline tells of itself."""
    models = programs(hidden, epochs)
    times, fitted = in_turn({name: lambda model=model: fit(model, 2, X, y)
                             for name, model in models.items()}, runs)
    one = times["one thread"]["median_s"]
    return {name: {**times[name], "speed_up": one / times[name]["median_s"],
                   "loss": float(model.loss_), "pipeline": model.fit_stats_["pipeline"]}
            for name, model in fitted.items()}


def asleep(seconds, n_minibatches):
    """[{stages, micro_batches, idle_share, idle_expected}] of stages that sleep."""
    return [{"stages": k, "micro_batches": m, "idle_share": measure(k, m, seconds, n_minibatches),
             "idle_expected": bubble(k, m)} for k, m in SIZES]


def _shares(shares):
    return " ".join(f"{share:.3f}" for share in shares)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--runs", type=int, default=3, help="rounds that count (default: 3)")
    parser.add_argument("--seconds", type=float, default=0.01, help="of each sleeping task")
    parser.add_argument("--json", metavar="FILE", default=RESULTS / "pipeline.json")
    options = parser.parse_args(argv)
    X, y, *_ = mnist()
    X, y = X[:options.rows], y[:options.rows]
    report = {**machine(), "rows": len(X), "epochs": options.epochs, "runs": options.runs,
              "batch_size": BATCH_SIZE, "fits": {}}
    for name, hidden in NETWORKS.items():
        found = report["fits"][name] = compare(hidden, options.epochs, options.runs, X, y)
        cut = next(r["pipeline"] for r in found.values() if r["pipeline"])
        show(f"{name}, stages of layers {cut['layers']}, shares of the cost "
             f"{_shares(cut['cost_share'])}", (
                 "", "s", "times as fast", "loss", "idle, by stage", "by the schedule"), [
            (program, f"{r['median_s']:.3f}", f"{r['speed_up']:.2f}", f"{r['loss']:.6f}",
             *((_shares(r["pipeline"]["idle_share"]), f"{r['pipeline']['idle_expected']:.3f}")
               if r["pipeline"] else ("", ""))) for program, r in found.items()])
    report["asleep"] = asleep(options.seconds, 5)
    show("stages that sleep", ("stages, micro-batches", "idle, by stage", "by the schedule"), [
        (f"{r['stages']}, {r['micro_batches']}", _shares(r["idle_share"]),
         f"{r['idle_expected']:.3f}") for r in report["asleep"]])
    write(options.json, report)
    return report


if __name__ == "__main__":
    main()
