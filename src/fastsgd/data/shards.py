"""Which part of the data files a rank reads: whole files, or the lines of a range of bytes."""

import os
from dataclasses import dataclass
from pathlib import Path

from fastsgd.data.files import check_regular
from fastsgd.data.formats import format_of
from fastsgd.data.text_blocks import COMPRESSED

LOOK = 1 << 16
"""Bytes that are searched for a line end at a time."""


@dataclass(frozen=True)
class Piece:
    """A part of a file.

    Attributes
    ----------
    path : str
    part : (int, int) or None
        (k, n): the k-th of n parts, of text by `byte_range`, of arrays by rows. None: all of it.
    """

    path: str
    part: tuple | None = None


def pieces_of(paths, rank, size):
    """Pieces that rank `rank` of `size` reads: files rank::size, or its part of each if too few.

    Empty files are passed over.

    Parameters
    ----------
    paths : list of str
    rank, size : int

    Returns
    -------
    list of Piece

    Raises
    ------
    ValueError
        A file has to be split and cannot be.

    Examples
    --------
    >>> [piece.path for piece in pieces_of(["a.svm", "b.svm", "c.svm"], 0, 2)]
    ['a.svm', 'c.svm']
    """
    full = [path for path in paths if not (Path(path).is_file() and not os.path.getsize(path))]
    paths = full or paths  # empty parts, as Spark writes them, are nobody's share
    if len(paths) >= size:
        return [Piece(path) for path in paths[rank::size]]
    for path in paths:
        why = _whole(path)
        if why:
            raise ValueError(f"{path}: {why}, so {size} processes cannot share it; give at least "
                             f"{size} files, text that is not compressed, or --rows all")
    return [Piece(path, (rank, size)) for path in paths]


def _whole(path):
    """Why a file can only be read as a whole; "" if it can be split."""
    if path == "-" or not Path(path).is_file():
        return "is no regular file"
    if format_of(path).by_lines:
        with open(path, "rb") as file:
            if file.read(3).startswith(COMPRESSED):
                return "is compressed"
    return ""


def byte_range(path, rank, size):
    """The lines of rank `rank` of `size`: (begin, end) in bytes, which follow line ends.

    The ranges follow one another; together they are the file. Each line is in the range in which
    its first byte would be, were the file cut in `size` equal parts, so some may be empty.

    Parameters
    ----------
    path : str or path-like
        Text that is not compressed; only about the two cuts is anything read.
    rank, size : int

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile() as file:
    ...     _ = file.write(b"1 1:0.5\n-1 2:1\n1 3:2\n")
    ...     file.flush()
    ...     [byte_range(file.name, rank, 2) for rank in range(2)]
    [(0, 15), (15, 21)]
    """
    if not 0 <= rank < size:
        raise ValueError(f"rank must be 0 to {size - 1}, got {rank}")
    check_regular(path, "processes share it by ranges of its bytes")
    length = os.path.getsize(path)
    with open(path, "rb") as file:
        return tuple(_line_start(file, length * k // size, length) for k in (rank, rank + 1))


def _line_start(file, at, length):
    """The first place from `at` on where a line begins, or the end of the file."""
    if at == 0:
        return 0
    file.seek(at - 1)
    at -= 1
    while at < length:
        block = file.read(LOOK)
        if not block:
            break
        found = block.find(b"\n")
        if found >= 0:
            return at + found + 1
        at += len(block)
    return length


class Lines:
    """A range of a file's bytes as a binary file object, for `load_svmlight`.

    Parameters
    ----------
    path : str or path-like
    begin, end : int
    """

    def __init__(self, path, begin, end):
        self.name = f"{os.fspath(path)} from byte {begin} on"
        self._file, self._left = open(path, "rb", buffering=0), end - begin  # noqa: SIM115
        self._file.seek(begin)

    def readinto(self, view):
        with memoryview(view) as all_of_it, all_of_it[:self._left] as room:
            count = self._file.readinto(room) if len(room) else 0
        self._left -= count
        return count

    def read(self, size=-1):
        """At most `size` bytes; all that are left if it is negative."""
        block = self._file.read(self._left if size < 0 else min(size, self._left))
        self._left -= len(block)
        return block

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._file.close()
