"""A worker's exception as a message, and the same exception again in the parent."""

import builtins
import json
import sys
import traceback

from fastsgd.errors import RemoteTraceback, WorkerError


def describe(error):
    """What `rebuild` needs: class, text, arguments, attributes and the traceback as text."""
    kind = type(error)
    try:
        state = json.loads(json.dumps({"args": list(error.args), "attributes": vars(error)}))
    except (TypeError, ValueError):
        state = None
    return {"module": kind.__module__, "name": kind.__qualname__, "text": str(error),
            "state": state, "traceback": "".join(traceback.format_exception(error))}


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
        error = kind.__new__(kind, *told["state"]["args"])
        error.args = tuple(told["state"]["args"])
        vars(error).update(told["state"]["attributes"])
        return error if str(error) == told["text"] else None
    except Exception:  # a class that wants more than its arguments
        return None
