"""How stages send arrays to their neighbours."""

from queue import Empty, SimpleQueue
from threading import Lock

LOOK_AROUND = 0.05
"""Seconds after which a stage that waits looks whether it waits in vain."""


class Aborted(Exception):
    """Another stage has failed, or never began: nothing will come."""


class ThreadTransport:
    """Queues between stages that are threads. Arrays go by reference: nothing is copied.

    A communicator between processes can take its place: arrays by rank, in the order sent.

    Parameters
    ----------
    size : int
        Stages.
    halt : Halt
        Once it was asked for, stages that have not begun may never do so.
    """

    def __init__(self, size, halt):
        self._size, self._halt = size, halt
        self._queues = {(a, b): SimpleQueue() for a in range(size) for b in (a - 1, a + 1)
                        if 0 <= b < size}
        self._begun, self._aborted, self._lock = set(), False, Lock()

    def begin(self, rank):
        """A stage is there for an epoch, or Aborted."""
        with self._lock:
            if self._aborted:
                raise Aborted
            self._begun.add(rank)

    def end(self):
        """All stages have ended an epoch."""
        self._begun.clear()

    def send(self, array, rank, to):
        """From a stage to its neighbour `to`; never waits.

        The array is the receiver's to read, or write, until it answers the same micro-batch.
        """
        self._queues[rank, to].put(array)

    def recv(self, rank, source, shape):
        """The next array for stage `rank` from its neighbour `source`.

        Parameters
        ----------
        rank, source : int
        shape : tuple of int
            Of the array; a transport that copies needs room for it.

        Raises
        ------
        Aborted
            It will never come.
        """
        array = None
        while array is None:
            try:
                array = self._queues[source, rank].get(timeout=LOOK_AROUND)
            except Empty:
                self._give_up_where_a_stage_is_missing()
            if self._aborted:
                raise Aborted
        if array.shape != shape:
            raise RuntimeError(f"stage {rank} expected {shape} from stage {source}, got "
                               f"{array.shape}")
        return array

    def _give_up_where_a_stage_is_missing(self):
        """Ctrl-C may come before all were told to begin. Then nobody has made a step, and a stage
        that comes later makes none."""
        with self._lock:
            if self._halt.asked and len(self._begun) < self._size:
                self._aborted = True

    def abort(self):
        """Ends all stages: each raises Aborted where it waits, or next would."""
        with self._lock:
            self._aborted = True
