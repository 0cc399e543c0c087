"""`fastsgd.load`: every form of data, told by its first bytes, with the options that it takes."""

import bz2
import doctest
import gzip
import os
import socket
import threading

import numpy as np
import pytest
import scipy.sparse as sp
from test_cli import run

import fastsgd
from fastsgd import load_svmlight
from fastsgd.data import formats
from fastsgd.data.cache import save_cache
from fastsgd.data.formats import FORMATS, format_of, known_forms
from fastsgd.errors import DataFileError

TEXT = b"1 1:0.5 3:2\n-1 2:1.25 # a comment\n"
X = np.array([[0.5, 0, 2], [0, 1.25, 0]])
Y = np.array([1.0, -1])


def save_npz(path, matrix, **more):
    with open(path, "wb") as file:  # by the name as it is
        np.savez(file, data=matrix.data, indices=matrix.indices, indptr=matrix.indptr,
                 shape=matrix.shape, **more)


def save_dense(path, **more):
    with open(path, "wb") as file:
        np.savez(file, X=X, **more)


WRITERS = {
    "text": lambda path: path.write_bytes(TEXT),
    "gzip": lambda path: path.write_bytes(gzip.compress(TEXT)),
    "bzip2": lambda path: path.write_bytes(bz2.compress(TEXT)),
    "npz": lambda path: save_npz(path, sp.csr_matrix(X), y=Y),
    "dense npz": lambda path: save_dense(path, y=Y),
    "cache": lambda path: save_cache(path, sp.csr_matrix(X), Y, index_base=1),
    "dense cache": lambda path: save_cache(path, X, Y),
}
FORM = {"gzip": "text", "bzip2": "text", "dense npz": "npz", "dense cache": "cache"}


@pytest.fixture(params=WRITERS)
def saved(request, tmp_path):
    """(path, what wrote it); the name tells nothing."""
    WRITERS[request.param](tmp_path / "data")
    return tmp_path / "data", request.param


def dense(found):
    return found.toarray() if sp.issparse(found) else found


def test_every_form_has_the_same_rows(saved):
    path, kind = saved
    for name in (path, str(path), os.fsencode(path)):
        found, y = fastsgd.load(name)
        np.testing.assert_array_equal(dense(found), X)
        np.testing.assert_array_equal(y, Y)
        assert found.dtype == np.float64
        assert sp.issparse(found) == ("dense" not in kind)
    assert format_of(path).name == FORM.get(kind, kind)
    assert isinstance(found.data if kind == "cache" else found, np.memmap) == ("cache" in kind)


def test_options_of_every_form(saved):
    path, kind = saved
    assert fastsgd.load(path, dtype=np.float32)[0].dtype == np.float32
    assert fastsgd.load(path, n_features=np.int64(3))[0].shape == (2, 3)
    if "dense" in kind:
        with pytest.raises(ValueError, match="data: has 3 features, not the 5 given"):
            fastsgd.load(path, n_features=5)
    else:
        assert fastsgd.load(path, n_features=5)[0].shape == (2, 5)
    with pytest.raises(ValueError, match=r"features, not the 2 given|at most 2"):
        fastsgd.load(path, n_features=2)
    for options, text in (({"dtype": np.int8}, "dtype must be float32 or float64, got"),
                          ({"n_features": 0}, "n_features must be an int >= 1"),
                          ({"n_features": 2.5}, "n_features must be an int >= 1")):
        with pytest.raises(ValueError, match=text):
            fastsgd.load(path, **options)


def test_an_option_of_another_form_is_refused_by_name(saved):
    path, kind = saved
    form = FORM.get(kind, kind)
    for option, value, forms in (("zero_based", True, ["text"]), ("multilabel", True, ["text"]),
                                 ("allow_nonfinite", True, ["text"]), ("check", "all", ["cache"])):
        if form in forms:
            fastsgd.load(path, **{option: value})
        else:
            with pytest.raises(ValueError, match=rf"data: is .*, which takes the options "
                               rf"n_features, dtype.*; leave out {option}$"):
                fastsgd.load(path, **{option: value})
    with pytest.raises(TypeError, match="zero_base"):
        fastsgd.load(path, zero_base=True)


def test_text_is_that_of_load_svmlight(tmp_path):
    path = tmp_path / "data"
    path.write_bytes(b"3,1 1:nan\n2:1\n")
    options = {"multilabel": True, "allow_nonfinite": True, "zero_based": True, "n_features": 9}
    for found, expected in zip(fastsgd.load(path, **options), load_svmlight(path, **options),
                               strict=True):
        np.testing.assert_equal(dense(found), dense(expected))
    with pytest.raises(ValueError, match="data, line 1, column 2: expected"):
        fastsgd.load(path)


def test_targets_may_lack_where_arrays_are(tmp_path):
    save_dense(tmp_path / "npz")
    save_cache(tmp_path / "cache", X)
    assert fastsgd.load(tmp_path / "npz")[1] is fastsgd.load(tmp_path / "cache")[1] is None


def test_a_pipe_is_text(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(TEXT,))
    writer.start()
    np.testing.assert_array_equal(dense(fastsgd.load(tmp_path / "pipe")[0]), X)
    writer.join()


def test_what_is_no_file_of_data_is_told(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    os.mkdir("folder")
    with pytest.raises(DataFileError, match=r"^folder: is a folder; data are read from files"):
        fastsgd.load("folder")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind("socket")
        with pytest.raises(DataFileError, match=r"^socket: is a socket; data are read from"):
            fastsgd.load(b"socket")
    with pytest.raises(FileNotFoundError):
        fastsgd.load("none")
    with pytest.raises(TypeError, match="not int"):
        fastsgd.load(0)


@pytest.mark.parametrize("content", [b"\x7fELF\x02\x01\x01", b"\0" * 100, b"1 1:\x00",
                                     "1 1:0.5\n".encode("utf-16"), b"\x1f\x8b", bytes(range(9))])
def test_unknown_bytes_are_told_with_the_forms_there_are(tmp_path, content):
    (tmp_path / "data").write_bytes(content)
    with pytest.raises(DataFileError, match="is of no form that fastsgd reads, it begins") as told:
        fastsgd.load(tmp_path / "data")
    assert str(told.value).endswith(
        "save the rows as svmlight text (plain, gzip or bzip2), an .npz of numpy or scipy or a "
        "cache (fastsgd convert)")
    assert "is of no form that fastsgd reads" in run("train", tmp_path / "data", code=1)[1]


@pytest.mark.parametrize(("content", "text"), [
    (b"\x80\x04abc", "looks like a pickle"), (b"\x93NUMPY\x01\x00", "numpy.savez stores X and y"),
    (b"\x89HDF\r\n\x1a\n", "is HDF5")])
def test_forms_of_others_are_told_by_name(tmp_path, content, text):
    (tmp_path / "data").write_bytes(content)
    with pytest.raises(DataFileError, match=text):
        fastsgd.load(tmp_path / "data")


def test_text_begins_in_many_ways(tmp_path):
    for start in (b"", b"\xef\xbb\xbf", b"# a comment \xc3\xa9\n", b"\n\r\n", b"\t \x0b\x0c\n"):
        (tmp_path / "data").write_bytes(start + TEXT)
        assert format_of(tmp_path / "data").name == "text"
        np.testing.assert_array_equal(dense(fastsgd.load(tmp_path / "data")[0]), X)


def test_each_form_is_on_the_page_and_in_one_row():
    assert len({form.name for form in FORMATS}) == len(FORMATS)
    for form in FORMATS:
        assert form.about in known_forms()
        assert form.options[:2] == ("n_features", "dtype")


def test_the_example():
    assert doctest.testmod(formats).failed == 0
