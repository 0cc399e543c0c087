"""`write_tensors`: named arrays and metadata as a safetensors file, written from begin to end.

The file is 8 bytes with the length of a JSON header, that header, arrays one after the other.
It is written here and not by the safetensors package, which makes a copy of all arrays, and whose
errors do not tell a full disk from others.
"""

import json
import math
from itertools import accumulate

import numpy as np

from fastsgd.data.cache_header import DTYPES

ALIGNMENT = 64
"""Bytes: where the arrays begin is a multiple of it. Large items come first, so that each array
begins at a multiple of its own items, though the format allows no gap."""
BLOCK_BYTES = 1 << 20


def write_tensors(file, arrays, metadata):
    """Writes arrays as they lie, without a second copy of them.

    Parameters
    ----------
    file : binary file object
        It need not be one in which one can go back.
    arrays : dict of str to (ndarray, dtype)
        With the type in which each is stored: little-endian numbers, or bools.
    metadata : dict of str to str
    """
    arrays = dict(sorted(arrays.items(), key=lambda item: (-item[1][1].itemsize, item[0])))
    file.write(_header(arrays, metadata))
    for array, dtype in arrays.values():
        for part in parts(array, dtype):
            file.write(part)


def parts(array, dtype):
    """The bytes of an array in C order, some rows at a time, as they are stored."""
    step = max(1, BLOCK_BYTES // max(1, math.prod(array.shape[1:])))
    for begin in range(0, len(array), step):
        part = np.ascontiguousarray(array[begin:begin + step], dtype)
        yield part.reshape(-1).view(np.uint8)


def _header(arrays, metadata):
    """The file up to its arrays."""
    names = {dtype: name for name, dtype in DTYPES.items()}
    ends = list(accumulate(array.size * dtype.itemsize for array, dtype in arrays.values()))
    header = {"__metadata__": metadata} | {
        name: {"dtype": names[dtype], "shape": list(array.shape), "data_offsets": [begin, end]}
        for (name, (array, dtype)), begin, end in zip(
            arrays.items(), [0, *ends[:-1]], ends, strict=True)}
    text = json.dumps(header).encode()
    text += b" " * (-(len(text) + 8) % ALIGNMENT)
    return len(text).to_bytes(8, "little") + text
