"""Model files of MLPs: a round trip changes no bit, of predictions and of what comes after."""

import os
import pickle

import numpy as np
import pytest
from safetensors import safe_open
from sklearn.exceptions import NotFittedError
from test_mlp_resume import CSR, DATA, VARIANTS, Y, make, same_state, weights

from fastsgd import FastMLPRegressor, LayerPipeline, load_model, save_model

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def again(model, path):
    save_model(model, path / "m")
    return load_model(path / "m")


@pytest.mark.parametrize("kind", Y)
@pytest.mark.parametrize("variant", [*VARIANTS, "lbfgs"])
def test_round_trip(tmp_path, variant, kind):
    """Predictions, attributes, parameters, and the bits of what `partial_fit` does next."""
    model = make(kind, variant if variant != "lbfgs" else "adam", max_iter=3)
    if variant == "lbfgs":
        model.solver = "lbfgs"
    model.fit(CSR, Y[kind])
    loaded = again(model, tmp_path)
    assert type(loaded) is type(model)
    assert repr(loaded.get_params()) == repr(model.get_params())
    same_state(loaded, model)
    assert loaded.fit_stats_ == model.fit_stats_
    for X in DATA.values():
        np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
        if kind not in ("numbers", "two"):
            np.testing.assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))
    assert [c.flags.c_contiguous for c in loaded.coefs_] == [True] * len(loaded.coefs_)
    if variant == "lbfgs":
        return
    for each in (model, loaded):
        each.set_params(early_stopping=False)
        for _ in range(2):
            each.partial_fit(CSR[30:90], Y[kind][30:90])
    same_state(loaded, model)


@pytest.mark.parametrize("data", DATA)
def test_partial_fit_goes_on(tmp_path, data):
    """Without a seed, and with rows of the first matrix that are not up to the last step."""
    model = FastMLPRegressor(hidden_layer_sizes=5, dropout=0.2)
    model.partial_fit(DATA[data][:20], Y["two"][:20])
    loaded = again(model, tmp_path)
    for each in (model, loaded):
        each.partial_fit(DATA[data], Y["two"])
    same_state(loaded, model)


def test_loaded_models_hold_their_weights_once(tmp_path):
    """What is trained in place is what coefs_ shows."""
    loaded = again(make(3, max_iter=1).fit(CSR, Y[3]), tmp_path)
    arrays, before = loaded.coefs_, weights(loaded)
    loaded.partial_fit(CSR, Y[3])
    assert all(a is b for a, b in zip(arrays, loaded.coefs_, strict=True))
    assert np.abs(weights(loaded) - before).min() > 0


@pytest.mark.parametrize("classes", [
    np.array(["a", "bé", "c\n"]), np.array([-1.0, 0.0, 2.0]), np.array(["x", "yy", "z"], object),
    np.array([3, 5, 9], np.int16)])
def test_classes_of_every_type(tmp_path, classes):
    model = make(3, max_iter=1).fit(CSR, classes[Y[3]])
    loaded = again(model, tmp_path)
    np.testing.assert_array_equal(loaded.classes_, classes)
    assert loaded.classes_.dtype == classes.dtype
    np.testing.assert_array_equal(loaded.predict(CSR), model.predict(CSR))


@pytest.mark.parametrize("params", [
    {"hidden_layer_sizes": 4}, {"hidden_layer_sizes": [4, 3]},
    {"hidden_layer_sizes": (np.int64(4),)},
    {"hidden_layer_sizes": ()}, {"class_weight": {0: 1.0, 1: 2, 2: 0.5}},
    {"dropout": [0.1, 0.2]}, {"n_iter_no_change": np.inf}, {"pipeline": LayerPipeline(2, 3)},
    {"max_time": 100.0, "n_jobs": 1}], ids=str)
def test_parameters_of_every_type(tmp_path, params):
    model = make(3, max_iter=1, **params).fit(CSR, Y[3])
    assert again(model, tmp_path).get_params() == model.get_params()


def test_sizes_in_an_array_become_a_list(tmp_path):
    model = make(3, max_iter=1, hidden_layer_sizes=np.array([4, 3])).fit(CSR, Y[3])
    assert again(model, tmp_path).hidden_layer_sizes == [4, 3]


def test_feature_names(tmp_path):
    pd = pytest.importorskip("pandas")
    X = pd.DataFrame(CSR.toarray(), columns=[f"f{k}" for k in range(CSR.shape[1])])
    model = make("numbers", max_iter=1).fit(X, Y["numbers"])
    assert list(again(model, tmp_path).feature_names_in_) == list(X.columns)


def test_pickles_of_loaded_models_go_on(tmp_path):
    model = again(make(3, "early", max_iter=5).fit(CSR, Y[3]), tmp_path)
    same_state(pickle.loads(pickle.dumps(model)).resume(CSR, Y[3], max_iter=9),
               model.resume(CSR, Y[3], max_iter=9))


def test_what_is_in_the_file(tmp_path):
    """Each layer under its name, as any program that reads safetensors finds it."""
    model = make(3, max_iter=1, hidden_layer_sizes=(6, 4)).fit(CSR, Y[3])
    save_model(model, tmp_path / "m")
    with safe_open(tmp_path / "m", framework="numpy") as file:
        names = set(file.keys())
        for i in range(3):
            np.testing.assert_array_equal(file.get_tensor(f"coefs.{i}"), model.coefs_[i])
            np.testing.assert_array_equal(
                file.get_tensor(f"intercepts.{i}"), model.intercepts_[i])
    assert names - {f"{kind}.{i}" for kind in ("coefs", "intercepts") for i in range(3)} == {
        "slots.0.first", "slots.0.rest", "slots.1.first", "slots.1.rest", "last", "rng.key",
        "stream.key"}


def test_what_cannot_be_stored_is_told(tmp_path):
    with pytest.raises(NotFittedError):
        save_model(make(3), tmp_path / "m")
    model = make(3, max_iter=1, random_state=np.random.RandomState(np.random.PCG64(3)))
    with pytest.raises(TypeError, match="PCG64, which cannot be stored"):
        save_model(model.fit(CSR, Y[3]), tmp_path / "m")
    model = make(3, max_iter=1).fit(CSR, Y[3])
    model.class_weight = {object(): 1.0}
    with pytest.raises(TypeError, match="class_weight"):
        save_model(model, tmp_path / "m")
    assert os.listdir(tmp_path) == []
