"""Messages between a parent and its workers: JSON, and the arrays in it as raw bytes behind it.

    4 bytes "fsgd" | length of the JSON, 8 bytes | JSON | bytes of each array in turn

The JSON is ``{"value": ..., "arrays": [{"dtype", "shape"}, ...]}``; in the value an array stands
as ``{"__array__": its number}``. A shared array is told as ``{"__shared__": ...}`` and its
descriptor travels with the first bytes. There is no pickle: a message cannot run code.
"""

import contextlib
import json
import socket
import struct
from typing import NamedTuple

import numpy as np

from fastsgd.comm.sharing import SharedArray, mapped

MAGIC = b"fsgd"
HEAD = struct.Struct("<4sQ")
MARK, SHARED = "__array__", "__shared__"
MOST_FILES = 250
"""Descriptors that go with one message; the system's limit is a little higher."""

LONGEST_JSON = 1 << 31
CLOSED = "the other end of a worker's connection is closed"


class Encoded(NamedTuple):
    """A message: buffers to send one after another, and descriptors to send with the first."""

    buffers: list
    files: list


def encode(value):
    """The message of a value.

    Parameters
    ----------
    value : None, bool, int, float, str, ndarray or numpy scalar, list, tuple or dict of such
        Keys of dicts are strings. A tuple arrives as a list, a numpy scalar as a number, a
        `SharedArray` as a read-only array.
    """
    arrays, files = [], []
    tree = _plain(value, arrays, files, "")
    if len(files) > MOST_FILES:
        raise ValueError(f"a message can tell of {MOST_FILES} shared arrays, not {len(files)}")
    heads = [{"dtype": a.dtype.str, "shape": list(a.shape)} for a in arrays]
    text = json.dumps({"value": tree, "arrays": heads}, separators=(",", ":")).encode()
    return Encoded([HEAD.pack(MAGIC, len(text)), text,
                    *(memoryview(a.reshape(-1)).cast("B") for a in arrays if a.size)], files)


def decode(head, files, read):
    """The value of a message: of its first bytes, its descriptors, and what `read` brings."""
    magic, length = HEAD.unpack(head)
    if magic != MAGIC or length > LONGEST_JSON:
        raise ValueError("what came is no message of fastsgd: has something else written to the "
                         "connection of a worker?")
    text = bytearray(length)
    read(memoryview(text))
    message = json.loads(text)
    arrays = []
    for told in message["arrays"]:
        array = np.empty(told["shape"], np.dtype(told["dtype"]))
        if array.size:
            read(memoryview(array.reshape(-1)).cast("B"))
        arrays.append(array)
    return _restored(message["value"], arrays, files)


def _plain(value, arrays, files, path):
    """`value` as JSON can hold it; arrays go to `arrays`, descriptors of shared to `files`."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, np.generic) and value.dtype.kind in "biuf":
        return value.item()
    if isinstance(value, np.ndarray) and value.dtype.kind in "biufcSU":
        arrays.append(np.asarray(value, order="C"))
        return {MARK: len(arrays) - 1}
    if isinstance(value, SharedArray):
        told = value.told(len(files))
        files.append(value.fd)
        return {SHARED: told}
    if isinstance(value, list | tuple):
        return [_plain(item, arrays, files, f"{path}[{k}]") for k, item in enumerate(value)]
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, str) or key in (MARK, SHARED):
                raise TypeError(f"a key of a message must be a str, but {MARK!r} and {SHARED!r}; "
                                f"got {key!r} at {path or 'the top'}")
        return {key: _plain(item, arrays, files, f"{path}[{key!r}]")
                for key, item in value.items()}
    what = type(value).__name__
    if isinstance(value, np.ndarray | np.generic):
        what += f" of {value.dtype}"
    raise TypeError(
        "a worker can be sent None, numbers, strings, numpy arrays of them, lists and dicts; got "
        f"{what} at {path or 'the top'}")


def _restored(value, arrays, files):
    if isinstance(value, list):
        return [_restored(item, arrays, files) for item in value]
    if isinstance(value, dict):
        if MARK in value:
            return arrays[value[MARK]]
        if SHARED in value:
            return mapped(value[SHARED], files[value[SHARED]["file"]])
        return {key: _restored(item, arrays, files) for key, item in value.items()}
    return value


class Connection:
    """Messages over a stream socket.

    Parameters
    ----------
    sock : socket.socket
    look : callable
        Called at least every `look_every` seconds while nothing moves; it may raise.
    """

    def __init__(self, sock, look=lambda: None, look_every=None):
        self._socket, self._look = sock, look
        sock.settimeout(look_every)

    def fileno(self):
        return self._socket.fileno()

    def send(self, value):
        """Sends a message; ConnectionError when nobody is there any more."""
        self.send_encoded(encode(value))

    def send_encoded(self, message):
        """Sends what `encode` has made."""
        files = message.files
        for buffer in message.buffers:
            view = memoryview(buffer)
            while len(view):
                try:
                    if files:
                        sent = socket.send_fds(self._socket, [view], files)
                        files = []
                    else:
                        sent = self._socket.send(view)
                    view = view[sent:]
                except TimeoutError:
                    self._look()

    def receive(self):
        """The next message; EOFError when the other end is closed."""
        head, files = b"", []
        while len(head) < HEAD.size:
            try:
                more, some, _, _ = socket.recv_fds(
                    self._socket, HEAD.size - len(head), MOST_FILES)
            except TimeoutError:
                self._look()
                continue
            except ConnectionError:
                more = b""
            if not more:
                raise EOFError(CLOSED)
            head += more
            files += some
        return decode(head, files, self._fill)

    def _fill(self, view):
        while len(view):
            try:
                count = self._socket.recv_into(view)
            except TimeoutError:
                self._look()
                continue
            except ConnectionError:
                count = 0
            if not count:
                raise EOFError(CLOSED)
            view = view[count:]

    def shut(self):
        """Tells the other end that nothing more will come."""
        with contextlib.suppress(OSError):  # nobody is there any more
            self._socket.shutdown(socket.SHUT_WR)

    def close(self):
        self._socket.close()
