"""Whether `sync="auto"` takes the right way: every way by hand, beside what auto takes.

    python benchmarks/sync.py [--data NAME …] [--n-jobs 2] [--runs 7] [--json FILE]

Fits of hinge, 5 epochs, in turn, without a seed and with one: with an int seed auto must give the
same bits again, so hogwild is no choice there. Auto is right if its fit takes at most 1.1 times
that of the best way. A way whose objective ends over 1 % above serial's did not do the same work
and is not counted. An epoch costs (fit(5) - fit(1)) / 4.
"""

import argparse
import statistics
import time

import numpy as np

from fastsgd import FastSGDClassifier
from harness import RESULTS, describe, in_turn, machine, objective, show, write
from libraries.fastsgd_linear import built
from shapes import ALPHA, problem

FEW, MANY = 1, 5
SLACK, SAME_F = 1.10, 1.01
SYNCS = ("serial", "hogwild", "merge", "classes")
DATA = ("rcv1", "rcv1_shaped:100000", "rcv1_shaped", "blogs", "zipf_200k", "zipf_1m", "zipf_5m",
        "zipf_20m", "small_dense", "small_sparse", "rcv1_shaped:1000", "news20")
SEEDS = {"no seed": None, "seed 0": 0}


def candidates(syncs, n_classes, seeded):
    """The ways that auto may choose from."""
    return [sync for sync in syncs
            if (sync != "classes" or n_classes > 2) and not (sync == "hogwild" and seeded)]


def verdict(ways, auto):
    """Best way, auto's time over its, and whether auto is right.

    Parameters
    ----------
    ways : dict of str to dict
        ``fit_s`` and ``f`` of every way taken by hand; "serial" is among them.
    auto : dict
        The same of auto, and ``chose``: the way that it took.

    Returns
    -------
    dict
        Auto is right too if the way that it took, by hand, is within 1.1 of the best: auto's own
        time beyond that is the noise of the clock.
    """
    sound = {sync: way for sync, way in ways.items() if way["f"] <= SAME_F * ways["serial"]["f"]}
    best = min(sound, key=lambda sync: sound[sync]["fit_s"])
    ratio = auto["fit_s"] / sound[best]["fit_s"]
    taken = ways.get(auto["chose"], auto)["fit_s"] / sound[best]["fit_s"]
    return {"best": best, "auto_over_best": ratio,
            "choice_over_best": taken, "right": min(ratio, taken) <= SLACK,
            "not_counted": sorted(set(ways) - set(sound))}


def _fit(X, y, sync, n_jobs, seed, epochs):
    return FastSGDClassifier(alpha=ALPHA, max_iter=epochs, tol=None, sync=sync, n_jobs=n_jobs,
                             random_state=seed).fit(X, y)


def _f(X, y, model):
    """Mean over the classes of one-against-the-rest's objective."""
    positive = model.classes_ if len(model.classes_) > 2 else model.classes_[1:]
    return statistics.mean(
        objective("hinge", X, np.where(y == label, 1.0, -1.0), w, b, ALPHA)
        for label, w, b in zip(positive, model.coef_, model.intercept_, strict=True))


def measure(data, syncs, seed, n_jobs, runs):
    """Every way and auto on one data set with one kind of seed."""
    X, y = data.X_train, data.y_train
    names = [*candidates(syncs, len(np.unique(y)), seed is not None), "auto"]
    start = time.perf_counter()
    _fit(X, y, "serial", 1, seed, MANY)
    took = time.perf_counter() - start
    runs = max(runs, min(100, int(0.3 / took)))  # the shorter, the more
    times, models = in_turn(
        {(sync, epochs): lambda sync=sync, epochs=epochs: _fit(X, y, sync, n_jobs, seed, epochs)
         for sync in names for epochs in (FEW, MANY)}, runs)
    ways = {}
    for sync in names:
        few, many = (times[sync, epochs]["runs_s"] for epochs in (FEW, MANY))
        model = models[sync, MANY]
        ways[sync] = {
            "fit_s": times[sync, MANY]["median_s"],
            "epoch_s": statistics.median((b - a) / (MANY - FEW)
                                         for a, b in zip(few, many, strict=True)),
            "f": _f(X, y, model), "chose": model.fit_stats_["sync"],
            "threads": model.fit_stats_["threads"], "runs_s": many}
    auto = ways.pop("auto")
    return {"runs": runs, "ways": ways, "auto": auto, **verdict(ways, auto)}


def _row(name, kind, entry, syncs):
    def cell(way):
        return f"{1e3 * way['fit_s']:.2f} ({1e3 * way['epoch_s']:.2f})" if way else ""

    return (f"{name}, {kind}", *(cell(entry["ways"].get(sync)) for sync in syncs),
            cell(entry["auto"]), entry["auto"]["chose"], entry["best"],
            f"{entry['auto_over_best']:.2f}", f"{entry['choice_over_best']:.2f}",
            "yes" if entry["right"] else "NO")


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", nargs="+", default=DATA, help="names of shapes.py")
    parser.add_argument("--syncs", nargs="+", default=SYNCS)
    parser.add_argument("--n-jobs", type=int, default=2)
    parser.add_argument("--runs", type=int, default=7, help="rounds that count, at least")
    parser.add_argument("--json", metavar="FILE", default=RESULTS / "sync.json")
    options = parser.parse_args(argv)
    syncs, left_out = built(options.syncs)
    report = {**machine(), "alpha": ALPHA, "epochs": [FEW, MANY], "n_jobs": options.n_jobs,
              "left_out": left_out, "shapes": {}}
    rows = []
    for name in options.data:
        data = problem(name)
        entry = report["shapes"][name] = {"data": describe(data), "seeds": {}}
        for kind, seed in SEEDS.items():
            entry["seeds"][kind] = measure(data, syncs, seed, options.n_jobs, options.runs)
            rows.append(_row(name, kind, entry["seeds"][kind], syncs))
            print(*rows[-1], sep="  ", flush=True)  # the whole takes long
        write(options.json, report)
    show(f"\nfit of {MANY} epochs, ms (an epoch); n_jobs={options.n_jobs}",
         ("", *syncs, "auto", "auto chose", "best", "auto / best", "its choice / best",
          "right"), rows)
    print(*left_out, sep="\n")
    return report


if __name__ == "__main__":
    main()
