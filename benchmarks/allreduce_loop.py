"""The loop that benchmarks/allreduce.py times, alike for fastsgd and for MPI; needs only numpy.

As a program it is one rank of an MPI job: ``mpirun -n 4 python allreduce_loop.py '{...}'``.
"""

import json
import sys
import time

import numpy as np


def loop(buf, all_reduce, barrier, calls):
    """Seconds of each of `calls` all-reduces; the ranks begin together."""
    seconds = []
    for _ in range(calls + 3):
        buf[...] = 1
        barrier()
        start = time.perf_counter()
        all_reduce(buf)
        seconds.append(time.perf_counter() - start)
    return seconds[3:]


def rank(comm, sizes, calls, algorithm="auto"):
    """A rank of fastsgd: {bytes: seconds of each call}; also of copying as many bytes."""
    told = {}
    comm.algorithm = algorithm
    for nbytes, count in zip(sizes, calls, strict=True):
        buf, other = (comm.allocate(nbytes // 4, "float32") for _ in range(2))
        told[str(nbytes)] = {
            "all_reduce": loop(buf, comm.all_reduce, comm.barrier, count),
            "copy": loop(buf, lambda source, to=other: np.copyto(to, source), comm.barrier, count),
        }
        if buf[0] != 1:  # the copies came last
            raise AssertionError("a copy changed its source")
        if comm.all_reduce(buf)[-1] != comm.world_size:
            raise AssertionError("the sum is wrong")
    return told


def count_costs(comm, length, algorithm):
    """What one all-reduce of float32 costs this rank: {"bytes_sent", "steps"}."""
    buf = comm.allocate(length, "float32")
    comm.stats.clear()
    if algorithm == "server":
        serve(comm, buf)
    else:
        comm.algorithm = algorithm
        comm.all_reduce(buf)
    return {"bytes_sent": comm.stats.bytes_sent, "steps": comm.stats.steps}


def serve(comm, buf):
    """An all-reduce by a parameter server, which is rank 0: all send to it, it sends to all."""
    others = range(1, comm.world_size)
    if comm.rank:
        comm.send(buf, 0)
        comm.recv(buf, 0)
        return
    theirs = np.empty_like(buf)
    for rank in others:
        buf += comm.recv(theirs, rank)
    for rank in others:
        comm.send(buf, rank)


def main():
    """A rank of MPI: prints what `rank` returns, from all ranks, on rank 0."""
    from mpi4py import MPI

    asked, comm = json.loads(sys.argv[1]), MPI.COMM_WORLD
    told = {}
    for nbytes, count in zip(asked["sizes"], asked["calls"], strict=True):
        buf = np.empty(nbytes // 4, np.float32)
        told[str(nbytes)] = {"all_reduce": loop(
            buf, lambda data: comm.Allreduce(MPI.IN_PLACE, data), comm.Barrier, count)}
    all_told = comm.gather(told)
    if comm.rank == 0:
        print(json.dumps({"ranks": all_told, "library": MPI.Get_library_version().split(",")[0]}))


if __name__ == "__main__":
    main()
