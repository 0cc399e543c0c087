"""A worker's exception as a message, and the same exception again in the parent."""

import builtins
import json
import os
import sys
import traceback

from fastsgd.errors import RemoteTraceback, WorkerError


def describe(error):
    """Parts that `rebuild` needs: class, text, arguments, attributes and the traceback as text."""
    kind = type(error)
    try:
        # What OSError was made of is not all in its args: the name of the file is elsewhere.
        state = json.loads(json.dumps(
            {"made_of": list(error.__reduce__()[1]), "args": list(error.args),
             "attributes": vars(error)}, default=os.fspath))
    except Exception:
        state = None
    return {"module": kind.__module__, "name": kind.__qualname__, "text": text_of(error),
            "state": state, "traceback": "".join(traceback.format_exception(error))}


def text_of(error):
    """Its text; also where an error's own ``__str__`` fails."""
    try:
        return str(error)
    except Exception as failure:
        return f"(no text: its __str__ raised {type(failure).__name__})"


def named(error):
    """Its class and its text, in one line for those who are aborted by it."""
    return f"{type(error).__name__}: {text_of(error)}"


def rebuild(told, rank):
    """The exception that `describe` told; its cause is the worker's traceback.

    Only classes of Python itself, of fastsgd and of modules that are loaded here anyway are made
    again, and only where the text comes out the same; others become a `WorkerError`.
    """
    error = _same(told)
    if error is None:
        name = told["name"] if told["module"] == "builtins" else f"{told['module']}.{told['name']}"
        error = WorkerError(f"rank {rank} raised {name}: {told['text']}")
    cause = RemoteTraceback(f"rank {rank}:\n{told['traceback']}")
    cause.__suppress_context__ = True
    error.__cause__ = cause
    return error


def _same(told):
    module = builtins if told["module"] == "builtins" else sys.modules.get(told["module"])
    kind = getattr(module, told["name"], None)
    if told["state"] is None or not (isinstance(kind, type) and issubclass(kind, Exception)):
        return None
    try:
        error = kind.__new__(kind, *told["state"]["made_of"])
        error.args = tuple(told["state"]["args"])
        vars(error).update(told["state"]["attributes"])
        return error if str(error) == told["text"] else None
    except Exception:  # a class that wants more than its arguments
        return None
