"""Causes of a failure, as the shared segment tells them; of several errors the one to raise."""

import time
from typing import NamedTuple

from fastsgd.errors import CommAborted, CommError, CommTimeout, PeerFailed
from fastsgd.kernels.exchange import FINE, LATE, PEER_FAILED

GRACE = 1.0
"""Seconds that ranks have to tell of an error of their own, once there is one."""


class Told(NamedTuple):
    """A verdict: FINE, ABORTED, LATE or PEER_FAILED; who told it, why, which ranks failed."""

    kind: int
    by: int
    reason: str
    ranks: list
    timeout: float

    def error(self, op=None, **where):
        """The error that it stands for."""
        begin = f"{op}: " if op else ""
        names = ("rank " if len(self.ranks) == 1 else "ranks ") + ", ".join(map(str, self.ranks))
        if self.kind == PEER_FAILED:
            text = f"{begin}{names} died; a new communicator can go on from the last checkpoint"
            return PeerFailed(text, ranks=self.ranks, op=op, **where)
        if self.kind == LATE:
            text = (f"{begin}{names} did not arrive in time (timeout={self.timeout:g} s): "
                    "stopped, or with longer work between two collectives than that")
            return CommTimeout(text, ranks=self.ranks, op=op, **where)
        by = "the parent" if self.by < 0 else f"rank {self.by}"
        where["peer"] = None if self.by < 0 else self.by
        return CommAborted(f"{begin}aborted by {by}" + (f": {self.reason}" if self.reason else ""),
                           reason=self.reason, op=op, **where)


class Verdict:
    """Reads the verdict of a segment, and how long ago it was first seen here.

    Parameters
    ----------
    end : fastsgd.kernels.exchange.Exchange
    timeout : float
        For the text of the error.
    """

    def __init__(self, end, timeout):
        self.end, self._timeout, self._since = end, timeout, None

    def told(self):
        """The verdict now."""
        return Told(*self.end.verdict(), self._timeout)

    def final(self, waiting):
        """Whether it is in vain to wait for these ranks: they failed, or had time to answer."""
        told = self.told()
        if told.kind == FINE:
            return False
        if self._since is None:
            self._since = time.monotonic()
        return set(waiting) <= set(told.ranks) or time.monotonic() - self._since > GRACE

    def look(self):
        """While a message is on its way: raises when it will never arrive."""
        if self.final([-1]):
            raise self.told().error()


def nearest(errors):
    """The error nearest to the cause.

    A rank's own error comes first, then the death of a rank, a timeout, another failure of the
    exchange; that a rank was aborted is only a consequence.
    """
    return min(errors, key=_distance)


def _distance(error):
    for distance, kind in enumerate((PeerFailed, CommTimeout), start=1):
        if isinstance(error, kind):
            return distance
    if isinstance(error, CommAborted):
        return 4
    return 3 if isinstance(error, CommError) else 0
