"""What goes wrong in the workers of the tests of communicators."""

import os
import signal
import sys
import time

import numpy as np


def unlike(comm, how):
    """Ranks that do not call the same."""
    buf = comm.allocate(6, "float64")
    odd = comm.rank == comm.world_size - 1
    if how == "length":
        comm.all_reduce(buf[:5] if odd else buf)
    elif how == "op":
        comm.all_reduce(buf, "max" if odd else "sum")
    elif how == "collective":
        comm.all_gather(buf) if odd else comm.all_reduce(buf)
    elif how == "dtype":
        comm.all_reduce(np.zeros(6, np.int64) if odd else buf)
    elif how == "root":
        comm.broadcast(buf, int(odd))
    elif how == "message" and comm.rank == 0:
        comm.send(buf[:2], 1)
    elif how == "message" and comm.rank == 1:
        comm.recv(buf, 0)
    comm.barrier()


def fail(comm, rank, kind="value"):
    """One rank raises, the others wait for it."""
    if comm.rank == rank:
        if kind == "value":
            raise ValueError(f"the rows of rank {rank} are bad")
        if kind == "local":
            raise Odd(1, 2)
        if kind == "result":
            return {"a": [1, {2, 3}]}
        sys.exit(3)
    comm.barrier()


class Odd(Exception):
    """An exception that cannot be made again from its arguments."""

    def __init__(self, a, b):
        super().__init__(f"{a} and {b}")
        self.lock = object()


def loop(comm, length=1000, rounds=10**9, slow=False):
    """Collectives until something happens."""
    buf = comm.allocate(length, "float32")
    for _ in range(rounds):
        comm.all_reduce(buf)
        buf[...] = comm.rank
        comm.broadcast(buf, comm.world_size - 1)
        if slow:
            time.sleep(0.002)
    return "the end"


def hang(comm, seconds=60.0):
    """Rank 0 works for long and looks at nothing; the others wait for it."""
    if comm.rank == 0:
        time.sleep(seconds)
    comm.barrier()


def miss_barrier(comm, timeout):
    """The last rank does not come to the barrier in time: what each rank is told."""
    if comm.rank == comm.world_size - 1:
        time.sleep(timeout + 1)
    comm.barrier(timeout)


def stop_self(comm, rank):
    """A rank stops itself."""
    if comm.rank == rank:
        os.kill(os.getpid(), signal.SIGSTOP)
    comm.barrier()


def abort(comm, rank):
    """A rank gives up; the others are told why."""
    if comm.rank == rank:
        comm.abort("enough of it")
    comm.barrier()
