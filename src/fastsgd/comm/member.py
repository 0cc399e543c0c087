"""The communicator of a worker process: its end of the segment that its parent has made."""

import json

import numpy as np

from fastsgd.comm.arena import Arena
from fastsgd.comm.segment import attach
from fastsgd.comm.shared import SharedCommunicator
from fastsgd.kernels.exchange import Exchange


class ProcessCommunicator(SharedCommunicator):
    """One rank of a `ProcessPool`.

    Parameters
    ----------
    segment : fastsgd.comm.segment.Segment
    rank, world_size, timeout, algorithm
        As `SharedCommunicator` has them.

    Notes
    -----
    An array that `allocate` did not make is copied into the segment and back. The place for that
    is kept, as large as the largest of them.
    """

    kind = "process"

    def __init__(self, segment, rank, world_size, timeout, algorithm="auto"):
        arena = segment.arena(rank, world_size)
        end = Exchange(segment.memory, rank, world_size, timeout, arena)
        super().__init__(end, rank, world_size, timeout, algorithm)
        self._arena = Arena(segment.memory, *arena)
        self._staging = None

    def allocate(self, shape, dtype="float64"):
        self._check_open()
        return self._arena.array(shape, dtype)

    def _shared(self, flat, read=True):
        self._check_open()
        if self._end.shares(flat):
            return flat
        copy = self._stage(flat)
        if read:
            copy[...] = flat
        return copy

    def _stage(self, flat):
        """An array of `flat`'s size in the segment."""
        if self._staging is None or self._staging.nbytes < flat.nbytes:
            self._staging = None  # so that its block can be part of the larger one
            self._staging = self._arena.array(max(1, flat.nbytes), np.uint8)
        return self._staging[:flat.nbytes].view(flat.dtype)


def communicator_of(handle):
    """The communicator that a handle stands for; the parent has passed its descriptor on.

    Parameters
    ----------
    handle : str
        JSON: rank, world_size, timeout, algorithm, capacity and the segment's descriptor.
    """
    told = json.loads(handle)
    segment = attach(told["segment"], told["world_size"], told["capacity"])
    return ProcessCommunicator(
        segment, told["rank"], told["world_size"], told["timeout"], told["algorithm"])
