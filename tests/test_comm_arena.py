"""The memory of `allocate`: blocks that never overlap, and are used again when let go."""

import gc
import os
import sys
import threading
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastsgd.comm import segment
from fastsgd.comm.arena import LARGE, Arena

SIZE = 1 << 16
BEGIN = 128


def arena(size=SIZE):
    """An arena in the middle of a segment of ones: (its memory, itself)."""
    made = segment.make_segment(1, size, segment.memory_file)
    os.close(made.fd)
    memory = np.frombuffer(made.memory, np.uint8)[:BEGIN + size + 128]
    memory[...] = 1
    return memory, Arena(made.memory, BEGIN, BEGIN + size)


pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memfd")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 20_000), st.integers(0, 5)), max_size=60))
def test_blocks_never_overlap_and_come_back(steps):
    """Each array holds its own number until it is let go, at random; then all is free, in one."""
    memory, blocks = arena()
    kept = {}
    for k, (length, drop) in enumerate(steps):
        try:
            array = blocks.array(length, np.uint8)
        except MemoryError:
            array = None
        if array is not None:
            assert not array.any()
            array[...] = k % 200 + 2
            kept[k] = array
        array = None
        if kept and drop:
            kept.pop(list(kept)[drop % len(kept)])
        for number, other in kept.items():
            assert (other == number % 200 + 2).all()
    other = array = None
    kept.clear()
    assert blocks.free_bytes() == SIZE
    assert blocks.array(SIZE, np.uint8).size == SIZE  # no matter in what order they came back
    assert (memory[:BEGIN] == 1).all()
    assert (memory[BEGIN + SIZE:] == 1).all()


def test_a_view_keeps_its_block():
    _, blocks = arena()
    view = blocks.array((4, 100), "float32")[1:, ::2]
    gc.collect()
    assert blocks.free_bytes() == SIZE - 1600
    del view
    assert blocks.free_bytes() == SIZE


def test_blocks_begin_at_cache_lines():
    _, blocks = arena()
    for length in (1, 63, 64, 65):
        arrays = [blocks.array(length, np.uint8) for _ in range(3)]
        assert all(array.ctypes.data % 64 == 0 for array in arrays)


def test_pages_of_large_blocks_are_given_back_to_the_system():
    """And no other byte: those of neighbours on the same page stay."""
    size = 8 * LARGE
    fd = segment.memory_file(size + 65536)
    memory = segment.mmap.mmap(fd, size + 65536)
    blocks = Arena(memory, 64, 64 + size)
    before, large, after = (blocks.array(n, np.uint8) for n in (640, 4 * LARGE + 640, 640))
    large[...] = before[...] = after[...] = 5
    used = os.fstat(fd).st_blocks * 512
    del large
    blocks.free_bytes()
    left = os.fstat(fd).st_blocks * 512
    os.close(fd)
    assert used >= 4 * LARGE
    assert left < LARGE
    assert (before == 5).all()
    assert (after == 5).all()


class Slow(list):
    """A list in which another thread gets its turn before anything is put."""

    def __setitem__(self, where, what):
        time.sleep(0.05)
        super().__setitem__(where, what)


def test_threads_of_a_rank_may_allocate_at_once():
    """One finds the place that another is about to take."""
    _, blocks = arena()
    blocks._free, arrays = Slow(blocks._free), []
    threads = [threading.Thread(target=lambda: arrays.append(blocks.array(100, np.uint8)))
               for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({array.ctypes.data for array in arrays}) == 3
