"""Products of rows with weights: NumPy's up to rounding, the same bits for any cut of the rows."""

import numpy as np
import pytest
from kernel_reference import small_matrix
from scipy import sparse

from fastsgd import FastMLPClassifier, FastSGDClassifier, FastSGDRegressor
from fastsgd.engine.products import FEW, products
from fastsgd.kernels.predict import combine, dots
from fastsgd.kernels.rows import Rows

MODELS = [1, 2, FEW, FEW + 1, 7, 8, 33, 101]


def matrix(dtype=np.float64, index=np.int32, dense=False):
    X = small_matrix(dtype=dtype, index=index)
    return X.toarray() if dense else X


def weights(n_models, dtype=np.float64):
    return np.random.default_rng(n_models).normal(size=(23, n_models)).astype(dtype)


def exact(X, W):
    X = X if isinstance(X, np.ndarray) else X.toarray()
    return X.astype(np.longdouble) @ W.astype(np.longdouble)


@pytest.mark.parametrize("n_models", MODELS)
@pytest.mark.parametrize("dense", [False, True], ids=["csr", "dense"])
@pytest.mark.parametrize("types", [("f4", "f4"), ("f4", "f8"), ("f8", "f4"), ("f8", "f8")])
def test_products_are_numpys(types, dense, n_models):
    """In the wider of both types."""
    X, W = matrix(types[0], dense=dense), weights(n_models, types[1])
    found = products(Rows(X), W)
    assert found.dtype == np.result_type(*types)
    size = exact(abs(X), abs(W)) * np.finfo(found.dtype).eps * 23
    assert np.all(np.abs(found - exact(X, W)) <= size)


@pytest.mark.parametrize("n_models", MODELS)
@pytest.mark.parametrize("dense", [False, True], ids=["csr", "dense"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_bits_do_not_depend_on_the_cut(dtype, dense, n_models):
    """One row or many, registers of any width, columns of any type, checked before or not."""
    X, W = matrix(dtype, dense=dense), weights(n_models, dtype)
    known = products(Rows(X), W)
    for i in (0, 1, 77, 149):
        np.testing.assert_array_equal(products(Rows(X[i:i + 1]), W)[0], known[i])
    rows = Rows(X)
    rows.check()
    np.testing.assert_array_equal(products(rows, W), known)
    np.testing.assert_array_equal(products(Rows(X), np.asfortranarray(W)), known)
    if not dense:
        np.testing.assert_array_equal(
            products(Rows(matrix(dtype, np.int64)), W), known)
    few = n_models <= FEW
    for vector in (16, 32, 64):
        out = np.full((n_models, 150) if few else (150, n_models), np.nan, dtype)
        for begin, end in ((0, 40), (40, 41), (41, 41), (41, 150)):
            given = (np.ascontiguousarray(W.T) if few else W, out, begin, end)
            assert (dots if few else combine)(Rows(X), *given, vector=vector) == -1
        np.testing.assert_array_equal(out.T if few else out, known)


@pytest.mark.parametrize("n_models", [1, FEW, 20])
@pytest.mark.parametrize("dense", [False, True], ids=["csr", "dense"])
@pytest.mark.parametrize("types", [("f4", "f4"), ("f4", "f8"), ("f8", "f8")])
@pytest.mark.parametrize("row", [0, 31, 32, 149])
def test_a_row_that_cannot_be_used_is_named(types, dense, n_models, row):
    """Also where the weight behind it is 0, and where others before overflow."""
    for value in (np.nan, np.inf, -np.inf):
        X, W = small_matrix(dtype=types[0]), weights(n_models, types[1])
        at = int(X.indptr[row])
        W[X.indices[at]] = 0
        X.data[at] = value
        with pytest.raises(ValueError, match=f"in row {row}, column {X.indices[at]}\\."):
            products(Rows(X.toarray() if dense else X), W)
    if dense:
        return
    for column in (23, -1, -2**31, 2**31 - 1):
        X = small_matrix(dtype=types[0])
        X.indices[X.indptr[row + 1] - 1] = column
        with pytest.raises(ValueError, match=f"column number {column} in row {row};"):
            products(Rows(X), weights(n_models, types[1]))


@pytest.mark.parametrize("n_models", [1, 20])
def test_overflow_is_no_error(n_models):
    """A result that is not finite, of rows that are, is a result."""
    X = small_matrix(dtype=np.float32)
    W = np.full((23, n_models), np.finfo(np.float32).max, np.float32)
    X.data[:] = 2
    found = products(Rows(X), W)
    assert np.isposinf(found[np.diff(X.indptr) > 0]).all()
    assert not found[np.diff(X.indptr) == 0].any()


@pytest.mark.parametrize("n_models", [1, 20])
def test_nothing_to_do(n_models):
    """No rows, and rows without entries."""
    X, W = small_matrix(), weights(n_models)
    assert products(Rows(X[:0]), W).shape == (0, n_models)
    empty = X[:5] * 0
    empty.eliminate_zeros()
    assert not products(Rows(empty), W).any()


def test_shapes_are_checked():
    """Before anything is read or written."""
    rows, W, out = Rows(small_matrix()), weights(20), np.empty((150, 20))
    for call, arguments in (
            (products, (rows, W[1:])), (combine, (rows, W[1:], out, 0, 150)),
            (combine, (rows, W, out[1:], 0, 149)), (combine, (rows, W, out[:, 1:], 0, 150)),
            (combine, (rows, W, out, -1, 150)), (combine, (rows, W, out, 0, 151)),
            (dots, (rows, W.T.copy(), out.T.copy()[1:], 0, 150)),
            (dots, (rows, W.T.copy()[:, 1:].copy(), out.T.copy(), 0, 150)),
            (dots, (rows, W.T.copy(), out.T.copy(), 5, 4))):
        with pytest.raises(ValueError, match=r"models|features|rows"):
            call(*arguments)
    with pytest.raises(TypeError, match="float64"):
        dots(rows, np.zeros((20, 23), np.float32), np.zeros((20, 150), np.float32), 0, 150)
    out.setflags(write=False)
    with pytest.raises(ValueError, match="read-only"):
        combine(rows, W, out, 0, 150)


@pytest.mark.parametrize("kind", ["csr", "dense"])
@pytest.mark.parametrize("n_classes", [0, 2, 5])
def test_sparse_weights(n_classes, kind):
    """A sparsified model says what it said before, on rows that are checked too."""
    X = matrix(dense=kind == "dense")
    y = np.arange(150) % n_classes if n_classes else np.arange(150.0)
    model = (FastSGDClassifier if n_classes else FastSGDRegressor)(
        penalty="l1", alpha=0.01, max_iter=3, tol=None, random_state=0).fit(X, y)
    says = model.decision_function if n_classes else model.predict
    known, coef = says(X), model.coef_.copy()
    assert (coef == 0).any()
    np.testing.assert_allclose(model.sparsify() and says(X), known, rtol=1e-12, atol=1e-12)
    bad = X.copy()
    if kind == "dense":
        bad[7, 3] = np.nan
    else:
        bad.indices[bad.indptr[7]] = 10**9
    with pytest.raises(ValueError, match="row 7"):
        says(bad)
    np.testing.assert_array_equal(model.densify().coef_, coef)


@pytest.mark.parametrize("make", [np.array, sparse.csr_array], ids=["dense", "csr"])
def test_finite_numbers_beyond_float32_are_not_told_as_infinite_alone(make):
    """A float32 network sees them as infinite; the message says why."""
    X = np.random.default_rng(0).normal(size=(40, 3))
    y = (X[:, 0] > 0).astype(int)
    model = FastMLPClassifier((2,), max_iter=2, random_state=0).fit(X.astype(np.float32), y)
    X[7, 1] = 1e39
    with np.errstate(over="ignore"), pytest.raises(
            ValueError, match=r"row 7, column 1\. .* in float32, where numbers end at 3\.4e\+38"):
        model.predict(make(X))


@pytest.fixture
def shared(monkeypatch):
    """Small pieces, so that threads have some each."""
    monkeypatch.setattr("fastsgd.engine.products.VALUES", 64)


@pytest.mark.usefixtures("shared")
@pytest.mark.parametrize("n_models", [1, 3, 5])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("dense", [False, True])
@pytest.mark.parametrize("n_threads", [2, 3, 16])
def test_threads_give_the_same_bits(n_models, dtype, dense, n_threads):
    draw = np.random.default_rng(0)
    X = sparse.random_array((500, 30), density=0.3, rng=draw, format="csr").astype(dtype)
    X = X.toarray() if dense else X
    for weights in (np.float32, np.float64):
        W = draw.normal(size=(30, n_models)).astype(weights)
        one, many = products(Rows(X), W), products(Rows(X), W, n_threads)
        assert one.dtype == many.dtype
        np.testing.assert_array_equal(one, many)


@pytest.mark.usefixtures("shared")
@pytest.mark.parametrize("n_models", [1, 5])
@pytest.mark.parametrize("bad", [[499], [7, 300], [300, 7, 450]])
def test_threads_name_the_first_row_that_is_bad(n_models, bad):
    X = sparse.random_array((500, 30), density=0.3, rng=np.random.default_rng(0), format="csr")
    for row in bad:
        X.data[X.indptr[row]] = np.nan
    rows = Rows(X)
    with pytest.raises(ValueError, match=f"NaN: .* in row {min(bad)},"):
        products(rows, np.ones((30, n_models)), 3)
    assert not rows.checked
