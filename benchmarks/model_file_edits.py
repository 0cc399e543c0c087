"""Structured edits of model files, each with a right checksum: does one get past `load_model`?

    python benchmarks/model_file_edits.py [--edits 20000] [--first 0] [--jobs 2]

Every field of the JSON header and every array gets other types, sizes, shapes, dtypes, huge and
negative numbers, NaN, strings, missing and extra parts. What is still loaded must then predict,
densify, go on by partial_fit and resume, or raise ValueError. Edits run in child processes with
4 GB of address space; a child that dies, or that takes more than 20 seconds for an edit, is told
with the number of the edit (its seed), and the next child goes on behind it.
"""

import argparse
import collections
import json
import random
import re
import resource
import signal
import subprocess
import sys
import tempfile
import warnings
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save_file

from fastsgd import (
    FastMLPClassifier,
    FastMLPRegressor,
    FastSGDClassifier,
    FastSGDRegressor,
    load_model,
    save_model,
)
from fastsgd.errors import ModelFileError
from fastsgd.model_file import FORMAT, _digest
from harness import RESULTS, machine, show, write

MEMORY, SECONDS, BATCH = 4 << 30, 20, 500
FINE = ("refused", "works", "refuses later", "cannot be written")
N, D = 60, 12
RNG = np.random.default_rng(0)
X = RNG.normal(size=(N, D)) * (RNG.random((N, D)) < 0.5)
Z = X @ RNG.normal(size=D)
TARGETS = {"number": Z, "two": Z > 0, "three": np.digitize(Z, [-0.5, 0.5]),
           "text": np.where(Z > 0, "up", "down"), "labels": np.column_stack([Z > 0, Z > 0.5]) * 1}
LINEAR, NUMBER = FastSGDClassifier, FastSGDRegressor
MODELS = {
    "hinge": (LINEAR, "two", {}), "text": (LINEAR, "text", {"average": True}),
    "three l1": (LINEAR, "three", {"penalty": "l1"}),
    "three": (LINEAR, "three", {"loss": "log_loss", "class_weight": {0: 1.0, 1: 2.0, 2: 1.0}}),
    "labels": (LINEAR, "labels", {"loss": "modified_huber"}),
    "sdca": (LINEAR, "two", {"solver": "sdca", "loss": "log_loss"}),
    "lbfgs": (LINEAR, "three", {"solver": "lbfgs", "loss": "log_loss"}),
    "sparse": (LINEAR, "three", {"penalty": "l1", "alpha": 0.02}),
    "number": (NUMBER, "number", {}), "number sparse": (NUMBER, "number", {"penalty": "l1"}),
    "number adaptive": (NUMBER, "number", {"learning_rate": "adaptive", "average": 10}),
    "mlp": (FastMLPClassifier, "three", {}),
    "mlp labels": (FastMLPClassifier, "labels", {"early_stopping": True}),
    "mlp two": (FastMLPClassifier, "two", {"solver": "sgd", "dropout": 0.2}),
    "mlp number": (FastMLPRegressor, "number", {"solver": "adagrad"}),
    "mlp lbfgs": (FastMLPRegressor, "number", {"solver": "lbfgs"}),
}
INTEGERS = [0, 1, -1, 2, 3, 255, 2**31 - 1, 2**31, -2**31, 2**62, 2**63 - 1, 2**63, 2**64, 2**70,
            -2**63, 10**400]
FLOATS = [0.0, -1.0, 0.5, 1e-320, 1e300, -1e300, float("inf"), float("-inf"), float("nan")]
OTHERS = [None, True, False, "", "1", "nan", "hinge", "sdca", "os.system", "<U100000000", "V8",
          "x" * 10_000, [], [[]], {}, [1, 2], [None], {"float": "inf"}, {"float": "1e999"},
          {"tuple": [1]}, {"dict": [[1, 2]]}, {"dict": [[[], 1]]}, {"Cosine": {}}, {"Gap": {}},
          {"Workers": {"n": 10**6}}, {"LayerPipeline": {"stages": 10**6}}, {"eval": "exit()"}]
DTYPES = ["<f4", "<f8", "<i4", "<i8", "<u1", "<u4", "<u8", "|b1", "<f2", "<i2"]


def build(folder):
    """A file of each model."""
    folder = Path(folder)
    for name, (kind, y, more) in MODELS.items():
        mlp = kind in (FastMLPClassifier, FastMLPRegressor)
        more = ({"hidden_layer_sizes": (5,), "max_iter": 4} if mlp else
                {"max_iter": 4, "tol": None}) | {"random_state": 0} | more
        model = kind(**more).fit(X, TARGETS[y])
        if "sparse" in name:
            model.sparsify()
        save_model(model, folder / name)


def spots(value, path=()):
    """Every place of a JSON value, as (container's path, key)."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in list(items):
        yield (*path, key)
        if isinstance(item, (dict, list)):
            yield from spots(item, (*path, key))


def edit_header(draw, header):
    places = list(spots(header))
    depth = draw.randint(1, max(map(len, places)))  # long lists would hide the few fields above
    *path, last = draw.choice([place for place in places if len(place) == depth] or places)
    at = header
    for key in path:
        at = at[key]
    kind = draw.randrange(8)
    if kind == 0:
        del at[last]
    elif kind == 1 and isinstance(at, dict):
        at[draw.choice(["t_", "coef_", "__class__", "predict", "alpha", "x" * 99])] = 1
    elif kind == 1:
        at.append(draw.choice(at))
    elif kind == 2:
        nested = at[last]
        for _ in range(draw.choice([1, 3, 500, 5000])):
            nested = [nested] if draw.random() < 0.9 else {"tuple": nested}
        at[last] = nested
    elif kind == 3:
        at[last] = at[draw.choice(list(at))] if isinstance(at, dict) else list(at) * 2
    elif kind == 4 and isinstance(at[last], (int, float)) and not isinstance(at[last], bool):
        at[last] = at[last] * draw.choice([-1, 2, 1000, 2**40]) + draw.choice([0, 1, -1])
    else:
        at[last] = draw.choice(draw.choice([INTEGERS, FLOATS, OTHERS]))


def edit_array(draw, arrays):
    name = draw.choice(sorted(arrays))
    a, kind = arrays[name], draw.randrange(9)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if kind == 0:
            del arrays[name]
            return
        if kind == 1:
            arrays[draw.choice(["more", "coef.data", "state.0.average", "state.7.weights", "last",
                                "coefs.9", "slots.3.first"])] = a.copy()
            return
        if kind == 2:
            a = a.astype(draw.choice(DTYPES))
        elif kind == 3:
            a = draw.choice([a.T, a[:0], a[None], a.ravel(), a[..., :-1], np.repeat(a, 2, 0)]
                            if a.ndim else [a[None]])
        elif kind == 4 and a.size:
            a = np.zeros(draw.choice([(), (0, 5), (1, a.size), (a.size, 1), (3, 0, 2), 10**6]),
                         a.dtype)
        elif kind == 5:
            other = draw.choice(sorted(arrays))
            arrays[other], a = a, arrays[other]
        elif a.size:
            a, flat = a.copy(), draw.randrange(a.size)
            value = draw.choice([*INTEGERS[:9], 10**8, -5] if a.dtype.kind in "iu" else FLOATS)
            a.reshape(-1)[flat:flat + draw.choice([1, 1, a.size])] = np.array(value).astype(
                a.dtype)
    arrays[name] = np.ascontiguousarray(a)


def crafted(folder, seed):
    """Writes the file of an edit; the name of its model."""
    draw = random.Random(seed)
    name = draw.choice(list(MODELS))
    with safe_open(Path(folder) / name, framework="numpy") as file:
        header = json.loads(file.metadata()[FORMAT])
        arrays = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    for _ in range(draw.choice([1, 1, 1, 2])):
        if draw.random() < 0.6 or not arrays:
            edit_header(draw, header)
        else:
            edit_array(draw, arrays)
    text = json.dumps(header)
    save_file(arrays, Path(folder) / f"edited {seed}", {FORMAT: text,
                                                       "sha256": _digest(text, arrays)})
    return name


def outcome(folder, seed):
    """What becomes of an edit: "refused", "works", "refuses later", or what went wrong."""
    try:
        name = crafted(folder, seed)
    except (RecursionError, ValueError, OverflowError):
        return "cannot be written"
    path, y = Path(folder) / f"edited {seed}", TARGETS[MODELS[name][1]]
    try:
        model = load_model(path)
    except ModelFileError:
        return "refused"
    finally:
        path.unlink()
    later = 0
    if hasattr(model, "max_iter"):
        model.max_iter = min(model.max_iter, 6)
    for use in (lambda: model.predict(X), lambda: model.score(X, y),
                lambda: model.predict_log_proba(X) if hasattr(model, "predict_log_proba") else 0,
                lambda: model.densify() if hasattr(model, "densify") else 0,
                lambda: model.resume(X, y, max_iter=6), lambda: model.partial_fit(X, y)):
        try:
            use()
        except ValueError:
            later += 1
        except AttributeError:
            if hasattr(model, "partial_fit"):
                raise
    return "refuses later" if later else "works"


def child(folder, first, end):
    """Tells of edits first..end, one line each; trainings may be verbose."""
    warnings.simplefilter("ignore")
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    for seed in range(first, end):
        signal.alarm(SECONDS)
        try:
            told = outcome(folder, seed)
        except Exception as error:
            told = f"{type(error).__name__}: {str(error)[:200]!r}"
        signal.alarm(0)
        print(f"\n@{seed} {told}", flush=True)


def run(first, end, jobs=1):
    """Number of each outcome, and the edits that went wrong."""
    counts, wrong = collections.Counter(), {}
    with (tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(),
          ThreadPoolExecutor(jobs) as pool):
        warnings.simplefilter("ignore")
        build(folder)
        batches = [(begin, min(end, begin + BATCH)) for begin in range(first, end, BATCH)]
        told = pool.map(lambda batch: in_children(folder, *batch), batches)
        for seed, what in chain.from_iterable(told):
            counts[what if what in FINE else what.partition(":")[0]] += 1
            if what not in FINE:
                wrong[seed] = what
    return dict(counts), wrong


def in_children(folder, first, end):
    """[(edit, what became of it)], by as many child processes as it takes."""
    found = []
    while first < end:
        told = subprocess.run(
            [sys.executable, __file__, "--child", folder, str(first), str(end)],
            stdout=subprocess.PIPE, text=True)
        ended = re.findall(r"^@(\d+) (.*)$", told.stdout, re.MULTILINE)
        found += [(int(seed), what) for seed, what in ended]
        first += len(ended)
        if first < end:
            found.append((first, f"died with {told.returncode}"))
            first += 1
    return found


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--edits", type=int, default=20_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--json", default=RESULTS / "model_file_edits.json")
    parser.add_argument("--child", nargs=3)
    options = parser.parse_args(arguments)
    if options.child:
        folder, first, end = options.child
        child(folder, int(first), int(end))
        return None
    counts, wrong = run(options.first, options.first + options.edits, options.jobs)
    report = {**machine(), "edits": options.edits, "first": options.first,
              "models": list(MODELS), "outcomes": counts, "wrong": wrong}
    write(options.json, report)
    show(f"{options.edits:,} edits of {len(MODELS)} model files", ("outcome", "edits"),
         [(name, f"{n:,}") for name, n in sorted(counts.items())])
    for seed, what in wrong.items():
        print(seed, what)
    return report


if __name__ == "__main__":
    main()
