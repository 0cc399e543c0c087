"""Peak memory of `fit` beyond X and y, against its bound.

    python benchmarks/memory.py [--rows 200000] [--json FILE]

The bound is (2 x threads + 2) x weights + 48 bytes a row. Every case runs in fresh processes: one
with tracemalloc, to which numpy reports each array, and one that reads the peak of the resident
set, which also holds thread stacks and the allocator's slack. A small fit comes first, so that
modules are loaded.
"""

import argparse
import json
import resource
import subprocess
import sys
import tracemalloc
from pathlib import Path

from harness import RESULTS, describe, machine, show, sources, write

CASES = {
    "serial, l2": {"sync": "serial", "n_jobs": 1},
    "hogwild, 2 threads, l2": {"sync": "hogwild", "n_jobs": 2},
    "hogwild, 8 threads, l2": {"sync": "hogwild", "n_jobs": 8},
    "round-robin, 8 threads, l2": {"sync": "round_robin", "n_jobs": 8},
    "serial, l1": {"sync": "serial", "n_jobs": 1, "penalty": "l1"},
    "hogwild, 2 threads, l1": {"sync": "hogwild", "n_jobs": 2, "penalty": "l1"},
    "hogwild, 8 threads, l1": {"sync": "hogwild", "n_jobs": 8, "penalty": "l1"},
    "serial, l2, average": {"sync": "serial", "n_jobs": 1, "average": True},
    "serial, l2, row shuffle": {"sync": "serial", "n_jobs": 1, "shuffle": "rows"},
}


def bound(threads, n_weights, itemsize, n_rows):
    """Bytes that `fit` may take beyond X and y."""
    return (2 * threads + 2) * n_weights * itemsize + 48 * n_rows


def child(options, rows, how):
    """Runs in a process of its own; prints the bytes of one fit as JSON."""
    from fastsgd import FastSGDClassifier

    data = sources.rcv1(size="full", rows=rows)
    X, y = data.X_train, data.y_train
    model = FastSGDClassifier(**options, max_iter=3, tol=None, random_state=0)
    model.fit(X[:5000], y[:5000])
    if how == "tracemalloc":
        tracemalloc.start(12)
        before = tracemalloc.get_traced_memory()[0]
        model.fit(X, y)
        used = tracemalloc.get_traced_memory()[1] - before
    else:
        before = _forget_peak()
        model.fit(X, y)
        used = _peak() - before
    print(json.dumps({"bytes": used}))


def _forget_peak():
    """Resident bytes now; the kernel's record of the peak starts anew where it allows that."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return _peak()
    return _status("VmRSS")


def _peak():
    try:
        return _status("VmHWM")
    except OSError:
        unit = 1 if sys.platform == "darwin" else 1024
        return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _status(field):
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(field))


def measured(options, rows, how):
    arguments = json.dumps({"options": options, "rows": rows, "how": how})
    run = subprocess.run([sys.executable, __file__, "--child", arguments],
                         check=True, capture_output=True, text=True)
    return json.loads(run.stdout.splitlines()[-1])["bytes"]


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--json", metavar="FILE", default=RESULTS / "memory.json")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    arguments = parser.parse_args(argv)
    if arguments.child:
        child(**json.loads(arguments.child))
        return None
    data = sources.rcv1(size="full", rows=arguments.rows)
    n, d = data.X_train.shape
    itemsize = data.X_train.dtype.itemsize
    report = {**machine(), "data": describe(data), "weights_bytes": d * itemsize,
              "bound": "(2 x threads + 2) x weights + 48 bytes a row", "cases": {}}
    for name, options in CASES.items():
        limit = bound(options["n_jobs"], d, itemsize, n)
        arrays = measured(options, arguments.rows, "tracemalloc")
        report["cases"][name] = {
            "arrays_bytes": arrays,
            "resident_bytes": measured(options, arguments.rows, "resident"),
            "bound_bytes": limit,
            "share_of_bound": arrays / limit,
        }
    write(arguments.json, report)
    show(f"Peak of fit beyond X and y, {n:,} rows x {d:,}, MB", (
        "", "arrays", "resident", "bound", "arrays / bound"), [
        (name, *(f"{case[key] / 1e6:.2f}" for key in (
            "arrays_bytes", "resident_bytes", "bound_bytes")), f"{case['share_of_bound']:.2f}")
        for name, case in report["cases"].items()])
    return report


if __name__ == "__main__":
    main()
