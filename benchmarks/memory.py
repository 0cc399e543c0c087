"""Peak memory of `fit` beyond X and y, against its bound.

    python benchmarks/memory.py [--rows 200000] [--json FILE]

Two shapes: many rows (RCV1-shaped), where the 48 bytes a row count, and many features (2,000 x
2 million), where the weights do. The bound is (2 x threads + 2) x weights + 48 bytes a row. Every
case runs in fresh processes: one with tracemalloc, to which numpy reports each array, and one that
reads the peak of the resident set, which also holds thread stacks and the allocator's slack. A
small fit comes first, so that modules are loaded.
"""

import argparse
import json
import tracemalloc

import numpy as np
from scipy.sparse import csr_matrix

from harness import RESULTS, forget_peak, in_child, machine, peak, show, sources, write

WIDE = (2000, 2_000_000)

CASES = {
    "serial, l2": {"sync": "serial", "n_jobs": 1},
    "hogwild, 2 threads, l2": {"sync": "hogwild", "n_jobs": 2},
    "hogwild, 8 threads, l2": {"sync": "hogwild", "n_jobs": 8},
    "merge in order, 2 threads, l2": {"sync": "merge", "n_jobs": 2, "merge_every": 256},
    "merge freely, 2 threads, l2": {"sync": "merge", "n_jobs": 2, "merge_every": 256,
                                    "random_state": None},
    "merge freely, 8 threads, l1": {"sync": "merge", "n_jobs": 8, "merge_every": 256,
                                    "random_state": None, "penalty": "l1"},
    "round-robin, 8 threads, l2": {"sync": "round_robin", "n_jobs": 8},
    "serial, l1": {"sync": "serial", "n_jobs": 1, "penalty": "l1"},
    "hogwild, 2 threads, l1": {"sync": "hogwild", "n_jobs": 2, "penalty": "l1"},
    "hogwild, 8 threads, l1": {"sync": "hogwild", "n_jobs": 8, "penalty": "l1"},
    "serial, l2, average": {"sync": "serial", "n_jobs": 1, "average": True},
    "serial, l1, average": {"sync": "serial", "n_jobs": 1, "penalty": "l1", "average": True},
    "serial, l2, row shuffle": {"sync": "serial", "n_jobs": 1, "shuffle": "rows"},
}


def bound(threads, n_weights, itemsize, n_rows):
    """Bytes that `fit` may take beyond X and y."""
    return (2 * threads + 2) * n_weights * itemsize + 48 * n_rows


def problem(shape, rows):
    """X (float32) and y of one of the two shapes."""
    if shape == "many rows":
        data = sources.rcv1(size="full", rows=rows)
        return data.X_train, data.y_train
    rng, (n, d) = np.random.default_rng(0), WIDE
    columns = np.sort(rng.integers(d, size=(n, 50), dtype=np.int32), axis=1)
    X = csr_matrix((np.full(n * 50, 0.1, np.float32), columns.ravel(), 50 * np.arange(n + 1)),
                   shape=WIDE)
    return X, np.where(rng.random(n) < 0.5, 1, -1).astype(np.float32)


def child(options, shape, rows, how):
    """Runs in a process of its own; prints the bytes of one fit as JSON."""
    from fastsgd import FastSGDClassifier

    X, y = problem(shape, rows)
    model = FastSGDClassifier(**{"random_state": 0, **options}, max_iter=3, tol=None)
    model.fit(X[:1000, :5000], y[:1000])
    del model.coef_
    if how == "tracemalloc":
        tracemalloc.start(12)
        before = tracemalloc.get_traced_memory()[0]
        model.fit(X, y)
        used = tracemalloc.get_traced_memory()[1] - before
    else:
        before = forget_peak()
        model.fit(X, y)
        used = peak() - before
    print(json.dumps({"bytes": used}))


def measured(**arguments):
    """Bytes of one fit in a fresh process; arguments as of `child`."""
    return in_child(__file__, **arguments)["bytes"]


def compare(shape, rows):
    """All cases on one shape; prints their table."""
    X, _ = problem(shape, rows)
    (n, d), itemsize = X.shape, X.dtype.itemsize
    entry = {"rows": n, "features": d, "dtype": str(X.dtype), "weights_bytes": d * itemsize,
             "cases": {}}
    for name, options in CASES.items():
        limit = bound(options["n_jobs"], d, itemsize, n)
        arrays = measured(options=options, shape=shape, rows=rows, how="tracemalloc")
        entry["cases"][name] = {
            "arrays_bytes": arrays,
            "resident_bytes": measured(options=options, shape=shape, rows=rows, how="resident"),
            "bound_bytes": limit,
            "share_of_bound": arrays / limit,
        }
    show(f"\nPeak of fit beyond X and y, {n:,} rows x {d:,}, MB", (
        "", "arrays", "resident", "bound", "arrays / bound"), [
        (name, *(f"{case[key] / 1e6:.2f}" for key in (
            "arrays_bytes", "resident_bytes", "bound_bytes")), f"{case['share_of_bound']:.2f}")
        for name, case in entry["cases"].items()])
    return entry


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--json", metavar="FILE", default=RESULTS / "memory.json")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    arguments = parser.parse_args(argv)
    if arguments.child:
        child(**json.loads(arguments.child))
        return None
    report = {**machine(), "bound": "(2 x threads + 2) x weights + 48 bytes a row", "shapes": {}}
    for shape in ("many rows", "many features"):
        report["shapes"][shape] = compare(shape, arguments.rows)
    report["over_bound"] = [
        f"{shape}: {name}" for shape, entry in report["shapes"].items()
        for name, case in entry["cases"].items() if case["arrays_bytes"] > case["bound_bytes"]]
    write(arguments.json, report)
    print("\nOver the bound:", "; ".join(report["over_bound"]) or "none")
    return report


if __name__ == "__main__":
    main()
