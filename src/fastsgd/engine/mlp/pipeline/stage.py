"""A stage: a worker that runs its tasks in turn, waits for its neighbours, and measures that."""

import time

import numpy as np

from fastsgd.engine.mlp.pipeline.schedule import gpipe
from fastsgd.engine.mlp.pipeline.transport import Aborted, ThreadTransport


class Stage:
    """Works on one minibatch after another, between the stages below and above.

    Each minibatch is flushed: a stage has sent all micro-batches forward and back, and has made
    its step, before it begins the next. Whether there is a next one is decided by the first
    stage and told upwards, so that all stages end with the same number of steps.

    No stage waits in vain: tasks have the same order in all stages, a task waits only for the
    same micro-batch of a neighbour, forward for the one below, back for the one above, and
    sending never waits.

    Parameters
    ----------
    rank, size : int
        Which of how many stages.
    work : object
        ``begin(visits)`` returns the rows of each micro-batch; ``forward(i, fed)`` and
        ``backward(i, delta)`` return what goes to the neighbour; ``step(eta, t)`` ends the
        minibatch. `n_fed` and `n_units` are the columns of what comes from below and from above.
    transport : ThreadTransport
    halt : Halt
        When it is asked for, the first stage begins no other minibatch.

    Attributes
    ----------
    began, ended : float
        The clock at the beginning and end of the last epoch.
    waited : float
        Seconds of it in which neighbours were waited for.
    """

    def __init__(self, rank, size, work, transport, halt):
        self.rank, self.work = rank, work
        self._transport, self._halt = transport, halt
        self._is_first, self._is_last = rank == 0, rank == size - 1
        self.began = self.ended = self.waited = 0.0

    def run(self, minibatches):
        """One epoch, or the part of it before `halt`.

        Parameters
        ----------
        minibatches : iterable of (visits, eta, t)
            The same for all stages.
        """
        self.began, self.waited = time.perf_counter(), 0.0
        self._transport.begin(self.rank)
        for visits, eta, t in minibatches:
            if not self._goes_on():
                break
            self._learn(visits)
            self.work.step(eta, t)
        self.ended = time.perf_counter()

    def _goes_on(self):
        """Whether another minibatch is begun."""
        if self._is_first:
            goes_on = np.array([not self._halt.asked])
        else:
            goes_on = self._recv(self.rank - 1, (1,))
        if not self._is_last:
            self._send(goes_on, self.rank + 1)
        return bool(goes_on[0])

    def _learn(self, visits):
        work, rank = self.work, self.rank
        rows = work.begin(visits)
        for forward, i in gpipe(len(rows)):
            if forward:
                fed = None if self._is_first else self._recv(rank - 1, (rows[i], work.n_fed))
                out = work.forward(i, fed)
                if not self._is_last:
                    self._send(out, rank + 1)
            else:
                delta = None if self._is_last else self._recv(rank + 1, (rows[i], work.n_units))
                out = work.backward(i, delta)
                if not self._is_first:
                    self._send(out, rank - 1)

    def _send(self, array, to):
        self._transport.send(array, self.rank, to)

    def _recv(self, source, shape):
        began = time.perf_counter()
        try:
            return self._transport.recv(self.rank, source, shape)
        finally:
            self.waited += time.perf_counter() - began


class Stages:
    """All stages, each by one thread of a team.

    Parameters
    ----------
    works : list
        What each stage does: see Stage.
    team : Team
        As many threads.
    halt : Halt
    """

    def __init__(self, works, team, halt):
        self._team, self._transport = team, ThreadTransport(len(works), halt)
        self._stages = [Stage(rank, len(works), work, self._transport, halt)
                        for rank, work in enumerate(works)]
        self._seconds, self._busy = 0.0, [0.0] * len(works)

    def run(self, minibatches):
        """One epoch. What a stage raises ends the others and is raised here.

        Parameters
        ----------
        minibatches : callable
            Of no arguments: the iterable that each stage goes through.
        """
        def task(rank):
            try:
                with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                    self._stages[rank].run(minibatches())
            except Aborted:
                pass  # by one that raises why
            except BaseException:
                self._transport.abort()
                raise

        self._team.run(task)
        self._transport.end()
        began = min(stage.began for stage in self._stages)
        self._seconds += max(stage.ended for stage in self._stages) - began
        for rank, stage in enumerate(self._stages):
            self._busy[rank] += stage.ended - stage.began - stage.waited

    @property
    def idle_share(self):
        """The part of all epochs in which each stage waited, or had not begun, or had ended."""
        seconds = self._seconds or 1.0
        return [1.0 - busy / seconds for busy in self._busy]
