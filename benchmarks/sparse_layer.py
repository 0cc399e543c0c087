"""The first layer of a network on sparse rows, by parts: forward, sort, backward, step.

    python benchmarks/sparse_layer.py [--rows 20000] [--units 128] [--batch 256] [--json FILE]

An epoch over RCV1-shaped rows, float32, by one thread and by two. Two threads take minibatches in
turn, each with a layer of its own, and write to the same weights (HOGWILD!); or they work on the
same minibatch: halves of its rows forward, slices of its features backward. The floors count what
memory carries at least, at the speed at which a copy of W runs here: forward W's rows of each
minibatch once; in all also each touched feature's weights and state once in and once out.
"""

import argparse
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from fastsgd.kernels.optimizers import step
from fastsgd.kernels.rows import Rows
from fastsgd.kernels.sparse_layer import SparseLayer
from fastsgd.optimizers import make_optimizer
from harness import RESULTS, in_turn, machine, show, write
from rcv1_shaped import make_rcv1_shaped


class Epoch:
    """Minibatches in a fixed order, and the parts of an epoch over them."""

    def __init__(self, X, n_units, batch, optimizer):
        rng = np.random.default_rng(0)
        self.rows = Rows(X)
        self.rows.check()
        order = rng.permutation(X.shape[0])
        self.batches = [order[k:k + batch] for k in range(0, len(order), batch)]
        self.W = (0.02 * rng.standard_normal((X.shape[1], n_units))).astype(X.dtype)
        self.delta = (1e-3 * rng.standard_normal((batch, n_units))).astype(X.dtype)
        self.optimizer = make_optimizer(optimizer)
        self.state, self.last = self.optimizer.state(self.W), np.zeros(X.shape[1], np.int64)
        self.layers = [SparseLayer(self.rows, n_units) for _ in range(2)]
        self.outs = [np.empty_like(self.delta) for _ in range(2)]
        self.gradient, self.t = np.empty_like(self.W), 0
        self.pool = ThreadPoolExecutor(2)
        self.n_touched = sum(len(self.layers[0].touch(visits)) for visits in self.batches)

    def constants(self, t):
        return self.optimizer.constants(eta=1e-3, t=t, l2=1e-4 / len(self.delta))

    def forward(self):
        for visits in self.batches:
            self.layers[0].forward(visits, self.W, self.outs[0])

    def touch(self):
        for visits in self.batches:
            self.layers[0].touch(visits)

    def touch_and_backward(self):
        for visits in self.batches:
            self.layers[0].touch(visits)
            self.layers[0].backward(self.delta, self.gradient)

    def learn(self, rank, n_threads):
        """Every n_threads-th minibatch: forward, touch, backward and step."""
        layer, number = self.layers[rank], self.optimizer.number
        for k in range(rank, len(self.batches), n_threads):
            visits = self.batches[k]
            layer.forward(visits, self.W, self.outs[rank])
            layer.touch(visits)
            layer.descend(self.delta, number, self.W, self.state, self.constants(self.t + k + 1),
                          self.last, squares=True)

    def one_thread(self):
        self.learn(0, 1)
        self.t += len(self.batches)

    def still_state(self):
        """One thread; the state of untouched rows stands still, and no squares are summed."""
        for visits in self.batches:
            self.t += 1
            self.layers[0].forward(visits, self.W, self.outs[0])
            touched = self.layers[0].touch(visits)
            self.layers[0].backward(self.delta, self.gradient)
            step(self.optimizer.number, self.W, self.gradient, self.state,
                 self.constants(self.t), touched)

    def two_threads(self):
        list(self.pool.map(self.learn, (0, 1), (2, 2)))
        self.t += len(self.batches)

    def two_threads_one_batch(self):
        layer, number = self.layers[0], self.optimizer.number

        def ahead(rank, visits):
            half = len(visits) // 2
            part = slice(0, half) if rank else slice(half, len(visits))
            layer.forward(visits[part], self.W, self.outs[0][part])
            if rank:
                layer.touch(visits)

        def back(rank, cuts):
            layer.descend(self.delta, number, self.W, self.state, self.constants(self.t),
                          self.last, cuts[rank], cuts[rank + 1], squares=True)

        for visits in self.batches:
            self.t += 1
            list(self.pool.map(ahead, (0, 1), (visits, visits)))
            cuts = layer.split(2)
            list(self.pool.map(back, (0, 1), (cuts, cuts)))


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--units", type=int, default=128)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--optimizer", default="adam")
    parser.add_argument("--runs", type=int, default=9, help="rounds that count (default: 9)")
    parser.add_argument("--json", metavar="FILE", default=RESULTS / "sparse_layer.json")
    options = parser.parse_args(argv)
    X, _ = make_rcv1_shaped(options.rows)
    epoch = Epoch(X, options.units, options.batch, options.optimizer)
    copy = np.empty_like(epoch.W)
    times, _ = in_turn({
        "copy of W": lambda: np.copyto(copy, epoch.W),
        "forward": epoch.forward, "sort": epoch.touch, "sort, backward": epoch.touch_and_backward,
        "all, one thread": epoch.one_thread,
        "all, one thread, state stands still": epoch.still_state,
        "all, two threads": epoch.two_threads,
        "all, two threads on each minibatch": epoch.two_threads_one_batch,
    }, options.runs)
    epoch.pool.shutdown()
    seconds = {name: took["median_s"] for name, took in times.items()}
    rate = 2 * epoch.W.nbytes / seconds["copy of W"]  # bytes a second, in and out
    row = epoch.W.itemsize * options.units
    floors = {"forward": epoch.n_touched * row / rate,
              "all, one thread": epoch.n_touched * row * (3 + 2 * epoch.optimizer.slots) / rate}
    report = {**machine(), "rows": X.shape[0], "features": X.shape[1], "nonzeros": int(X.nnz),
              "units": options.units, "batch": options.batch, "optimizer": options.optimizer,
              "touched_per_batch": epoch.n_touched / len(epoch.batches), "times": times,
              "copy_bytes_per_s": rate, "floors_s": floors}
    write(options.json, report)
    show(f"{X.shape[0]:,} rows, {X.nnz:,} non-zeros, {options.units} units, minibatches of "
         f"{options.batch} that touch {report['touched_per_batch']:,.0f} features",
         ("", "ms", "ps/(non-zero x unit)", "floor, ms"), [
             (name, f"{1e3 * s:.1f}", f"{1e12 * s / X.nnz / options.units:.1f}",
              f"{1e3 * floors[name]:.1f}" if name in floors else "")
             for name, s in seconds.items()])
    return report


if __name__ == "__main__":
    main()
