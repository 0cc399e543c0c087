"""Kinds of files that are not regular, and their refusal where a regular one is needed."""

import os
import stat

from fastsgd.errors import DataFileError

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
