"""Memory that begins at a cache line, for what threads share."""

import numpy as np


def zeroed_lines(size):
    """A zeroed buffer of `size` bytes: (array to keep, its address)."""
    buffer = np.zeros(size + 64, np.uint8)
    at = -buffer.ctypes.data % 64
    return buffer, buffer.ctypes.data + at
