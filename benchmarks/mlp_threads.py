"""From which work on threads pay in MLPs: fits with two threads against one, by size of network.

    python benchmarks/mlp_threads.py [--runs 3] [--json FILE]

Fits of 4 epochs on random rows; work is the multiplications of a minibatch's forward pass, by
which `sync="auto"` chooses (engine/mlp/choice.py).
"""

import argparse
import warnings

import numpy as np
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from fastsgd import FastMLPClassifier
from harness import RESULTS, in_turn, machine, show, write

DENSE = [(d, (100,), 200) for d in (20, 50, 100, 200, 400, 784)]
CSR = [(5_000, 20, 64, 200), (5_000, 75, 32, 256), (47_000, 75, 64, 256), (47_000, 75, 128, 64),
       (47_000, 75, 128, 100), (47_000, 75, 128, 256)]
WAYS = {"serial": 1, "map_reduce": 2, "hogwild": 2}


def problems(rows):
    """(what it is, X, hidden units, rows of a minibatch, work) of every size."""
    for dtype in (np.float32, np.float64):
        for d, hidden, batch in DENSE:
            X = np.random.default_rng(0).standard_normal((rows, d)).astype(dtype)
            yield (f"dense {np.dtype(dtype).name}, {d} features", X, hidden, batch,
                   batch * (d * hidden[0] + hidden[0]))
    for d, nnz, units, batch in CSR:
        X = sparse.random(3 * rows, d, density=nnz / d, format="csr", dtype=np.float32,
                          random_state=0)
        yield (f"CSR, {d} features, {nnz} a row, {units} units, minibatches of {batch}", X,
               (units,), batch, batch * (nnz * units + units))


def fit(X, y, hidden, batch, sync):
    model = FastMLPClassifier(hidden, batch_size=batch, max_iter=4, random_state=0, sync=sync,
                              n_jobs=WAYS[sync], n_iter_no_change=np.inf)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(X, y)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=6000, help="three times as many on CSR")
    parser.add_argument("--runs", type=int, default=3, help="rounds that count (default: 3)")
    parser.add_argument("--json", metavar="FILE", default=RESULTS / "mlp_threads.json")
    options = parser.parse_args(argv)
    report = {**machine(), "rows": options.rows, "fits": []}
    for name, X, hidden, batch, work in problems(options.rows):
        y = (np.asarray(X[:, :5].sum(axis=1)).ravel() > 0).astype(int)
        y[:2] = 0, 1
        times, _ = in_turn({sync: lambda sync=sync: fit(X, y, hidden, batch, sync)  # noqa: B023
                            for sync in WAYS}, options.runs)
        seconds = {sync: times[sync]["median_s"] for sync in WAYS}
        report["fits"].append({"what": name, "work": work, "seconds": seconds})
    show("two threads, times as fast as one", ("", "work, millions", "serial, s", "map_reduce",
                                               "hogwild"), [
        (r["what"], f"{r['work'] / 1e6:.2f}", f"{r['seconds']['serial']:.3f}",
         *(f"{r['seconds']['serial'] / r['seconds'][sync]:.2f}" for sync in list(WAYS)[1:]))
        for r in report["fits"]])
    write(options.json, report)
    return report


if __name__ == "__main__":
    main()
