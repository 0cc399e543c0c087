"""Waiting for MPI: requests are tested until a deadline, and what other ranks tell is heard.

A rank that waits within the MPI library hears neither Ctrl-C nor that another has given up, and
it waits for a stopped process for ever. So collectives are begun and then tested. Ranks tell each
other what went wrong on a *control* communicator of their own: one message of JSON.
"""

import json
import os
import time

import numpy as np

from fastsgd.comm.remote_errors import describe, rebuild
from fastsgd.comm.verdict import Told
from fastsgd.errors import CommAborted, CommError
from fastsgd.kernels.exchange import ABORTED, LATE

SPINS = 200
"""Tests before the core is yielded between them: 50 to 100 us (measured: docs/mpi.md)."""

YIELDS = 2000
"""Tests before this rank sleeps between them; it then sleeps 5 % of its wait, at most 1 ms."""

LOOK_EVERY = 64
"""Tests between two looks at the clock and at messages, until this rank sleeps between them."""

GRACE = 1.0
"""Seconds that ranks have to answer one that is out of time, and messages to leave."""

ABANDONED: list = []
"""Requests that were given up. MPI may still use their buffers, so they are kept for ever."""


class Waiting:
    """How one rank waits.

    Parameters
    ----------
    MPI : module
    control : MPI.Comm
        For messages about failures; nothing else is sent over it.
    timeout : float
        Seconds, the usual ones.
    """

    def __init__(self, MPI, control, timeout):
        self._mpi, self._control, self._timeout = MPI, control, timeout
        self._late = set()  # ranks that have told that they are out of time
        self.told = None  # (rank, message) of the rank that has given up first
        self.over = ""  # why nothing can be done any more
        self._reason = None  # of this rank, when it has given up

    def until_done(self, request, op, timeout=None, status=None):
        """Returns when `request` is done; raises what keeps it from being done.

        Raises
        ------
        CommTimeout, CommAborted, CommError
            Also KeyboardInterrupt. The request and its buffers are kept where MPI may use them.
        """
        timeout = self._timeout if timeout is None else timeout
        try:
            self._test(request, op, timeout, status)
        except self._mpi.Exception as error:
            self.over = f"MPI: {error}"
            raise CommError(f"{op}: {error}", op=op, rank=self._control.rank) from error
        except BaseException as error:
            self.over = self.over or f"{type(error).__name__}: {error}"
            ABANDONED.append(request)
            raise

    def _test(self, request, op, timeout, status):
        tests, begin = 0, time.monotonic()
        while not request.Test(status):
            tests += 1
            if tests > YIELDS or tests % LOOK_EVERY == 0:
                waited = time.monotonic() - begin
                self._look(op, timeout)
                if waited > timeout:
                    self._give_up_late(op, timeout)
                if tests > YIELDS:
                    time.sleep(min(1e-3, waited / 20))
            if tests > SPINS:
                os.sched_yield()

    def check(self, op):
        """Raises what keeps anything from being done any more."""
        if self.over:
            text = f"{op}: this communicator cannot be used any more: {self.over}"
            where = {"op": op, "rank": self._control.rank}
            if self._reason is None:
                raise CommError(text, **where)
            raise CommAborted(text, reason=self._reason, **where)

    def give_up(self, reason, error=None):
        """Tells all other ranks that this one has given up."""
        self._reason, self.over = reason, f"this rank has given up: {reason}"
        told = None if error is None else describe(error)
        self._tell({"kind": ABORTED, "reason": reason, "error": told})

    def error_told(self):
        """The error that the rank which gave up first has raised, made anew; or None."""
        if self.told is None or self.told[1]["error"] is None:
            return None
        return rebuild(self.told[1]["error"], self.told[0])

    def _look(self, op, timeout):
        """Takes the messages that have come; raises what they tell."""
        self._receive()
        where = {"op": op, "rank": self._control.rank}
        if self.told is not None:
            by, message = self.told
            self.over = f"rank {by} has given up: {message['reason']}"
            raise Told(ABORTED, by, message["reason"], [by], timeout).error(**where)
        if self._late:
            self._give_up_late(op, timeout)
        self.check(op)  # another thread of this process may have given up

    def _give_up_late(self, op, timeout):
        """Tells that this rank is out of time; those that do not answer are the ones it names."""
        rank, size = self._control.rank, self._control.size
        self._tell({"kind": LATE})
        end = time.monotonic() + GRACE
        while len(self._late) < size - 1 and self.told is None and time.monotonic() < end:
            self._receive()
            time.sleep(1e-3)
        if self.told is not None:
            self._look(op, timeout)
        # All others have given up waiting: the late one is this rank.
        missing = sorted(set(range(size)) - self._late - {rank}) or [rank]
        error = Told(LATE, rank, "", missing, timeout).error(op=op, rank=rank)
        self.over = str(error)
        raise error

    def _receive(self):
        MPI, status = self._mpi, self._mpi.Status()
        while self._control.Iprobe(MPI.ANY_SOURCE, MPI.ANY_TAG, status):
            source = status.Get_source()
            text = np.empty(status.Get_count(MPI.BYTE), np.uint8)
            self._control.Recv([text, MPI.BYTE], source, status.Get_tag())
            message = json.loads(text.tobytes())
            if message["kind"] == LATE:
                self._late.add(source)
            elif self.told is None:
                self.told = source, message

    def _tell(self, message):
        text = np.frombuffer(json.dumps(message).encode(), np.uint8)
        others = [rank for rank in range(self._control.size) if rank != self._control.rank]
        requests = [self._control.Isend([text, self._mpi.BYTE], rank) for rank in others]
        end = time.monotonic() + GRACE
        while not self._mpi.Request.Testall(requests) and time.monotonic() < end:
            time.sleep(1e-3)
        ABANDONED.extend(request for request in requests if request)
