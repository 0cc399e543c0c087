"""The threads of BLAS: one for each thread of ours, beside which more would spin."""

import threading
from functools import cache

from threadpoolctl import ThreadpoolController

from fastsgd._interrupts import whole


@cache
def _blas():
    """The loaded libraries, which takes 20 ms to find out."""
    return ThreadpoolController().select(user_api="blas").lib_controllers


def _is_of_a_thread(library):
    """Whether the number is the calling thread's own, and not the process's."""
    return library.internal_api == "mkl" or library.threading_layer == "openmp"


def _set(library, number):
    library.set_num_threads(number)
    # from 3.7 on threadpoolctl obeys one thread alone until that says that it is done
    getattr(library, "clear_controlling_thread", lambda: None)()


class _Users:
    """Who wants one thread at present: the last to leave gives the process its number back.

    Were each to put back what it has found, trainings in several threads (estimators, or ranks)
    would leave the process with one thread for good.
    """

    def __init__(self):
        self._lock, self._count, self._first = threading.Lock(), 0, []

    def enter(self):
        """Sets the number to one; returns what it was."""
        with self._lock:
            before = [library.num_threads for library in _blas()]
            if not self._count:
                self._first = before
            self._count += 1
            for library in _blas():
                _set(library, 1)
        return before

    def leave(self, before):
        with self._lock:
            self._count -= 1
            for library, mine, first in zip(_blas(), before, self._first, strict=True):
                if _is_of_a_thread(library):
                    _set(library, mine)
                elif not self._count:
                    _set(library, first)


_USERS = _Users()


class one_thread_of_blas:
    """A context in which BLAS takes one thread; several threads of ours may be in it at once."""

    def __init__(self):
        self._before = None

    def __enter__(self):
        try:
            self._enter()
        except BaseException:  # at its end
            self.__exit__()
            raise

    @whole
    def _enter(self):
        self._before = _USERS.enter()

    @whole
    def __exit__(self, *error):
        if self._before is not None:
            _USERS.leave(self._before)
            self._before = None
