"""Which of the forms of data files a file is: told by its first bytes, not by its name."""

import os
import stat

from fastsgd.errors import DataFileError

FOREIGN = {
    b"\x80": "looks like a pickle, which is never opened since it may run code; save an .npz",
    b"\x93NUMPY": "holds a single array (.npy); numpy.savez stores X and y in an .npz",
    b"\x89HDF": "is HDF5; save an .npz or svmlight text",
}
"""First bytes -> what to do instead."""


def form_of(path):
    """ "text", "npz" or "cache"; what is no regular file, such as a pipe, is text.

    Parameters
    ----------
    path : str or path-like

    Raises
    ------
    DataFileError
        It is of a form that fastsgd does not read.
    OSError
    """
    if not stat.S_ISREG(os.stat(path).st_mode):
        return "text"
    with open(path, "rb") as file:
        start = file.read(9)
    # safetensors: the length of a JSON header, whose highest byte is 0, which no text has; its
    # lowest may be that of a pickle
    if start[7:] == b"\0{":
        return "cache"
    for first, hint in FOREIGN.items():
        if start.startswith(first):
            raise DataFileError(f"{os.fspath(path)}: {hint}")
    if start.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return "npz"
    return "text"
