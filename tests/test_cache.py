"""The binary cache: what is written is what is opened, mapped and not copied; nothing else is."""

import doctest
import os
import pickle
import zipfile

import numpy as np
import pytest
import scipy.sparse as sp
from safetensors.numpy import load_file

import fastsgd.models.linear.base as linear_base
import fastsgd.models.mlp.base as mlp_base
from fastsgd import (
    FastMLPClassifier,
    FastMLPRegressor,
    FastSGDClassifier,
    FastSGDRegressor,
    load_svmlight,
)
from fastsgd.data import arrays, cache
from fastsgd.data.cache import open_cache, save_cache
from fastsgd.data.formats import format_of
from fastsgd.errors import DataFileError


def matrix(n=60, m=20, dtype=np.float64, kind="csr"):
    X = sp.random(n, m, 0.2, format="csr", dtype=dtype, random_state=n)
    return X if kind == "csr" else X.toarray()


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("cache") / "data.fsgd-cache"
    save_cache(path, matrix(), np.arange(60) % 3, index_base=1)
    return path


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", ["csr", "dense"])
@pytest.mark.parametrize("y", [
    None, np.arange(60) % 3, np.linspace(0, 1, 60, dtype=np.float32), np.arange(60) % 2 == 0,
    np.arange(120).reshape(60, 2)[:, ::-1], np.arange(60, dtype=np.uint8),
    np.arange(60, dtype=">i4")])
def test_what_is_written_is_opened(tmp_path, dtype, kind, y):
    X = matrix(dtype=dtype, kind=kind)
    save_cache(tmp_path / "c", X, y)
    data = open_cache(tmp_path / "c", check="all")
    assert data.X.dtype == dtype
    assert data.X.shape == X.shape
    assert data.index_base is None
    if kind == "csr":
        assert isinstance(data.X, sp.csr_matrix)
        for name in ("data", "indices", "indptr"):
            mapped = getattr(data.X, name)
            assert isinstance(mapped, np.memmap)
            assert not mapped.flags.writeable
            assert mapped.flags.aligned
            assert os.path.samefile(mapped.filename, tmp_path / "c")
            np.testing.assert_array_equal(mapped, getattr(X, name))
    else:
        assert isinstance(data.X, np.memmap)
        np.testing.assert_array_equal(data.X, X)
    if y is None:
        assert data.y is None
    else:
        assert data.y.dtype == y.dtype.newbyteorder("<")
        np.testing.assert_array_equal(data.y, y)
    assert format_of(tmp_path / "c").name == "cache"


def test_other_layouts_of_the_same_rows(tmp_path):
    """Fortran order, wide indices, values beyond indptr's end, csr_array, unsorted rows."""
    dense = matrix(kind="dense")
    save_cache(tmp_path / "c", np.asfortranarray(dense))
    np.testing.assert_array_equal(open_cache(tmp_path / "c").X, dense)
    X = sp.csr_array(dense)
    X.indices, X.indptr = X.indices.astype(np.int64), X.indptr.astype(np.int64)
    X.data, X.indices = np.append(X.data, 7), np.append(X.indices, 99)
    save_cache(tmp_path / "c", X)
    again = open_cache(tmp_path / "c").X
    assert again.indices.dtype == again.indptr.dtype == np.int32
    np.testing.assert_array_equal(again.toarray(), dense)
    unsorted = sp.csr_matrix(([1.0, 2, 3], [1, 0, 1], [0, 3]))
    save_cache(tmp_path / "c", unsorted)
    again = open_cache(tmp_path / "c").X
    assert not again.has_canonical_format
    assert again.toarray().tolist() == [[2, 4]]
    unsorted.has_canonical_format = True  # taken at its word: opening reads no rows
    save_cache(tmp_path / "c", unsorted)
    assert open_cache(tmp_path / "c").X.has_canonical_format
    save_cache(tmp_path / "c", sp.csr_matrix((3, 4)), [0, 1, 0])
    assert open_cache(tmp_path / "c", check="all").X.nnz == 0


def test_wide_indices_where_they_are_needed(tmp_path):
    X = sp.csr_matrix((np.ones(2), np.array([5, 2**40]), np.array([0, 2])), shape=(1, 2**40 + 1))
    save_cache(tmp_path / "c", X)
    again = open_cache(tmp_path / "c").X
    assert again.indices.dtype == again.indptr.dtype == np.int64
    assert again.indices.tolist() == [5, 2**40]
    assert again.shape == X.shape


def test_it_is_a_safetensors_file(saved):
    """The library itself reads it; arrays begin at multiples of 64 bytes and of their items."""
    arrays = load_file(saved)
    np.testing.assert_array_equal(arrays["data"], matrix().data)
    np.testing.assert_array_equal(arrays["y"], np.arange(60) % 3)
    assert open_cache(saved).index_base == 1
    length = int.from_bytes(saved.read_bytes()[:8], "little")
    assert (length + 8) % 64 == 0


@pytest.mark.parametrize(("cls", "base"), [
    (FastSGDClassifier, linear_base), (FastSGDRegressor, linear_base),
    (FastMLPClassifier, mlp_base), (FastMLPRegressor, mlp_base)])
@pytest.mark.parametrize("kind", ["csr", "dense"])
def test_estimators_learn_from_the_mapped_arrays_themselves(
        tmp_path, monkeypatch, cls, base, kind):
    """No copy of data and indices, and the model is that of arrays in memory."""
    X, y = matrix(kind=kind), np.arange(60) % 2
    save_cache(tmp_path / "c", X, y)
    mapped = open_cache(tmp_path / "c")
    seen, kept = [], base.Rows

    def watched(given):
        seen.append(given)
        return kept(given)

    monkeypatch.setattr(base, "Rows", watched)
    model = cls(max_iter=3, random_state=0, tol=1e-9).fit(mapped.X, mapped.y)
    if kind == "csr":
        assert np.shares_memory(seen[0].data, mapped.X.data)
        assert np.shares_memory(seen[0].indices, mapped.X.indices)
    else:
        assert np.shares_memory(seen[0], mapped.X)
    ours = cls(max_iter=3, random_state=0, tol=1e-9).fit(X, y)
    np.testing.assert_array_equal(model.predict(mapped.X), ours.predict(X))
    assert model.loss_curve_ == ours.loss_curve_


def test_an_old_file_is_replaced_when_the_new_one_is_whole(saved, tmp_path, monkeypatch):
    path = tmp_path / "c"
    save_cache(path, matrix(), np.zeros(60))
    before = path.read_bytes()
    opened = open_cache(path)

    def broken(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cache, "write_tensors", broken)
    with pytest.raises(OSError, match="No space"):
        save_cache(path, matrix(n=30))
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["c"]
    monkeypatch.undo()
    save_cache(path, opened.X, opened.y)  # of itself
    assert path.read_bytes() == before
    np.testing.assert_array_equal(opened.X.data, matrix().data)


@pytest.mark.parametrize("kind", ["csr", "dense"])
def test_a_cache_may_have_no_rows(tmp_path, kind):
    X = matrix(kind=kind)[:0]
    save_cache(tmp_path / "c", X, np.empty(0, bool), index_base=1)
    again = open_cache(tmp_path / "c", check="all")
    assert (type(again.X), again.X.shape, again.X.dtype) == (type(X), X.shape, X.dtype)
    assert (again.y.shape, again.y.dtype, again.index_base) == ((0,), bool, 1)


@pytest.mark.parametrize(("X", "more", "text"), [
    (matrix().astype(int), {}, "must be float32 or float64"),
    (matrix(kind="dense").astype(np.float16), {}, "must be float32 or float64"),
    (matrix().tocsc(), {}, "tocsr"), ([[1.0]], {}, "two dimensions"),
    (np.zeros(3), {}, "two dimensions"), (np.zeros((3, 0)), {}, "at least one column"),
    (sp.csr_matrix((3, 0)), {}, "at least one column"),
    (matrix(), {"y": np.zeros(59)}, "60 rows"), (matrix(), {"y": ["a"] * 60}, "numbers or bools"),
    (matrix(), {"y": sp.eye(60, format="csr")}, "toarray"),
    (matrix(), {"y": np.zeros((60, 1, 1))}, "60 rows"),
    (matrix(), {"index_base": 2}, "index_base"),
])
def test_what_cannot_be_written_is_told(tmp_path, X, more, text):
    with pytest.raises(ValueError, match=text):
        save_cache(tmp_path / "c", X, **more)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(("name", "values", "text"), [
    ("indices", [0, 9, 1], "column 9"), ("indices", [0, -1, 1], "column -1"),
    ("indptr", [0, 2, 1, 3], "falls at row 1"), ("indptr", [1, 2, 3, 3], "from 0"),
    ("indptr", [0, 1, 2, 4], "beyond"),
])
def test_an_invalid_matrix_is_not_written(tmp_path, monkeypatch, name, values, text):
    monkeypatch.setattr(arrays, "BLOCK", 2)
    X = sp.csr_matrix(([1.0, 2, 3], [0, 1, 1], [0, 1, 2, 3]), shape=(3, 2))
    setattr(X, name, np.array(values, dtype=np.int32))
    with pytest.raises(ValueError, match=text):
        save_cache(tmp_path / "c", X)


def test_forms_are_told_by_content(tmp_path, saved):
    np.save(tmp_path / "array", np.zeros(3))
    (tmp_path / "p").write_bytes(pickle.dumps([1]))
    (tmp_path / "t.npz").write_text("1 1:0.5\n")
    with zipfile.ZipFile(tmp_path / "z.svm", "w") as archive:
        archive.writestr("y.npy", b"")
    for name, form in (
            ("t.npz", "text"), ("z.svm", "npz"), (saved, "cache"), (os.devnull, "text")):
        assert format_of(tmp_path / name).name == form
    with pytest.raises(DataFileError, match=r"numpy\.savez"):
        format_of(tmp_path / "array.npy")
    with pytest.raises(DataFileError, match="never opened"):
        format_of(tmp_path / "p")


def test_svmlight_and_its_cache_are_one_training(tmp_path):
    """The round of the docs: text, cache, the same model."""
    (tmp_path / "t").write_text("".join(f"{i % 2} {1 + i % 7}:{i / 9} 9:1\n" for i in range(40)))
    X, y = load_svmlight(tmp_path / "t")
    save_cache(tmp_path / "c", X, y, index_base=1)
    again = open_cache(tmp_path / "c")
    first = FastSGDClassifier(random_state=0).fit(X, y)
    second = FastSGDClassifier(random_state=0).fit(again.X, again.y)
    np.testing.assert_array_equal(first.coef_, second.coef_)


def test_docstring_examples():
    failed, tried = doctest.testmod(cache)
    assert (failed, tried > 0) == (0, True)
