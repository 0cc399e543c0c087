"""The ranks of one training: who does which part, what they add up, and what they decide.

Every rank runs the same training. What it decides by is the same on all: sums that an all-reduce
has made, the same bits on every rank, or what rank 0 says.
"""

import numpy as np

from fastsgd.comm.base import chunk_of


def grown(n, t, warm_up):
    """How many times as long as one worker's the steps of n workers are: linear scaling.

    In the first `warm_up` steps the factor grows from 1 to n in a straight line (Goyal et al.:
    Accurate, large minibatch SGD, 2017, sec. 2.2).

    >>> grown(4, 50, 100), grown(4, 100, 100), grown(4, 1, 0)
    (2.5, 4.0, 4.0)
    """
    return float(n) if t >= warm_up else 1 + (n - 1) * t / warm_up


class Peers:
    """This rank among the others.

    Parameters
    ----------
    comm : fastsgd.comm.base.Communicator or None
        None: there are no others, and nothing here costs anything.
    own : bool
        Whether each rank has rows of its own, which are all its share; else all have all rows.

    Attributes
    ----------
    rank, size : int
    """

    def __init__(self, comm=None, own=False):
        self.comm, self.own = comm, own
        self.rank, self.size = (0, 1) if comm is None else (comm.rank, comm.world_size)

    @property
    def alone(self):
        """Whether there is nobody to talk to."""
        return self.size == 1

    def allocate(self, shape, dtype="float64"):
        """An array of zeros that `sum` takes without a copy."""
        return np.zeros(shape, dtype) if self.alone else self.comm.allocate(shape, dtype)

    def sum(self, buf):
        """The sum over all ranks, in place; returns `buf`."""
        return buf if self.alone else self.comm.all_reduce(buf)

    def total(self, *parts):
        """The sum over the rows of all, of each number that is a sum over this rank's own.

        Where all ranks have all rows it is that already.
        """
        if not self.own or self.alone:
            return parts
        return tuple(self.sum(np.array(parts, np.float64)).tolist())

    def largest(self, number):
        """The largest over the rows of all, alike."""
        if not self.own or self.alone:
            return number
        return float(self.comm.all_reduce(np.array([number], np.float64), "max")[0])

    def gather(self, buf):
        """Fills `buf` with the `share` of every rank; returns it."""
        return buf if self.alone else self.comm.all_gather(buf)

    def join(self, part):
        """The rows that every rank gives, one after another, and how many each: all_gatherv."""
        if self.alone:
            return part, np.array([len(part)])
        return self.comm.all_gatherv(part)

    def share(self, length):
        """The slice of `length` things that is this rank's: the shares follow one another."""
        if self.own:
            return slice(0, length)
        return chunk_of(length, self.size, self.rank)

    def counts(self, n):
        """Rows of each rank where each has `n` of its own, else [n]."""
        if not self.own or self.alone:
            return [n]
        return self.join(np.array([n], np.int64))[0].tolist()

    def decide(self, *values):
        """Values that rank 0 gives, as floats; those of others do not count."""
        said = np.array(values, np.float64)
        return said.tolist() if self.alone else self.comm.broadcast(said).tolist()

    def follow(self, buf):
        """Fills `buf` with that of rank 0; returns it."""
        return buf if self.alone else self.comm.broadcast(buf)

    def agree(self, score):
        """The ``score()`` that rank 0 finds."""
        return self.decide(score() if self.rank == 0 else 0.0)[0]

    def after_epoch(self, epoch, on_epoch, expired):
        """Rank 0 reports an epoch: (asked to end, out of time) for all.

        Parameters
        ----------
        epoch : fastsgd.engine.run.Epoch
        on_epoch : callable or None
            As `sgd.train` takes it.
        expired : callable
            Whether the time is over.
        """
        asked = self.rank == 0 and on_epoch is not None and bool(on_epoch(epoch))
        asked, late = self.decide(asked, self.rank == 0 and expired())
        return bool(asked), bool(late)


ALONE = Peers()
