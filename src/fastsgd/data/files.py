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


IRREGULAR = {
    stat.S_IFDIR: "a folder", stat.S_IFSOCK: "a socket", stat.S_IFBLK: "a device",
    stat.S_IFIFO: "a named pipe", stat.S_IFCHR: "a device",
}


def check_regular(path, why):
    """Refuses what cannot be read at any place of it.

    Raises
    ------
    DataFileError
    OSError
        There is nothing of that name.
    """
    kind = stat.S_IFMT(os.stat(path).st_mode)
    if kind != stat.S_IFREG:
        raise DataFileError(f"{os.fspath(path)}: is {IRREGULAR.get(kind, 'no file')}; {why}, "
                            "which needs a regular file")


def form_of(path):
    """ "text", "npz" or "cache"; pipes and terminals are text.

    Parameters
    ----------
    path : str or path-like

    Raises
    ------
    DataFileError
        It is of a form that fastsgd does not read, or a folder, socket or disk.
    OSError
    """
    kind = stat.S_IFMT(os.stat(path).st_mode)
    if kind in (stat.S_IFIFO, stat.S_IFCHR):
        return "text"
    if kind != stat.S_IFREG:
        raise DataFileError(f"{os.fspath(path)}: is {IRREGULAR.get(kind, 'no file')}; data are "
                            "read from files, pipes and stdin (-)")
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
