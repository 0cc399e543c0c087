"""Whether solver='auto' keeps its word: 200 problems, by auto, our other solvers and peers.

    python benchmarks/auto.py [--cells 0:50] [--quick] [--summary] [--file FILE]

A cell is one data set, loss, alpha, number of threads and dtype (auto_cells.py). f is computed
here in float64 from the weights; f* is the least f of all. Finished cells are lines of the file,
and are skipped when the run is started again. Once auto is certified, another of our solvers may
take 1.5 times as long and a peer 10 times, as slower ones decide nothing.
"""

import argparse
import json
import statistics
import time

import numpy as np

from auto_cells import cells
from auto_data import DATA, problem
from auto_methods import Ours, Peer, attempt, own, peers
from auto_summary import certified, print_summary
from harness import RESULTS, machine, mean_loss

TOL = 1e-3
QUICK_CELLS, QUICK_LIMIT = 12, 2.0
AT_LEAST = 1.0
"""Seconds that every solver may take."""


def value(loss, X, y, w, b, alpha):
    """f(w, b) in float64 of X in float64; y is -1 and +1, or values for squared error."""
    w = np.asarray(w, np.float64)
    scores = X @ w + float(b)
    mean = np.mean((scores - y) ** 2) / 2 if loss == "squared_error" else mean_loss(
        loss, y * scores)
    return float(mean) + 0.5 * alpha * float(w @ w)


def run(cell, limit, max_iter):
    """The record of a cell."""
    X, y = problem(cell.data, cell.loss, cell.dtype)
    X64, y64 = X.astype(np.float64, copy=False), y.astype(np.float64)
    record = {"key": cell.key, **cell._asdict(), "shape": X.shape,
              "f_zero": value(cell.loss, X64, y64, np.zeros(X.shape[1]), 0.0, cell.alpha)}
    methods = record["methods"] = {}

    def add(name, fit, seconds, **said):
        found = attempt(fit, X, y, cell.alpha, cell.threads, seconds)
        if "w" in found:
            found["f"] = value(cell.loss, X64, y64, found.pop("w"), found["b"], cell.alpha)
        methods[name] = found | said

    def ours(solver, seconds):
        fit = Ours(solver, cell.loss, TOL, cell.threads, seconds, max_iter)
        add(solver, fit, seconds, own=True, same_objective=True)

    ours("auto", limit)
    took = methods["auto"]["seconds"] if certified(record, TOL) else float("inf")
    for solver in own(cell.loss, X.shape):
        ours(solver, min(limit, max(AT_LEAST, 1.5 * took)))
    for name, (program, same) in peers(cell.loss, X.shape, isinstance(X, np.ndarray)).items():
        add(name, Peer(program, cell.loss), min(limit, max(AT_LEAST, 10 * took)), own=False,
            same_objective=same)
    values = [m["f"] for m in methods.values() if "f" in m]
    bounds = [m["f"] - m["gap"] for m in methods.values() if m.get("gap") is not None]
    return record | {"f_star": min(values, default=record["f_zero"]),
                     "lower_bound": max([0.0, *bounds])}


def finished(path):
    """The head of a file (None if it does not exist) and its records."""
    if not path.exists():
        return None, []
    lines = path.read_text().splitlines()
    try:
        head, *records = map(json.loads, lines)
    except ValueError:  # the last line was cut off as the run was ended
        head, *records = map(json.loads, lines[:-1])
        path.write_text("".join(line + "\n" for line in lines[:-1]))
    return head, records


def _chosen(design, options):
    if options.quick:
        step = len(design) / QUICK_CELLS
        return [design[int(k * step)] for k in range(QUICK_CELLS)]
    start, _, stop = options.cells.partition(":")
    return design[int(start or 0):int(stop) if stop else None]


def _line(record):
    auto, certificate = record["methods"]["auto"], certified(record, TOL)
    if "f" not in auto:
        return f"auto ended without a model: {auto}"
    return (f"{auto['solver']}, {auto['seconds']:.4f} s, f/f* - 1 = "
            f"{auto['f'] / record['f_star'] - 1:.1e}, {'' if certificate else 'NOT '}certified")


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", default=":", metavar="A:B", help="only these, as of a list")
    parser.add_argument("--data", nargs="+", choices=DATA, help="only cells of these data sets")
    parser.add_argument("--quick", action="store_true",
                        help=f"{QUICK_CELLS} cells, {QUICK_LIMIT:g} s a fit")
    parser.add_argument("--summary", action="store_true", help="only print that of the file")
    parser.add_argument("--limit", type=float, default=20.0, help="seconds of a fit at most")
    parser.add_argument("--max-iter", type=int, default=1000, help="of our solvers")
    parser.add_argument("--file", metavar="FILE", default=RESULTS / "auto.jsonl",
                        type=type(RESULTS))
    options = parser.parse_args(argv)
    head, records = finished(options.file)
    if not options.summary:
        limit = min(options.limit, QUICK_LIMIT) if options.quick else options.limit
        now = {**machine(), "tol": TOL, "limit_s": limit, "max_iter": options.max_iter}
        if head is None:
            options.file.parent.mkdir(parents=True, exist_ok=True)
            options.file.write_text(json.dumps(now) + "\n")
        elif head["commit"] != now["commit"]:
            print(f"the file was begun at commit {head['commit']}, this is {now['commit']}: "
                  "delete it to measure all cells anew")
        records += _run_all(_chosen(cells(list(DATA)), options), records, limit, options)
    print_summary(records, TOL)
    return records


def _run_all(design, records, limit, options):
    done, found, took = {record["key"] for record in records}, [], []
    todo = [cell for cell in design if cell.key not in done
            and (options.data is None or cell.data in options.data)]
    print(f"{len(todo)} cells to do", flush=True)
    for k, cell in enumerate(todo):
        start = time.perf_counter()
        try:
            record = run(cell, limit, options.max_iter)
        except FileNotFoundError as error:
            print(f"{cell.key} is skipped: {error}", flush=True)
            continue
        found.append(record)
        with options.file.open("a") as file:
            file.write(json.dumps(record) + "\n")
        took.append(time.perf_counter() - start)
        left = statistics.mean(took) * (len(todo) - k - 1) / 60
        print(f"{k + 1}/{len(todo)} {cell.key}: {_line(record)}; {took[-1]:.1f} s, "
              f"about {left:.0f} min left", flush=True)
    return found


if __name__ == "__main__":
    main()
