"""Only MLPs whose parts fit together are read; everything else is refused by a clear error."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from test_mlp_resume import CSR, Y, make, networks
from test_model_file_errors import array, crafted, drop, put

from fastsgd import FastMLPClassifier, load_model, save_model
from fastsgd.errors import ModelFileError

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """With every part that a file may have."""
    path = tmp_path_factory.mktemp("saved") / "m"
    model = make(3, "early dropout", max_iter=4, random_state=1).fit(CSR, Y[3])
    assert model._states[0].iterate is not None
    save_model(model, path)
    return path


def only(name):
    def change(header, arrays):
        del arrays[name]
    return change


def more(name, value):
    def change(header, arrays):
        arrays[name] = value
    return change


def both(*changes):
    def change(header, arrays):
        for each in changes:
            each(header, arrays)
    return change


def at(place, value):
    def function(a):
        a = a.copy()
        a[place] = value
        return a
    return function


@pytest.mark.parametrize(("change", "text"), [
    (put("params", "colour", 1), "unknown parameter 'colour'"),
    (put("params", "alpha", -1.0), "alpha"),
    (put("params", "hidden_layer_sizes", {"tuple": 5}), "not iterable"),
    (put("params", "pipeline", {"LayerPipeline": {"stages": 0}}), "stages of a LayerPipeline"),
    (put("params", "learning_rate", {"eval": "exit()"}), "unknown kind of value 'eval'"),
    (put("scalars", "predict", 1), "unknown attribute 'predict'"),
    (put("scalars", "loss_", "low"), "loss_ is 'low'"),
    (put("scalars", "t_", 1.5), "t_ is 1.5"),
    (put("scalars", "n_features_in_", 41), "coefs.0 has 40 rows for 41 features"),
    (put("scalars", "n_outputs_", 4), "coefs.1 has 3 columns for 4 outputs"),
    (put("scalars", "n_iter_", -1), "n_iter_ must be an int"),
    (put("scalars", "out_activation_", "logistic"), "need 3 outputs behind 'softmax'"),
    (put("scalars", "out_activation_", "exp"), "'exp' does not go with loss='log_loss'"),
    (put("scalars", "out_activation_", ["softmax"]), "does not go with"),
    (put("scalars", "multilabel_", True), "3 labels need 3 outputs behind 'logistic'"),
    (put("classes", "values", [0, 1, 2, 3]), "4 classes need 4 outputs"),
    (put("classes", "values", [0, 1, 1]), "different labels"),
    (drop("scalars", "n_outputs_"), "n_outputs_"),
    (drop("classes"), "lacks 'classes'"),
    (drop("state"), "lacks 'state'"),
    (drop("state", "eta0"), "lacks 'eta0'"),
    (put("state", "step", -1), "step of the state is -1"),
    (put("state", "step", 1 << 80), "step of the state"),
    (put("state", "samples", True), "samples of the state is True"),
    (put("state", "seed", 1.5), "seed of the state is 1.5"),
    (put("state", "eta0", 0.0), "eta0 of the state is 0.0"),
    (put("state", "best_loss", None), "best_loss of the state is None"),
    (put("state", "curve", [1.0, "2"]), "curve of the state"),
    (put("state", "epoch", 10**9), "epochs of the state are 0 and 1000000000"),
    (put("state", "begun", 5), "epochs of the state are 5 and 4"),
    (put("momenta", "sdca"), "unknown optimizer 'sdca'"),
    (put("momenta", ["adam"]), "unknown optimizer"),
    (put("momenta", "adagrad"), "unknown array 'slots.1.first'"),
    (put("momenta", None), "unknown array 'last'"),
    (both(only("slots.1.first"), only("slots.1.rest")), "adam needs 2 slots"),
    (put("rng", None), "subscriptable"),
    (put("rng", "pos", 625), "pos of rng is 625"),
    (put("rng", "pos", 1.0), "pos of rng is 1.0"),
    (put("rng", "has_gauss", 2), "normal number of rng"),
    (put("stream", "rng", "gauss", "x"), "normal number of stream"),
    (put("stream", "epoch", 5), "epoch of the stream is 5"),
    (put("stream", "n_rows", 0), "n_rows of the stream is 0"),
    (put("stream", "held_out", 1), "held_out of the stream is 1"),
    (put("stream", None), "unknown array 'stream.key'"),
    (drop("stream"), "lacks 'stream'"),
    (drop("scored"), "lacks 'scored'"),
    (only("coefs.0"), "lacks 'coefs.0'"),
    (only("coefs.1"), "coefs.0 has 6 columns for 3 outputs"),
    (only("intercepts.1"), "lacks 'intercepts.1'"),
    (both(only("coefs.0"), only("coefs.1")), "must have coefs of two dimensions"),
    (array("coefs.0", lambda a: a[:, :5]), "do not follow each other"),
    (array("coefs.0", lambda a: a.ravel()), "must have coefs of two dimensions"),
    (array("coefs.0", lambda a: a[:0]), "must have coefs of two dimensions"),
    (array("coefs.0", lambda a: a.astype(np.float16)), "must be float32 or float64, are float16"),
    (array("coefs.1", lambda a: a.astype(np.float32)), "coefs.1 must be float64, is float32"),
    (array("intercepts.0", lambda a: a[:1]), "intercepts.0 must have shape"),
    (array("slots.0.first", lambda a: a[:1]), "slots.0.first must have shape"),
    (array("slots.1.rest", lambda a: a.astype(np.float32)), "slots.1.rest must be float64"),
    (only("slots.0.rest"), "lacks 'slots.0.rest'"),
    (only("iterate.rest"), "lacks 'iterate.rest'"),
    (array("iterate.rest", lambda a: a[1:]), "iterate.rest must have shape"),
    (array("last", at(3, -1)), "last must be within 0 and the step"),
    (array("last", at(3, 10**6)), "last must be within 0 and the step"),
    (array("last", lambda a: a[1:]), "last must have shape"),
    (array("last", lambda a: a.astype(float)), "last must be int64"),
    (array("rng.key", lambda a: a[1:]), "rng.key must have shape"),
    (array("stream.key", lambda a: a.astype(np.int64)), "stream.key must be uint32"),
    (only("rng.key"), "lacks 'rng.key'"),
    (more("coefs.9", np.zeros((2, 2))), "lacks 'coefs.2'"),
    (more("payload", np.zeros(3)), "unknown array 'payload'"),
])
def test_a_wrong_part_is_named(tmp_path, saved, change, text):
    load_model(crafted(tmp_path / "whole", saved, lambda header, arrays: None))
    with pytest.raises(ModelFileError, match=text):
        load_model(crafted(tmp_path / "c", saved, change))


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=5), st.just([]), st.just({}), st.lists(st.integers(), max_size=3),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2))


def places(header):
    """The keys that lead to each value of the header."""
    for key, value in header.items():
        yield (key,)
        if isinstance(value, dict):
            yield from ((key, *below) for below in places(value))


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_any_value_anywhere_is_refused_or_a_usable_model(saved, tmp_path_factory, data):
    """A header that lies under a right checksum: an error of ours, or a model that predicts."""
    with safe_open(saved, framework="numpy") as file:
        header = json.loads(file.metadata()["fastsgd"])
    place = data.draw(st.sampled_from(sorted(set(places(header)))))
    value = data.draw(VALUES)
    path = crafted(tmp_path_factory.getbasetemp() / "lie", saved, put(*place, value))
    try:
        model = load_model(path)
    except ModelFileError:
        return
    assert isinstance(model, FastMLPClassifier)
    assert model.predict(CSR).shape == (CSR.shape[0],)


def test_damage_is_noticed(saved, tmp_path):
    content = saved.read_bytes()
    for place in range(0, len(content), 97):
        flipped = bytearray(content)
        flipped[place] ^= 1 << (place % 8)
        (tmp_path / "m").write_bytes(flipped)
        with pytest.raises(ModelFileError):
            load_model(tmp_path / "m")
    for size in range(0, len(content), 501):
        (tmp_path / "m").write_bytes(content[:size])
        with pytest.raises(ModelFileError):
            load_model(tmp_path / "m")


def test_a_file_of_another_estimator(tmp_path, saved):
    """A header that claims another class is refused, whichever module it leads to."""
    for name in ("FastMLPRegressor", "FastSGDClassifier", "FastSGDRegressor"):
        with pytest.raises(ModelFileError):
            load_model(crafted(tmp_path / "c", saved, put("estimator", name)))


def test_all_of_the_state_is_kept(saved):
    """Nothing that networks() lists is lost on the way; the best weights are those shown."""
    state = load_model(saved)._states[0]
    assert len(networks(state)) == 2 + 4 + 1
    assert load_model(saved)._states[0].shown == load_model(saved)._parameters.digest()
