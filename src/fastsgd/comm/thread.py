"""Ranks that are threads of this process: for tests, and where one process is enough."""

import mmap
import threading
from functools import partial
from queue import SimpleQueue

import numpy as np

from fastsgd._interrupts import orderly, whole
from fastsgd.comm.base import DEFAULT_TIMEOUT
from fastsgd.comm.pool import Pool
from fastsgd.comm.remote_errors import named
from fastsgd.comm.shared import SharedCommunicator, check_algorithm
from fastsgd.comm.tasks import arguments_of, check_size, resolve
from fastsgd.comm.turns import CLOSED, Turn
from fastsgd.comm.verdict import nearest
from fastsgd.comm.waiting import YIELD_SECONDS, most_looks
from fastsgd.errors import CommAborted, CommError
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


class Calls:
    """Messages of ranks to a listener, which hears them in the thread that runs the ranks.

    Parameters
    ----------
    listener : callable or None
    n : int
        Ranks.
    """

    def __init__(self, listener, n):
        self._listener, self._asked = listener, SimpleQueue()
        self._answers = [SimpleQueue() for _ in range(n)]
        self._over = False

    def ask(self, rank, value):
        """Wait, in the thread of a rank, for the listener's answer."""
        if not self._over:
            self._asked.put((rank, value))
        answer = None if self._over else self._answers[rank].get()
        if answer is None:
            raise CommAborted("tell: who ran this task has given up", rank=rank)
        return answer[0]

    def leave(self):
        """Note, in the thread of a rank, that it has nothing more to tell."""
        self._asked.put(None)

    def serve(self):
        """Answers until all ranks have left."""
        left = len(self._answers)
        while left:
            asked = self._asked.get()
            if asked is None:
                left -= 1
            else:
                rank, value = asked
                self._answers[rank].put((self._listener(value),))

    def end(self):
        """Nobody will be answered any more."""
        self._over = True
        for answers in self._answers:  # of those that are waiting
            answers.put(None)


class _Threads:
    """The threads of one task; at the end of a `with` block all have ended.

    After an error in it (Ctrl-C, of the listener, no room for a thread) the task is aborted and
    the pool closed.
    """

    def __init__(self, pool, calls, work):
        self._pool, self._calls, self._work, self._threads = pool, calls, work, []

    def __enter__(self):
        try:
            self._start()
        except BaseException as error:
            self.__exit__(type(error), error, None)
            raise

    @whole
    def _start(self):
        for rank in range(self._pool.world_size):
            thread = threading.Thread(target=self._work, args=(rank,),
                                      name=f"fastsgd-rank-{rank}", daemon=True)
            thread.start()
            self._threads.append(thread)

    @whole
    def __exit__(self, kind, error, trace):
        if error is not None:
            self._pool.abort(named(error))
            self._calls.end()
        for thread in self._threads:
            thread.join()
        if error is not None:
            self._pool._close()


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

    @property
    def closed(self):
        return self._closed

    @orderly
    def run(self, task, arguments=None, per_rank=None, listener=None):
        with self._turn:
            return self._run(task, arguments, per_rank, listener)

    def _run(self, task, arguments, per_rank, listener):
        if self._closed:
            raise CommError("this pool is closed; open a new one")
        function = resolve(task)
        each = arguments_of(self.world_size, arguments, per_rank)
        ended, calls = [None] * self.world_size, Calls(listener, self.world_size)

        def work(rank):
            comm = self._comms[rank]
            comm.listener = None if listener is None else partial(calls.ask, rank)
            try:
                ended[rank] = (function(comm, **each[rank]), None)
            except BaseException as error:
                comm.abort(named(error))
                ended[rank] = (None, error)
            finally:
                comm.listener = None
                calls.leave()

        with _Threads(self, calls, work):
            calls.serve()
        errors = [error for _, error in ended if error is not None]
        if errors:
            self._close()
            raise nearest(errors)
        return [result for result, _ in ended]

    def abort(self, reason=""):
        if not self._closed:
            self._end.tell(exchange.ABORTED, -1, reason)

    @whole
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
