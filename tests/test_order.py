"""Visiting orders: permutations, pure functions of (seed, epoch), fair to every stratum."""

import numpy as np
import pytest
from scipy import sparse

from fastsgd.engine.linear.visiting import (
    MIN_BLOCKS,
    block_rows,
    neighbours_are_alike,
    visiting_order,
)
from fastsgd.kernels import order
from fastsgd.kernels.rows import Rows
from fastsgd.kernels.tables import TILE

ORDERS = {"permutation": order.permutation, "stratified": order.stratified}
every_order = pytest.mark.parametrize("make", ORDERS.values(), ids=ORDERS)
MASK, GOLDEN = 2**64 - 1, 0x9E3779B97F4A7C15


@every_order
def test_is_a_permutation(make):
    """Every number of range(n) once, for every small n and some large ones."""
    for n in [*range(301), 4097, 100_003]:
        found = make(7, 3, n)
        assert found.dtype == np.int64
        np.testing.assert_array_equal(np.sort(found), np.arange(n))


@every_order
def test_is_a_function_of_seed_and_epoch(make):
    """The same key gives the same order; another seed or epoch another."""
    first = make(7, 3, 1000)
    np.testing.assert_array_equal(first, make(7, 3, 1000))
    for other in (make(8, 3, 1000), make(7, 4, 1000), make(2**64 - 1, 3, 1000)):
        assert np.mean(other == first) < 0.01


@every_order
def test_places_are_uniform(make):
    """Over many epochs every item comes in every place about as often."""
    n, epochs = 20, 4000
    counts = np.zeros((n, n))
    for epoch in range(epochs):
        counts[np.arange(n), make(1, epoch, n)] += 1
    assert np.all(abs(counts - epochs / n) < 6 * np.sqrt(epochs / n))


def test_stratified_is_fair():
    """Any stretch of the order holds a fair share of each of the 64 strata."""
    n, strata = 6400, 64
    for epoch in range(5):
        stratum = order.stratified(11, epoch, n) * strata // n
        for length in (n // 20, n // 4):
            for begin in range(0, n - length, length // 2):
                held = np.bincount(stratum[begin:begin + length], minlength=strata)
                assert np.all(abs(held - length / strata) <= 2)


def test_stratified_of_other_numbers_of_strata():
    """One stratum, or more strata than blocks, still gives a permutation."""
    for n_strata in (1, 2, 63, 1000):
        for n in (1, 5, 64, 777):
            found = order.stratified(1, 2, n, n_strata)
            np.testing.assert_array_equal(np.sort(found), np.arange(n))


def unmix(x):
    """The inverse of rng.h's fsgd_mix."""
    x ^= (x >> 31) ^ (x >> 62)
    x = x * pow(0x94D049BB133111EB, -1, 2**64) & MASK
    x ^= (x >> 27) ^ (x >> 54)
    x = x * pow(0xBF58476D1CE4E5B9, -1, 2**64) & MASK
    return x ^ (x >> 30) ^ (x >> 60)


def test_stratified_key_rounded_to_one():
    """The largest u makes a stratum's last key exactly 1; its bucket must exist all the same."""
    n = 64 * 3
    for i in range(n):  # a seed whose number 2i + 1 is all ones; one item in three is ranked last
        stream = (unmix(MASK) - GOLDEN * (2 * i + 2)) & MASK
        seed = (unmix(stream) - GOLDEN) & MASK
        np.testing.assert_array_equal(np.sort(order.stratified(seed, 0, n)), np.arange(n))


@pytest.mark.parametrize("size", [1, 2, 32])
def test_expand(size):
    """Blocks become their rows, the short last one wherever it stands."""
    for n in (1, 31, 32, 33, 64, 100):
        n_blocks = -(-n // size)
        for blocks in (np.arange(n_blocks)[::-1].copy(), order.permutation(3, 0, n_blocks)):
            exact = np.concatenate([np.arange(b * size, min(n, (b + 1) * size)) for b in blocks])
            np.testing.assert_array_equal(order.expand(blocks, size, n), exact)
    assert len(order.expand(np.zeros(0, np.int64), size, 0)) == 0


@pytest.mark.parametrize("shuffle", [True, False, "rows"])
@pytest.mark.parametrize("n", [1, 100, 5000, TILE * MIN_BLOCKS - 1, TILE * MIN_BLOCKS + 5])
def test_visiting_order(shuffle, n):
    """Each epoch of the engine visits every row, or every row of a subset, once."""
    subset, size = np.arange(0, n, 3), block_rows(strangers(n))
    for rows, wanted in ((None, np.arange(n)), (subset, subset)):
        blocks, row = visiting_order(shuffle, 5, 1, n, size, rows)
        if blocks is not None:
            row = order.expand(blocks, TILE, n)
        if row is None:
            assert not shuffle
            row = np.arange(n)
        assert row.dtype == np.int64
        np.testing.assert_array_equal(np.sort(row), wanted)
        if not shuffle:
            np.testing.assert_array_equal(row, wanted)


def test_block_rows():
    """Blocks are 32 rows, fewer where there would be under 2048 of them."""
    assert [block_rows(strangers(n)) for n in (1, 4095, 4096, 8192, 65535, 65536, 10**6)] == [
        1, 1, 2, 4, 16, 32, 32]


def test_neighbours_are_compared_once_and_only_for_blocks(monkeypatch):
    asked = []
    monkeypatch.setattr("fastsgd.engine.linear.visiting.neighbours_are_alike",
                        lambda rows: asked.append(rows) or True)
    rows = strangers(5000)
    assert [block_rows(rows, shuffle) for shuffle in ("rows", False)] == [1, 1]
    assert not asked
    assert [block_rows(rows, shuffle) for shuffle in (True, np.True_, True)] == [1, 1, 1]
    assert asked == [rows]


def unit_rows(columns, n_features, dtype=np.float32, index=np.int32):
    """Rows of ones at these columns, at most one a row and column."""
    n, width = columns.shape
    X = sparse.csr_array((np.ones(columns.size, dtype), columns.ravel().astype(index),
                          np.arange(0, columns.size + 1, width, dtype=index)), (n, n_features))
    X.sum_duplicates()
    return X


def strangers(n):
    """Rows that have no more in common with their neighbours than with others."""
    return Rows(unit_rows(np.random.default_rng(0).integers(0, 50, (n, 3)), 50))


@pytest.mark.parametrize("dense", [False, True], ids=["csr", "dense"])
@pytest.mark.parametrize("authors", [50, 500])
def test_rows_of_one_author_in_a_row_are_visited_one_by_one(authors, dense):
    """Each has words of their own beside those of all."""
    rng, n = np.random.default_rng(0), 70_000
    columns = rng.integers(0, 200, (n, 8))
    author = np.sort(rng.integers(0, authors, n))
    own = 200 + 3 * author[:, None] + rng.integers(0, 3, (n, 3))
    X = unit_rows(np.hstack([columns, own]), 200 + 3 * authors)
    mixed = X[rng.permutation(n)]
    if dense:
        X, mixed = (Y[:, :200 + 3 * min(authors, 50)].toarray() for Y in (X[:7000], mixed[:7000]))
    assert neighbours_are_alike(Rows(X))
    assert block_rows(Rows(X)) == 1
    assert not neighbours_are_alike(Rows(mixed))
    assert block_rows(Rows(mixed)) > 1


def test_sorting_by_label_alone_makes_no_neighbours():
    rng = np.random.default_rng(0)
    X = unit_rows(rng.integers(0, 300, (70_000, 10)), 300)
    y = X @ rng.normal(size=300) > 0
    assert not neighbours_are_alike(Rows(X[np.argsort(y, kind="stable")]))


def unsorted(X):
    """The same rows, the entries of each in falling order of the columns."""
    back = np.concatenate([np.arange(X.indptr[i + 1] - 1, X.indptr[i] - 1, -1)
                           for i in range(X.shape[0])])
    return sparse.csr_array((X.data[back], X.indices[back], X.indptr), X.shape)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("index", [np.int32, np.int64])
def test_mean_dot(index, dtype):
    X = sparse.random_array((40, 30), density=0.3, rng=np.random.default_rng(0), format="csr")
    X = sparse.csr_array((X.data.astype(dtype), X.indices.astype(index), X.indptr.astype(index)),
                         X.shape)
    first, second = np.arange(20), np.arange(20, 40)
    exact = np.mean([X[[i]].toarray()[0] @ X[[j]].toarray()[0] for i, j in zip(
        first, second, strict=True)])
    assert Rows(X).mean_dot(first, second) == pytest.approx(exact, rel=1e-6)
    assert Rows(X.toarray()).mean_dot(first, second) == pytest.approx(exact, rel=1e-6)
    exact = Rows(unsorted(X)).mean_dot(first, second)
    assert exact == pytest.approx(Rows(X).mean_dot(first, second), rel=1e-6)
