"""The arrays of a CSR matrix that fit together, as the kernels take them."""

import numpy as np

BLOCK = 1 << 20
"""Entries looked at at a time."""

NARROW = ("i1", "i2", "i4", "u1", "u2")
"""Index types that int32 holds; the others become int64."""


def csr_arrays(data, indices, indptr, shape, name="X", lines="rows"):
    """Arrays that may be cut into rows by `indptr`; column numbers are not looked at.

    Parameters
    ----------
    data, indices, indptr : ndarray
    shape : (int, int)
    name : str
        What messages call the matrix.
    lines : str
        What `indptr` cuts it into.

    Returns
    -------
    data, indices, indptr : ndarray
        Contiguous, in this machine's byte order; the last two int32 or int64. Copies only where
        they were not so.

    Raises
    ------
    ValueError
        One is no vector, `indptr` is not a sequence of positions in order, or the others are
        shorter than it says.
    """
    for what, array in (("data", data), ("indices", indices), ("indptr", indptr)):
        if not isinstance(array, np.ndarray) or array.ndim != 1:
            raise ValueError(f"{name}.{what} must be a vector; it is of type "
                             f"{type(array).__name__}, shape {np.shape(array)}")
        if what != "data" and array.dtype.kind not in "iu":
            raise ValueError(f"{name}.{what} must be whole numbers (int32 or int64), got "
                             f"{array.dtype}")
    indices, indptr = index_array(indices), index_array(indptr)
    if len(indptr) != shape[0] + 1:
        raise ValueError(f"{name}.indptr must have {shape[0] + 1} entries, got {len(indptr)}: one "
                         f"more than {lines}")
    nnz = int(indptr[-1])
    if indptr[0] != 0 or nnz > len(indices) or falls(indptr):
        raise ValueError(f"{name}.indptr must start at 0, never fall and end within "
                         f"{name}.indices, which has {len(indices)} entries; it runs from "
                         f"{indptr[0]} to {nnz}")
    if len(data) < nnz:
        raise ValueError(f"{name}.data is shorter than {name}.indptr says: it has {len(data)} "
                         f"entries, not {nnz}")
    return _plain(data, data.dtype.newbyteorder("=")), indices, indptr


def falls(numbers):
    """Whether a number is less than the one before it; differences could wrap around."""
    parts = (numbers[begin:begin + BLOCK + 1] for begin in range(0, len(numbers), BLOCK))
    return any(bool(np.any(part[1:] < part[:-1])) for part in parts)


def index_array(array):
    """Whole numbers as the kernels take them, int32 or int64; a copy only if needed."""
    kind = np.int32 if array.dtype.str[1:] in NARROW else np.int64
    return _plain(array, kind)


def _plain(array, dtype):
    """The array itself, if it is of the type and lies side by side, else a copy that does."""
    flags = array.flags
    same = array.dtype == dtype and flags.c_contiguous and flags.aligned
    return array if same else np.require(array, dtype, "CA")
