"""Ranks that are threads of this process: for tests, and where one process is enough."""

import mmap
import threading

import numpy as np

from fastsgd.comm.base import DEFAULT_TIMEOUT, Pool
from fastsgd.comm.remote_errors import named
from fastsgd.comm.shared import SharedCommunicator, check_algorithm
from fastsgd.comm.tasks import arguments_of, check_size, resolve
from fastsgd.comm.turns import CLOSED, Turn
from fastsgd.comm.verdict import nearest
from fastsgd.comm.waiting import YIELD_SECONDS, most_looks
from fastsgd.errors import CommError
from fastsgd.kernels import exchange


class ThreadCommunicator(SharedCommunicator):
    """Every array is shared, where it lies: nothing is ever copied but results."""

    kind = "thread"

    def __init__(self, end, rank, world_size, timeout, algorithm):
        super().__init__(end, rank, world_size, timeout, algorithm)
        self._held = None

    def allocate(self, shape, dtype="float64"):
        return np.zeros(shape, dtype)

    def _shared(self, flat, read=True):
        # A rank that fails may drop its array while others still read it: it is held here until
        # this rank's next collective, which begins when all have left this one.
        self._check_open()
        self._held = flat
        return flat


class ThreadPool(Pool):
    """`world_size` threads, made for each task; their communicators last.

    Parameters
    ----------
    n : int
    timeout : float, default=300
    algorithm : {"auto", "ring", "direct"}
    """

    kind = "thread"

    def __init__(self, n, timeout=DEFAULT_TIMEOUT, algorithm="auto"):
        n, timeout = self.world_size, self.timeout = check_size(n, timeout)
        check_algorithm(algorithm)
        # Private: a fork of this process has a pool of its own.
        self._memory = mmap.mmap(-1, exchange.control_bytes(n), flags=mmap.MAP_PRIVATE)
        self._end = exchange.Exchange(self._memory, -1, n, timeout)
        self._end.configure(False, most_looks(n), YIELD_SECONDS)
        self._comms = [
            ThreadCommunicator(exchange.Exchange(self._memory, rank, n, timeout), rank, n,
                               timeout, algorithm) for rank in range(n)]
        self._closed, self._turn = False, Turn()

    def run(self, task, arguments=None, per_rank=None):
        with self._turn:
            return self._run(task, arguments, per_rank)

    def _run(self, task, arguments, per_rank):
        if self._closed:
            raise CommError("this pool is closed; open a new one")
        function = resolve(task)
        each = arguments_of(self.world_size, arguments, per_rank)
        ended = [None] * self.world_size

        def work(rank):
            comm = self._comms[rank]
            try:
                ended[rank] = (function(comm, **each[rank]), None)
            except BaseException as error:
                comm.abort(named(error))
                ended[rank] = (None, error)

        threads = [threading.Thread(target=work, args=(rank,), name=f"fastsgd-rank-{rank}",
                                    daemon=True) for rank in range(self.world_size)]
        try:
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        except BaseException as error:  # Ctrl-C, or no room for a thread
            self.abort(named(error))
            for thread in threads:
                if thread.ident is not None:
                    thread.join()
            self._close()
            raise
        errors = [error for _, error in ended if error is not None]
        if errors:
            self._close()
            raise nearest(errors)
        return [result for result, _ in ended]

    def abort(self, reason=""):
        if not self._closed:
            self._end.tell(exchange.ABORTED, -1, reason)

    def close(self):
        if self._turn.taken():
            self.abort(CLOSED)  # ranks that are at work are told why they end
            self._closed = True
        else:
            self._close()

    def _close(self):
        self._closed = True
        for comm in self._comms:
            comm.close()
