"""Model files: a round trip changes no bit, and nothing but a whole file of ours is read."""

import json
import os
import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.numpy import save_file
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import SGDClassifier

from fastsgd import FastSGDClassifier, FastSGDRegressor, load_model, save_model
from fastsgd.errors import ModelFileError
from fastsgd.model_file import FORMAT, _digest
from fastsgd.schedules import Cosine


def rows(n=120, d=12, dtype=np.float64, seed=0):
    X = sp.random(n, d, 0.4, format="csr", random_state=seed, dtype=np.float64).astype(dtype)
    return X, np.asarray(X @ np.linspace(-1, 1, d))


def labels(y, classes):
    cuts = np.quantile(y, np.linspace(0, 1, len(classes) + 1)[1:-1])
    return np.asarray(classes)[np.searchsorted(cuts, y)]


VARIANTS = {
    "plain": {},
    "l1": {"penalty": "l1"},
    "elasticnet": {"penalty": "elasticnet", "l1_ratio": 0.3},
    "average": {"average": 30},
    "adaptive": {"learning_rate": "adaptive", "eta0": 0.1},
    "cosine": {"learning_rate": Cosine(T_0=3, T_mult=1.5, eta_min=1e-3), "eta0": 0.1},
    "no penalty": {"penalty": None, "learning_rate": "constant"},
    "C": {"C": 2.0},
    "rows": {"shuffle": "rows", "tol": None},
}


def make(kind, variant, **more):
    params = {"random_state": 5, "max_iter": 4, "tol": None} | VARIANTS[variant] | more
    return kind(**params)


def same(a, b):
    assert type(a) is type(b)
    assert np.array_equal(a, b)
    assert np.asarray(a).dtype == np.asarray(b).dtype


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_classes", [0, 2, 4])
@pytest.mark.parametrize("variant", VARIANTS)
def test_round_trip_keeps_predictions_and_what_comes_after(tmp_path, variant, n_classes, dtype):
    X, y = rows(dtype=dtype)
    kind = FastSGDClassifier if n_classes else FastSGDRegressor
    y = labels(y, range(n_classes)) if n_classes else y
    model = make(kind, variant).fit(X, y)
    save_model(model, tmp_path / "m")
    again = load_model(tmp_path / "m")
    assert type(again) is kind
    assert again.get_params() == model.get_params()
    for X_new in (X, X.toarray()):
        same(again.predict(X_new), model.predict(X_new))
        if n_classes:
            same(again.decision_function(X_new), model.decision_function(X_new))
    for name in ("t_", "n_iter_", "loss_curve_", "fit_stats_", "n_features_in_"):
        assert getattr(again, name) == getattr(model, name)
    if model.C is None:
        for _ in range(2):
            model.partial_fit(X, y)
            again.partial_fit(X, y)
        same(again.coef_, model.coef_)
        same(again.intercept_, model.intercept_)


def test_partial_fit_goes_on_the_same_without_an_int_seed(tmp_path):
    X, y = rows()
    model = FastSGDRegressor().partial_fit(X, y)
    save_model(model, tmp_path / "m")
    same(load_model(tmp_path / "m").partial_fit(X, y).coef_, model.partial_fit(X, y).coef_)


@pytest.mark.parametrize("classes", [
    np.array([-1, 1]), np.array([3, 5, 9], np.int16), np.array([1.0, 2.0]),
    np.array([False, True]), np.array(["a", "bé", "c\n"]), np.array(["x", "yy"], object),
    np.array([0, 2**63], np.uint64),
])
def test_classes_of_every_type(tmp_path, classes):
    X, y = rows()
    y = labels(y, classes)
    model = FastSGDClassifier(random_state=0).fit(X, y)
    save_model(model, tmp_path / "m")
    again = load_model(tmp_path / "m")
    same(again.classes_, model.classes_)
    same(again.predict(X), model.predict(X))


@pytest.mark.parametrize("weight", [
    {0: 1.0, 1: 3}, {np.int64(0): 2.0, 1.0: np.float32(0.5)}, "balanced", "balanced_running"])
def test_class_weight_survives(tmp_path, weight):
    X, y = rows()
    model = FastSGDClassifier(class_weight=weight, random_state=0).fit(X, labels(y, [0, 1]))
    save_model(model, tmp_path / "m")
    again = load_model(tmp_path / "m")
    assert again.class_weight == weight
    same(again.partial_fit(X, labels(y, [0, 1])).coef_ if weight != "balanced" else again.coef_,
         model.partial_fit(X, labels(y, [0, 1])).coef_ if weight != "balanced" else model.coef_)


@pytest.mark.parametrize("kind", [FastSGDClassifier, FastSGDRegressor])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_sparse_weights(tmp_path, kind, n_classes):
    X, y = rows()
    y = labels(y, range(n_classes))
    model = kind(penalty="l1", alpha=0.01, random_state=0).fit(X, y).sparsify()
    save_model(model, tmp_path / "m")
    again = load_model(tmp_path / "m")
    assert type(again.coef_) is type(model.coef_)
    assert again.coef_.shape == model.coef_.shape
    # With scikit-learn 1.9 a sparsified regressor, theirs too, predicts dense rows only.
    X_new = X if kind is FastSGDClassifier else X.toarray()
    same(again.predict(X_new), model.predict(X_new))
    same(again.partial_fit(X, y).coef_, model.partial_fit(X, y).coef_)


def test_feature_names(tmp_path):
    pd = pytest.importorskip("pandas")
    X, y = rows()
    X = pd.DataFrame(X.toarray(), columns=[f"f{k}" for k in range(12)])
    model = FastSGDRegressor(random_state=0).fit(X, y)
    save_model(model, tmp_path / "m")
    same(load_model(tmp_path / "m").feature_names_in_, model.feature_names_in_)


def test_a_random_state_object_is_stored_as_none(tmp_path):
    X, y = rows()
    model = FastSGDRegressor(random_state=np.random.RandomState(3), max_iter=2, tol=None).fit(X, y)
    save_model(model, tmp_path / "m")
    again = load_model(tmp_path / "m")
    assert again.random_state is None
    same(again.resume(X, y, max_iter=4).coef_, model.resume(X, y, max_iter=4).coef_)


def test_what_cannot_be_stored_is_told(tmp_path):
    X, y = rows()
    with pytest.raises(NotFittedError):
        save_model(FastSGDRegressor(), tmp_path / "m")
    with pytest.raises(TypeError, match="FastSGDClassifier and FastSGDRegressor"):
        save_model(SGDClassifier(), tmp_path / "m")
    model = FastSGDRegressor().fit(X, y)
    model.verbose = object()
    with pytest.raises(TypeError, match="verbose"):
        save_model(model, tmp_path / "m")
    assert os.listdir(tmp_path) == []


def test_a_failed_save_leaves_the_old_file(tmp_path, monkeypatch):
    X, y = rows()
    model = FastSGDRegressor(random_state=0).fit(X, y)
    save_model(model, tmp_path / "m")
    before = (tmp_path / "m").read_bytes()

    def fail(*args):
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        save_model(model.partial_fit(X, y), tmp_path / "m")
    assert os.listdir(tmp_path) == ["m"]
    assert (tmp_path / "m").read_bytes() == before


def test_a_link_is_written_through(tmp_path):
    X, y = rows()
    (tmp_path / "link").symlink_to(tmp_path / "m")
    save_model(FastSGDRegressor().fit(X, y), tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    load_model(tmp_path / "m")


# Files that must be refused


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    X, y = rows()
    model = make(FastSGDClassifier, "l1", average=True).fit(X, labels(y, [1, 2, 3]))
    path = tmp_path_factory.mktemp("saved") / "m"
    save_model(model, path)
    return path


def crafted(path, saved, change):
    """A file with a right checksum whose header and arrays went through `change`."""
    with safe_open(saved, framework="numpy") as file:
        header = json.loads(file.metadata()[FORMAT])
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    change(header, arrays)
    text = json.dumps(header)
    save_file(arrays, path, {FORMAT: text, "sha256": _digest(text, arrays)})
    return path


def test_crafted_files_are_read_when_nothing_changed(tmp_path, saved):
    load_model(crafted(tmp_path / "c", saved, lambda header, arrays: None))


def put(*keys_and_value):
    *keys, last, value = keys_and_value

    def change(header, arrays):
        for key in keys:
            header = header[key]
        header[last] = value

    return change


def drop(*keys):
    def change(header, arrays):
        for key in keys[:-1]:
            header = header[key]
        del header[keys[-1]]

    return change


def array(name, function):
    def change(header, arrays):
        arrays[name] = np.ascontiguousarray(function(arrays[name]))

    return change


@pytest.mark.parametrize(("change", "text"), [
    (put("format_version", 2), "Upgrade fastsgd"),
    (put("format_version", 0), "format version"),
    (put("format_version", "1"), "format version"),
    (put("format", "other"), "not that of a fastsgd model"),
    (put("estimator", "os.system"), "unknown class 'os.system'"),
    (put("estimator", ["FastSGDClassifier"]), "unknown class"),
    (put("params", "colour", 1), "unknown parameter 'colour'"),
    (put("params", "alpha", -1.0), "alpha"),
    (put("params", "loss", {"python": "exit()"}), "unknown kind"),
    (put("params", "learning_rate", {"Cosine": {"T_9": 1}}), "T_9"),
    (put("params", []), "'items'"),
    (put("scalars", "__class__", 1), "unknown attribute"),
    (put("scalars", "t_", "1"), "t_"),
    (put("scalars", "n_features_in_", 13), "shape"),
    (put("scalars", "n_features_in_", True), "n_features_in_"),
    (put("classes", "values", [1, 1, 2]), "different"),
    (put("classes", "values", [1, 2]), "shape|class_counts"),
    (put("classes", "values", [1, 2, "3"]), "labels"),
    (put("classes", "dtype", "V8"), "labels"),
    (put("class_counts", [1]), "class_counts"),
    (put("states", 0, "t", -1), "t of state 0"),
    (put("states", 0, "best", None), "best of state 0"),
    (put("states", 0, "curve", ["x"]), "curve of state 0"),
    (drop("states", 0), "states"),
    (drop("states", 1, "seed"), "lacks 'seed'"),
    (drop("coef"), "lacks 'coef'"),
    (drop("scalars", "t_"), "t_"),
    (put("coef", "kind", "csr_matrix"), "lacks 'coef.data'"),
    (put("coef", "kind", "pickle"), "unknown kind"),
    (array("coef", lambda a: a[1:]), "coef must have shape"),
    (array("coef", lambda a: a.astype(np.int64)), "coef must be float32 or float64"),
    (array("intercept", lambda a: a.astype(np.float32)), "intercept must be float64"),
    (array("state.0.average", lambda a: a[:, None]), "state.0.average must have shape"),
    (array("state.2.l1_paid", lambda a: a.astype(np.float32)), "state.2.l1_paid must be"),
    (lambda header, arrays: arrays.pop("intercept"), "lacks 'intercept'"),
    (lambda header, arrays: arrays.update(more=np.zeros(3)), "unknown array 'more'"),
])
def test_a_wrong_part_is_named(tmp_path, saved, change, text):
    with pytest.raises(ModelFileError, match=text):
        load_model(crafted(tmp_path / "c", saved, change))


@pytest.mark.parametrize(("content", "text"), [
    (b"", "empty"),
    (pickle.dumps({"model": "a longer text than sixteen"}), "pickle"),
    (b"+1 1:0.5 7:1 9:2\n", "not a fastsgd model file"),
    (b"\x10", "not a fastsgd model file"),
    ((1 << 40).to_bytes(8, "little") + b'{"a":1}        ', "cut off or damaged"),
    ((9).to_bytes(8, "little") + b'{"a": [[[', "cut off or damaged"),
])
def test_foreign_files(tmp_path, content, text):
    (tmp_path / "m").write_bytes(content)
    with pytest.raises(ModelFileError, match=text):
        load_model(tmp_path / "m")


def test_safetensors_of_another_program(tmp_path):
    save_file({"weight": np.zeros(3)}, tmp_path / "m")
    with pytest.raises(ModelFileError, match="another program"):
        load_model(tmp_path / "m")


def test_a_missing_file_stays_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        load_model(tmp_path / "m")
    with pytest.raises(OSError, match="directory"):
        load_model(tmp_path)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_a_flipped_byte_is_noticed_or_harmless(saved, tmp_path_factory, data):
    content = bytearray(saved.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    path = tmp_path_factory.getbasetemp() / "flipped"
    path.write_bytes(content)
    try:
        again = load_model(path)
    except ModelFileError:
        return
    same(again.coef_, load_model(saved).coef_)


@settings(max_examples=60, deadline=None)
@given(share=st.floats(0, 1, exclude_max=True))
def test_a_truncated_file_is_refused(saved, tmp_path_factory, share):
    content = saved.read_bytes()
    path = tmp_path_factory.getbasetemp() / "truncated"
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(ModelFileError):
        load_model(path)
