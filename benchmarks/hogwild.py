"""HOGWILD! against serial: the objective over many runs, round-robin beside it.

    python benchmarks/hogwild.py [--runs 20] [--epochs 20] [--shaped-rows N] [--json FILE]

Run r of every mode has seed r: the visiting orders are equal, only the threads' races differ.
Eight threads on fewer cores are meant: oversubscription is the hard case. Modes take turns.
"""

import argparse
import statistics
import time

from harness import RESULTS, describe, machine, objective, show, sources, write
from libraries.fastsgd_linear import FastSGD

ALPHA = 1e-4
LIMIT_PERCENT = 0.1
MODES = (("serial", 1), ("hogwild", 2), ("hogwild", 8), ("round_robin", 2), ("round_robin", 8))


def compare(data, loss, runs, turn_runs, epochs):
    """Objectives, times and relative differences to serial of every mode."""
    X, y = data.X_train, data.y_train
    values, seconds = {mode: [] for mode in MODES}, {mode: [] for mode in MODES}
    FastSGD("serial").fit(X, y, ALPHA, loss, 1)  # the dropped run
    for seed in range(runs):
        for sync, threads in MODES:
            if sync == "round_robin" and seed >= turn_runs:
                continue
            start = time.perf_counter()
            w, b = FastSGD(sync, threads, seed).fit(X, y, ALPHA, loss, epochs)
            seconds[sync, threads].append(time.perf_counter() - start)
            values[sync, threads].append(objective(loss, X, y, w, b, ALPHA))
    serial = values["serial", 1]
    middle = statistics.median(serial)
    return [
        {
            "mode": f"{sync}, {threads} thread{'s' * (threads > 1)}",
            "runs": len(f),
            "f_min": min(f), "f_median": statistics.median(f), "f_max": max(f),
            # to the serial run of the same seed; to the median serial run
            "same_seed_percent": _spread(f, serial),
            "to_median_percent": _spread(f, [middle] * len(f)),
            "median_s": statistics.median(seconds[sync, threads]),
            "min_s": min(seconds[sync, threads]),
            "f": f,
        }
        for (sync, threads), f in values.items()
    ]


def _spread(values, reference):
    """Smallest, median and largest signed difference in percent; largest without its sign."""
    differences = [100 * (f / g - 1) for f, g in zip(values, reference, strict=False)]
    return {"min": min(differences), "median": statistics.median(differences),
            "max": max(differences), "worst": max(map(abs, differences))}


def _print(name, loss, epochs, rows):
    show(f"\n{name}, {loss}, {epochs} epochs", (
        "mode", "runs", "f min", "f median", "f max", "same seed, worst %", "to median, worst %",
        "median s"), [
        (r["mode"], str(r["runs"]), f"{r['f_min']:.6f}", f"{r['f_median']:.6f}",
         f"{r['f_max']:.6f}", f"{r['same_seed_percent']['worst']:.4f}",
         f"{r['to_median_percent']['worst']:.4f}", f"{r['median_s']:.3f}") for r in rows])


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--round-robin-runs", type=int, default=1,
                        help="it is slow: threads wait for each other at every row")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--shaped-rows", type=int, default=200_000,
                        help="rows of RCV1-shaped data beside the data at hand; 0: none")
    parser.add_argument("--json", metavar="FILE", default=RESULTS / "hogwild.json")
    options = parser.parse_args(argv)
    sets = [sources.rcv1()]
    if options.shaped_rows:
        sets.append(sources.rcv1(size="full", rows=options.shaped_rows))
    report = {**machine(), "alpha": ALPHA, "epochs": options.epochs,
              "limit_percent": LIMIT_PERCENT, "sets": []}
    within = True
    for data in sets:
        entry = {"data": describe(data), "losses": {}}
        report["sets"].append(entry)
        for loss in ("hinge", "log_loss"):
            rows = compare(data, loss, options.runs, options.round_robin_runs, options.epochs)
            entry["losses"][loss] = rows
            _print(data.name, loss, options.epochs, rows)
            within &= all(r["same_seed_percent"]["worst"] <= LIMIT_PERCENT for r in rows)
            report["within_limit"] = within
            write(options.json, report)  # each part as it comes: the whole takes minutes
    print(f"\nEvery run within {LIMIT_PERCENT} % of serial: {'yes' if within else 'NO'}")
    return report


if __name__ == "__main__":
    main()
