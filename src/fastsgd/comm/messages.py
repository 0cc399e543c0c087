"""Messages between a parent and its workers: JSON, and the arrays in it as raw bytes behind it.

    4 bytes "fsgd" | length of the JSON, 8 bytes | JSON | bytes of each array in turn

The JSON is ``{"value": ..., "arrays": [{"dtype", "shape"}, ...]}``; in the value an array stands
as ``{"__array__": its number}``. There is no pickle: a message cannot run code.
"""

import contextlib
import json
import socket
import struct

import numpy as np

MAGIC = b"fsgd"
HEAD = struct.Struct("<4sQ")
MARK = "__array__"
LONGEST_JSON = 1 << 31


def encode(value):
    """Buffers whose bytes, one after another, are the message.

    Parameters
    ----------
    value : None, bool, int, float, str, ndarray or numpy scalar, list, tuple or dict of such
        Keys of dicts are strings. A tuple arrives as a list, a numpy scalar as a number.
    """
    arrays = []
    tree = _plain(value, arrays, "")
    heads = [{"dtype": a.dtype.str, "shape": list(a.shape)} for a in arrays]
    text = json.dumps({"value": tree, "arrays": heads}, separators=(",", ":")).encode()
    return [HEAD.pack(MAGIC, len(text)), text,
            *(memoryview(a.reshape(-1)).cast("B") for a in arrays if a.size)]


def decode(read):
    """The value of the message that ``read(buffer)`` fills buffers with."""
    head = bytearray(HEAD.size)
    read(memoryview(head))
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
    return _restored(message["value"], arrays)


def _plain(value, arrays, path):
    """`value` as JSON can hold it; its arrays are appended to `arrays`."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, np.generic) and value.dtype.kind in "biuf":
        return value.item()
    if isinstance(value, np.ndarray) and value.dtype.kind in "biufcSU":
        arrays.append(np.asarray(value, order="C"))
        return {MARK: len(arrays) - 1}
    if isinstance(value, list | tuple):
        return [_plain(item, arrays, f"{path}[{k}]") for k, item in enumerate(value)]
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, str) or key == MARK:
                raise TypeError(f"a key of a message must be a str, not {MARK!r}; "
                                f"got {key!r} at {path or 'the top'}")
        return {key: _plain(item, arrays, f"{path}[{key!r}]") for key, item in value.items()}
    what = type(value).__name__
    if isinstance(value, np.ndarray | np.generic):
        what += f" of {value.dtype}"
    raise TypeError(
        "a worker can be sent None, numbers, strings, numpy arrays of them, lists and dicts; got "
        f"{what} at {path or 'the top'}")


def _restored(value, arrays):
    if isinstance(value, list):
        return [_restored(item, arrays) for item in value]
    if isinstance(value, dict):
        if MARK in value:
            return arrays[value[MARK]]
        return {key: _restored(item, arrays) for key, item in value.items()}
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

    def send_encoded(self, buffers):
        """Sends what `encode` has made."""
        for buffer in buffers:
            view = memoryview(buffer)
            while len(view):
                try:
                    view = view[self._socket.send(view):]
                except TimeoutError:
                    self._look()

    def receive(self):
        """The next message; EOFError when the other end is closed."""
        return decode(self._fill)

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
                raise EOFError("the other end of a worker's connection is closed")
            view = view[count:]

    def shut(self):
        """Tells the other end that nothing more will come."""
        with contextlib.suppress(OSError):  # nobody is there any more
            self._socket.shutdown(socket.SHUT_WR)

    def close(self):
        self._socket.close()
