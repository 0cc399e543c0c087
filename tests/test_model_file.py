"""Model files: a round trip changes no bit, and nothing but a whole file of ours is read."""

import os

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import SGDClassifier

from fastsgd import FastSGDClassifier, FastSGDRegressor, load_model, save_model
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
    "auto": {"eta0": "auto", "learning_rate": "adaptive", "max_time": 3600.0},
    "auto optimal": {"eta0": "auto", "learning_rate": "optimal", "alpha": 1e-3},
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
    with pytest.raises(TypeError, match="FastSGDClassifier, FastSGDRegressor"):
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
