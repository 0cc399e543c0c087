"""Arrays for worker processes: copied once into nameless memory, or opened again from their file.

A parent tells where an array lies; a worker maps it. Ranks that are threads, and those of an MPI
job, which have all data themselves, are handed the array as it is.
"""

import mmap
import os
from pathlib import Path

import numpy as np

from fastsgd._interrupts import whole

LINE = 64
"""Bytes: each array begins at a cache line."""

MAPS = Path("/proc/self/maps")

SMALL = 65_536
"""Bytes up to which an array is told in the message itself."""


class SharedArrays:
    """Where a parent puts arrays for its worker processes, until `close`.

    Parameters
    ----------
    direct : bool
        Ranks are in this process: an array is told as itself.
    """

    def __init__(self, direct=False):
        self._direct, self._files = direct, []

    def place(self, *arrays):
        """Messages to workers about each array (None stays None), for `open_array`.

        Arrays that a file is mapped to are opened again from it; the others are copied, into one
        segment of memory, from which workers read alone.
        """
        if self._direct:
            return list(arrays)
        told = [_in_file(array) for array in arrays]
        copied = [k for k, array in enumerate(arrays)
                  if array is not None and told[k] is None and array.nbytes > SMALL]
        places = self._copy([arrays[k] for k in copied])
        for k, place in zip(copied, places, strict=True):
            told[k] = place
        return [array if place is None else place
                for array, place in zip(arrays, told, strict=True)]

    def _copy(self, arrays):
        if not arrays or not hasattr(os, "memfd_create"):
            return arrays  # by message, a copy for each worker
        offsets, size = [], 0
        for array in arrays:
            offsets.append(size)
            size += -(-array.nbytes // LINE) * LINE
        self._make_file()
        fd = self._files[-1]
        os.ftruncate(fd, size)
        memory = mmap.mmap(fd, size)
        path = f"/proc/{os.getpid()}/fd/{fd}"
        told = []
        for array, offset in zip(arrays, offsets, strict=True):
            np.ndarray(array.shape, array.dtype, memory, offset)[...] = array
            told.append(_place(path, offset, array))
        return told

    @whole
    def _make_file(self):
        self._files.append(os.memfd_create("fastsgd-rows", os.MFD_CLOEXEC))

    @whole
    def close(self):
        """Gives the memory back, once the workers have let go of it."""
        while self._files:
            os.close(self._files.pop())

    def __enter__(self):
        return self

    @whole
    def __exit__(self, *error):
        self.close()


def open_array(told):
    """The array that `SharedArrays.place` told of, to be read; None is None."""
    if not isinstance(told, dict):
        return told
    return np.memmap(told["path"], np.dtype(told["dtype"]), "r", told["offset"],
                     tuple(told["shape"])).view(np.ndarray)


def _place(path, offset, array):
    return {"path": str(path), "offset": int(offset), "dtype": array.dtype.str,
            "shape": list(array.shape)}


def _in_file(array):
    """Where in a file an array lies, if it shows one as it is; else None.

    A slice of a map keeps the map's own offset, so its place is found by addresses.
    """
    base = array
    while base is not None and not isinstance(getattr(base, "base", None), mmap.mmap):
        base = getattr(base, "base", None)
    if not isinstance(base, np.memmap) or base.filename is None or base.mode not in ("r", "r+"):
        return None
    path = Path(base.filename).resolve()
    if not array.flags.c_contiguous or not path.is_file() or array.nbytes == 0:
        return None
    if not _shows(array, path):
        return None
    # numpy maps from a multiple of the granularity on, and `base` begins within the first of them
    offset = base.offset + _address(array) - _address(base)
    if offset + array.nbytes > path.stat().st_size:
        return None
    return _place(path, offset, array)


def _shows(array, path):
    """Whether the file that an array is mapped to is still the one of this name.

    A file that was written anew and renamed leaves the old one mapped, which has no name any more:
    workers would open the other. Linux tells the name of what is mapped at an address now.
    """
    try:
        maps = MAPS.read_bytes()
    except OSError:  # another system: the name is trusted
        return True
    address = _address(array)
    for line in maps.splitlines():
        begin, end = (int(part, 16) for part in line.split(maxsplit=1)[0].split(b"-"))
        if begin <= address < end:
            return line.split(maxsplit=5)[5:] == [os.fsencode(path)]
    return False


def _address(array):
    return array.__array_interface__["data"][0]
