"""The threads of BLAS: one for each thread of ours, beside which more would spin."""

import threading
from contextlib import contextmanager
from functools import cache

from threadpoolctl import ThreadpoolController


@cache
def _blas():
    return ThreadpoolController()  # looks through all loaded libraries: 20 ms


class _Users:
    """Who wants one thread at present: the first sets it for the process, the last undoes it.

    Were each to put back what it has found, trainings in several threads (estimators, or ranks)
    would leave the process with one thread for good.
    """

    def __init__(self):
        self._lock, self._count, self._limit = threading.Lock(), 0, None

    def enter(self):
        with self._lock:
            if not self._count:
                self._limit = _blas().limit(limits=1, user_api="blas")
            self._count += 1

    def leave(self):
        with self._lock:
            self._count -= 1
            if not self._count:
                self._limit.restore_original_limits()


_USERS = _Users()


@contextmanager
def one_thread_of_blas():
    """A context in which BLAS takes one thread; several threads of ours may be in it at once."""
    _USERS.enter()
    try:
        yield
    finally:
        _USERS.leave()
