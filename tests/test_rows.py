"""The read-only view of a matrix by rows: what it refuses, what it does not copy."""

import tracemalloc

import numpy as np
import pytest
from kernel_reference import Problem, left_by, same, small_matrix
from scipy import sparse

from fastsgd.engine.linear.curvature import largest_eigenvalue
from fastsgd.kernels.rows import Rows


def tampered(**arrays):
    """A CSR matrix whose arrays were replaced behind scipy's back."""
    X = small_matrix()
    for name, value in arrays.items():
        setattr(X, name, value(getattr(X, name).copy()))
    return X


def put(at, value):
    def change(array):
        array[at] = value
        return array
    return change


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"indices": put(4, 23)}, "column number 23"),
        ({"indices": put(4, -1)}, "column number -1"),
        ({"indptr": put(0, 1)}, "start at 0"),
        ({"indptr": put(50, 10**6)}, "never fall"),
        ({"indptr": put(-1, 10**6)}, "end within"),
        ({"indptr": lambda a: a[:-1]}, "151 entries, got 150"),
        ({"indptr": lambda a: np.append(a, a[-1])}, "151 entries, got 152"),
        ({"data": lambda a: a[:-1]}, "shorter"),
        ({"indices": lambda a: a[:-1]}, "end within"),
    ],
)
@pytest.mark.parametrize("index", [np.int32, np.int64])
def test_bad_csr_is_refused(arrays, message, index):
    """A column or position outside the matrix is told, not followed."""
    X = tampered(**arrays)
    X.indices, X.indptr = X.indices.astype(index), X.indptr.astype(index)
    with pytest.raises(ValueError, match=message):
        Rows(X).check()


@pytest.mark.parametrize(("value", "name"), [(np.nan, "NaN"), (np.inf, "infinity"),
                                             (-np.inf, "infinity")])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("dense", [False, True], ids=["csr", "dense"])
def test_check_names_row_and_column(dense, dtype, value, name):
    """The first row that cannot be used is told, with its column; others are not looked at."""
    X = small_matrix(dtype=dtype)
    row, at = 140, int(X.indptr[140])
    X.data[at] = value
    column = X.indices[at]
    rows = Rows(X.toarray() if dense else X)
    rows.check(np.arange(row))
    assert not rows.checked
    with pytest.raises(ValueError, match=f"contains {name}.*row {row}, column {column}\\."):
        rows.check()
    good = Rows(small_matrix(dtype=dtype))
    good.check()
    assert good.checked


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_largest_numbers_are_finite(dtype):
    """Neither the largest number nor the smallest is taken for infinity."""
    X = small_matrix(dtype=dtype)
    X.data[:4] = [np.finfo(dtype).max, -np.finfo(dtype).max, np.finfo(dtype).tiny, 0]
    Rows(X).check()


@pytest.mark.parametrize("dense", [False, True], ids=["csr", "dense"])
def test_largest_eigenvalue(dense):
    """Of features that are not negative, three rounds come near; a sample comes near the whole."""
    X = abs(small_matrix(n=2000))
    exact = np.linalg.eigvalsh((X.T @ X).toarray() / 2000)[-1]
    A = X.toarray() if dense else X
    assert largest_eigenvalue(Rows(A), 2000) == pytest.approx(exact, rel=1e-3)
    assert largest_eigenvalue(Rows(A), 300) == pytest.approx(exact, rel=0.2)
    assert largest_eigenvalue(Rows(X[:0]), 10) == 0


def test_other_formats_are_refused():
    """Columns, strides and integers are not rows of floats."""
    X = small_matrix()
    with pytest.raises(TypeError, match="expected CSR"):
        Rows(X.tocsc())
    for bad in (X.toarray(order="F"), X.toarray()[::2, ::2], X.toarray().astype(int)):
        with pytest.raises((TypeError, ValueError)):
            Rows(bad)


@pytest.mark.parametrize("mixed", [(np.int32, np.int64), (np.int64, np.int32)])
def test_indices_and_indptr_of_two_widths(mixed):
    """The widths of `indices` and `indptr` need not agree."""
    X = small_matrix()
    X.indices, X.indptr = X.indices.astype(mixed[0]), X.indptr.astype(mixed[1])
    assert Rows(X).nnz == len(X.data)


def epoch(X):
    """The weights after one epoch over X."""
    y = np.where(np.arange(X.shape[0]) % 3, 1.0, -1.0)
    trainer, weights, average = Problem(X, y, l2=0.01).trainer()
    trainer.run_serial(0, trainer.n_tiles)
    return left_by(trainer, weights, average)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("index", [np.int32, np.int64])
def test_read_only_and_mapped(tmp_path, dtype, index):
    """Arrays that cannot be written, in memory or in a file, train as others do."""
    X = small_matrix(dtype=dtype, index=index)
    exact = epoch(X)
    mapped = small_matrix(dtype=dtype, index=index)
    for name in ("data", "indices", "indptr"):
        np.save(tmp_path / f"{name}.npy", getattr(X, name))
        setattr(mapped, name, np.load(tmp_path / f"{name}.npy", mmap_mode="r"))
        getattr(X, name).setflags(write=False)
    same(epoch(X), exact, 0)
    same(epoch(mapped), exact, 0)
    dense = X.toarray()
    dense.setflags(write=False)
    same(epoch(dense), {"w": exact["w"]}, 1e-5 if dtype == np.float32 else 1e-12)


@pytest.mark.parametrize("dense", [False, True], ids=["csr", "dense"])
def test_nothing_is_copied(dense):
    """A view of 8 MB of values costs less than 1 MB."""
    if dense:
        X = np.zeros((1000, 1000))
    else:
        X = sparse.csr_array((1000, 1000), dtype=np.float64)
        X.data, X.indices = np.ones(10**6), np.tile(np.arange(1000), 1000)
        X.indptr = np.arange(0, 10**6 + 1, 1000)
    for array in (X,) if dense else (X.data, X.indices, X.indptr):
        array.setflags(write=False)
    tracemalloc.start()
    rows = Rows(X)
    size = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert rows.nnz == 10**6
    assert size < 10**6
