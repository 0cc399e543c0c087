"""Many classes in one pass against OneVsRestClassifier(SGDClassifier), whole fits in turn.

    python benchmarks/classes.py [--runs 3] [--epochs 5] [--threads 2] [--rows N] [--json FILE]

RCV1 with its 101 topics (multilabel) and 20 newsgroups, float32 rows, hinge and log loss. All
run the same epochs with scikit-learn's step sizes; OneVsRestClassifier is given the same threads
(n_jobs) in a second run of its own. The objective is the mean over the classes of
f = mean loss + (alpha / 2) |w|^2 on the training rows; macro-F1 is over the test rows.
"""

import argparse

import numpy as np
from scipy import sparse
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import f1_score
from sklearn.multiclass import OneVsRestClassifier

from fastsgd import FastSGDClassifier, load_svmlight
from harness import RESULTS, in_turn, machine, mean_loss, show, sources, write

ALPHA = 1e-4
N_TOPICS = 101


def topics():
    """(X, Y, X_test, Y_test) of RCV1 with topics; Y are CSR indicators."""
    parts = []
    for part in ("train", "test"):
        path = sources.data_directory() / f"rcv1/rcv1_topics_{part}.svm.gz"
        if not path.is_file():
            raise FileNotFoundError(f"{path.name} is missing; set FASTSGD_DATA to the directory "
                                    "that holds rcv1/ (see datasets/README.md)")
        X, labels = load_svmlight(path, n_features=sources.N_FEATURES, zero_based=False,
                                  multilabel=True, dtype=np.float32)
        indices = np.concatenate([np.array(row, dtype=int) for row in labels])
        indptr = np.cumsum([0] + [len(row) for row in labels])
        parts += [X, sparse.csr_matrix((np.ones(len(indices), int), indices, indptr),
                                       shape=(X.shape[0], N_TOPICS))]
    return parts


def newsgroups():
    """(X, y, X_test, y_test) of 20 newsgroups."""
    X, y, X_test, y_test = sources.load("news20", np.float32)
    return X, y.astype(int), X_test, y_test.astype(int)


def ours(loss, epochs, n_jobs):
    return FastSGDClassifier(loss=loss, alpha=ALPHA, max_iter=epochs, tol=None, random_state=0,
                             sync="classes", n_jobs=n_jobs)


def theirs(loss, epochs, n_jobs):
    one = SGDClassifier(loss=loss, alpha=ALPHA, max_iter=epochs, tol=None, random_state=0)
    return OneVsRestClassifier(one, n_jobs=n_jobs)


def weights(model):
    """(coef of shape (K, n_features), intercepts) of either, in float64."""
    if hasattr(model, "estimators_"):
        parts = model.estimators_
        return (np.vstack([one.coef_ for one in parts]).astype(np.float64),
                np.concatenate([one.intercept_ for one in parts]).astype(np.float64))
    return model.coef_.astype(np.float64), model.intercept_.astype(np.float64)


def mean_objective(model, loss, X, y):
    """The mean over the classes of f(w, b) on these rows."""
    coef, intercept = weights(model)
    total = 0.0
    for k, (w, b) in enumerate(zip(coef, intercept, strict=True)):
        belongs = y[:, [k]].toarray().ravel() == 1 if sparse.issparse(y) else y == k
        margin = np.where(belongs, 1.0, -1.0) * (X @ w + b)
        total += mean_loss(loss, margin) + 0.5 * ALPHA * float(w @ w)
    return total / len(coef)


def compare(data, loss, epochs, threads, runs):
    """Times, objectives and macro-F1 of both programs, with one thread and with `threads`."""
    X, y, X_test, y_test = data
    programs = {}
    for n_jobs in sorted({1, threads}):
        programs[f"fastsgd, {n_jobs} threads"] = ours(loss, epochs, n_jobs)
        programs[f"scikit-learn, n_jobs={n_jobs}"] = theirs(loss, epochs, n_jobs)
    times, models = in_turn(
        {name: lambda model=model: model.fit(X, y) for name, model in programs.items()}, runs)
    report = {}
    for name, model in models.items():
        report[name] = {
            **times[name], "objective": mean_objective(model, loss, X, y),
            "macro_f1": float(f1_score(y_test, model.predict(X_test), average="macro",
                                       zero_division=0)),
        }
    best = report[f"fastsgd, {threads} threads"]
    one = report["scikit-learn, n_jobs=1"]
    report["ratio"] = one["median_s"] / best["median_s"]
    report["ratio_same_threads"] = (
        report[f"scikit-learn, n_jobs={threads}"]["median_s"] / best["median_s"])
    report["objective_percent"] = 100 * (best["objective"] / one["objective"] - 1)
    return report


def _print(name, loss, report):
    show(f"{name}, {loss}", ("", "fit, s", "mean f", "macro-F1"), [
        (program, f"{r['median_s']:.4f}", f"{r['objective']:.6f}", f"{r['macro_f1']:.4f}")
        for program, r in report.items() if isinstance(r, dict)])
    print(f"ratio {report['ratio']:.1f} to one thread of scikit-learn, "
          f"{report['ratio_same_threads']:.1f} to as many; "
          f"objective {report['objective_percent']:+.2f} %\n")


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=3, help="rounds that count (default: 3)")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rows", type=int, help="only so many training rows")
    parser.add_argument("--json", metavar="FILE", default=RESULTS / "classes.json")
    options = parser.parse_args(argv)
    report = {**machine(), "alpha": ALPHA, "epochs": options.epochs, "threads": options.threads,
              "runs": options.runs, "data": {}, "fits": {}}
    for name, load in (("RCV1, 101 topics", topics), ("20 newsgroups", newsgroups)):
        X, y, *test = load()
        if options.rows is not None:  # evenly, as newsgroups are sorted by class
            keep = np.linspace(0, X.shape[0] - 1, options.rows).astype(int)
            X, y = X[keep], y[keep]
        report["data"][name] = {"train_rows": X.shape[0], "features": X.shape[1],
                                "train_nonzeros": int(X.nnz), "dtype": str(X.dtype)}
        for loss in ("hinge", "log_loss"):
            fits = compare((X, y, *test), loss, options.epochs, options.threads, options.runs)
            report["fits"].setdefault(name, {})[loss] = fits
            _print(name, loss, fits)
    write(options.json, report)
    return report


if __name__ == "__main__":
    main()
