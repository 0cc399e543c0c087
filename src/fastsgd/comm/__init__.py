"""Workers that share nothing talk through communicators: threads, processes, MPI.

``open`` starts a pool of workers; each worker's task gets its communicator. See
docs/communicators.md.
"""

from importlib import import_module

from fastsgd._registry import Registry

POOLS = Registry("communicator", {
    "thread": "fastsgd.comm.thread:ThreadPool",
    "process": "fastsgd.comm.process:ProcessPool",
    "mpi": "fastsgd.comm.mpi:MPIPool",
})
"""Where the pool of each kind lives; it is imported when it is opened."""


def open(kind, n=None, **options):
    """Opens a pool of `n` workers that can run tasks together.

    Parameters
    ----------
    kind : {"thread", "process", "mpi"}
        Threads of this process; processes of this machine; the processes of an MPI job, in which
        each calls `open`, and n is their number or None.
    n : int
        Number of workers.
    **options
        ``timeout``: seconds that a rank waits for the others (300). More in the pool's own class.

    Returns
    -------
    Pool

    Examples
    --------
    >>> import fastsgd.comm
    >>> with fastsgd.comm.open("thread", 3) as pool:
    ...     pool.run("fastsgd.comm:count_ranks")
    [3, 3, 3]
    """
    module, name = POOLS[kind].split(":")
    return getattr(import_module(module), name)(n, **options)


def attach(handle):
    """Open, in a worker process, the communicator that its handle stands for.

    A handle is the text that `ProcessPool` gives each of its processes; with it come the
    descriptors that it names.
    """
    return import_module("fastsgd.comm.member").communicator_of(handle)


def count_ranks(comm):
    """The smallest task: every rank adds a one, and all learn how many they are."""
    ones = comm.allocate(1, "int64")
    ones[0] = 1
    return int(comm.all_reduce(ones)[0])
