"""Shared memory, watching and waiting where there is no memfd, pidfd or futex: macOS.

The segment is a `multiprocessing.shared_memory` whose name is gone before the first worker starts;
ranks poll instead of sleeping on a futex, and the parent asks for its workers' state.
"""

import os
from multiprocessing import shared_memory

LARGEST = 1 << 32
"""Bytes of an arena unless `capacity` says more: not every system takes sparse ones lightly."""


def memory_file(size):
    """A descriptor of `size` zeroed bytes of memory whose name has been taken away again."""
    memory = shared_memory.SharedMemory(create=True, size=size)
    try:
        return os.dup(memory._fd)  # a descriptor needs no name, nor the tracker of names
    finally:
        memory.unlink()
        memory.close()
