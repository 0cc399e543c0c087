"""Large arrays that all workers read: copied once into memory without a name, then only mapped."""

import mmap
import os
import weakref

import numpy as np

from fastsgd._interrupts import whole


class SharedArray:
    """An array in memory of its own, which a task gets as a read-only array without a copy.

    Parameters
    ----------
    array : ndarray of numbers
    make_file : callable
        ``make_file(size)`` returns a descriptor of zeroed memory without a name.

    Attributes
    ----------
    fd : int
        Its descriptor until `close`; workers that have mapped it keep it.
    array : ndarray
        The same memory as this process sees it, read-only.
    """

    def __init__(self, array, make_file):
        array = np.asarray(array)
        if array.dtype.kind not in "biufc":
            raise TypeError(f"share: an array of numbers is needed, got dtype {array.dtype}")
        self._open(make_file, max(1, array.nbytes))
        memory = mmap.mmap(self.fd, max(1, array.nbytes))
        copy = np.ndarray(array.shape, array.dtype, buffer=memory)
        copy[...] = array
        copy.flags.writeable = False
        self.array = copy

    @whole
    def _open(self, make_file, size):
        self.fd = make_file(size)
        self._close = weakref.finalize(self, os.close, self.fd)

    def close(self):
        """No more workers can get it; may be called again."""
        self._close()

    def told(self, number):
        """How a message speaks of it: `number` counts the message's descriptors."""
        if not self._close.alive:
            raise ValueError("this shared array is closed; share it again")
        return {"file": number, "dtype": self.array.dtype.str, "shape": list(self.array.shape)}


def mapped(told, fd):
    """The read-only array of a descriptor that came with a message; the descriptor is closed."""
    dtype, shape = np.dtype(told["dtype"]), told["shape"]
    size = max(1, int(np.prod(shape, dtype=np.int64)) * dtype.itemsize)
    try:
        memory = mmap.mmap(fd, size, prot=mmap.PROT_READ)
    finally:
        os.close(fd)
    return np.ndarray(shape, dtype, buffer=memory)
