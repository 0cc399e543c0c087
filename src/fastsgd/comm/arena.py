"""Which bytes of a rank's arena are in use: first fit, for few and large blocks."""

import math
import mmap
import threading
import weakref
from collections import deque
from operator import index

import numpy as np

LINE = 64
"""Bytes of a cache line: blocks begin at one."""

LARGE = 1 << 20
"""Bytes from which the pages of a block that is given back are given back too."""


class Arena:
    """Arrays in a part of a memory map.

    Parameters
    ----------
    memory : mmap.mmap
    begin, end : int
        Its bytes that may be used.
    """

    def __init__(self, memory, begin, end):
        self._memory = memory
        self._free = [(begin, end - begin)]  # in order of addresses, none next to another
        self._returned = deque()  # blocks may come back at any time, also while one is taken
        self._lock = threading.Lock()
        self.begin, self.end = begin, end

    def array(self, shape, dtype):
        """An array of zeros; its block is free again when it and all its views are gone."""
        dtype = np.dtype(dtype)
        if dtype.hasobject:
            raise ValueError(f"allocate: numbers only, got dtype {dtype}")
        shape = tuple(map(index, shape)) if np.iterable(shape) else (index(shape),)
        if min(shape, default=0) < 0:  # numpy would take all of the memory for -1
            raise ValueError(f"allocate: lengths must be >= 0, got shape {shape}")
        size = -(-max(1, math.prod(shape) * dtype.itemsize) // LINE) * LINE
        with self._lock:
            offset = self._take(size)
        try:
            array = np.ndarray(shape, dtype, buffer=self._memory, offset=offset)
        except BaseException:
            self._returned.append((offset, size))
            raise
        weakref.finalize(array, self._returned.append, (offset, size)).atexit = False
        array[...] = 0
        return array

    def free_bytes(self):
        """Bytes that are not in use, in blocks of any size."""
        with self._lock:
            return self._count()

    def _count(self):
        self._collect()
        return sum(size for _, size in self._free)

    def _take(self, size):
        self._collect()
        for k, (offset, free) in enumerate(self._free):
            if free >= size:
                self._free[k:k + 1] = [(offset + size, free - size)] if free > size else []
                return offset
        raise MemoryError(
            f"allocate: {size} bytes are more than the arena of this rank has left "
            f"({self._count()} of {self.end - self.begin}); open the communicator with a "
            "larger capacity, or let go of other arrays")

    def _collect(self):
        while self._returned:
            offset, size = self._returned.popleft()
            if size >= LARGE:
                self._give_pages(offset, size)
            self._free.append((offset, size))
            self._free.sort()
            merged = []
            for begin, length in self._free:
                if merged and sum(merged[-1]) == begin:
                    merged[-1] = (merged[-1][0], merged[-1][1] + length)
                else:
                    merged.append((begin, length))
            self._free = merged

    def _give_pages(self, offset, size):
        first = -(-offset // mmap.PAGESIZE) * mmap.PAGESIZE
        length = (offset + size) // mmap.PAGESIZE * mmap.PAGESIZE - first
        if hasattr(mmap, "MADV_REMOVE") and length > 0:
            self._memory.madvise(mmap.MADV_REMOVE, first, length)
