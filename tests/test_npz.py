"""Archives of NumPy and scipy as data: what is read, and what is told of others."""

import doctest
import io
import zipfile

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from fastsgd.data import npz
from fastsgd.data.npz import load_npz
from fastsgd.errors import DataFileError

X = sp.random(30, 8, 0.3, format="csr", random_state=0)
Y = np.arange(30) % 3


def parts(matrix=X, **more):
    """The arrays of a CSR matrix, as scipy.sparse.save_npz stores them."""
    return {"data": matrix.data, "indices": matrix.indices, "indptr": matrix.indptr,
            "shape": matrix.shape, "format": b"csr"} | more


def same(a, b):
    assert a.dtype == b.dtype
    np.testing.assert_array_equal(a.toarray() if sp.issparse(a) else a,
                                  b.toarray() if sp.issparse(b) else b)


@pytest.mark.parametrize("make", [sp.csr_matrix, sp.csr_array])
@pytest.mark.parametrize("compressed", [False, True])
def test_what_scipy_writes_with_y_added(tmp_path, make, compressed):
    path = tmp_path / "d.npz"
    sp.save_npz(path, make(X), compressed=compressed)
    assert load_npz(path).y is None
    same(load_npz(path).X, X)
    y = io.BytesIO()
    np.save(y, Y)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("y.npy", y.getvalue())
    data = load_npz(path)
    same(data.X, X)
    same(data.y, Y)
    assert isinstance(data.X, sp.csr_matrix)
    assert data.index_base is None


@pytest.mark.parametrize("dense", [X.toarray(), np.asfortranarray(X.toarray()),
                                   X.toarray().astype(np.float32)])
@pytest.mark.parametrize("y", [Y, Y.astype(str), Y == 1, np.ones((30, 2)), None])
def test_dense_rows(tmp_path, dense, y):
    np.savez(tmp_path / "d.npz", X=dense, **({} if y is None else {"y": y}))
    data = load_npz(tmp_path / "d.npz")
    same(data.X, dense)
    assert data.X.flags.c_contiguous
    if y is None:
        assert data.y is None
    else:
        same(data.y, y)


@pytest.mark.parametrize("kind", ["csr", "dense"])
@pytest.mark.parametrize(("given", "dtype", "found"), [
    (np.int64, None, np.float64), (np.uint8, None, np.float64), (bool, None, np.float64),
    (np.float16, None, np.float64), (np.float32, None, np.float32),
    (np.float32, np.float64, np.float64), (np.float64, np.float32, np.float32)])
def test_types(tmp_path, kind, given, dtype, found):
    values = (np.arange(X.nnz) % 2).astype(given)
    if kind == "csr":
        np.savez(tmp_path / "d.npz", **parts(data=values), y=Y)
        read = load_npz(tmp_path / "d.npz", dtype=dtype).X.data
    else:
        np.savez(tmp_path / "d.npz", X=values[:, None])
        read = load_npz(tmp_path / "d.npz", dtype=dtype).X[:, 0]
    same(read, values.astype(found))


def test_an_archive_may_have_no_rows(tmp_path):
    csr = {"data": np.empty(0), "indices": np.empty(0, int), "indptr": np.zeros(1, int),
           "shape": (0, 8)}
    for arrays in (csr, {"X": np.empty((0, 8))}):
        np.savez(tmp_path / "d.npz", **arrays, y=Y[:0])
        found = load_npz(tmp_path / "d.npz")
        assert (found.X.shape, found.y.shape) == ((0, 8), (0,))
        assert sp.issparse(found.X) == (arrays is csr)


@pytest.mark.parametrize(("arrays", "text"), [
    ({"a": Y, "b": Y}, "has the arrays a, b; it needs X"), ({}, "has the arrays none"),
    ({"y": Y}, "has the arrays y; it needs X"),
    (parts(X=X.toarray()), "has both X and data, format, indices, indptr, shape"),
    ({"data": X.data, "indices": X.indices, "y": Y}, "lacks indptr, shape"),
    (parts(format=b"csc"), "of format csc; it must be csr, as by .*tocsr"),
    ({"format": b"coo", "row": Y, "col": Y, "data": Y, "shape": [3, 3]}, "of format coo"),
    (parts(y=Y[:-1]), r"y must have an entry for each of the 30 rows.*\(29,\)"),
    (parts(y=np.zeros((30, 1, 1))), "y must have"), (parts(y=np.float64(3)), "y must have"),
    (parts(y=Y.astype(complex)), "y is complex128"), (parts(y=Y.astype("S1")), r"y is \|S1"),
    (parts(data=X.data.astype(complex)), "the values of X are complex128"),
    ({"X": np.array([["a"]])}, "the values of X are <U1"), ({"X": Y}, "rows and columns"),
    ({"X": np.zeros((3, 0))}, "rows and columns"),
    (parts(data=X.data[1:]), "of one length"), (parts(data=X.data[:, None]), "of one length"),
    (parts(indptr=X.indptr[:-1]), "indptr must have 31 entries"),
    (parts(indptr=X.indptr[::-1]), "indptr must run from 0 to the"),
    (parts(indptr=np.r_[0, 9, 5, X.indptr[3:]]), "indptr falls at row 1"),
    (parts(indptr=X.indptr.astype(float)), "indptr must be a vector of integers"),
    (parts(indices=X.indices + 1), "column 8; with 8 features they run from 0 to 7"),
    (parts(indices=X.indices - 1), "column -1"), (parts(shape=(30,)), "shape must be the numbers"),
    (parts(shape=(0, 8)), "indptr must have 1"), (parts(shape=30), "shape must be a vector"),
    (parts(shape=(30, 7)), "column 7"),
])
def test_what_does_not_fit_is_told(tmp_path, arrays, text):
    np.savez(tmp_path / "d.npz", **arrays)
    with pytest.raises(DataFileError, match=rf"d\.npz: .*{text}"):
        load_npz(tmp_path / "d.npz")


class Dangerous:
    """Unpickled it would make a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (self.path, "w")


@pytest.mark.parametrize("name", ["X", "y", "shape", "format"])
def test_objects_are_never_unpickled(tmp_path, name):
    objects = np.array([Dangerous(str(tmp_path / "made"))], dtype=object)
    arrays = {"X": X.toarray(), "y": Y} if name in "Xy" else parts(y=Y)
    np.savez(tmp_path / "d.npz", **arrays | {name: objects})
    with pytest.raises(DataFileError, match=f"the array '{name}' holds Python objects.*astype"):
        load_npz(tmp_path / "d.npz")
    assert not (tmp_path / "made").exists()


def test_damaged_and_foreign_files(tmp_path):
    path = tmp_path / "d.npz"
    path.write_bytes(b"PK\x03\x04" + bytes(50))
    with pytest.raises(DataFileError, match=r"d\.npz: "):
        load_npz(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("X.npy", "no array")
    with pytest.raises(DataFileError, match="'X' is no array"):
        load_npz(path)
    np.save(tmp_path / "d.npy", Y)
    with pytest.raises(DataFileError, match=r"holds a single array; numpy\.savez"):
        load_npz(tmp_path / "d.npy")
    with pytest.raises(FileNotFoundError):
        load_npz(tmp_path / "none")


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_flipped_and_missing_bytes_end_in_an_error_or_in_valid_rows(tmp_path_factory, data):
    file = io.BytesIO()
    np.savez(file, **parts(y=Y))
    content = bytearray(file.getvalue())
    for _ in range(data.draw(st.integers(0, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    content = content[:data.draw(st.integers(0, len(content)))]
    path = tmp_path_factory.getbasetemp() / "damaged.npz"
    path.write_bytes(content)
    try:
        found = load_npz(path)
    except DataFileError:
        return
    assert found.X.indices.size == 0 or found.X.indices.max() < found.X.shape[1]
    assert found.y is None or len(found.y) == found.X.shape[0]


def test_docstring_examples():
    failed, tried = doctest.testmod(npz)
    assert (failed, tried > 0) == (0, True)
