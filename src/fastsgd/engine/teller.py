"""Reports of rank 0 while a training goes on: epochs, and now and then the model."""

import time

MODEL_EVERY = 0.05
"""Seconds after which the model goes along with an epoch: Ctrl-C loses no more, and one epoch."""

REST = 20
"""It takes so many times as long as telling it took, if that is more."""


class Teller:
    """``on_epoch`` of rank 0 in a training by workers; tells whoever runs the training.

    Parameters
    ----------
    comm : Communicator
    each : bool
        Whether they want to hear of every epoch.
    looks : bool
        Whether they want the model with every epoch.
    """

    def __init__(self, comm, each, looks):
        self._comm, self._each, self._looks = comm, each, looks
        self._next = time.monotonic() + MODEL_EVERY

    def __call__(self, epoch, model):
        """Whether the training shall end.

        Parameters
        ----------
        epoch, model : callable
            ``epoch()``, ``model()``: what to tell, as dicts of what messages may hold. They are
            called only if it is told.
        """
        begin = time.monotonic()
        whole = self._looks or begin >= self._next
        if not (self._each or whole):
            return False
        if not whole:
            return bool(self._comm.tell({"epoch": epoch()}))
        ended = bool(self._comm.tell({"epoch": epoch(), "model": model()}))
        end = time.monotonic()
        self._next = end + max(MODEL_EVERY, REST * (end - begin))
        return ended
