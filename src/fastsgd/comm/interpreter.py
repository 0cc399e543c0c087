"""How a worker's interpreter is started: as the parent's was, and with nothing that lies about.

The standard library has both only in private functions (`subprocess`, `multiprocessing.spawn`).
"""

import json
import os
import shutil
import sys

from fastsgd._start import STARTED_IN
from fastsgd.errors import CommError

FLAGS = (
    ("isolated", "I"), ("ignore_environment", "E"), ("no_user_site", "s"), ("no_site", "S"),
    ("optimize", "O"), ("bytes_warning", "b"), ("verbose", "v"), ("debug", "d"),
)
"""Fields of `sys.flags` and the option of each; it is given as often as the number says. ``-i``
and ``-q`` are for who sits at a terminal, ``-P`` every worker has."""

PLACES = ("PYTHONPATH", "PYTHONHOME")
"""Variables of folders from which an interpreter takes its modules."""

HOME = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
"""The folder that has this very fastsgd."""

BEGIN = """\
import sys
sys.path[:] = sys.argv[2:]
import fastsgd
del sys.path[0]
from fastsgd.comm._child import main
main(sys.argv[1])
"""
"""A worker's program. ``fastsgd`` is the parent's, whatever else has that name; all other modules
are found where the parent finds them."""


def command(handle):
    """Command line of a worker.

    Parameters
    ----------
    handle : dict
        What JSON can hold: for `fastsgd.comm._child.main`.

    Returns
    -------
    list of str

    Raises
    ------
    CommError
        It is not known which program is Python.
    """
    return [executable(), *options(), "-P", "-c", BEGIN, json.dumps(handle), HOME, *search_path()]


def executable():
    """The program that Python is in this process."""
    if getattr(sys, "frozen", False):
        what = "this program is frozen, so that sys.executable is the program itself"
    elif not sys.executable:
        what = f"sys.executable is {sys.executable!r}"
    elif shutil.which(sys.executable) is None:
        what = f"sys.executable, {sys.executable}, is no program (any more)"
    else:
        return sys.executable
    raise CommError(
        f"worker processes run the Python interpreter, and {what}; use workers that are threads, "
        "Workers(n, comm='thread'), or first set sys.executable to the path of an interpreter")


def options():
    """The options that this interpreter was started with, as far as they are a worker's too."""
    given = ["-" + letter * getattr(sys.flags, name)
             for name, letter in FLAGS if getattr(sys.flags, name)]
    if sys.dont_write_bytecode:
        given.append("-B")
    extra = {**sys._xoptions, "utf8": str(int(sys.flags.utf8_mode))}
    if sys.flags.dev_mode:
        extra["dev"] = True
    if sys.pycache_prefix is not None:  # compiled modules are read from there, too
        extra["pycache_prefix"] = pinned(sys.pycache_prefix)
    for name, value in extra.items():
        if value is not None:
            given += ["-X", name if value is True else f"{name}={value}"]
    for option in sys.warnoptions:
        if isinstance(option, str):
            given += ["-W", option]
    return given


def search_path():
    """The places of `sys.path`, absolute.

    Python looks at strings only, but has nothing against others in the list; no command line can
    hold a NUL, nor can the name of a file.
    """
    places = (pinned(place) for place in sys.path if isinstance(place, str) and "\0" not in place)
    return [place for place in places if place is not None]


def pinned(place):
    """`place` as the program meant it when it began: a later ``os.chdir`` does not move it.

    ``''``, which ``python -c`` and notebooks have in their path, is the current folder at every
    import; a worker that took that over would run what is in a folder of data. None: the folder is
    gone.
    """
    if os.path.isabs(place):
        return place
    return None if STARTED_IN is None else os.path.normpath(os.path.join(STARTED_IN, place))


def environment():
    """The environment of a worker's interpreter, in which relative places are pinned."""
    found = dict(os.environ)
    for name in PLACES:
        if found.get(name):
            places = map(pinned, found[name].split(os.pathsep))
            found[name] = os.pathsep.join(place for place in places if place is not None)
    return found


def own_environment():
    """Entries of `environment` that differ from this process's own: the worker puts them back.

    What a worker starts itself sees nothing of it. None: not set.
    """
    return {name: os.environ.get(name) for name in PLACES}
