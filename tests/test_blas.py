"""BLAS has one thread while ours train, and its own number after."""

import threading

import numpy as np
import pytest
from threadpoolctl import ThreadpoolController

from fastsgd.engine.blas import one_thread_of_blas


def numbers():
    blas = ThreadpoolController().select(user_api="blas")
    return {library.num_threads for library in blas.lib_controllers}


@pytest.fixture
def several():
    """BLAS with three threads, whatever the machine has."""
    np.ones(3) @ np.ones(3)  # BLAS is loaded
    with ThreadpoolController().limit(limits=3, user_api="blas"):
        if numbers() != {3}:
            pytest.skip("this BLAS has one thread")
        yield


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


def test_trainings_in_two_threads_that_overlap(several):
    """The first to begin is the first to end: the other keeps one thread, and all come back."""
    begun, other, ended = threading.Event(), threading.Event(), threading.Event()

    def first():
        with one_thread_of_blas():
            begun.set()
            other.wait()
        ended.set()

    thread = threading.Thread(target=first)
    thread.start()
    begun.wait()
    with one_thread_of_blas():
        other.set()
        ended.wait()
        assert numbers() == {1}
    thread.join()
    assert numbers() == {3}
