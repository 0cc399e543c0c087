"""A rank of an MPI job that goes wrong: ``mpi_faults.py way how marker``, for test_mpi.py."""

import os
import signal
import sys
import threading
import time

import comm_tasks  # noqa: F401 (its tasks)
import numpy as np
import pytest

import fastsgd.comm
from fastsgd.comm.mpi_job import job
from fastsgd.errors import CommAborted, CommError, CommTimeout, RemoteTraceback
from fastsgd.output_file import output_file

BAD = 1
SHORT = 4.0  # seconds of a timeout: on a busy machine a sound rank may be held up for one or two


def work(comm, how):
    """Some sums; then rank BAD goes wrong while the others wait for it."""
    for _ in range(20):
        comm.all_reduce(np.ones(1000))
    if comm.rank == BAD:
        FAULTS[how]()
    comm.all_reduce(np.ones(1000))
    return comm.rank


def raise_error():
    raise ValueError("the rows of rank 1 are bad")


def terminate():
    """In the middle of writing a file."""
    with output_file(f"{sys.argv[-1]}.model") as file:
        file.write(b"half")
        file.flush()
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(60)


FAULTS = {"none": lambda: None, "raise": raise_error,
          "exit": lambda: sys.exit(3),
          "kill": lambda: os.kill(os.getpid(), signal.SIGKILL),
          "stop": lambda: os.kill(os.getpid(), signal.SIGSTOP),
          "terminate": terminate,
          "interrupt": lambda: os.kill(os.getpid(), signal.SIGINT)}


def program(how):
    """As a user writes it."""
    with fastsgd.comm.open("mpi", timeout=SHORT if how == "stop" else 60.0) as pool:
        ranks = pool.run("mpi_faults:work", {"how": how})
    print(f"rank {pool.rank} has heard of {ranks}")


def blocking(how):
    """Ranks that wait within the MPI library."""
    with fastsgd.comm.open("mpi", timeout=60.0, blocking=True) as pool:
        pool.run("mpi_faults:work", {"how": how})


def afterwards(how):
    """Rank BAD goes wrong where nobody exchanges anything any more."""
    fastsgd.comm.open("mpi").close()
    if fastsgd.comm.open("mpi").rank == BAD:
        FAULTS[how]()


def endless(how):
    """Until somebody interrupts it."""
    with fastsgd.comm.open("mpi") as pool:
        print("begun", flush=True)
        pool.run("comm_fault_tasks:loop")


def caught(how):
    """Every rank is told what a rank has raised; all go on with a new pool."""
    with fastsgd.comm.open("mpi", timeout=60.0) as pool:
        with pytest.raises(ValueError, match=r"^the rows of rank 1 are bad$") as found:
            pool.run("mpi_faults:work", {"how": how})
        cause = found.value.__cause__
        assert isinstance(cause, RemoteTraceback) == (pool.rank != BAD)
        assert pool.rank == BAD or "in raise_error" in str(cause)
        with pytest.raises(CommError, match="closed"):
            pool.run("mpi_faults:work", {"how": how})

    with fastsgd.comm.open("mpi", timeout=60.0) as pool:
        if pool.rank == 2:
            threading.Timer(0.2, pool.abort, ["enough of it"]).start()
        with pytest.raises(CommAborted, match=r"given up|aborted by rank 2") as found:
            pool.run("comm_fault_tasks:loop")
        assert found.value.reason == "enough of it"
        assert found.value.peer == (2 if pool.rank != 2 else None)
        with pytest.raises(CommError, match="closed"):
            pool.comm.barrier()

    with fastsgd.comm.open("mpi", timeout=60.0) as pool:
        pool.abort("all of them")
        with pytest.raises(CommAborted, match="all of them"):
            pool.comm.barrier()

    with fastsgd.comm.open("mpi", timeout=SHORT) as pool:
        with pytest.raises(CommTimeout, match=f"rank {BAD} did not arrive in time") as found:
            pool.run("mpi_faults:late")
        assert found.value.ranks == [BAD]

    with (fastsgd.comm.open("mpi", timeout=60.0) as pool,
          pytest.raises(CommError, match="rank 0 has sent 24 bytes, rank 1 receives 32")):
        pool.run("mpi_faults:shorter")
    program("none")


def shorter(comm):
    """What comes is shorter than what rank 1 has room for."""
    if comm.rank == 0:
        comm.send(np.zeros(3), 1)
    if comm.rank == 1:
        comm.recv(np.zeros(4), 0)
    comm.barrier()


def late(comm):
    """Rank BAD comes when the others have gone."""
    if comm.rank == BAD:
        time.sleep(2 * SHORT)
    comm.barrier()


WAYS = {f.__name__: f for f in (program, blocking, afterwards, endless, caught)}

if __name__ == "__main__":
    way, how, *marker = sys.argv[1:]
    if marker:
        with job(marker[0]):
            WAYS[way](how)
            if how == "none" and way == "program":
                sys.exit(0)  # as command lines end
    else:
        WAYS[way](how)
