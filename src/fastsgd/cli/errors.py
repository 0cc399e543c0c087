"""How a command fails: a line on stderr and an exit code, no traceback if it was expected."""

import contextlib
import errno
import functools
import os
import sys

import click

from fastsgd.cli.outputs import STDOUT
from fastsgd.errors import FastSGDError

NO_ROOM = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)
EXPECTED = (KeyboardInterrupt, MemoryError, OSError, FastSGDError, ValueError)


def say(text):
    """A line on stderr."""
    with contextlib.suppress(OSError):  # a log on a full disk is no reason to lose a model
        print(f"fastsgd: {text}", file=sys.stderr, flush=True)


def one_line(text):
    """A text without line breaks, which messages of other libraries and arrays have."""
    return " ".join(line.strip() for line in text.splitlines())


def told(command):
    """Wraps a command so that expected errors end it with exit code 1, Ctrl-C with 130."""

    @functools.wraps(command)
    def run(*args, **kwargs):
        try:
            command(*args, **kwargs)
            sys.stdout.flush()
        except EXPECTED as error:
            raise click.exceptions.Exit(tell(error)) from None

    return run


def tell(error):
    """Prints what was expected to happen; the exit code."""
    text, code = f"error: {error}", 1
    if isinstance(error, KeyboardInterrupt):
        text, code = "interrupted", 130
    elif isinstance(error, MemoryError):
        text = f"error: not enough memory {error}".rstrip()
    elif isinstance(error, OSError):
        name = f"{error.filename}: " if error.filename is not None else ""
        if not name and error.errno in NO_ROOM:  # files are named; what is printed has no name
            name = f"{STDOUT}: "
        text = f"error: {name}{error.strerror or error}"
        if isinstance(error, BrokenPipeError) and error.filename in (None, STDOUT):
            text = ""  # who read our stdout has enough
    _end_stdout()
    if text:
        say(one_line(text))
    return code


def _end_stdout():
    """Prints what was told before an error; what cannot be printed does not fail once more."""
    try:
        sys.stdout.flush()
    except OSError:
        with contextlib.suppress(OSError, ValueError):  # of a test: it has no number
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def open_standard_files():
    """Makes standard files that are closed: else the next file would be opened in their place.

    What is written to a stdout that was closed is an error, as if it were open.
    """
    for number, way in ((0, os.O_WRONLY), (1, os.O_RDONLY), (2, os.O_RDWR)):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, way), True)  # the lowest number that is free
    sys.stdout = sys.stdout or open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", closefd=False)  # noqa: SIM115
    sys.stdin = sys.stdin or open(0, closefd=False)  # noqa: SIM115
    sys.stdout.reconfigure(errors="surrogateescape")  # names of files as the system has them
