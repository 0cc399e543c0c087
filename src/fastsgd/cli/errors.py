"""How a command fails: a line on stderr and an exit code, no traceback if it was expected."""

import functools
import os
import sys

import typer

from fastsgd.errors import FastSGDError


def say(text):
    """A line on stderr."""
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
        except KeyboardInterrupt:
            say("interrupted")
            raise typer.Exit(130) from None
        except BrokenPipeError:  # who read our stdout has enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            raise typer.Exit(1) from None
        except MemoryError as error:
            say(f"error: not enough memory {error}".rstrip())
            raise typer.Exit(1) from None
        except OSError as error:
            name = f"{error.filename}: " if error.filename is not None else ""
            say(one_line(f"error: {name}{error.strerror or error}"))
            raise typer.Exit(1) from None
        except (FastSGDError, ValueError) as error:
            say(one_line(f"error: {error}"))
            raise typer.Exit(1) from None

    return run


def check_writable(path):
    """Raises OSError if a file cannot be made at `path`; before the work starts, not after it."""
    if path is None:
        return
    path = os.path.realpath(path)
    folder = os.path.dirname(path)
    if os.path.isdir(path):
        raise IsADirectoryError(21, "is a folder; give the name of a file", path)
    if not os.path.isdir(folder):
        raise FileNotFoundError(2, "no such folder to write to", folder)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(13, "no permission to write in this folder", folder)
