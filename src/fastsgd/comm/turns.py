"""Who may use a pool: one task at a time, in the process that opened it."""

import os
import threading

CLOSED = "the pool was closed while its task ran"
"""Why a task is aborted."""


LONGEST = 10.0
"""Seconds to wait for a task that is aborted: Ctrl-C may have come while the turn was taken or
given back, so that nobody ends it."""


class Turn:
    """Held while a task runs; entered a second time it refuses, instead of mixing two tasks."""

    def __init__(self):
        self._lock, self._pid, self._holder = threading.Lock(), os.getpid(), None

    def __enter__(self):
        if not self.at_home():
            raise RuntimeError(f"this pool belongs to process {self._pid}, of which this one is a "
                               "fork; open another pool here")
        if not self._lock.acquire(blocking=False):
            raise RuntimeError("this pool runs a task already, for another thread or below this "
                               "call; wait until it has ended, or open another pool")
        self._holder = threading.get_ident()

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

        A task that is aborted ends in less than `LONGEST` seconds.
        """
        if self._holder == threading.get_ident():
            return
        taken = self._lock.acquire(timeout=LONGEST)
        self._holder = threading.get_ident()
        try:
            call()
        finally:
            self._holder = None
            if taken:
                self._lock.release()
