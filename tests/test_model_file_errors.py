"""Nothing but a whole model file of ours is read; everything else is refused by a clear error."""

import json
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.numpy import save_file
from test_model_file import labels, make, rows, same

from fastsgd import FastSGDClassifier, load_model, save_model
from fastsgd.errors import ModelFileError
from fastsgd.model_file import FORMAT, _digest


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


def test_every_flipped_bit_is_noticed(saved, tmp_path):
    content = saved.read_bytes()
    for at in range(0, len(content), 11):
        flipped = bytearray(content)
        flipped[at] ^= 1 << (at % 8)
        (tmp_path / "m").write_bytes(flipped)
        with pytest.raises(ModelFileError):
            load_model(tmp_path / "m")


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
