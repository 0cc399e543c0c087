"""Outputs of the commands: "-" is stdout, and no command writes over what it reads."""

import os
import stat
import sys

import click

from fastsgd.output_target import check_output

STDIN, STDOUT = "/dev/stdin", "/dev/stdout"


def output_of(path, option, *, used=(), binary=True):
    """The path to write to, checked before the work starts; "-" is stdout.

    Parameters
    ----------
    path : str or None
        None: nothing is written.
    option : str
        How it was given, for messages.
    used : iterable of (str or None)
        Files that the command reads or writes otherwise; "-" is stdin.
    binary : bool
        Whether what is written is no text, so that a terminal cannot show it.
    """
    if path is None:
        return None
    path = STDOUT if path == "-" else path
    check_output(path, [STDIN if other == "-" else other for other in used if other is not None])
    if binary and is_stdout(path) and os.isatty(1):
        raise click.BadParameter("is binary, which a terminal cannot show; name a file, or "
                                 "redirect stdout", param_hint=option)
    return path


def is_stdout(path):
    """Whether what is written there would be mixed with what is printed."""
    if path is None:
        return False
    try:
        there = os.stat(path)
        same = os.path.samestat(there, os.fstat(1))
    except OSError:
        return path == STDOUT
    return same and (os.isatty(1) or not stat.S_ISCHR(there.st_mode))  # /dev/null mixes nothing


def where_to_print(path):
    """The stream for what is told of the command: stderr if its output `path` is stdout."""
    return sys.stderr if is_stdout(path) else sys.stdout
