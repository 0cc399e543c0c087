"""Damaged, truncated and foreign files are refused by a clear error, or harmless."""

# ruff: noqa: F811 (fixtures that are imported)

import json
import pickle
import zlib

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save_file
from test_cache import matrix, saved  # noqa: F401

from fastsgd import FastSGDClassifier, save_model
from fastsgd.data import cache
from fastsgd.data.cache import open_cache, save_cache
from fastsgd.data.cache_header import FORMAT
from fastsgd.data.formats import format_of
from fastsgd.errors import DataFileError


def crafted(path, saved, change):
    """A file whose header and arrays went through `change(header, told, arrays)`."""
    content = saved.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8:8 + length])
    told = json.loads(header["__metadata__"][FORMAT])
    body = bytearray(content[8 + length:])
    change(header, told, body)
    said = json.dumps(told)
    header["__metadata__"] = {FORMAT: said, "crc32": f"{zlib.crc32(said.encode()):08x}"}
    text = json.dumps(header).encode()
    text += b" " * (-(len(text) + 8) % 64)
    path.write_bytes(len(text).to_bytes(8, "little") + text + body)
    return path


def test_crafted_files_are_opened_when_nothing_changed(tmp_path, saved):
    open_cache(crafted(tmp_path / "c", saved, lambda *parts: None), check="all")


def told(**values):
    return lambda header, told, body: told.update(values)


def entry(name, **values):
    return lambda header, told, body: header[name].update(values)


def item(name, at, value, dtype=np.int32):
    """Puts a value in an array."""

    def change(header, told, body):
        begin, end = header[name]["data_offsets"]
        np.frombuffer(body, dtype, offset=begin, count=(end - begin) // 4)[at] = value

    return change


def drop(name):
    return lambda header, told, body: header.pop(name)


@pytest.mark.parametrize(("change", "text"), [
    (told(format_version=2, version="9.9"), "format 2, written by fastsgd 9.9.*Upgrade"),
    (told(format_version=True), "format version"), (told(format_version=0), "format version"),
    (told(format="x"), "not that of a data cache"), (told(kind="csc"), "unknown kind 'csc'"),
    (told(kind=["csr"]), "unknown kind"), (told(kind="dense"), "dense cache has X, y"),
    (told(shape=[60]), "shape"), (told(shape=[60, -1]), "shape"),
    (told(shape=[0, 20]), "indptr must have 1"), (told(shape=[60, 0]), "shape"),
    (told(shape=[60, 2.5]), "shape"), (told(shape=[60, True]), "shape"),
    (told(shape=[61, 20]), "indptr must have 62"), (told(shape=[60, 19]), "column 19"),
    (told(shape=[60, 2**40]), "too large"), (told(index_base=2), "index_base"),
    (told(index_base="1"), "index_base"), (told(canonical=1), "canonical"),
    (told(crc32=[]), "crc32"),
    (drop("data"), "has the arrays indices, indptr, y"), (drop("indptr"), "csr cache has"),
    (lambda header, told, body: header.update(more=header["y"]), "more"),
    (entry("data", dtype="I64"), "data is of type 'I64'"),
    (entry("data", dtype=["F64"]), "data is of type"), (entry("y", dtype="BF16"), "y is of type"),
    (entry("indptr", dtype="F32"), "indptr is of type"),
    (entry("data", shape=[1]), "cannot have"), (entry("data", shape=5), "shape 5"),
    (entry("data", shape=[[1]]), "shape"), (entry("y", shape=[60, 1, 1]), "shape"),
    (entry("data", data_offsets=[-8, 0]), "lies at"), (entry("data", data_offsets=[0]), "entry"),
    (entry("y", data_offsets=[0.0, 480]), "lies at"),
    (entry("y", data_offsets=[10**9, 10**9 + 480]), "cut off"),
    (entry("y", data_offsets=[4, 484]), "no multiple"),
    (lambda header, told, body: header.update(data=7), "entry of 'data'"),
    (item("indptr", 3, 10**6), "indptr falls at row 3"), (item("indptr", 0, 1), "from 0"),
    (item("indptr", 60, 5), "from 0"), (item("indices", 8, 20), "column 20"),
    (item("indices", 8, -1), "column -1"),
    (lambda header, told, body: body.extend(b"more"), "its arrays end at"),
    (drop("y"), "in place of"), (entry("y", data_offsets=[8, 488]), "in place of"),
])
def test_a_wrong_part_is_named(tmp_path, saved, change, text):
    with pytest.raises(DataFileError, match=text):
        open_cache(crafted(tmp_path / "c", saved, change))


@pytest.mark.parametrize(("name", "shape"), [
    ("X", [0, 2**62]), ("X", [0, 2**70]), ("y", [0, 2**62]), ("y", [0, 2**70]), ("y", [2**62, 0]),
    ("y", [0, 0]), ("y", [3, 0])])
def test_arrays_of_nothing_have_no_absurd_shape(tmp_path, name, shape):
    cache.save_cache(tmp_path / "empty", np.empty((0, 3)), np.empty(0))

    def change(header, told, body):
        header[name]["shape"] = shape
        if name == "X":
            told["shape"] = shape

    with pytest.raises(DataFileError, match=f"{name} has shape"):
        open_cache(crafted(tmp_path / "c", tmp_path / "empty", change))


def test_the_header_has_a_checksum_of_its_own(tmp_path, saved):
    content = saved.read_bytes()
    (tmp_path / "c").write_bytes(content.replace(b"[60, 20]", b"[60, 28]"))
    with pytest.raises(DataFileError, match="does not match its checksum"):
        open_cache(tmp_path / "c", check="structure")


def test_indices_and_indptr_of_two_types(tmp_path, monkeypatch):
    """Which scipy and the kernels do not take."""
    kept = cache._csr_arrays

    def mixed(X):
        parts = kept(X)
        return parts | {"indptr": (parts["indptr"][0], np.dtype("<i8"))}

    monkeypatch.setattr(cache, "_csr_arrays", mixed)
    save_cache(tmp_path / "c", matrix())
    with pytest.raises(DataFileError, match="not of one type"):
        open_cache(tmp_path / "c")


def test_checks_of_more_and_of_less(tmp_path, saved):
    """Values are compared with checksums on demand; columns are left to whoever uses them."""
    change = item("data", 3, 12345)
    open_cache(crafted(tmp_path / "c", saved, change))
    with pytest.raises(DataFileError, match="'data' does not match its checksum"):
        open_cache(tmp_path / "c", check="all")
    path = crafted(tmp_path / "c", saved, item("indices", 8, 20))
    X, y, _ = open_cache(path, check="structure")
    with pytest.raises(ValueError, match="column number 20"):
        FastSGDClassifier().fit(X, y)
    with pytest.raises(ValueError, match="valid names are 'structure'"):
        open_cache(path, check=True)


@pytest.mark.parametrize(("content", "text"), [
    (b"", "no data cache"), (b"+1 1:0.5 7:1 9:2\n", "no data cache"),
    (pickle.dumps({"model": "a longer text than sixteen"}), "no data cache"),
    ((1 << 40).to_bytes(8, "little") + b'{"a":1}        ', "cut off or damaged"),
    ((9).to_bytes(8, "little") + b'{"a": [[[   ', "not JSON"),
    ((0).to_bytes(8, "little") + b'{"a": 1}', "not JSON"),
    ((2).to_bytes(8, "little") + b"{}", "another program"),
    ((1 << 21).to_bytes(8, "little") + b"{" * (1 << 21), "no data cache: its header has"),
])
def test_foreign_files(tmp_path, content, text):
    (tmp_path / "c").write_bytes(content)
    with pytest.raises(DataFileError, match=text):
        open_cache(tmp_path / "c")


def test_files_of_other_kinds_are_told_by_name(tmp_path):
    save_file({"weight": np.zeros(3)}, tmp_path / "c")
    with pytest.raises(DataFileError, match="another program"):
        open_cache(tmp_path / "c")
    save_model(FastSGDClassifier().fit(matrix(), np.arange(60) % 2), tmp_path / "m")
    assert format_of(tmp_path / "m").name == "cache"
    with pytest.raises(DataFileError, match="is a model file, not data"):
        open_cache(tmp_path / "m")
    with pytest.raises(FileNotFoundError):
        open_cache(tmp_path / "none")


@pytest.mark.parametrize("lowest", [0x80, 0x50, 0x93, 0x89])
def test_a_header_of_any_length(tmp_path, lowest):
    """The lowest byte of the length may be the first of a pickle, a zip, an .npy, HDF5."""
    path = tmp_path / "file"
    path.write_bytes(bytes([lowest, 2, 0, 0, 0, 0, 0, 0]) + b"{" + b" " * 1000)
    assert format_of(path).name == "cache"
    path.write_bytes(pickle.dumps([0] * 1000))
    with pytest.raises(DataFileError, match="looks like a pickle"):
        format_of(path)


def opened_or_refused(path):
    """Every byte of what `open_cache` gives can be used."""
    try:
        X, y, base = open_cache(path)
    except DataFileError:
        return False
    assert base in (None, 0, 1)
    if sp.issparse(X):
        assert X.indices.size == 0 or 0 <= X.indices.min() <= X.indices.max() < X.shape[1]
        assert (X @ np.zeros((X.shape[1], 1))).shape == (X.shape[0], 1)
    float(np.nansum(np.nan_to_num(np.asarray(y), posinf=0, neginf=0)))
    return True


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_flipped_bytes_are_noticed_or_harmless(saved, tmp_path_factory, data):
    content = bytearray(saved.read_bytes())
    length = int.from_bytes(content[:8], "little") + 8
    last = data.draw(st.sampled_from([length, len(content)])) - 1
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, last))] ^= data.draw(st.integers(1, 255))
    path = tmp_path_factory.getbasetemp() / "flipped"
    path.write_bytes(content)
    opened_or_refused(path)
    try:
        X, y, _ = open_cache(path, check="all")
    except DataFileError:
        return
    np.testing.assert_array_equal(X.data, matrix().data)  # only the header's spelling changed
    np.testing.assert_array_equal(y, np.arange(60) % 3)


@settings(max_examples=100, deadline=None)
@given(share=st.floats(0, 1, exclude_max=True))
def test_a_truncated_file_is_refused(saved, tmp_path_factory, share):
    content = saved.read_bytes()
    path = tmp_path_factory.getbasetemp() / "truncated"
    path.write_bytes(content[: int(share * len(content))])
    assert not opened_or_refused(path)


@settings(max_examples=100, deadline=None)
@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["dtype", "shape", "data_offsets", "kind", "x"]), inner, max_size=3),
    max_leaves=6), st.sampled_from(["data", "y", "indptr", "__metadata__", FORMAT, "shape"]))
def test_any_json_in_the_header_is_refused_or_harmless(saved, tmp_path_factory, value, where):
    def change(header, told, body):
        if where == FORMAT:
            told.clear()
            told.update(value if isinstance(value, dict) else {"kind": value})
        elif where == "shape":
            told["shape"] = value
        elif where == "__metadata__":
            header["more"] = value
        else:
            header[where] = value

    path = crafted(tmp_path_factory.getbasetemp() / "json", saved, change)
    opened_or_refused(path)
