"""An error in `partial_fit`, which writes the weights in place, leaves the model as it was."""

from contextlib import contextmanager

LARGEST = 16 << 20
"""Bytes of weights and state beyond which they are not copied: on 47,236 sparse features with 128
hidden units that would take a fifth of the time."""


class Undo:
    """A copy of weights and optimizer's state, into the same memory at every call."""

    def __init__(self):
        self._copies, self._last = [], None

    def keep(self, parameters, momenta):
        """Copies them where they are small; returns whether they are."""
        models = [parameters, *(momenta.slots if momenta else [])]
        if sum(each.size for each in models) * parameters.dtype.itemsize > LARGEST:
            self._copies = []
            return False
        if [c.units for c in self._copies] == [m.units for m in models] and (
                self._copies[0].dtype == parameters.dtype):
            for copy, each in zip(self._copies, models, strict=True):
                copy.become(each)
        else:
            self._copies = [each.copy() for each in models]
        self._last = momenta.last.copy() if momenta and momenta.last is not None else None
        return True

    def restore(self, parameters, momenta):
        """Writes them back."""
        models = [parameters, *(momenta.slots if momenta else [])]
        for each, copy in zip(models, self._copies, strict=True):
            each.become(copy)
        if momenta:
            momenta.last = self._last


@contextmanager
def undone_on_error(undo, parameters, state, *, several):
    """An error within leaves weights and state as they were before.

    Where `several` minibatches are too large to be undone (LARGEST), those before the error stay
    learnt; none of their steps was by anything that is not finite (`Settings.guards`). One
    minibatch needs no copy: its error comes before its step. Random numbers that were drawn stay
    drawn: to copy a RandomState takes 0.1 ms, a tenth of a small network's call.
    """
    before = dict(vars(state))
    lengths = len(state.curve), len(state.scores)
    kept = several and undo.keep(parameters, state.momenta)
    try:
        yield
    except Exception:
        if kept or state.step == before["step"]:
            vars(state).update(before)
            if kept:
                undo.restore(parameters, state.momenta)
            for curve, length in zip((state.curve, state.scores), lengths, strict=True):
                del curve[length:]
        raise
