"""Which rows each rank takes of the stretches of an epoch: minibatches, or rounds of them."""

from itertools import pairwise

import numpy as np


class Shares:
    """Shares of ranks that all have all rows: each takes its part of a stretch of their order.

    Where ranks have rows of their own, an epoch has the stretches that the rows of all make, and
    each rank cuts its own in as many: one of few rows has none in some of them.

    Parameters
    ----------
    peers : Peers
    examples : Examples
        The rows that this rank knows.

    Attributes
    ----------
    n_rows : int
        Of an epoch, of all ranks.
    """

    def __init__(self, peers, examples):
        self._peers, self._examples = peers, examples
        self._counts = peers.counts(examples.n_rows)
        self.n_rows, self._own = sum(self._counts), len(self._counts) > 1

    def minibatches(self, size):
        """Where stretches of `size` rows, the last one shorter, begin and end: for `cut`."""
        return [*range(0, self.n_rows, size), self.n_rows]

    def longest(self, size):
        """The most rows of a minibatch that this rank takes."""
        if self._own:
            return -(-self._examples.n_rows // (len(self.minibatches(size)) - 1))
        return -(-size // self._peers.size)

    def cut(self, order, ends):
        """(this rank's rows, begin, end) of each stretch; begin and end count rows of all.

        Parameters
        ----------
        order : int64 ndarray
            Of the rows that this rank knows.
        ends : list of int
            Of the stretches; where ranks have rows of their own only their number counts.
        """
        if not self._own:
            for begin, end in pairwise(ends):
                part = self._peers.share(end - begin)
                yield order[begin + part.start:begin + part.stop], begin, end
            return
        n, begin, mine = len(ends) - 1, 0, 0
        for k in range(1, n + 1):
            end, last = sum(count * k // n for count in self._counts), len(order) * k // n
            yield order[mine:last], begin, end
            begin, mine = end, last

    def totals(self, order, ends):
        """The total weight of each stretch, of the rows of all: the same on all ranks."""
        if not self._own:
            return [self._examples.total(order[begin:end]) for begin, end in pairwise(ends)]
        sums = self._peers.allocate(len(ends) - 1)
        sums[:] = [self._examples.total(mine) for mine, *_ in self.cut(order, ends)]
        return self._peers.sum(sums).tolist()

    def total(self):
        """Total weight of the rows of an epoch, over all ranks that have rows of their own."""
        total = self._examples.total(self._examples.order(False, None)())
        return float(self._peers.sum(np.array([total]))[0]) if self._own else total
