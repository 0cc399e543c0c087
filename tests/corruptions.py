"""The table of test_corruptions.py: matrices that are not what they say, and who is given them.

    python tests/corruptions.py [FIRST]

Runs the table from pair FIRST on and prints a line for each pair: its number, method, corruption
and what came of it. A crash ends the process behind the name of the pair.
"""

import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
from scipy import sparse

import fastsgd
from fastsgd import (
    FastMLPClassifier,
    FastMLPRegressor,
    FastSGDClassifier,
    FastSGDRegressor,
    Workers,
)

N, D = 60, 20
RNG = np.random.default_rng(0)
X = sparse.csr_matrix(RNG.normal(size=(N, D)) * (RNG.random((N, D)) < 0.4))
Z = X @ RNG.normal(size=D)
TWO, THREE = (Z > 0).astype(int), np.digitize(Z, [-0.5, 0.5])
LABELS = sparse.csr_matrix(np.column_stack([Z > 0, Z > 0.5, Z < 1]).astype(float))


def put(name, at, value, kind=None):
    """Sets one number of an array of the matrix, as `kind`."""
    def corrupt(M):
        array = getattr(M, name).astype(kind or getattr(M, name).dtype)
        array[at] = value
        setattr(M, name, array)
        return M
    return corrupt


def change(name, function):
    """Puts another array in the place of one of the matrix."""
    def corrupt(M):
        setattr(M, name, function(getattr(M, name)))
        return M
    return corrupt


def wrapping(M):
    """Differences of `indptr` wrap around 2**64."""
    M.indices = M.indices.astype(np.int64)
    M.indptr = np.full(M.shape[0] + 1, len(M.data), np.int64)
    M.indptr[:3] = 0, 2**63 - 1, -2
    return M


def falls_to_nothing(M):
    M.indptr = M.indptr.copy()
    M.indptr[-1] = 0
    M.indices[:] = 10**8
    return M


def other_format(name, part, value):
    """The matrix in another format of scipy's, with one number changed."""
    def corrupt(M):
        M = M.asformat(name)
        if part == "rows":
            M.rows[1] = [value] * len(M.rows[1])
        elif name == "coo":
            coords = [each.copy() for each in M.coords]
            coords[part][3] = value
            M.coords = tuple(coords)
        else:
            getattr(M, part)[2] = value
        return M
    return corrupt


REFUSED = {
    "column 10**9": put("indices", 7, 10**9), "column -5": put("indices", 7, -5),
    "column n": lambda M: put("indices", 7, M.shape[1])(M),
    "column 2**40": put("indices", 7, 2**40, np.int64),
    "column -2**62": put("indices", 7, -2**62, np.int64),
    "indptr beyond": put("indptr", -1, 10**8), "indptr falls": put("indptr", 5, 10**7),
    "indptr negative": put("indptr", 5, -3), "indptr from 1": put("indptr", 0, 1),
    "indptr ends at -1": put("indptr", -1, -1), "indptr to 0": falls_to_nothing,
    "indptr wraps": wrapping, "indptr short": change("indptr", lambda a: a[:20]),
    "indptr long": change("indptr", lambda a: np.append(a, a[-1])),
    "indptr of floats": change("indptr", lambda a: a.astype(float)),
    "indices short": change("indices", lambda a: a[:10]),
    "indices of floats": change("indices", lambda a: a + 0.5),
    "indices of two dimensions": change("indices", lambda a: a[:, None]),
    "data short": change("data", lambda a: a[:10]), "NaN": put("data", 7, np.nan),
    "infinity": put("data", 7, -np.inf), "no data": change("data", lambda a: a[:0]),
    "CSC row": other_format("csc", "indices", 10**9),
    "CSC indptr": other_format("csc", "indptr", 10**9),
    "BSR column": other_format("bsr", "indices", 10**9),
    "COO row": other_format("coo", 0, 10**9), "COO column": other_format("coo", 1, -7),
    "LIL column": other_format("lil", "rows", 10**9),
    "a row less": lambda M: M[:-1],
    "dense NaN": lambda M: put("data", 7, np.nan)(M).toarray(),
    "dense infinity": lambda M: put("data", 7, np.inf)(M).toarray(),
}
ACCEPTED = {
    "csr_array": sparse.csr_array,
    "int64 indices": change("indices", lambda a: a.astype(np.int64)),
    "int64 indptr": change("indptr", lambda a: a.astype(np.int64)),
    "int16 indices": change("indices", lambda a: a.astype(np.int16)),
    "big-endian indices": change("indices", lambda a: a.astype(">i4")),
    "strided data": change("data", lambda a: np.repeat(a, 2)[::2]),
    "strided indices": change("indices", lambda a: np.repeat(a, 2)[::2]),
    "read-only": change("data", lambda a: np.frombuffer(a.tobytes(), a.dtype)),
    "longer than indptr says": lambda M: change("indices", lambda a: np.append(a, 10**9))(
        change("data", lambda a: np.append(a, np.nan))(M)),
    "COO": lambda M: M.tocoo(), "CSC": lambda M: M.tocsc(), "LIL": lambda M: M.tolil(),
    "BSR": lambda M: M.tobsr(),
}
LABELS_REFUSED = {name: REFUSED[name] for name in REFUSED} | {
    "value 2": put("data", 3, 2), "value 0.5": put("data", 3, 0.5),
}
LABELS_ACCEPTED = ACCEPTED | {
    "explicit zero": lambda M: sparse.csr_matrix(
        (np.append(M.data, 0.0), np.append(M.indices, 0), np.append(M.indptr[:-1],
                                                                    len(M.data) + 1)), M.shape),
    "bool": lambda M: M.astype(bool), "int8": lambda M: M.astype(np.int8),
}
for name in ("longer than indptr says",):
    LABELS_ACCEPTED.pop(name)

LOG = {"loss": "log_loss", "max_iter": 3, "tol": None, "random_state": 0}
MLP = {"hidden_layer_sizes": (4,), "max_iter": 2, "random_state": 0}
FITTED = {
    "two": FastSGDClassifier(**LOG).fit(X, TWO),
    "three": FastSGDClassifier(**LOG).fit(X, THREE),
    "many": FastSGDClassifier(**LOG).fit(X, np.arange(N) % 5),
    "labels": FastSGDClassifier(**LOG).fit(X, LABELS),
    "sparse": FastSGDClassifier(**LOG, penalty="l1", alpha=0.01).fit(X, THREE).sparsify(),
    "float32": FastSGDClassifier(**LOG).fit(X.astype(np.float32), np.arange(N) % 5),
    "number": FastSGDRegressor(max_iter=3, tol=None, random_state=0).fit(X, Z),
}
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    FITTED |= {"mlp": FastMLPClassifier(**MLP).fit(X, THREE),
               "mlp labels": FastMLPClassifier(**MLP).fit(X, LABELS),
               "mlp number": FastMLPRegressor(**MLP).fit(X, Z)}


def again(name):
    """A model like a fitted one, which may be trained."""
    from copy import deepcopy
    return deepcopy(FITTED[name])


def linear(y=TWO, **more):
    return lambda M: FastSGDClassifier(**LOG | more).fit(M, y).coef_


def of(name, method, *arguments, **more):
    def call(M):
        given = [M if argument is None else argument for argument in arguments]
        told = getattr(again(name), method)(*given, **more)
        if method == "certify":
            return told.gap
        return getattr(told, "coef_", getattr(told, "coefs_", [told]))[0]
    return call


METHODS = {
    "fit": linear(), "fit l1": linear(penalty="l1"), "fit float32": lambda M: linear()(
        change("data", lambda a: a.astype(np.float32))(M)
        if getattr(M, "format", "") == "csr" else M),
    "fit hogwild": linear(sync="hogwild", n_jobs=2), "fit merge": linear(sync="merge", n_jobs=2),
    "fit round_robin": linear(sync="round_robin", n_jobs=2),
    "fit classes": linear(THREE, sync="classes"), "fit gd": linear(solver="gd"),
    "fit lbfgs": linear(solver="lbfgs"), "fit newton-cg": linear(solver="newton-cg"),
    "fit sdca": linear(solver="sdca"), "fit early": linear(early_stopping=True),
    "fit auto": linear(eta0="auto"), "fit average": linear(average=True),
    "fit max_time": linear(max_time=1e-9),
    "fit workers": linear(solver="lbfgs", workers=Workers(2, comm="thread")),
    "regressor fit": lambda M: FastSGDRegressor(max_iter=2, random_state=0, tol=None).fit(
        M, Z).coef_,
    "partial_fit": lambda M: FastSGDClassifier(random_state=0).partial_fit(
        M, TWO, classes=[0, 1]).coef_,
    "resume": of("two", "resume", None, TWO, max_iter=5),
    "certify": of("two", "certify", None, TWO), "score": of("two", "score", None, TWO),
    "regressor score": of("number", "score", None, Z),
    "mlp fit": lambda M: FastMLPClassifier(**MLP).fit(M, THREE).coefs_[0],
    "mlp fit lbfgs": lambda M: FastMLPClassifier(**MLP, solver="lbfgs").fit(M, THREE).coefs_[0],
    "mlp partial_fit": of("mlp", "partial_fit", None, THREE),
    "mlp resume": of("mlp", "resume", None, THREE, max_iter=3),
    "mlp score": of("mlp", "score", None, THREE),
    "mlp regressor fit": lambda M: FastMLPRegressor(**MLP).fit(M, Z).coefs_[0],
    "mlp regressor score": of("mlp number", "score", None, Z),
} | {f"{method} of {name}": of(name, method, None)
     for name in FITTED
     for method in ("predict", "decision_function", "predict_proba", "predict_log_proba")
     if hasattr(FITTED[name], method)}
HAS_Y = [name for name in METHODS if " of " not in name]
"""Methods that see another number of rows by y."""

LABEL_METHODS = {
    "fit labels": linear, "fit labels early": lambda Y: linear(Y, early_stopping=True),
    "fit labels classes": lambda Y: linear(Y, sync="classes"),
    "fit labels sdca": lambda Y: linear(Y, solver="sdca"),
    "partial_fit labels": lambda Y: of("labels", "partial_fit", X, None),
    "resume labels": lambda Y: of("labels", "resume", X, None, max_iter=5),
    "certify labels": lambda Y: lambda Y: [c.gap for c in again("labels").certify(X, Y)],
    "score labels": lambda Y: of("labels", "score", X, None),
    "mlp fit labels": lambda Y: lambda Y: FastMLPClassifier(**MLP).fit(X, Y).coefs_[0],
    "mlp partial_fit labels": lambda Y: of("mlp labels", "partial_fit", X, None),
    "mlp resume labels": lambda Y: of("mlp labels", "resume", X, None, max_iter=3),
    "mlp score labels": lambda Y: of("mlp labels", "score", X, None),
}
ANY_NUMBER = ("value 2", "value 0.5")
"""Corruptions of labels that are targets of a regressor."""


def label_call(name):
    make = LABEL_METHODS[name]
    return lambda Y: make(Y)(X if name.startswith("fit") else Y)


TOLD = ("X", "y", "coef_", "samples", "targets", "Input")
"""One of these words says what was corrupt."""


def start(coef):
    return FastSGDClassifier(**LOG).fit(X, THREE, coef_init=coef).coef_


def sparsified(coef):
    model = again("sparse")
    model.coef_ = coef
    return model.predict(X)


COEF = sparse.csr_matrix(np.where(RNG.random((3, D)) < 0.7, RNG.normal(size=(3, D)), 0))
OF_LARGE = ("a row less", "indptr short", "indptr falls", "indptr negative", "infinity", "NaN",
            "dense infinity", "dense NaN")
"""Corruptions of a matrix with more rows than `COEF`, or of values, which may be any there."""


def table():
    """(method, corruption, call, matrix, whether it must be refused) of each pair."""
    for method, call in METHODS.items():
        for name, corrupt in REFUSED.items():
            if name != "a row less" or method in HAS_Y:
                yield method, name, call, corrupt, X, True
        for name, corrupt in ACCEPTED.items():
            yield method, name, call, corrupt, X, False
    for method in LABEL_METHODS:
        for name, corrupt in LABELS_REFUSED.items():
            yield method, name, label_call(method), corrupt, LABELS, True
        for name, corrupt in LABELS_ACCEPTED.items():
            yield method, name, label_call(method), corrupt, LABELS, False
    for name, corrupt in REFUSED.items():
        if name not in OF_LARGE:
            yield "coef_init", name, start, corrupt, COEF, True
            yield "coef_", name, sparsified, corrupt, COEF, True
    for name, corrupt in LABELS_REFUSED.items():
        if name not in ANY_NUMBER:
            yield ("mlp regressor fit sparse y", name,
                   lambda Y: FastMLPRegressor(**MLP).fit(X, Y).coefs_[0], corrupt, LABELS, True)
            yield ("mlp regressor score sparse y", name,
                   lambda Y: FastMLPRegressor(**MLP).fit(X, LABELS).score(X, Y), corrupt, LABELS,
                   True)


def run(call, corrupt, matrix, refused, in_order):
    """What came of it: "right", or what was wrong."""
    clean = None if refused else call(matrix.copy())
    try:
        corrupted = corrupt(matrix.copy())
    except Exception as error:
        return f"cannot be made: {error!r}"
    try:
        found = call(corrupted)
    except ValueError as error:
        said = str(error)
        if not refused:
            return f"refused: {said}"
        return "right" if any(word in said for word in TOLD) else said
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    if refused:
        return "accepted"
    found, clean = np.asarray(found, float), np.asarray(clean, float)
    if in_order:
        return "right" if np.allclose(found, clean, rtol=1e-4, atol=1e-6) else "another result"
    return "right" if np.isfinite(found).all() else "not finite"


def outcomes():
    """(method, corruption, what came of it) of every pair; after a crash another goes on."""
    environment = os.environ | {"PYTHONPATH": str(Path(fastsgd.__file__).parent.parent)}
    first, found, n_pairs = 0, [], sum(1 for _ in table())
    while first < n_pairs:
        child = subprocess.run([sys.executable, __file__, str(first)], stdout=subprocess.PIPE,
                               text=True, env=environment, timeout=1200)
        lines = [line.split("\t") for line in child.stdout.splitlines() if line.count("\t") >= 3]
        if not lines:
            raise RuntimeError(f"the process died before pair {first}: {child.returncode}")
        found += [(method, name, told or f"died with {child.returncode}")
                  for _, method, name, told in lines]
        first = int(lines[-1][0]) + 1
    return found


def main(first=0):
    warnings.simplefilter("ignore")
    for number, (method, name, *pair) in enumerate(table()):
        if number >= first:
            print(f"{number}\t{method}\t{name}", end="\t", flush=True)
            told = run(*pair, method not in ("fit hogwild", "fit round_robin"))
            print(told.replace("\n", " "), flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
