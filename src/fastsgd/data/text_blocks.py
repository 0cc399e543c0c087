"""Text from any binary source as blocks of whole lines, decompressed on the way.

One buffer is used for all blocks, so the memory needed is that of one block (or of the longest
line, if that is longer). Nothing here knows what the lines mean.
"""

import bz2
import os
import zlib
from contextlib import contextmanager

BLOCK_BYTES = 1 << 18
_CHUNK_BYTES = 1 << 16  # compressed bytes read at a time
_BOM = b"\xef\xbb\xbf"
_ENGINES = {  # first three bytes -> decompressor of one member, what it raises, its padding
    b"\x1f\x8b\x08": (lambda: zlib.decompressobj(31), zlib.error, b"\0"),
    b"BZh": (bz2.BZ2Decompressor, OSError, b""),
}


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
        if path < 0:
            raise ValueError(f"a file descriptor must be >= 0, got {path}")
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


def line_blocks(source, head=b"", *, padding, size=BLOCK_BYTES):
    """Cut what `source` holds into blocks of whole lines.

    Parameters
    ----------
    source : object with ``readinto``
    head : bytes
        Text that comes before that of `source`.
    padding : int
        How many readable bytes must follow a block.
    size : int
        Bytes in a block; it grows when a line is longer.

    Yields
    ------
    buffer : bytearray
        Used again for the next block.
    begin, end : int
        The block is buffer[begin:end] and ends with a newline: one is added to a last line that
        has none. A byte order mark at the start of the text is left out.

    Raises
    ------
    DamagedTextError
        After all whole lines were yielded.
    """
    buffer = bytearray(max(size, 2 * len(head)) + padding + 1)
    buffer[: len(head)] = head
    filled, first, damage, ended = len(head), True, None, False
    while not ended:
        if filled == len(buffer) - padding - 1:
            buffer += bytes(len(buffer))
        try:
            with memoryview(buffer) as view:
                while filled < len(buffer) - padding - 1 and not ended:
                    with view[filled : len(buffer) - padding - 1] as room:
                        count = _read_some(source, room)
                    ended = not count
                    filled += count
        except DamagedTextError as error:
            damage, ended = error, True

        begin = len(_BOM) if first and buffer.startswith(_BOM) else 0
        first = False
        if ended and not damage and filled > begin and buffer[filled - 1] != ord("\n"):
            buffer[filled] = ord("\n")
            filled += 1
        end = buffer.rfind(b"\n", begin, filled) + 1
        if end:
            yield buffer, begin, end
        else:
            end, first = 0, begin > 0  # the mark stays in the buffer with its line
        buffer[: filled - end] = buffer[end:filled]
        filled -= end
    if damage:
        damage.column = filled + 1 - (len(_BOM) if first else 0)
        raise damage
