"""Arrays of a zip archive, read with distrust: nothing in it is unpickled, or believed unseen.

NumPy makes room for whatever shape the header of an array tells. Here the header is compared with
what the archive has of the member, and room is made as bytes come.
"""

import errno
import io
import math
import warnings
from contextlib import contextmanager

import numpy as np
from numpy.lib import format as npy

from fastsgd._integers import LARGEST
from fastsgd.errors import DataFileError

MAGIC = b"\x93NUMPY"
LONGEST_HEADER = 10_000
"""Bytes, as NumPy's own limit, which it looks at only after reading all of the header."""

FIRST_ROOM = 1 << 24
"""Bytes that room is made for at once, and then twice as many, as far as they are filled."""

CHUNK = 1 << 18
WIDE = 4096
"""Bytes of a text above which texts are cut to the longest one that is there."""


def read_array(archive, name):
    """The array `name` of a `zipfile.ZipFile`, in the machine's byte order.

    Raises
    ------
    DataFileError
        It is damaged, holds Python objects, or its header tells of more than there is.
    MemoryError
        It is all there, and too large.
    OSError
        The file cannot be read.
    """
    if f"{name}.npy" not in archive.namelist():
        raise DataFileError(f"the array {name!r} is no array (.npy); write it with numpy.savez")
    member = archive.getinfo(f"{name}.npy")
    with damage_told(f"the array {name!r}"), archive.open(member) as file:
        (shape, fortran, dtype), begin = _header(file, name)
        size, held = math.prod(shape) * dtype.itemsize, member.file_size - begin
        if size != held or not all(0 <= n <= LARGEST for n in shape):
            raise EOFError(f"{dtype} of shape {shape} takes {size} bytes, and it has {held}")
        read = _texts if dtype.kind == "U" and dtype.itemsize > WIDE else _values
        try:
            values = read(file, size, dtype)
        except MemoryError as error:
            raise MemoryError(f"for the array {name!r}, {dtype} of shape {shape}: {size} "
                              "bytes") from error
        if file.read(1):  # this last read compares the checksum
            raise EOFError(f"more than {held} bytes follow its header")
        array = values.reshape(shape[::-1]).T if fortran else values.reshape(shape)
    return array.astype(array.dtype.newbyteorder("="), copy=False)


@contextmanager
def damage_told(what):
    """Raises one class of error for all that damage leads zipfile and its helpers to.

    These are struct.error, zlib.error, EOFError, NotImplementedError, OverflowError, SyntaxError,
    RecursionError and more; a MemoryError without a text comes from a decompressor or a parser.
    """
    try:
        yield
    except DataFileError:
        raise
    except Exception as error:
        if isinstance(error, MemoryError) and error.args:
            raise
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            raise
        raise DataFileError(f"{what} cannot be read: {error or type(error).__name__}; "
                            "save it again") from error


def _header(file, name):
    """((shape, whether in Fortran's order, dtype), where the values begin)."""
    magic = file.read(len(MAGIC) + 2)
    if not magic.startswith(MAGIC):
        raise DataFileError(f"the array {name!r} is no array (.npy); write it with numpy.savez")
    version = tuple(magic[len(MAGIC):])
    read, width = {(1, 0): (npy.read_array_header_1_0, 2), (2, 0): (npy.read_array_header_2_0, 4),
                   (3, 0): (npy.read_array_header_2_0, 4)}[version]
    length = file.read(width)
    n = int.from_bytes(length, "little")
    if n > LONGEST_HEADER:
        raise EOFError(f"its header is said to have {n} bytes")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of headers of Python 2
        shape, fortran, dtype = read(io.BytesIO(length + file.read(n)))
    if dtype.hasobject:
        raise DataFileError(
            f"the array {name!r} holds Python objects, which may run code when they are "
            "loaded and never are; save it as numbers or strings, as by "
            f"{name}.astype(float) or {name}.astype(str)")
    if dtype.kind == "V" or not dtype.itemsize:
        raise DataFileError(f"the array {name!r} is of type {dtype}; it must be numbers, bools "
                            "or strings")
    return (shape, fortran, dtype), len(magic) + width + n


def _values(file, size, dtype):
    """The next `size` bytes as a vector of `dtype`."""
    room, at = min(size, FIRST_ROOM), 0
    found = np.empty(room, np.uint8)
    while at < size:
        if at == room:
            room = min(size, 2 * room)
            found.resize(room, refcheck=False)
        part = _some(file, room - at)
        found[at:at + len(part)] = np.frombuffer(part, np.uint8)
        at += len(part)
    return found.view(dtype)


def _texts(file, size, dtype):
    """The next `size` bytes as texts, as wide as the longest of them."""
    texts = []
    for _ in range(size // dtype.itemsize):
        text, left, zeros = bytearray(), dtype.itemsize, 0
        while left:
            part = _some(file, left)
            kept = part.rstrip(b"\0")
            if kept:
                text += bytes(zeros) + kept
                zeros = 0
            zeros += len(part) - len(kept)
            left -= len(part)
        texts.append(text)
    width = max(4, *(-(-len(text) // 4) * 4 for text in texts)) if texts else 4
    found = np.zeros((len(texts), width), np.uint8)
    for row, text in zip(found, texts, strict=True):
        row[:len(text)] = np.frombuffer(text, np.uint8)
    return found.reshape(-1).view(np.dtype(f"{dtype.byteorder}U{width // 4}"))


def _some(file, most):
    part = file.read(min(CHUNK, most))
    if not part:
        raise EOFError("it is cut off")
    return part
