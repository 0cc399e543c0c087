"""Visiting orders: permutations, pure functions of (seed, epoch), fair to every stratum."""

import numpy as np
import pytest

from fastsgd.engine.loop import MIN_BLOCKS, block_rows, visiting_order
from fastsgd.kernels import order
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
    subset = np.arange(0, n, 3)
    for rows, wanted in ((None, np.arange(n)), (subset, subset)):
        blocks, row = visiting_order(shuffle, 5, 1, n, rows)
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
    assert [block_rows(n) for n in (1, 4095, 4096, 8192, 65535, 65536, 10**7)] == [
        1, 1, 2, 4, 16, 32, 32]
