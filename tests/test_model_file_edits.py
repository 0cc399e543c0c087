"""Structured edits of model files with right checksums: refused, or ordinary behaviour after.

The edits are those of benchmarks/model_file_edits.py, which runs many more.
"""

import json

import numpy as np
import pytest
import scipy.sparse as sp
from test_model_file_errors import crafted, put

import model_file_edits
from fastsgd import FastSGDClassifier, FastSGDRegressor, load_model, save_model
from fastsgd.errors import ModelFileError

X = sp.random(60, 30, 0.3, format="csr", random_state=0)
HUGE = [2**60, 2**63, 2**70, -1, True, 0.5, "1", None, [], {}]


def test_edits(tmp_path):
    """No child dies, hangs, or meets another error than ModelFileError and ValueError."""
    report = model_file_edits.main(["--edits", "150", "--first", "20000", "--json",
                                    str(tmp_path / "found.json")])
    assert report["wrong"] == {}
    assert report["outcomes"]["refused"] > 50
    assert report["outcomes"]["works"] > 10
    assert json.loads((tmp_path / "found.json").read_text())["outcomes"] == report["outcomes"]


def saved(path, kind=FastSGDClassifier, sparsify=False, **more):
    y = np.arange(60) % 3 if kind is FastSGDClassifier else np.arange(60.0)
    model = kind(max_iter=2, tol=None, random_state=0, **more).fit(X, y)
    save_model(model.sparsify() if sparsify else model, path)
    return path


@pytest.mark.parametrize("kind", [FastSGDClassifier, FastSGDRegressor])
@pytest.mark.parametrize(("part", "value", "text"), [
    ("indptr", [0, 30, 0, 0], "indptr"), ("indptr", [0, 5, 5, -1], "indptr"),
    ("indptr", [0, 0, 0, 0], "indptr"), ("indptr", [0, 1], "indptr"),
    ("indices", [10**8] * 30, "column 100000000"), ("indices", [-5] * 30, "column -5"),
    ("indices", [30] * 30, "column 30"), ("data", [np.nan] * 30, "finite"),
    ("data", [1.0] * 29, "one length"), ("data", [[1.0]] * 30, "one length"),
])
def test_sparse_weights(tmp_path, kind, part, value, text):
    """Positions and columns are checked whatever the number of entries is said to be."""
    lines = 3 if kind is FastSGDClassifier else 1
    if part == "indptr":
        value = [*value[:lines], value[-1]] if lines == 3 else value[-2:]
        if lines == 1 and value == [0, 1]:
            value = [0, 1, 1]

    def change(header, arrays):
        header["states"] = []
        for name in [name for name in arrays if name.startswith("state.")]:
            del arrays[name]
        arrays["coef.data"] = np.ones(30)
        arrays["coef.indices"] = np.arange(30, dtype=np.int32)
        arrays["coef.indptr"] = np.array([0, 30, 30, 30] if lines == 3 else [0, 30], np.int32)
        arrays[f"coef.{part}"] = np.array(value, arrays[f"coef.{part}"].dtype)

    path = saved(tmp_path / "m", kind, sparsify=True)
    with pytest.raises(ModelFileError, match=text):
        load_model(crafted(tmp_path / "c", path, change))


@pytest.mark.parametrize("value", HUGE)
@pytest.mark.parametrize("place", [
    ("states", 0, "t"), ("states", 1, "epoch"), ("states", 0, "average_from"),
    ("states", 2, "stale"), ("scalars", "n_features_in_"), ("scalars", "n_iter_"),
])
def test_counts(tmp_path, place, value):
    """A count is a whole number that the kernels can add to."""
    path = saved(tmp_path / "m")
    with pytest.raises(ModelFileError):
        load_model(crafted(tmp_path / "c", path, put(*place, value)))


@pytest.mark.parametrize(("place", "value", "text"), [
    (("classes", "dtype"), "<U100000000", "bytes each"),
    (("classes", "values"), [2, 1, 0], "must rise"),
    (("classes", "dtype"), ["<i8"], "dtype"),
    (("states", 0, "seed"), 2**64, "seed of state 0"),
    (("states", 0, "eta0"), -1.0, "eta0 of state 0"),
    (("states", 0, "intercept"), {"float": "nan"}, "intercept of state 0"),
    (("scalars", "t_"), {"float": "inf"}, "t_"),
    (("class_counts",), [1, -1, 2], "class_counts"),
    (("params", "max_iter"), 2**70, "max_iter is out of range"),
    (("params", "class_weight"), {"dict": [[0, "much"]]}, "class_weight must be numbers"),
    (("scalars", "fit_stats_"), {"dict": [["alpha", "x"]]}, "fit_stats_"),
])
def test_values(tmp_path, place, value, text):
    path = tmp_path / "m"
    labels = np.array(["a", "b", "c"])[np.arange(60) % 3]
    y = labels if "dtype" in place and value == "<U100000000" else np.arange(60) % 3
    save_model(FastSGDClassifier(max_iter=2, tol=None, random_state=0).fit(X, y), path)
    with pytest.raises(ModelFileError, match=text):
        load_model(crafted(tmp_path / "c", path, put(*place, value)))
