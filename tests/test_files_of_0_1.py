"""Model files, a cache and a checkpoint that version 0.1 wrote load, silently, and say the same.

The files in tests/files_of_0_1 were written by that version on the rows of its cache; `said.json`
has what its models predicted, and the weights of two of them after some epochs more.
"""

import json
import warnings
from pathlib import Path

import numpy as np
import pytest

import fastsgd
from fastsgd.data.cache import open_cache

FOLDER = Path(__file__).with_name("files_of_0_1")
SAID = json.loads((FOLDER / "said.json").read_text())
MODELS = sorted(path.stem for path in FOLDER.glob("*.fsgd"))


@pytest.fixture(scope="module")
def data():
    """X and the targets that the models were trained on."""
    X, t, _ = open_cache(FOLDER / "rows.cache")
    return X, np.asarray(t)


@pytest.fixture(autouse=True)
def no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def test_nothing_is_missing():
    assert sorted(SAID) == MODELS


@pytest.mark.parametrize("name", MODELS)
def test_predictions_are_those_of_then(name, data):
    model = fastsgd.load_model(FOLDER / f"{name}.fsgd")
    for method, said in SAID[name].items():
        if method == "resumed":
            continue
        found = getattr(model, method)(data[0])
        if found.dtype.kind == "f":
            np.testing.assert_allclose(found, said, rtol=1e-12, atol=1e-14)
        else:
            assert found.tolist() == said
    assert model.get_params()
    assert type(model).__name__ in repr(model)


@pytest.mark.parametrize(("name", "epochs", "weights"), [
    ("two_classes", 8, lambda model: model.coef_), ("network", 7, lambda model: model.coefs_[0])])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_training_goes_on(name, epochs, weights, data):
    X, t = data
    y = {"two_classes": (t > np.median(t)).astype(int), "network": np.array(["a", "b", "c"])[
        np.digitize(t, np.quantile(t, [0.33, 0.66]))]}[name]
    model = fastsgd.load_model(FOLDER / f"{name}.fsgd")
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        model.resume(X, y, max_iter=epochs)
    np.testing.assert_allclose(weights(model), SAID[name]["resumed"], rtol=1e-9)


def test_a_checkpoint_goes_on(data):
    X, t = data
    model = fastsgd.load_model(FOLDER / "checkpoint.fsgd")
    assert model.n_iter_ == 6
    again = model.resume(X, (t > np.median(t)).astype(int), max_iter=7)
    assert again.n_iter_ == 7
