"""MLPs against scikit-learn's MLPClassifier, whole fits in turn: MNIST dense, 20 newsgroups CSR.

    python benchmarks/mlp.py [--runs 3] [--epochs 2] [--threads 2] [--full] [--json FILE]

MNIST is 784-256-128-10, newsgroups one hidden layer of 100 units; adam, minibatches of 200,
float32. scikit-learn runs with as many threads of BLAS as ours has. On newsgroups, whose features
are many, ours moves only the touched weights (lazy), and beside it all of them by the dense rule,
as scikit-learn does. --full trains MNIST for 20 epochs and tells the test accuracy.
"""

import argparse
import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

from fastsgd import FastMLPClassifier
from fastsgd.schedules import Cosine
from harness import RESULTS, in_turn, machine, show, sources, write


def mnist():
    """(X, y, X_test, y_test): pixels in [0, 1], float32."""
    path = sources.data_directory() / "mnist/mnist.npz"
    if not path.is_file():
        raise FileNotFoundError("mnist/mnist.npz is missing; set FASTSGD_DATA to the directory "
                                "that holds it (see datasets/README.md)")
    data = np.load(path)
    parts = []
    for part in ("train", "test"):
        X = data[f"X_{part}"]
        parts += [X.reshape(len(X), -1).astype(np.float32) / 255, data[f"y_{part}"].astype(int)]
    return parts


def newsgroups():
    """(X, y, X_test, y_test) of 20 newsgroups."""
    X, y, X_test, y_test = sources.load("news20", np.float32)
    return X, y.astype(int), X_test, y_test.astype(int)


DATA = {"MNIST, 784-256-128-10": (mnist, (256, 128)), "20 newsgroups, 100 units": (
    newsgroups, (100,))}


def entrants(hidden, epochs, threads, is_dense):
    """{name: (model, threads of BLAS)}."""
    given = {"hidden_layer_sizes": hidden, "max_iter": epochs, "random_state": 0,
             "n_iter_no_change": np.inf}
    programs = {}
    for n in sorted({1, threads}):
        programs[f"scikit-learn, {n} threads"] = MLPClassifier(**given), n
        syncs = ["serial"] if n == 1 else ["map_reduce", "hogwild", "merge"]
        for sync in syncs:
            programs[f"fastsgd, {sync}, {n} threads"] = (
                FastMLPClassifier(sync=sync, n_jobs=n, **given), n)
    if not is_dense:
        programs["fastsgd, serial, lazy=False"] = (
            FastMLPClassifier(sync="serial", lazy=False, **given), 1)
    return programs


def fit(model, blas, X, y):
    with threadpool_limits(blas, user_api="blas"), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(X, y)


def compare(load, hidden, epochs, threads, runs, slow):
    """Seconds of whole fits, loss and test accuracy of each program."""
    X, y, X_test, y_test = load()
    programs = entrants(hidden, epochs, threads, isinstance(X, np.ndarray))
    times, models = in_turn(
        {name: lambda model=model, blas=blas: fit(model, blas, X, y)
         for name, (model, blas) in programs.items()}, runs, slow)
    one = times["scikit-learn, 1 threads"]["median_s"]
    return {name: {**times[name], "loss": float(model.loss_), "ratio": one / times[name][
        "median_s"], "accuracy": float(model.score(X_test, y_test))}
        for name, model in models.items()}


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=3, help="rounds that count (default: 3)")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--data", nargs="+", choices=["mnist", "news20"],
                        default=["mnist", "news20"])
    parser.add_argument("--full", action="store_true", help="20 epochs of MNIST, once")
    parser.add_argument("--json", metavar="FILE", default=RESULTS / "mlp.json")
    options = parser.parse_args(argv)
    report = {**machine(), "epochs": options.epochs, "runs": options.runs, "fits": {}}
    for key, (name, (load, hidden)) in zip(("mnist", "news20"), DATA.items(), strict=True):
        if key not in options.data:
            continue
        found = compare(load, hidden, options.epochs, options.threads, options.runs, 60)
        report["fits"][name] = found
        show(f"{name}: fits of {options.epochs} epochs", (
            "", "s", "times as fast", "loss", "test accuracy"), [
            (program, f"{r['median_s']:.3f}", f"{r['ratio']:.2f}", f"{r['loss']:.4f}",
             f"{100 * r['accuracy']:.2f} %") for program, r in found.items()])
    if options.full:
        X, y, X_test, y_test = mnist()
        model = FastMLPClassifier((256, 128), max_iter=20, learning_rate=Cosine(T_0=20),
                                  dropout=0.2, learning_rate_init=0.002, random_state=0,
                                  n_jobs=options.threads, n_iter_no_change=np.inf)
        fit(model, options.threads, X, y)
        report["full"] = {"accuracy": float(model.score(X_test, y_test)), **model.fit_stats_}
        print(f"MNIST, 20 epochs: test accuracy {100 * report['full']['accuracy']:.2f} % in "
              f"{model.fit_stats_['seconds']:.1f} s")
    write(options.json, report)
    return report


if __name__ == "__main__":
    main()
