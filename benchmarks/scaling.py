"""What threads bring: seconds of an epoch, speed-up, objective and memory traffic by their number.

    python benchmarks/scaling.py [--data NAME] [--threads 1 2 4 …] [--syncs …] [--json FILE]

An epoch costs (fit(E) - fit(1)) / (E - 1), medians of whole `fit` calls in turn, one seed. The
read bandwidth is measured here, by threads of numpy that reduce one large float32 array: it is
what reading X alone may cost at best, so an epoch's share of it says how near to the memory's
limit the rows come by. Rows that fit in the cache may exceed it.
"""

import argparse
import statistics
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from harness import RESULTS, describe, in_turn, machine, objective, show, write
from libraries.fastsgd_linear import FastSGD, built
from shapes import ALPHA, problem

EPOCHS = 5
ARRAY_BYTES = 1 << 30  # far more than any cache


def thread_counts(cores):
    """1, 2, 4, … and the number of cores itself."""
    powers = [1 << k for k in range(cores.bit_length())]
    return sorted({p for p in powers if p < cores} | {cores})


def read_bandwidth(threads, n_bytes=ARRAY_BYTES, runs=5):
    """Bytes a second that threads read: the best of some runs of the quickest numpy reduction.

    numpy releases the interpreter's lock in both; which is quicker depends on the processor.
    """
    parts = np.array_split(np.ones(n_bytes // 4, np.float32), threads)
    best = np.inf
    with ThreadPoolExecutor(threads) as pool:
        for reduce in (np.add.reduce, np.maximum.reduce):
            for _ in range(runs):
                start = time.perf_counter()
                list(pool.map(reduce, parts))
                best = min(best, time.perf_counter() - start)
    return n_bytes / best


def epoch_bytes(X, y):
    """What an epoch must read at least: every value, its column, the rows' ends, the labels."""
    columns = 0 if isinstance(X, np.ndarray) else X.indices.nbytes + 8 * X.indptr.size
    values = X.nbytes if isinstance(X, np.ndarray) else X.data.nbytes
    return values + columns + y.nbytes


def sweep(data, loss, modes, runs, bandwidth):
    """One row for each (sync, threads), with its objective after each epoch."""
    X, y = data.X_train, data.y_train
    calls = {(sync, threads, epochs): lambda sync=sync, threads=threads, epochs=epochs: FastSGD(
        sync, threads).fit(X, y, ALPHA, loss, epochs)
        for sync, threads in modes for epochs in (1, EPOCHS)}
    times, models = in_turn(calls, runs)
    rows = []
    for sync, threads in modes:
        few, many = (times[sync, threads, epochs]["runs_s"] for epochs in (1, EPOCHS))
        epoch = statistics.median((b - a) / (EPOCHS - 1) for a, b in zip(few, many, strict=True))
        between = {epochs: FastSGD(sync, threads).fit(X, y, ALPHA, loss, epochs)
                   for epochs in range(2, EPOCHS)}
        after = {1: models[sync, threads, 1], **between, EPOCHS: models[sync, threads, EPOCHS]}
        rows.append({
            "sync": sync, "threads": threads, "epoch_s": epoch, "fit_1_s": few, "fit_s": many,
            "ns_per_nonzero": 1e9 * epoch / X.size,
            "bandwidth_share": epoch_bytes(X, y) / epoch / bandwidth[threads],
            "f_after_epochs": [objective(loss, X, y, *model, ALPHA) for model in after.values()]})
    return with_speed_up(rows)


def with_speed_up(rows):
    """Adds speed-up against the serial epoch, and that by thread."""
    serial = next(row["epoch_s"] for row in rows if row["sync"] == "serial")
    return [{**row, "speed_up": serial / row["epoch_s"],
             "efficiency": serial / row["epoch_s"] / row["threads"]} for row in rows]


def _print(loss, rows):
    show(f"\n{loss}", ("sync, threads", "epoch, s", "speed-up", "efficiency", "ns/non-zero",
                       "share of bandwidth", *(f"f after {k + 1}" for k in range(EPOCHS))), [
        (f"{r['sync']}, {r['threads']}", f"{r['epoch_s']:.4f}", f"{r['speed_up']:.2f}",
         f"{r['efficiency']:.2f}", f"{r['ns_per_nonzero']:.2f}", f"{r['bandwidth_share']:.2f}",
         *(f"{f:.6f}" for f in r["f_after_epochs"])) for r in rows])


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="rcv1_shaped", help="a name of shapes.py")
    parser.add_argument("--threads", type=int, nargs="+", help="default: 1, 2, 4, … all cores")
    parser.add_argument("--syncs", nargs="+", default=["merge", "hogwild"],
                        help="beside serial, which is always run")
    parser.add_argument("--loss", nargs="+", default=["hinge", "log_loss"])
    parser.add_argument("--runs", type=int, default=5, help="rounds that count (default: 5)")
    parser.add_argument("--json", metavar="FILE", help="default: results/scaling_<cores>.json")
    options = parser.parse_args(argv)
    about = machine()
    cores = about["machine"]["cores"]
    threads = options.threads or thread_counts(cores)
    syncs, left_out = built(options.syncs)
    modes = [("serial", 1), *((sync, count) for sync in syncs for count in threads)]
    bandwidth = {count: read_bandwidth(count) for count in sorted({1, *threads})}
    for count, rate in bandwidth.items():
        print(f"Read bandwidth, {count} thread{'s' * (count > 1)}: {rate / 1e9:.1f} GB/s")
    data = problem(options.data)
    report = {**about, "data": describe(data), "alpha": ALPHA, "runs": options.runs,
              "bytes_of_an_epoch": epoch_bytes(data.X_train, data.y_train),
              "read_bytes_per_s": bandwidth, "left_out": left_out, "losses": {}}
    print(f"{data.name}: {data.note}", *left_out, sep="\n")
    for loss in options.loss:
        report["losses"][loss] = sweep(data, loss, modes, options.runs, bandwidth)
        _print(loss, report["losses"][loss])
    write(options.json or RESULTS / f"scaling_{cores}.json", report)
    return report


if __name__ == "__main__":
    main()
