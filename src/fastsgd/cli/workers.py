"""The options of workers: from a command line to `Workers`, and the processes of an MPI job."""

import contextlib
from dataclasses import replace

import click
import numpy as np

from fastsgd.cli.errors import one_line, say
from fastsgd.communicators import KINDS, Capabilities
from fastsgd.errors import CommError, FastSGDError, RemoteTraceback
from fastsgd.workers import POLICIES, ROWS, Workers

SEED_OF_A_JOB = 0
"""Seed of processes that each draw for themselves, where no --seed is given."""


def workers_from(*, n, policy, local_steps, comm, timeout, rows, solver_steps):
    """`Workers` as the options say, or None where none of them is given.

    Parameters
    ----------
    n, local_steps : int or None
    policy, comm : str or None
    timeout : float or None
        Seconds.
    rows : str or None
    solver_steps : bool
        Whether the solver steps by single rows, for which "local" is the way.
    """
    given = {"--policy": policy, "--local-steps": local_steps, "--comm": comm,
             "--worker-timeout": timeout}
    able = KINDS.get(comm, Capabilities())
    if n is None and not able.is_job:
        for name, value in given.items():
            if value is not None:
                raise click.BadParameter("needs --workers, their number", param_hint=name)
        return None
    if rows is not None and not able.own_rows:
        raise click.BadParameter("is for --comm mpi", param_hint="--rows")
    for name, value, valid in (("--rows", rows, ROWS), ("--comm", comm, KINDS),
                               ("--policy", policy, POLICIES)):
        if value is not None and value not in valid:
            raise click.BadParameter(f"must be {' or '.join(valid)}, got {value}", param_hint=name)
    told = {"comm": comm, "rows": rows, "local_steps": local_steps, "timeout": timeout,
            "policy": policy or ("local" if solver_steps else "sync")}
    return Workers(n, **{name: value for name, value in told.items() if value is not None})


def own_rows_where_they_can_be(model, check):
    """Has the processes of a job read rows of their own, unless ``check(model)`` refuses it."""
    if not is_job(model):
        return
    shared = model.workers
    model.workers = replace(shared, rows="own")
    try:
        check(model)
    except ValueError:
        model.workers = shared


def is_job(model):
    """Whether this command is run by all processes of an MPI job."""
    return model.workers is not None and KINDS[model.workers.comm].is_job


class Alone:
    """This process is the only one that runs the command."""

    rank, size = 0, 1

    def largest(self, *numbers):
        """The largest that any process gives, of each number."""
        return list(numbers)

    def sums(self, *numbers):
        """Sums over all processes, of each number."""
        return list(numbers)


ALONE = Alone()


class Job:
    """This process among those of an MPI job, which all run the same command.

    Parameters
    ----------
    world : mpi4py.MPI.Comm
    """

    def __init__(self, world):
        self._world, self.rank, self.size = world, world.rank, world.size

    def largest(self, *numbers):
        """See `Alone`."""
        return self._reduce("MAX", numbers)

    def sums(self, *numbers):
        """See `Alone`."""
        return self._reduce("SUM", numbers)

    def _reduce(self, name, numbers):
        from fastsgd._compat import import_mpi

        buf = np.array(numbers, np.float64)
        self._world.Allreduce(import_mpi().IN_PLACE, buf, getattr(import_mpi(), name))
        return buf.tolist()


@contextlib.contextmanager
def processes_of(model, marker):
    """Processes that run the command: `Alone`, or the `Job` of ``--comm mpi``.

    A process of a job that fails ends it, non-zero; when all have ended well, rank 0 writes the
    file `marker`.
    """
    if not is_job(model):
        yield ALONE
        return
    from fastsgd._compat import import_mpi
    from fastsgd.comm.mpi_job import job

    try:
        world = import_mpi().COMM_WORLD
    except ImportError as error:
        say(f"error: {error}")
        raise click.exceptions.Exit(1) from None
    with job(marker), _told():
        yield Job(world)


@contextlib.contextmanager
def _told():
    """Expected errors are a line, as elsewhere; what follows from other ranks keeps its form."""
    try:
        yield
    except click.exceptions.Exit as error:
        raise SystemExit(error.exit_code) from None
    except CommError:
        raise
    except (FastSGDError, ValueError, OSError) as error:
        if isinstance(error.__cause__, RemoteTraceback):
            raise
        say(one_line(f"error: {error}"))
        raise SystemExit(1) from None
