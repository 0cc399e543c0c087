"""What tasks should not do, or seldom do, and communicators must outlive or tell."""

import contextlib
import os
import signal
import sys
import time
import warnings

import numpy as np

import fastsgd


def told(call):
    """The error of a call, as text."""
    try:
        call()
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def rows_unlike(comm, width):
    """Parts whose rows are not equally long: (error, of this rank)."""
    part = np.ones((1000, width if comm.rank else 4))
    return told(lambda: comm.all_gatherv(part))


def algorithms_unlike(comm):
    """One rank goes round the ring, the other does not."""
    comm.algorithm = "ring" if comm.rank else "direct"
    for _ in range(3):
        comm.all_reduce(comm.allocate(100_000, "float32"))


def same_numbers_by_other_names(comm):
    """int64 has two names in C, which numpy tells apart."""
    return comm.all_reduce(np.ones(3, "q" if comm.rank else "l"))


def matrix(comm):
    """A class that is two-dimensional for ever."""
    shape = comm.reduce_scatter(np.matrix(np.ones((1, 4)))).shape
    joined, lengths = comm.all_gatherv(np.matrix(np.ones((2, 3))))
    return [list(shape), list(joined.shape), lengths]


def misaligned(comm):
    raw = comm.allocate(4097, "uint8")
    return [told(lambda: comm.all_reduce(raw[1:].view("float64"))),
            told(lambda: comm.send(raw[1:].view("float64"), 1 - comm.rank))]


def odd_shapes(comm):
    """What `allocate` says, and that it neither keeps a block nor touches other ranks' memory."""
    own = comm.allocate(1000)
    own[...] = comm.rank + 1
    comm.barrier()
    free, texts = comm._arena.free_bytes(), []
    if comm.rank == 0:
        texts = [told(lambda shape=shape: comm.allocate(shape)) for shape in (
            -1, (-1,), (2, -3), (2**32, 2**32), (0, 2**62), 3.0, "ab", (1,) * 100)]
    comm.barrier()
    assert comm._arena.free_bytes() == free
    np.testing.assert_array_equal(own, comm.rank + 1)
    assert comm.allocate((2, np.int32(3))).shape == (2, 3)
    return texts


def give(comm, length):
    """Its result is an array of the segment."""
    return comm.allocate(length, "uint8")


def give_back(comm, **values):
    return values


def close_output(comm, how):
    if how == "close":
        sys.stdout.close()
    else:
        sys.stdout = None


def raise_odd(comm, how):
    """One rank raises what is hard to tell."""
    if comm.rank == 0:
        if how == "text":
            raise Wordless
        if how == "surrogate":
            raise ValueError("\udcff")
        if how == "file":
            os.stat("/no/such/file")
        if how == "interrupt":
            raise KeyboardInterrupt
        if how == "os._exit":
            os._exit(0)
        if how == "descriptors":
            os.closerange(3, 1000)
            return
    comm.barrier()


class Wordless(Exception):
    def __str__(self):
        raise RuntimeError


def interrupted(comm):
    """A handler raises out of a collective, and the task goes on as if nothing were."""

    def handler(*_):
        raise TimeoutError("enough")

    buf = comm.allocate(10)
    buf[...] = comm.rank + 1
    if comm.rank == 0:
        signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        with contextlib.suppress(TimeoutError):
            comm.barrier()
    else:
        time.sleep(0.6)
        comm.barrier()
    return comm.all_reduce(buf)


def no_room(comm):
    """One rank has no memory for the parts of all."""
    part = np.ones(100)
    if comm.rank == 0:
        empty, np.empty = np.empty, lambda *_: (_ for _ in ()).throw(MemoryError("no room"))
        try:
            comm.all_gatherv(part)
        except MemoryError:
            pass  # and goes on
        finally:
            np.empty = empty
    else:
        comm.all_gatherv(part)
    return comm.all_reduce(part)


def spin(comm):
    """Collectives without end."""
    while True:
        comm.barrier()


def fork(comm):
    """A worker's own child."""
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    comm.barrier()
    return "both"


def many(comm, rounds, length):
    """Barriers, rings and messages, as many as carry all counters past 2**32."""
    buf = comm.allocate(length, "float32")
    for algorithm in ("direct", "ring"):
        comm.algorithm = algorithm
        for k in range(rounds):
            buf[...] = comm.rank + k
            comm.all_reduce(buf)
            n = comm.world_size
            if not (buf == n * (n - 1) // 2 + n * k).all():
                return f"{algorithm}, round {k}: {buf}"
    return "right"


def change_after(comm, rounds, length):
    """Each rank writes to its part as soon as it is back: nobody may still be copying it."""
    part = comm.allocate(length * (comm.rank + 1))
    for k in range(rounds):
        part[...] = comm.rank + k
        joined, lengths = comm.all_gatherv(part)
        right = np.repeat(np.arange(comm.world_size) + float(k), lengths)
        if not np.array_equal(joined, right):
            return f"round {k}"
    return "right"


def ends_after_all(comm, length, algorithm):
    """When this rank came to a sum, and when it left; rank 0 comes late."""
    comm.algorithm = algorithm
    buf = comm.allocate(length)
    comm.barrier()
    time.sleep(0.2 * (comm.rank == 0))
    came = time.monotonic()
    comm.all_reduce(buf)
    return [came, time.monotonic()]


def send_after_the_end(comm):
    """Rank 0 gives up; what others send afterwards goes nowhere."""
    if comm.rank == 0:
        comm.abort("no more")
        return None
    time.sleep(0.2)
    return [told(lambda: comm.send(np.zeros(1), 0)), told(lambda: comm.recv(np.zeros(1), 0))]


def late_after_a_barrier(comm):
    """The barrier's timeout is no longer that of what follows."""
    comm.barrier(5)
    comm.barrier(0.3)
    time.sleep(0.8 * (comm.rank == 0))
    return float(comm.all_reduce(np.ones(1))[0])


def stop_in_the_middle(comm, length):
    """Rank 0 stands still while it sends its result."""
    if comm.rank == 0:
        signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGSTOP))
        signal.setitimer(signal.ITIMER_REAL, 0.02)
    return np.zeros(length, np.uint8)


def raise_while_another_works(comm):
    """Rank 0 looks at nothing for very long."""
    if comm.rank == 0:
        time.sleep(1000)
    raise ValueError("rank 1 cannot go on")


def standard_are_open(comm):
    return [os.fstat(fd).st_ino > 0 for fd in range(3)]


def interpreter(comm=None):
    """What this process's interpreter was told, and where it finds modules."""
    flags = {name: getattr(sys.flags, name) for name in dir(sys.flags)
             if not name.startswith(("_", "n_")) and name not in ("count", "index")}
    return {"flags": flags, "filters": [repr(one) for one in warnings.filters],
            "X": {name: str(value) for name, value in sys._xoptions.items()},
            "writes_bytecode": not sys.dont_write_bytecode, "compiled": sys.pycache_prefix,
            "path": [os.path.abspath(place) for place in sys.path], "cwd": os.getcwd(),
            "PYTHONPATH": os.environ.get("PYTHONPATH"), "prefix": sys.prefix,
            "home": os.path.dirname(os.path.dirname(fastsgd.__file__))}
