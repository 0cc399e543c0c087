"""The minibatches of each epoch, in SGD's visiting order."""

import numpy as np

from fastsgd.engine.linear.visiting import block_rows, visiting_order
from fastsgd.kernels import order


class Minibatches:
    """How each epoch's rows are cut into minibatches; their number is ``len``.

    Parameters
    ----------
    examples : Examples
    settings : Settings
        `shuffle` and `batch_size` count.
    seed : int
    counts : list of int
        Rows of an epoch; of each rank, where ranks have their own.

    Attributes
    ----------
    visits : int
        Rows of an epoch, of all ranks.
    """

    def __init__(self, examples, settings, seed, counts):
        self._shuffle, self._batch_size = settings.shuffle, settings.batch_size
        self._seed, self._subset, self._counts = seed, examples.subset, counts
        self._n_rows = examples.rows.shape[0]
        self._block_rows = block_rows(examples.rows, settings.shuffle)
        self.visits = sum(counts)

    def __len__(self):
        return -(-self.visits // self._batch_size)

    def of_epoch(self, epoch):
        """Yields (int64 rows of this rank, how many they are over all ranks) of each step."""
        row = self._in_order(epoch)
        for k in range(len(self)):
            yield self._cut(row, k)

    def _in_order(self, epoch):
        blocks, row = visiting_order(self._shuffle, self._seed, epoch, self._n_rows,
                                     self._block_rows, self._subset)
        if row is not None:
            return row
        if blocks is not None:
            return order.expand(blocks, self._block_rows, self._n_rows)
        return np.arange(self._n_rows)

    def _cut(self, row, k):
        """The minibatch of step k.

        Where ranks have rows of their own, each cuts its own in as many parts as there are steps:
        a rank of few rows adds nothing to some steps, and is there in all of them.
        """
        if len(self._counts) == 1:
            mine = row[k * self._batch_size:(k + 1) * self._batch_size]
            return mine, len(mine)
        n_steps = len(self)
        cuts = [(n * k // n_steps, n * (k + 1) // n_steps) for n in self._counts]
        begin, end = len(row) * k // n_steps, len(row) * (k + 1) // n_steps
        return row[begin:end], sum(end - begin for begin, end in cuts)
