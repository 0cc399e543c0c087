"""Who may use a pool: one task at a time, in the process that opened it."""

import os
import threading
import time

from fastsgd._interrupts import is_asked, whole

CLOSED = "the pool was closed while its task ran"
"""Why a task is aborted."""


LONGEST = 10.0
"""Seconds to wait for a task that is aborted."""

LOOK_EVERY = 0.02


class Turn:
    """Held while a task runs; entered a second time it refuses, instead of mixing two tasks."""

    def __init__(self):
        self._lock, self._pid, self._holder = threading.Lock(), os.getpid(), None

    def __enter__(self):
        if not self.at_home():
            raise RuntimeError(f"this pool belongs to process {self._pid}, of which this one is a "
                               "fork; open another pool here")
        taken = []
        try:
            self._take(taken)
        except BaseException:  # at the very end
            if taken:
                self.__exit__()
            raise
        if not taken:
            raise RuntimeError("this pool runs a task already, for another thread or below this "
                               "call; wait until it has ended, or open another pool")

    @whole
    def _take(self, taken):
        if self._lock.acquire(blocking=False):
            self._holder = threading.get_ident()
            taken.append(True)

    @whole
    def __exit__(self, *error):
        self._holder = None
        self._lock.release()

    def at_home(self):
        """Whether this is the process that opened the pool, not a fork of it."""
        return os.getpid() == self._pid

    def taken(self):
        """Whether a task runs."""
        return self._lock.locked()

    def after(self, call):
        """Calls it when no task runs; not where this very thread runs one, in a signal's handler.

        A task that is aborted ends in less than `LONGEST` seconds, which Ctrl-C cuts short.
        """
        if self._holder == threading.get_ident():
            return
        end = time.monotonic() + LONGEST
        while not (taken := self._lock.acquire(timeout=LOOK_EVERY)) and not (
                is_asked() or time.monotonic() > end):
            pass
        self._holder = threading.get_ident()
        try:
            call()
        finally:
            self._holder = None
            if taken:
                self._lock.release()
