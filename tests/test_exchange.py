"""`Exchange`: several arrays and numbers, summed over the ranks by one all-reduce."""

import doctest

import numpy as np
import pytest
from comm_tasks import data_of

import fastsgd.comm
from fastsgd.engine import exchange
from fastsgd.engine.exchange import Exchange
from fastsgd.engine.peers import ALONE


@pytest.mark.parametrize("in_place", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", ["thread", "process"])
def test_sums_have_the_bits_of_one_buffer(kind, dtype, in_place):
    """As `all_reduce` of the values side by side; one buffer, whose parts are not copied."""
    with fastsgd.comm.open(kind, 3, timeout=60) as pool:
        for length in (0, 1, 13, 4099):
            results = pool.run("comm_tasks:exchanged", {
                "length": length, "dtype": dtype, "in_place": in_place})
            together = expected_of(length, dtype)
            for found, number, flag, ones in results:
                np.testing.assert_array_equal(found, together[:length])
                assert (number, flag) == (0.75, 1.0)
                assert (ones == 3).all()
                assert len(ones) == length


def expected_of(length, dtype):
    """By numpy, in the order of a ring's or a direct exchange's chunks."""
    from fastsgd.comm.base import chunk_of

    parts = [np.concatenate([data_of(rank, length, dtype), [0.25 * rank, rank == 1]]).astype(dtype)
             for rank in range(3)]
    total = np.empty(length + 2, dtype)
    for c in range(3):
        where = chunk_of(length + 2, 3, c)
        first, second, third = (parts[(c + k) % 3][where] for k in (1, 2, 3))
        total[where] = first + second + third
    return total


def test_alone_there_is_nothing_to_add():
    alone = Exchange(ALONE)
    given = np.arange(3.0)
    array, number = alone.sum([given, np.float32(2.5)])
    np.testing.assert_array_equal(array, given)
    assert (type(number), number) == (float, 2.5)
    assert array is not given  # the caller's array is left alone
    part, matrix, zero = Exchange(ALONE, "float32").allocate(2, (2, 3), ())
    assert (part.shape, matrix.shape, zero.shape) == ((2,), (2, 3), ())
    assert part.dtype == np.float32
    assert not part.any()


def test_every_sum_has_the_same_shapes():
    alone = Exchange(ALONE)
    alone.sum([np.zeros(3), 1])
    for values in ([np.zeros(3)], [np.zeros(4), 1], [np.zeros(3), 1, 2]):
        with pytest.raises(ValueError, match=r"zip|broadcast"):
            alone.sum(values)


def test_the_example():
    assert doctest.testmod(exchange).failed == 0
