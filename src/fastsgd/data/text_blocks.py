"""Text from any binary source as blocks of whole lines, decompressed on the way.

One buffer is used for all blocks, so the memory needed is that of one block, however long the
lines are: one that does not fit comes in parts (`long_lines`).
"""

import bz2
import os
import zlib
from contextlib import contextmanager
from typing import NamedTuple

from fastsgd._integers import INT32_MAX
from fastsgd.data.long_lines import SHORTEST_BLOCK, LongLine

BLOCK_BYTES = 1 << 18
_CHUNK_BYTES = 1 << 16  # compressed bytes read at a time
_BOM = b"\xef\xbb\xbf"
_ENGINES = {  # first three bytes -> decompressor of one member, what it raises, its padding
    b"\x1f\x8b\x08": (lambda: zlib.decompressobj(31), zlib.error, b"\0"),
    b"BZh": (bz2.BZ2Decompressor, OSError, b""),
}
COMPRESSED = tuple(_ENGINES)
"""First bytes of compressed text."""


class DamagedTextError(Exception):
    """Compressed text that breaks off or cannot be decoded.

    `column` is the place, in the line that was being read, of the first byte that is missing.
    """

    column = 1


class _FromRead:
    """`readinto` for a file object that only has `read`."""

    def __init__(self, file):
        self.file = file

    def readinto(self, view):
        data = self.file.read(len(view))
        if not isinstance(data, (bytes, bytearray)):
            raise TypeError(
                "expected a file object opened in binary mode, "
                f"its read() gave {type(data).__name__}"
            )
        view[: len(data)] = data
        return len(data)


class _Decompressed:
    """`readinto` over the members of a compressed source."""

    def __init__(self, source, head):
        self.source = source
        self.start, self.error, self.padding = _ENGINES[head]
        self.engine = self.start()
        self.pending = head

    def readinto(self, view):
        while True:
            if self.engine.eof and not self._next_member():
                return 0
            try:
                data = self.engine.decompress(self.pending, len(view))
            except self.error as error:
                raise DamagedTextError(f"damaged compressed data ({error})") from error
            self.pending = getattr(self.engine, "unconsumed_tail", b"")
            if data:
                view[: len(data)] = data
                return len(data)
            if not self.engine.eof and not self.pending:
                self.pending = self._read()
                if not self.pending:
                    raise DamagedTextError("the end of a truncated compressed file")

    def _next_member(self):
        """Start on the member that follows the finished one, if any; padding is passed over."""
        rest = self.engine.unused_data.lstrip(self.padding)
        while not rest:
            chunk = self._read()
            if not chunk:
                return False
            rest = chunk.lstrip(self.padding)
        self.engine = self.start()
        self.pending = rest
        return True

    def _read(self):
        chunk = bytearray(_CHUNK_BYTES)
        return bytes(chunk[: _read_some(self.source, chunk)])


def _read_some(source, view):
    count = source.readinto(view)
    if count is None:
        raise BlockingIOError("a non-blocking source had no data ready")
    return count


@contextmanager
def open_text(path):
    """Open a path, file descriptor or binary file object for `line_blocks`.

    gzip and bzip2 are told by their first bytes, not by the name. A descriptor or a file object
    is read from where it stands and is not closed.

    Yields
    ------
    source : object with ``readinto``
    head : bytes
        What was read from `source` already.
    name : str
        For messages.
    """
    if hasattr(path, "read"):
        name = getattr(path, "name", None)
        name = name if isinstance(name, str) else "<stream>"
        yield *_told_by_head(path if hasattr(path, "readinto") else _FromRead(path)), name
        return
    is_descriptor = isinstance(path, int) and not isinstance(path, bool)
    if is_descriptor:
        if not 0 <= path <= INT32_MAX:
            raise ValueError(f"a file descriptor must be >= 0 and <= {INT32_MAX}, got {path}")
        name = f"<fd {path}>"
    elif isinstance(path, (str, os.PathLike)):
        name = os.fsdecode(path)
    else:
        raise TypeError(
            "path must be a str, a path, a file descriptor or a binary file object, "
            f"got {type(path).__name__}"
        )
    with open(path, "rb", buffering=0, closefd=not is_descriptor) as file:
        yield *_told_by_head(file), name


def _told_by_head(source):
    head = bytearray()
    while len(head) < 3:
        chunk = bytearray(3 - len(head))
        count = _read_some(source, chunk)
        if not count:
            break
        head += chunk[:count]
    head = bytes(head)
    if head in _ENGINES:
        return _Decompressed(source, head), b""
    return source, head


class Block(NamedTuple):
    """Whole lines, or a part of one line: buffer[begin:end], which ends with a newline.

    Attributes
    ----------
    buffer : bytearray
        Used again for the next block.
    begin, end : int
    covered : int or None
        None: the last newline is the text's own, or the end of the text. Else the line goes on
        after it, and it stands in the place of this byte, which comes again.
    columns : int
        Bytes of the first line that came before `begin`.
    gaps : list of (int, int)
        Where in the buffer bytes of the text were left out, and how many.
    """

    buffer: bytearray
    begin: int
    end: int
    covered: int | None = None
    columns: int = 0
    gaps: list = []

    def column(self, begin, at):
        """The column in the text of buffer[at], which is in the line that starts at `begin`."""
        column = at - begin + 1
        if begin == self.begin:
            column += self.columns + sum(count for place, count in self.gaps if at > place)
        return column


def line_blocks(source, head=b"", *, padding, size=BLOCK_BYTES, commas=False):
    """Cut what `source` holds into blocks of whole lines; a line that fits in none, into parts.

    Parameters
    ----------
    source : object with ``readinto``
    head : bytes
        Text that comes before that of `source`.
    padding : int
        How many readable bytes must follow a block.
    size : int
        Bytes in a block.
    commas : bool
        Whether commas separate labels at the start of a line.

    Yields
    ------
    Block
        A newline is added to a last line that has none. A byte order mark at the start of the
        text is left out.

    Raises
    ------
    DamagedTextError
        After all text was yielded but the last line's, or its last part.
    """
    text = _Text(source, head, size, padding)
    line = LongLine(commas)
    while text.fill(line.is_open):
        buffer, filled = text.buffer, text.filled
        token_end = line.token_end(buffer, filled)
        stop = 0
        if token_end is not None:
            stop, text.filled = line.complete(buffer, filled, token_end)
        elif end := buffer.rfind(b"\n", 0, filled) + 1:
            yield Block(buffer, 0, end, None, line.columns)
            text.drop(end)
            line = LongLine(commas)
        elif text.damage:
            break
        else:
            stop = line.cut(buffer, filled) or text.shorten(line)
        if stop:
            covered, buffer[stop] = buffer[stop], ord("\n")
            yield Block(buffer, 0, stop + 1, covered, line.columns, line.gaps)
            buffer[stop] = covered
            text.drop(stop)
            line.passed(stop)
    if text.damage:
        text.damage.column = text.filled + 1 + line.columns + line.missing
        raise text.damage


class _Text:
    """The buffer of `line_blocks`: text that is read and not yet yielded, at its start."""

    def __init__(self, source, head, size, padding):
        self.source, self.padding = source, padding
        self.buffer = bytearray(max(size, 2 * len(head), len(_BOM)) + padding + 1)
        self.buffer[: len(head)] = head
        self.filled, self.first, self.ended, self.damage = len(head), True, False, None

    def fill(self, is_open):
        """Read what there is room for, or up to the end; whether there is text.

        At the end a newline is added to a last line that has none, or that `is_open`.
        """
        self._read()
        if self.first and self.buffer.startswith(_BOM, 0, self.filled):
            self.drop(len(_BOM))
        self.first = False
        if self.ended and not self.damage and (self.filled or is_open) and (
                self.buffer[self.filled - 1 : self.filled] != b"\n"):
            self.buffer[self.filled] = ord("\n")
            self.filled += 1
        return self.filled > 0

    def _read(self):
        room = len(self.buffer) - self.padding - 1
        try:
            with memoryview(self.buffer) as view:
                while self.filled < room and not self.ended:
                    with view[self.filled : room] as part:
                        count = _read_some(self.source, part)
                    self.ended = not count
                    self.filled += count
        except DamagedTextError as error:
            self.damage, self.ended = error, True

    def drop(self, count):
        """Leave out the first bytes."""
        self.buffer[: self.filled - count] = self.buffer[count : self.filled]
        self.filled -= count

    def shorten(self, line):
        """Make room after a token that fills the buffer; 0, or its end if that cannot be."""
        if len(self.buffer) < SHORTEST_BLOCK:
            self.buffer += bytes(len(self.buffer))
            return 0
        self.filled = line.shorten(self.buffer, self.filled)
        return self.filled if self.filled > len(self.buffer) // 2 else 0
