"""Counts of what a rank has sent: calls, bytes, steps and seconds, by collective and in all."""

from dataclasses import asdict, dataclass


@dataclass
class Count:
    """Counts of one collective: `bytes_sent` of this rank, rounds (`steps`), `seconds`."""

    calls: int = 0
    bytes_sent: int = 0
    steps: int = 0
    seconds: float = 0.0


class Stats:
    """Counts by collective.

    >>> stats = Stats()
    >>> stats.add("all_reduce", bytes_sent=96, steps=6, seconds=1e-5)
    >>> stats.bytes_sent, stats.steps, stats["all_reduce"].calls, stats["send"].calls
    (96, 6, 1, 0)
    """

    def __init__(self):
        self._by_op = {}

    def add(self, op, bytes_sent, steps, seconds=0.0):
        """One more call of `op`."""
        count = self[op]
        count.calls += 1
        count.bytes_sent += bytes_sent
        count.steps += steps
        count.seconds += seconds

    def __getitem__(self, op):
        """The `Count` of a collective."""
        count = self._by_op.get(op)
        if count is None:
            count = self._by_op[op] = Count()
        return count

    calls = property(lambda self: sum(c.calls for c in self._by_op.values()))
    bytes_sent = property(lambda self: sum(c.bytes_sent for c in self._by_op.values()))
    steps = property(lambda self: sum(c.steps for c in self._by_op.values()))
    seconds = property(lambda self: sum(c.seconds for c in self._by_op.values()))

    def clear(self):
        """Counts anew from zero."""
        self._by_op.clear()

    def as_dict(self):
        """For a report: {collective: {calls, bytes_sent, steps, seconds}}."""
        return {op: asdict(count) for op, count in self._by_op.items()}

    def __repr__(self):
        return f"Stats({self.as_dict()})"
