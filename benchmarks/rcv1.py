"""The table of Bottou's RCV1 benchmark: the same data for every program, in one run.

    python benchmarks/rcv1.py [--data PATH [--test PATH] | --size demo|full | --fetch] [--rows N]

Training time is all of `fit`; loading is apart. f(w, b) is over all training rows, in float64.
Programs take turns, the first round is dropped, the median is told; one that takes over 5 seconds
runs once.
"""

import argparse

from harness import (
    describe,
    in_turn,
    machine,
    objective,
    show,
    sources,
    test_error,
    write,
)
from libraries.fastsgd_linear import FastSGD
from libraries.liblinear import Liblinear
from libraries.libsvm import Libsvm
from libraries.sklearn_sgd import SklearnSGD
from libraries.zeros import Zeros

ALPHA = 1e-4
SLOW = 5.0  # seconds
MANY_ROWS = 50_000
LECTURE = {
    "source": "L. Bottou's RCV1 benchmark as the lecture quotes it: 781,265 rows, hinge, "
              "lambda 1e-4, another machine",
    "rows": [
        {"label": "lecture: standard SVM", "seconds": 23642.0, "f": 0.2275, "error": 0.0602},
        {"label": "lecture: fast SVM", "seconds": 66.0, "f": None, "error": None},
        {"label": "lecture: SGD", "seconds": 1.4, "f": 0.2275, "error": 0.0602},
    ],
}


def programs(n_jobs, seed, libsvm_rows=2000):
    """The programs of the table, in its order."""
    return [
        Libsvm(libsvm_rows),
        Liblinear(seed),
        SklearnSGD(seed),
        FastSGD("serial", 1, seed),
        FastSGD("hogwild", n_jobs, seed),
        FastSGD("round_robin", n_jobs, seed),
        Zeros(),
    ]


def measure(data, loss, libraries, epochs, repeats, alpha=ALPHA):
    """One part of the table: every program that has the loss. Returns a list of dicts."""
    entrants = {library.name: library for library in libraries if loss in library.losses}
    fits, labels = {}, {}
    for name, library in entrants.items():
        X, y = data.X_train, data.y_train
        labels[name] = library.label
        if library.rows is not None and library.rows < X.shape[0]:
            step = X.shape[0] // library.rows
            X, y = X[::step][: library.rows], y[::step][: library.rows]
            labels[name] += f", {library.rows:,} rows only"
        fits[name] = lambda library=library, X=X, y=y: library.fit(X, y, alpha, loss, epochs)
    times, models = in_turn(fits, repeats, slow=SLOW)
    return [
        {
            "name": name,
            "label": labels[name],
            "loss": loss,
            "seconds": times[name]["median_s"],
            "runs_s": times[name]["runs_s"],
            "f": objective(loss, data.X_train, data.y_train, *models[name], alpha),
            "error": test_error(data.X_test, data.y_test, *models[name]),
            "parameters": library.parameters(),
        }
        for name, library in entrants.items()
    ]


def _seconds(value):
    return f"{value:,.4f}" if value < 10 else f"{value:,.1f}"


def _cells(rows):
    return [(r["label"], _seconds(r["seconds"]), "-" if r["f"] is None else f"{r['f']:.4f}",
             "-" if r["error"] is None else f"{100 * r['error']:.2f}") for r in rows]


def _arguments(argv):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", metavar="PATH", help="training rows: svmlight text or .npz")
    parser.add_argument("--test", metavar="PATH", help="test rows (else some are held out)")
    parser.add_argument("--size", choices=sorted(sources.SIZES), default="demo",
                        help="full: 804,414 generated rows (default: demo)")
    parser.add_argument("--rows", type=int, help="rows in all, training and test")
    parser.add_argument("--fetch", action="store_true", help="permit the download of RCV1")
    parser.add_argument("--epochs", type=int, help="of all SGD programs; default 20, or 5 from "
                        f"{MANY_ROWS:,} training rows on")
    parser.add_argument("--repeats", type=int, default=3, help="rounds that count (default: 3)")
    parser.add_argument("--n-jobs", type=int, default=2, help="threads of hogwild, round-robin")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", metavar="FILE", help="write the result file here")
    return parser.parse_args(argv)


def main(argv=None):
    """Runs the benchmark; returns the report that ``--json`` writes."""
    options = _arguments(argv)
    data = sources.rcv1(options.data, options.test, size=options.size, rows=options.rows,
                        seed=options.seed, fetch=options.fetch)
    about = describe(data)
    epochs = options.epochs or (5 if about["train_rows"] >= MANY_ROWS else 20)
    report = {
        **machine(),
        "data": about,
        "alpha": ALPHA,
        "epochs": epochs,
        "repeats": options.repeats,
        "tables": {},
        "lecture": LECTURE,
    }
    print(f"Data: {about['name']} ({about['note']}): {about['train_rows']:,} training rows x "
          f"{about['features']:,}, {about['train_nonzeros']:,} non-zeros, "
          f"{about['test_rows']:,} test rows")
    print(f"Machine: {report['machine']['cpu']}, {report['machine']['cores']} cores; "
          + ", ".join(f"{name} {version}" for name, version in report["versions"].items()))
    columns = ("program", "training, s", "f(w, b)", "test error, %")
    for loss, title in (("hinge", "Hinge"), ("log_loss", "Log loss (libsvm has none)")):
        rows = measure(data, loss, programs(options.n_jobs, options.seed), epochs,
                       options.repeats)
        report["tables"][loss] = rows
        extra = LECTURE["rows"] if loss == "hinge" else []
        print()
        show(f"{title}, lambda = {ALPHA:g}, {epochs} epochs of SGD", columns,
             _cells(rows) + _cells(extra))
    print(f"\nThe lecture's lines are {LECTURE['source']}.\n"
          "libsvm learns from the rows named only; its time is theirs, f and error are over all.")
    if options.json:
        write(options.json, report)
    return report


if __name__ == "__main__":
    main()
