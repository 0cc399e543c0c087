"""Who finishes the job: whole `fit` calls to 1 %, 0.1 %, 0.001 % and 0.0001 % above the optimum.

    python benchmarks/solvers.py [--data NAME …] [--loss …] [--intercept] [--json FILE]

Every program climbs a ladder of passes (contenders.py); the first rung whose objective, computed
here in float64, is near enough is its setting for that target, and all these settings are then
timed in turn. Without `--intercept` nobody has a bias, so that all minimise the same f: LIBLINEAR
and Snap ML penalise theirs. Loading is apart.
"""

import argparse
import json
import time

from contenders import contenders
from harness import RESULTS, describe, in_turn, machine, objective, show, write
from references import KEPT, certified_by_dual
from shapes import ALPHA, problem

TARGETS = (1e-2, 1e-3, 1e-5, 1e-6)
DATA = ("rcv1_shaped", "blogs", "rcv1", "a9a", "w8a", "frappe")
MANY = 5_000_000  # values from which on a ladder has every second rung
LOSSES = ("hinge", "squared_hinge", "log_loss", "squared_error")


def reference(name, loss, X, y, intercept):
    """{"f_star", "known_to", …}: found once and kept in results/optima.json."""
    key = f"{name}, {loss}, alpha {ALPHA:g}, {'free' if intercept else 'no'} bias, by duality"
    kept = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    if key not in kept:
        kept[key] = certified_by_dual(X, y, ALPHA, loss, intercept)
        KEPT.write_text(json.dumps(kept, indent=1) + "\n")
    return kept[key]


def climb(road, attempt, f_star, limit):
    """[(setting, f, seconds)] of a road, up to the last target, the limit or where it ends.

    Parameters
    ----------
    road : list of setting
    attempt : callable
        ``attempt(setting)`` gives (f, seconds).
    f_star : float
    limit : float
        Seconds of a fit after which a road is left.
    """
    tried = []
    for setting in road:
        tried.append((setting, *attempt(setting)))
        if tried[-1][1] <= f_star * (1 + TARGETS[-1]) or tried[-1][2] > limit:
            break
    return tried


def first(tried, target, f_star):
    """The cheapest (setting, f, seconds) that is within `target`, or None."""
    there = [t for t in tried if t[1] <= f_star * (1 + target)]
    return min(there, key=lambda t: t[2]) if there else None


def run(name, loss, options):
    """One data set and loss: its part of the report."""
    data = problem(name)
    X, y = data.X_train, data.y_train
    optimum = reference(name, loss, X, y, options.intercept)
    f_star, prepared = optimum["f_star"], {}

    def fit(entrant, setting):
        library = entrant.program(setting)
        if type(library) not in prepared:
            prepared[type(library)] = library.prepare(X, y)
        return library, library.fit(*prepared[type(library)], ALPHA, loss,
                                    setting.get("epochs", 0))

    def attempt(entrant, setting):
        start = time.perf_counter()
        _, (w, b) = fit(entrant, setting)
        seconds = time.perf_counter() - start
        return objective(loss, X, y, w, b, ALPHA), seconds

    runners, versions, left_out = contenders(
        loss, options.n_jobs, options.intercept, X.size > MANY and not options.fine)
    runners = [r for r in runners if options.programs is None or r.name in options.programs]
    rows, finals = {}, {}
    for entrant in runners:
        tried = []
        for road in entrant.roads:
            tried += climb(road, lambda s, e=entrant: attempt(e, s), f_star, options.limit)
        row = rows[entrant.name] = {
            "label": entrant.program(entrant.roads[0][0]).label, "targets": {},
            "tried": [f"{_words(s)}: {f / f_star - 1:.2g}, {t:.4f} s" for s, f, t in tried]}
        for target in TARGETS:
            found = first(tried, target, f_star)
            if found:
                row["targets"][f"{target:g}"] = {"setting": found[0],
                                                 "above": found[1] / f_star - 1}
                finals[entrant.name, json.dumps(found[0])] = entrant, found[0]
        nearest = min(f for _, f, _ in tried) / f_star - 1
        print(f"  {entrant.name}: {len(tried)} settings, to {nearest:.1e}", flush=True)
    times, libraries = in_turn({key: lambda e=e, s=s: fit(e, s)[0]
                                for key, (e, s) in finals.items()}, options.runs, options.slow)
    for key, row in rows.items():
        for told in row["targets"].values():
            at = key, json.dumps(told["setting"])
            told |= times[at] | {"parameters": libraries[at].parameters()}
    return {"data": describe(data), "loss": loss, "optimum": optimum, "packages": versions,
            "left_out": left_out, "programs": rows}


def _words(setting):
    return ", ".join(f"{key} {value}" for key, value in setting.items())


def _print(part):
    best = {key: min((row["targets"][key]["median_s"] for row in part["programs"].values()
                      if key in row["targets"]), default=None)
            for key in map("{:g}".format, TARGETS)}

    def cell(row, key):
        if key not in row["targets"]:
            return "-"
        seconds = row["targets"][key]["median_s"]
        return f"{seconds:.4f} ({seconds / best[key]:.1f})"

    data = part["data"]
    show(f"\n{data['name']}, {data['train_rows']:,} rows, {part['loss']}: seconds to f* + 1 %, "
         "0.1 %, 0.001 %, 0.0001 % (times the best)", ("program", *(f"{t:g}" for t in TARGETS)),
         [(row["label"], *(cell(row, f"{t:g}") for t in TARGETS))
          for row in sorted(part["programs"].values(), key=lambda row: row["targets"].get(
              "0.001", {}).get("median_s", float("inf")))])
    print(*part["left_out"], sep="\n")


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", nargs="+", default=DATA, help="names of shapes.py")
    parser.add_argument("--loss", nargs="+", default=LOSSES)
    parser.add_argument("--intercept", action="store_true", help="with a bias, each in its way")
    parser.add_argument("--programs", nargs="+", help="keys of contenders.py (default: all)")
    parser.add_argument("--fine", action="store_true", help="every rung on large data too")
    parser.add_argument("--n-jobs", type=int, default=2)
    parser.add_argument("--runs", type=int, default=5, help="rounds that count (default: 5)")
    parser.add_argument("--limit", type=float, default=20, help="seconds of a fit at most")
    parser.add_argument("--slow", type=float, default=5, help="seconds; slower ones run once")
    parser.add_argument("--json", metavar="FILE", default=RESULTS / "solvers.json")
    options = parser.parse_args(argv)
    report = {**machine(), "alpha": ALPHA, "targets": TARGETS, "n_jobs": options.n_jobs,
              "intercept": options.intercept, "runs": options.runs, "races": []}
    for name in options.data:
        for loss in options.loss:
            print(f"\n{name}, {loss}", flush=True)
            report["races"].append(part := run(name, loss, options))
            _print(part)
            write(options.json, report)
    return report


if __name__ == "__main__":
    main()
