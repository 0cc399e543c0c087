"""Ranks that are processes of this machine: fresh interpreters over one segment of memory."""

import contextlib
import math
import os
import select
import socket
import threading
import time
import weakref

from fastsgd._interrupts import forgotten, is_asked, orderly, whole
from fastsgd.comm import interpreter
from fastsgd.comm.base import DEFAULT_TIMEOUT
from fastsgd.comm.descriptors import standard_descriptors
from fastsgd.comm.messages import Connection, encode
from fastsgd.comm.pool import Pool
from fastsgd.comm.remote_errors import named, rebuild
from fastsgd.comm.segment import default_capacity, make_segment, memory_file
from fastsgd.comm.shared import check_algorithm
from fastsgd.comm.sharing import SharedArray
from fastsgd.comm.tasks import arguments_of, check_size, split
from fastsgd.comm.turns import CLOSED, Turn
from fastsgd.comm.verdict import GRACE, Verdict, nearest
from fastsgd.comm.waiting import YIELD_SECONDS, most_looks
from fastsgd.comm.watcher import HAS_PIDFD, Watcher
from fastsgd.errors import CommError, PeerFailed
from fastsgd.kernels.exchange import ABORTED, FINE, PEER_FAILED, Exchange

START_TIMEOUT = 60.0
"""Seconds that a worker may take until it is ready."""

LEAVE = 2.0
"""Seconds that workers which are told to leave have before they are killed."""

LOOK_EVERY = 0.05

PORTABLE = not (HAS_PIDFD and hasattr(os, "memfd_create"))


class ProcessPool(Pool):
    """`n` worker processes that live until `close`, or until something fails.

    Parameters
    ----------
    n : int
        Number of workers. The parent is none of them.
    timeout : float, default=300
        Seconds that a rank waits for the others before it raises `CommTimeout`.
    algorithm : {"auto", "ring", "direct"}, default="auto"
        How all-reduce and its halves are done; the bits are the same.
    capacity : int, optional
        Bytes that each rank can `allocate`, copies of arrays that lie elsewhere included. The
        default is the memory of the machine; only what is used counts.
    portable : bool, optional
        Whether to do without memfd, pidfd and futex. None: where they are missing.

    Notes
    -----
    A worker imports numpy and what its tasks need. It runs in a fresh interpreter with the
    parent's ``sys.path`` and its options (``-I``, ``-O``, ``-W``, ...); nothing is forked, and the
    program needs no ``__main__`` guard. What it prints goes where the parent's output goes. If the
    parent dies, so do the workers.
    """

    kind = "process"

    @orderly
    def __init__(self, n, timeout=DEFAULT_TIMEOUT, algorithm="auto", capacity=None,
                 portable=None):
        n, timeout = self.world_size, self.timeout = check_size(n, timeout)
        check_algorithm(algorithm)
        interpreter.executable()
        self._turn, self._finalizer = Turn(), None
        portable = PORTABLE if portable is None else portable
        if portable:
            from fastsgd.comm import fallback

            self._make_file = fallback.memory_file
            capacity = min(default_capacity(n), fallback.LARGEST) if capacity is None else capacity
        else:
            self._make_file = memory_file
        with _Closing(self):
            self._open(n, timeout, algorithm, capacity, portable)
            self._begin()

    @whole
    def _open(self, n, timeout, algorithm, capacity, portable):
        """Makes the segment and the connections and starts the workers."""
        with contextlib.ExitStack() as theirs:
            theirs.enter_context(standard_descriptors())
            segment = make_segment(n, capacity, self._make_file)
            theirs.callback(os.close, segment.fd)
            end = Exchange(segment.memory, -1, n, timeout)
            end.configure(portable, most_looks(n), YIELD_SECONDS)
            self._verdict = Verdict(end, timeout)
            told = {"world_size": n, "timeout": timeout, "algorithm": algorithm,
                    "capacity": segment.capacity, "portable": portable,
                    "parent": os.getpid(), "environment": interpreter.own_environment()}
            with contextlib.ExitStack() as ours:
                launch, self._connections = [], []
                for rank in range(n):
                    mine, its = socket.socketpair()
                    theirs.callback(its.close)
                    ours.callback(mine.close)
                    self._connections.append(Connection(mine, self._verdict.look, LOOK_EVERY))
                    launch.append(_command(its.fileno(), segment.fd, rank=rank, **told))
                self._watcher = Watcher(launch, interpreter.environment(), end, timeout,
                                        not portable, weakref.ref(self))
                ours.pop_all()
            self._parts = os.getpid(), self._watcher, self._connections, self._verdict
            self._finalizer = weakref.finalize(self, _forget, *self._parts, LEAVE)
            self._watcher.start()
            while not self._watcher.started.wait(LOOK_EVERY):
                if is_asked():
                    self._watcher.stop_starting()

    def _begin(self):
        """Waits until all workers are ready."""
        if self._watcher.error is not None:
            raise self._watcher.error
        self._collect("ready", START_TIMEOUT)

    @property
    def closed(self):
        return not self._finalizer.alive

    @orderly
    def run(self, task, arguments=None, per_rank=None, listener=None):
        with self._turn:
            return self._run(task, arguments, per_rank, listener)

    def _run(self, task, arguments, per_rank, listener):
        if self.closed:
            raise CommError("this pool is closed; open a new one")
        split(task)
        orders = [encode({"task": task, "arguments": each, "heard": listener is not None})
                  for each in arguments_of(self.world_size, arguments, per_rank)]
        with _Closing(self):
            self._send(orders)
            return self._collect("result", listener=listener)

    def share(self, array):
        """A `SharedArray`; its memory lives while it or a worker's array of it does."""
        return SharedArray(array, self._make_file)

    def abort(self, reason=""):
        end = self._verdict.end
        if end is not None and self._turn.at_home():
            end.tell(ABORTED, -1, reason)

    @whole
    def close(self):
        if self._turn.taken():  # the thread that runs it ends the workers
            self.abort(CLOSED)
        if self._turn.at_home():
            self._turn.after(self._end)
        else:
            self._end()

    def _end(self, grace=LEAVE):
        if self._finalizer is not None and self._finalizer.detach():
            _shut_down(*self._parts, grace)

    @property
    def pids(self):
        """The process ids of the workers, in order of ranks."""
        return [process.pid for process in self._watcher.processes]

    def _send(self, orders):
        for rank, order in enumerate(orders):
            self._send_to(rank, order)

    def _send_to(self, rank, message):
        try:
            self._connections[rank].send_encoded(message)
        except ConnectionError:
            self._verdict.end.mark_dead(rank)

    def _collect(self, key, timeout=math.inf, listener=None):
        """The answers of all ranks; or raises what comes nearest to the cause of a failure.

        What a rank tells before goes to `listener`.
        """
        waited, before = 0.0, time.monotonic()
        answers, errors = {}, {}
        ranks = {connection.fileno(): rank for rank, connection in enumerate(self._connections)}
        poll = select.poll()
        for fd in ranks:
            poll.register(fd, select.POLLIN)
        while ranks and not self._verdict.final(ranks.values()):
            for fd, _ in poll.poll(1000 * LOOK_EVERY):
                rank = ranks[fd]
                answer = self._receive(rank)
                if "told" in answer:
                    self._send_to(rank, encode({"answer": listener(answer["told"])}))
                    continue
                if key in answer:
                    answers[rank] = answer[key]
                elif "error" in answer:
                    errors[rank] = rebuild(answer["error"], rank)
                poll.unregister(fd)
                del ranks[fd]
            # When this process itself was stopped, that is not held against the workers.
            waited += min(time.monotonic() - before, 2 * LOOK_EVERY)
            before = time.monotonic()
            if waited > timeout:
                for rank in ranks.values():
                    self._verdict.end.mark_late(rank)
        if len(answers) < self.world_size:
            self._raise(errors)
        return [answers[rank] for rank in range(self.world_size)]

    def _receive(self, rank):
        """The answer of a rank; {} if it died, or stopped in the middle."""
        try:
            return self._connections[rank].receive()
        except EOFError:
            self._verdict.end.mark_dead(rank)
        except CommError:
            pass
        return {}

    def _raise(self, errors):
        """Raises what comes nearest to the cause: of the ranks' own errors and of the verdict."""
        found = [errors[rank] for rank in sorted(errors)]
        verdict = self._verdict.told()
        if verdict.kind == PEER_FAILED:
            for rank in verdict.ranks:
                self._watcher.wait(rank, GRACE)
            fates = ", ".join(
                f"rank {rank} died ({self._watcher.fate(rank)})" for rank in verdict.ranks)
            text = f"{fates}; a new pool can go on from the last checkpoint"
            found.insert(0, PeerFailed(text, ranks=verdict.ranks))
        elif verdict.kind != FINE:
            found.append(verdict.error())
        error = nearest(found)
        if error.__cause__ is None and len(found) > 1:
            error.__cause__ = next(other for other in found if other is not error)
        raise error


class _Closing:
    """Closes a pool after an error, of which the workers are told."""

    def __init__(self, pool):
        self._pool = pool

    def __enter__(self):
        pass

    @whole
    def __exit__(self, kind, error, trace):
        if error is not None and self._pool._finalizer is not None:
            self._pool.abort(named(error))
            self._pool._end(GRACE / 2)


def _command(sock, segment, **told):
    """Command and descriptors of a worker."""
    return interpreter.command({**told, "socket": sock, "segment": segment}), (sock, segment)


@whole
def _shut_down(pid, watcher, connections, verdict, grace):
    """Tells the workers to leave, kills those that do not, gives all descriptors back."""
    if threading.current_thread() is watcher:  # it dropped the pool last, collecting garbage
        arguments = (pid, watcher, connections, verdict, grace)
        threading.Thread(target=_shut_down, args=arguments, name="fastsgd-end").start()
        return
    try:
        if os.getpid() == pid:  # the workers are none of a fork's
            verdict.end.tell(ABORTED, -1, CLOSED)  # at the program's end a thread may run a task
            for connection in connections:
                connection.shut()
            watcher.end(grace, hopeless=verdict.told().ranks)
    finally:
        for connection in connections:
            connection.close()
        verdict.end = None


_forget = forgotten(_shut_down)
