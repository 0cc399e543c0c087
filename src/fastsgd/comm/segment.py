"""The segment of memory that a parent and its workers share: nameless, so that nothing can stay.

Control (header, slots, mailboxes) comes first, then an arena for each rank. The arenas are as
large as the machine's memory: pages exist only once they are written to.
"""

import mmap
import os
from numbers import Integral
from typing import NamedTuple

from fastsgd.kernels.exchange import control_bytes

PAGE = 65536
"""Bytes; a multiple of the pages of any machine."""

LARGEST = 1 << 46
"""Bytes of address space that all arenas take at most."""

SMALLEST = 64 << 20
"""Bytes of an arena below which no smaller one is tried."""


class Segment(NamedTuple):
    """A mapped segment; `fd` may be closed once the workers have theirs."""

    fd: int
    memory: mmap.mmap
    capacity: int

    def arena(self, rank, world_size):
        """(begin, end) of a rank's arena."""
        begin = control_bytes(world_size) + rank * self.capacity
        return begin, begin + self.capacity


def make_segment(world_size, capacity, make_file):
    """A new segment.

    Parameters
    ----------
    world_size : int
    capacity : int or None
        Bytes of each arena; None: the machine's memory, or less where address space is limited.
    make_file : callable
        ``make_file(size)`` returns a descriptor of zeroed memory without a name.
    """
    if capacity is None:
        chosen = default_capacity(world_size)
    elif isinstance(capacity, Integral) and capacity > 0:
        chosen = -(-int(capacity) // PAGE) * PAGE
    else:
        raise ValueError(
            f"capacity must be a whole number > 0 of bytes, or None; got {capacity!r}")
    while True:
        size = control_bytes(world_size) + world_size * chosen
        fd = -1
        try:
            fd = make_file(size)
            return Segment(fd, mmap.mmap(fd, size), chosen)
        except (OSError, ValueError, OverflowError) as error:
            if fd >= 0:
                os.close(fd)
            if capacity is not None or chosen // 2 < SMALLEST:
                raise MemoryError(
                    f"no shared segment of {size} bytes for {world_size} workers; "
                    f"open it with a smaller capacity than {chosen} bytes a worker") from error
            chosen = chosen // 2 // PAGE * PAGE


def default_capacity(world_size):
    """The bytes of this machine's memory, or an equal share of the address space."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return max(SMALLEST, min(memory, LARGEST // world_size)) // PAGE * PAGE


def memory_file(size):
    """A descriptor of `size` zeroed bytes of memory that have no name (Linux)."""
    fd = os.memfd_create("fastsgd", os.MFD_CLOEXEC)
    try:
        os.ftruncate(fd, size)
    except BaseException:
        os.close(fd)
        raise
    return fd


def attach(fd, world_size, capacity):
    """The segment of a descriptor that the parent has handed down; the descriptor is closed."""
    memory = mmap.mmap(fd, control_bytes(world_size) + world_size * capacity)
    os.close(fd)
    return Segment(-1, memory, capacity)
