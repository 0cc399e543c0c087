"""BLAS has one thread while ours train, and its own number after."""

import contextlib
import threading

import numpy as np
import pytest
from threadpoolctl import ThreadpoolController

from fastsgd.engine.blas import one_thread_of_blas


def numbers():
    blas = ThreadpoolController().select(user_api="blas")
    return {library.num_threads for library in blas.lib_controllers}


def set_all(number):
    """Sets the number for BLAS, and leaves it to other threads to change it."""
    for library in ThreadpoolController().select(user_api="blas").lib_controllers:
        library.set_num_threads(number)
        getattr(library, "clear_controlling_thread", lambda: None)()


@pytest.fixture
def several():
    """BLAS with three threads, whatever the machine has."""
    np.ones(3) @ np.ones(3)  # BLAS is loaded
    before = max(numbers())
    set_all(3)
    if numbers() != {3}:
        pytest.skip("this BLAS has one thread")
    yield
    set_all(before)


def test_one_thread_within_and_the_old_number_after(several):
    with one_thread_of_blas():
        assert numbers() == {1}
        with one_thread_of_blas():
            assert numbers() == {1}
        assert numbers() == {1}
    assert numbers() == {3}
    with pytest.raises(ZeroDivisionError), one_thread_of_blas():
        1 / 0  # noqa: B018
    assert numbers() == {3}


def overlap(begin, end):
    """Trainings of the main thread (0) and another (1), in this order."""
    turns = {0: threading.Event(), 1: threading.Event()}
    done = {0: threading.Event(), 1: threading.Event()}

    def other():
        turns[0].wait(10)
        with one_thread_of_blas():
            done[0].set()
            turns[1].wait(10)
        done[1].set()
        ended.wait(10)  # its thread lives on

    ended = threading.Event()
    thread = threading.Thread(target=other)
    thread.start()

    def go(turn):
        turns[turn].set()
        assert done[turn].wait(10)

    with contextlib.ExitStack() as stack:
        for who in begin:
            go(0) if who else stack.enter_context(one_thread_of_blas())
        seen = [numbers()]
        for who in end:
            go(1) if who else stack.close()
            seen.append(numbers())
    ended.set()
    thread.join()
    return seen


@pytest.mark.parametrize("begin", [(0, 1), (1, 0)])
@pytest.mark.parametrize("end", [(0, 1), (1, 0)])
def test_trainings_in_two_threads_that_overlap(several, begin, end):
    """BLAS keeps one thread until the last has ended, whoever was first, and then has its own."""
    assert overlap(begin, end) == [{1}, {1}, {3}]
