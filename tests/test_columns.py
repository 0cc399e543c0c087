"""The columns that d x d methods work on: centred, scaled, their Gram matrices, their Cholesky."""

import numpy as np
import pytest
from scipy import sparse

from fastsgd.engine.linear.cholesky import factor
from fastsgd.engine.linear.columns import Columns
from fastsgd.kernels.gram import add_gram
from fastsgd.kernels.rows import Rows

KINDS = ["dense", np.int32, np.int64]


def matrix(kind, dtype=np.float64, n=700, d=9, seed=0):
    """Columns of many scales; column 2 is constant, of sparse ones column 3 is empty."""
    rng = np.random.default_rng(seed)
    X = rng.normal(5, 1, (n, d)) * 10.0 ** rng.integers(-3, 4, d)
    X[:, 2] = 7.1
    if kind == "dense":
        return X.astype(dtype)
    X[rng.random((n, d)) < 0.6] = 0
    X[:, 3] = 0
    X = sparse.csr_array(X.astype(dtype))
    X.indices, X.indptr = X.indices.astype(kind), X.indptr.astype(kind)
    return X


def explicit(X, weight, fit_intercept):
    """A by NumPy, in float64."""
    dense = not sparse.issparse(X)
    X = (X if dense else X.toarray()).astype(np.float64)
    weight = weight / weight.sum()
    mean = weight @ X if dense and fit_intercept else np.zeros(X.shape[1])
    scale = np.sqrt(weight @ (X - mean) ** 2)
    flat = scale <= 1e-12 * np.abs(mean)
    A = np.where(flat, 0, (X - mean) / np.where(flat, 1, scale))
    return np.column_stack([A, np.ones(len(A))]) if fit_intercept else A


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_products_are_those_of_the_explicit_matrix(kind, dtype, fit_intercept):
    """Products, sums and Gram matrices of A, and models of A and of X."""
    X, rng = matrix(kind, dtype), np.random.default_rng(1)
    weight, theta = rng.random(700), rng.random(700) * (rng.random(700) < 0.7)
    columns = Columns(Rows(X), fit_intercept=fit_intercept, weight=weight)
    A = explicit(X, weight, fit_intercept)
    u, a = rng.normal(size=A.shape[1]), rng.normal(size=700)
    np.testing.assert_allclose(columns.margins(u), A @ u, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(columns.sum(a), A.T @ a, rtol=1e-9, atol=1e-9)
    gram = columns.gram(theta)
    np.testing.assert_allclose(gram, (A.T * theta) @ A, rtol=1e-9, atol=1e-8)
    np.testing.assert_array_equal(gram, gram.T)
    w, b = columns.weights_of(u)
    np.testing.assert_allclose(X @ w + b, A @ u, rtol=1e-9, atol=1e-9)
    lost = columns.inverse == 0
    back = columns.variables_of(w, b)
    np.testing.assert_allclose(np.delete(back, np.flatnonzero(lost)),
                               np.delete(u, np.flatnonzero(lost)), rtol=1e-9, atol=1e-9)
    P = columns.penalty(0.3)
    assert P @ back**2 == pytest.approx(0.3 * w @ w, rel=1e-12)
    assert not fit_intercept or P[-1] == 0


@pytest.mark.parametrize("kind", ["dense", np.int32], ids=str)
def test_threads_change_no_bit(kind):
    """Shards are cut by the shape of X alone."""
    X = matrix(kind, n=30_000)
    theta = np.random.default_rng(0).random(30_000)

    def of(n_threads):
        def share(task):
            for rank in reversed(range(n_threads)):
                task(rank, n_threads)

        columns = Columns(Rows(X), fit_intercept=True, share=share)
        assert len(columns._shards) > 1
        return columns.gram(theta), columns.sum(theta), columns.margins(columns.sum(theta))

    for one, other in zip(of(1), of(3), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("index", [np.int32, np.int64], ids=str)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_repeated_and_unsorted_columns_add_up(dtype, index):
    """Rows whose columns lie in any order, some of them twice or three times."""
    rng, n, d = np.random.default_rng(0), 40, 6
    lengths = rng.integers(0, 12, n)
    indptr = np.concatenate(([0], np.cumsum(lengths))).astype(index)
    indices = rng.integers(0, d, indptr[-1]).astype(index)
    data, theta = rng.normal(size=indptr[-1]).astype(dtype), rng.random(n)
    rows = Rows.of_arrays(data, indices, indptr, (n, d))
    rows.check()
    X, gram = np.zeros((n, d)), np.zeros((d, d))
    np.add.at(X, (np.repeat(np.arange(n), lengths), indices), data.astype(np.float64))
    add_gram(rows, theta, gram, 5, 30)
    expected = (X[5:30].T * theta[5:30]) @ X[5:30]
    np.testing.assert_allclose(gram, np.tril(expected), rtol=1e-12, atol=1e-12)
    columns = Columns(rows, fit_intercept=True)
    A = np.column_stack([X * columns.inverse, np.ones(n)])
    np.testing.assert_allclose(columns.gram(theta), (A.T * theta) @ A, rtol=1e-10, atol=1e-10)


def test_the_kernel_refuses_what_does_not_fit():
    """Dense or unchecked rows, and arrays of other shapes."""
    sparse_rows, dense_rows = Rows(matrix(np.int32)), Rows(matrix("dense"))
    theta, gram = np.ones(700), np.zeros((9, 9))
    with pytest.raises(ValueError, match="must have been checked"):
        add_gram(sparse_rows, theta, gram, 0, 700)
    for rows in (sparse_rows, dense_rows):
        rows.check()
    with pytest.raises(ValueError, match="must be sparse"):
        add_gram(dense_rows, theta, gram, 0, 700)
    with pytest.raises(ValueError, match=r"9 x 8; X is"):
        add_gram(sparse_rows, theta, np.zeros((9, 8)), 0, 700)
    with pytest.raises(ValueError, match="theta of 699 rows"):
        add_gram(sparse_rows, theta[:699], gram, 0, 699)
    with pytest.raises(ValueError, match="rows 0 to 701"):
        add_gram(sparse_rows, theta, gram, 0, 701)


def test_solve_by_cholesky():
    """Scales of 1e-8 to 1e8 on the diagonal, a singular matrix, and one that is not definite."""
    rng = np.random.default_rng(0)
    B, unit = rng.normal(size=(30, 8)), 10.0 ** np.arange(-8, 8, 2)
    H = (B.T @ B) * unit * unit[:, None]
    x = rng.normal(size=8) / unit
    np.testing.assert_allclose(factor(H)(H @ x), x, rtol=1e-9)
    H = np.ones((3, 3))
    np.testing.assert_allclose(H @ factor(H)(H @ np.arange(3.0)), H @ np.arange(3.0), rtol=1e-6)
    with pytest.raises(np.linalg.LinAlgError, match="not positive definite"):
        factor(np.array([[1.0, 2.0], [2.0, 1.0]]))
    with pytest.raises(np.linalg.LinAlgError, match="not finite"):
        factor(np.array([[np.inf, 0.0], [0.0, 1.0]]))
