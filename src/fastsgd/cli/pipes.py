"""Opens text for a command, and tells when that waits for a writer of a named pipe."""

import os
import stat
import sys
import threading
from contextlib import contextmanager

from fastsgd.cli.errors import say

SILENT_SECONDS = 5.0
"""Time that a pipe may take to get a writer before anything is said."""


@contextmanager
def opened_text(path):
    """Source that `load_svmlight` reads for `path`; "-" is stdin.

    Yields
    ------
    str or binary file object
    """
    if path == "-":
        yield sys.stdin.buffer
    elif not stat.S_ISFIFO(os.stat(path).st_mode):
        yield path
    else:
        timer = threading.Timer(SILENT_SECONDS, say, [
            f"{path}: is a named pipe; waiting for a program that writes to it (Ctrl-C ends it)"])
        timer.daemon = True
        timer.start()
        try:
            file = open(path, "rb", buffering=0)  # noqa: SIM115 - waits for a writer
        finally:
            timer.cancel()
        with file:
            yield file
