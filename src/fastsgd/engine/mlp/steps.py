"""The step size of each minibatch of an epoch."""

from fastsgd.engine.peers import grown
from fastsgd.kernels import tables


class Steps:
    """The schedule from the first row of an epoch on.

    Parameters
    ----------
    settings : Settings
    state : State

    Attributes
    ----------
    first : int
        t of the epoch's first minibatch.
    """

    def __init__(self, settings, state):
        self._schedule, self._samples = settings.schedule, state.samples
        self._growth = settings.growth, settings.warm_rows
        self._stretch = settings.stretch
        self.first = state.step + 1
        kind = tables.schedules()["constant"][0]
        self._constant = None
        if settings.adaptive and state.eta0 is not None:
            self._constant = state.eta0
        elif settings.adaptive or self._schedule["kind"] == kind:
            self._constant = self._schedule["eta0"]
        elif settings.by_epoch:
            self._constant = self._eta(0)

    def _eta(self, begin):
        return float(tables.etas(self._schedule, self._samples + begin + 1, 1)[0])

    def at(self, number, begin):
        """(eta, t) of minibatch `number` of the epoch, whose first row is the epoch's `begin`."""
        eta = self._eta(begin) if self._constant is None else self._constant
        n, warm_rows = self._growth
        if self._stretch != 1:
            eta *= self._stretch
        if n > 1:
            eta *= grown(n, self._samples + begin, warm_rows)
        return eta, self.first + number


def minibatches(order, size, steps):
    """(visits, eta, t) of each minibatch of an epoch, in turn.

    Parameters
    ----------
    order : int64 ndarray of shape (n,)
    size : int
        Rows of each but the last.
    steps : Steps
    """
    for number, begin in enumerate(range(0, len(order), size)):
        yield order[begin:begin + size], *steps.at(number, begin)
