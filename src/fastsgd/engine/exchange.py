"""Sums over all ranks of several arrays and numbers at once."""

from math import prod


class Exchange:
    """One buffer for arrays and numbers that are summed over the ranks by one all-reduce.

    The buffer is made at the first sum, or by `allocate`, and kept: every sum of an exchange has
    the same shapes.

    Parameters
    ----------
    peers : Peers
    dtype : dtype, default=float64
        In which the sums are made.

    Examples
    --------
    >>> import numpy as np
    >>> from fastsgd.engine.peers import ALONE
    >>> Exchange(ALONE).sum([np.array([1.0, 2.0]), 3])
    [array([1., 2.]), 3.0]
    """

    def __init__(self, peers, dtype="float64"):
        self._peers, self._dtype = peers, dtype
        self._buf = self._parts = None

    def allocate(self, *shapes):
        """Makes the buffer; returns its parts: arrays of zeros that `sum` takes without a copy.

        Parameters
        ----------
        *shapes : int or tuple of int
            Of the arrays; () is a number.
        """
        sizes = [shape if isinstance(shape, int) else prod(shape) for shape in shapes]
        self._buf, self._parts, at = self._peers.allocate(sum(sizes), self._dtype), [], 0
        for shape, size in zip(shapes, sizes, strict=True):
            self._parts.append(self._buf[at:at + size].reshape(shape))
            at += size
        return list(self._parts)

    def sum(self, values):
        """The sums over all ranks, the same bits on each.

        Parameters
        ----------
        values : list of array and number
            Those of this rank, with the same shapes on all ranks. A part of the buffer, in its
            place, stands for what it holds.

        Returns
        -------
        list of ndarray and float
            The arrays are parts of the buffer, and hold the sums until the next one.
        """
        if self._parts is None:
            self.allocate(*(getattr(value, "shape", ()) for value in values))
        for part, value in zip(self._parts, values, strict=True):
            if value is not part:
                part[...] = value
        self._peers.sum(self._buf)
        return [part if part.ndim else float(part) for part in self._parts]
