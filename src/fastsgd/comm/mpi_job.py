"""An MPI job that ends: non-zero where a rank has failed, with a marker where all have finished.

A process that ends by an exception under MPI first waits for the others, which may wait for it.
So it must end the job itself, by MPI's Abort. And the exit code of a job is the launcher's: that
all ranks have finished is told by a file, which rank 0 writes at the very end.
"""

import atexit
import contextlib
import json
import os
import signal
import sys
import threading
import time
import traceback

from fastsgd._compat import import_mpi
from fastsgd.comm.mpi_waiting import ABANDONED, GRACE
from fastsgd.errors import CommAborted, RemoteTraceback
from fastsgd.output_file import output_file, remove_output

INTERRUPTED, TERMINATED = 130, 143


class Terminated(BaseException):
    """Handler of SIGTERM, by which launchers end a rank: it shall leave no file half-written."""


@contextlib.contextmanager
def job(marker=None):
    """The main program of a rank: what it raises ends the whole job, non-zero.

    Every rank enters it. SIGTERM, which the launcher sends when the job ends early, is an
    exception in the main thread, so that files that are being written are removed. The traceback
    goes to stderr, each line with the rank before it. An exit
    by ``sys.exit`` with a code that is not 0 ends the job with this code, Ctrl-C with 130.
    Without ``mpirun`` or ``srun`` exceptions pass as they are.

    Parameters
    ----------
    marker : path, optional
        A file that rank 0 removes before anything runs, and writes when all ranks have left the
        block without an error: JSON with ``completed`` and ``world_size``. It appears whole or
        not at all (temporary file, fsync, rename).

    Yields
    ------
    int
        The rank.

    Examples
    --------
    >>> with job(marker="run.done") as rank:  # doctest: +SKIP
    ...     main()
    """
    world = import_mpi().COMM_WORLD
    leave, before = None, _unwind_at_terminate() if world.size > 1 else None
    try:
        if marker is not None and world.rank == 0:
            remove_output(marker)
        _meet(world)
        try:
            yield world.rank
        except SystemExit as error:
            if error.code not in (None, 0):
                raise
            leave = error
        _meet(world)
        if marker is not None and world.rank == 0:
            with output_file(marker) as file:
                file.write(json.dumps({"completed": True, "world_size": world.size}).encode())
        _meet(world)
        atexit.unregister(_leave)  # what was given up was made good: all have finished
    except BaseException as error:
        if world.size == 1:
            raise
        _end(error)
    finally:
        if before is not None:
            signal.signal(signal.SIGTERM, before)
    if leave is not None:
        raise leave


def _unwind_at_terminate():
    """Has SIGTERM raise Terminated; returns what it did before; None: the program has its own."""
    if threading.current_thread() is not threading.main_thread() or (
            signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL):
        return None

    def raise_terminated(*_):
        raise Terminated

    return signal.signal(signal.SIGTERM, raise_terminated)


def abort(reason, code=1):
    """Ends all processes of the job at once; `reason` goes to stderr."""
    world = import_mpi().COMM_WORLD
    _say(reason, world.rank)
    world.Abort(code)


def abort_on_uncaught():
    """From now on an exception that nobody catches ends the job; so does an exchange given up.

    For programs that do not use `job`; a second call changes nothing. What the process has left
    unfinished in MPI it cannot end properly, so that it must not look as if it had.
    """
    if import_mpi().COMM_WORLD.size > 1 and sys.excepthook is not _uncaught:
        sys.excepthook = _uncaught
        atexit.register(_leave)


def _uncaught(kind, error, trace):
    _end(error.with_traceback(trace))


def _leave():
    if any(ABANDONED):
        abort("exchanges with other ranks were given up; the job ends as failed")


def _end(error):
    """Tells what a rank has raised and ends the job.

    Where it only follows from what another rank has raised, that one has time to end it first:
    its traceback and its exit code are those that tell.
    """
    if isinstance(error, Terminated):
        os._exit(TERMINATED)
    if isinstance(error, CommAborted) or isinstance(error.__cause__, RemoteTraceback):
        time.sleep(GRACE)
    if isinstance(error, SystemExit):
        code = error.code if isinstance(error.code, int) and 0 < error.code < 256 else 1
        return abort("" if isinstance(error.code, int) else str(error.code), code)
    if isinstance(error, KeyboardInterrupt):
        return abort("interrupted", INTERRUPTED)
    return abort("".join(traceback.format_exception(error)))


def _say(text, rank):
    with contextlib.suppress(OSError, ValueError):  # closed: there is nobody to tell
        sys.stdout.flush()
        sys.stderr.write("".join(f"[rank {rank}] {line}\n" for line in text.splitlines()))
        sys.stderr.flush()


def _meet(world):
    """A barrier that hears Ctrl-C, and has no timeout: others may work for long."""
    request, begin = world.Ibarrier(), time.monotonic()
    while not request.Test():
        time.sleep(min(1e-2, (time.monotonic() - begin) / 20))
