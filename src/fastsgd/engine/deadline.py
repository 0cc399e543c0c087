"""The clock that `max_time` sets: when a training must end, and each model's share of the time."""

import math
import time


class Deadline:
    """A moment after which no work may begin.

    Parameters
    ----------
    seconds : float or None
        From now; None is never.

    Attributes
    ----------
    limited : bool
        Whether it will ever pass.

    Examples
    --------
    >>> from fastsgd.engine.deadline import Deadline
    >>> Deadline().passed, Deadline(0).passed
    (False, True)
    """

    def __init__(self, seconds=None):
        self._end = math.inf if seconds is None else time.perf_counter() + seconds
        self.limited = self._end < math.inf

    @property
    def left(self):
        """Seconds until then, at least 0; may be infinite."""
        return max(0.0, self._end - time.perf_counter()) if self.limited else math.inf

    @property
    def passed(self):
        return self.limited and time.perf_counter() >= self._end

    def share(self, n):
        """The deadline of the first of `n` trainings that follow each other.

        Asked anew before each one, it hands on what the earlier ones have left over.
        """
        return Deadline(self.left / n)


NEVER = Deadline()
