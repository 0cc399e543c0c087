"""What the workers do in the tests of communicators; a worker imports it by its name."""

import os
import sys

import numpy as np

from fastsgd.comm.base import chunk_of

NUMPY_OPS = {"sum": np.add, "max": np.maximum, "min": np.minimum}


def data_of(rank, length, dtype, seed=0):
    """What a rank brings: any rank can make that of any other."""
    rng = np.random.default_rng([seed, rank, length])
    if np.dtype(dtype).kind == "i":
        return rng.integers(-2**62, 2**62, length).astype(dtype)
    return rng.standard_normal(length).astype(dtype)


def expected(world_size, length, dtype, op, seed=0):
    """The reduction by numpy: chunk c in the order of ranks c + 1, ..., c."""
    parts = [data_of(rank, length, dtype, seed) for rank in range(world_size)]
    result = np.empty(length, dtype)
    for c in range(world_size):
        where = chunk_of(length, world_size, c)
        order = [(c + 1 + k) % world_size for k in range(world_size)]
        total = parts[order[0]][where].copy()
        for rank in order[1:]:
            total = NUMPY_OPS[op](total, parts[rank][where])
        result[where] = total
    return result


def own(comm, values, allocated):
    """A buffer with these values, made by `allocate` or by numpy."""
    if not allocated:
        return values.copy()
    buf = comm.allocate(values.shape, values.dtype)
    buf[...] = values
    return buf


def check_collectives(comm, length, dtype, op="sum", allocated=True, algorithm=None, seed=0,
                      root=0, exact=True):
    """All collectives on buffers of one length; raises AssertionError where one is wrong."""
    n, rank = comm.world_size, comm.rank
    if algorithm is not None:
        comm.algorithm = algorithm
    mine = data_of(rank, length, dtype, seed)
    wanted = expected(n, length, dtype, op, seed)

    def same(found, right):
        if exact:
            np.testing.assert_array_equal(found, right)
        else:  # another order of sums
            np.testing.assert_allclose(found, right, rtol=1e-4, atol=1e-5)
        assert found.dtype == right.dtype

    buf = own(comm, mine, allocated)
    assert comm.all_reduce(buf, op) is buf
    same(buf, wanted)

    buf = own(comm, mine, allocated)
    chunk = comm.reduce_scatter(buf, op)
    assert np.shares_memory(chunk, buf) or chunk.size == 0
    same(chunk, wanted[chunk_of(length, n, rank)])

    buf[...] = -1
    buf[chunk_of(length, n, rank)] = data_of(9, length, dtype, seed)[chunk_of(length, n, rank)]
    assert comm.all_gather(buf) is buf
    np.testing.assert_array_equal(buf, data_of(9, length, dtype, seed))

    buf = own(comm, mine, allocated)
    assert comm.broadcast(buf, root) is buf
    np.testing.assert_array_equal(buf, data_of(root, length, dtype, seed))

    part = own(comm, data_of(rank, length * rank, dtype, seed).reshape(-1, 1), allocated)
    joined, lengths = comm.all_gatherv(part)
    np.testing.assert_array_equal(lengths, [length * r for r in range(n)])
    right = np.concatenate([data_of(r, length * r, dtype, seed) for r in range(n)])
    np.testing.assert_array_equal(joined, right.reshape(-1, 1))

    if n > 1:  # around the ring, even ranks send first: long messages wait for their reader
        buf = np.empty(length, dtype)
        if rank % 2 == 0:
            comm.send(mine, (rank + 1) % n)
            comm.recv(buf, (rank - 1) % n)
        else:
            comm.recv(buf, (rank - 1) % n)
            comm.send(mine, (rank + 1) % n)
        np.testing.assert_array_equal(buf, data_of((rank - 1) % n, length, dtype, seed))
    comm.barrier()
    return True


def check_all(comm, cases):
    """`check_collectives` of each case; how many."""
    for case in cases:
        check_collectives(comm, **case)
    return len(cases)


def count_costs(comm, length, dtype="float64", algorithm=None):
    """stats of each collective."""
    if algorithm is not None:
        comm.algorithm = algorithm
    comm.stats.clear()
    buf = comm.allocate(length, dtype)
    comm.all_reduce(buf)
    comm.reduce_scatter(buf)
    comm.all_gather(buf)
    comm.all_gatherv(buf)
    comm.broadcast(buf, 0)
    comm.barrier()
    if comm.world_size > 1 and comm.rank < 2:
        comm.send(buf, 1) if comm.rank == 0 else comm.recv(buf, 0)
    return comm.stats.as_dict()


def reduce_bits(comm, length, dtype, algorithm, allocated=True):
    """The sum; its bits may not depend on who computes it and how."""
    comm.algorithm = algorithm
    return comm.all_reduce(own(comm, data_of(comm.rank, length, dtype), allocated)).copy()


def views_and_shapes(comm):
    """Buffers of any shape, slices of a buffer, an array of no dimension, several at once."""
    n, rank = comm.world_size, comm.rank
    block = comm.allocate((4, 6), "float32")
    other = comm.allocate((5,), "int64")
    block[...] = rank
    other[...] = 1
    comm.all_reduce(block[1:3])
    comm.all_reduce(other)
    np.testing.assert_array_equal(block[[0, 3]], rank)
    np.testing.assert_array_equal(block[1:3], n * (n - 1) / 2)
    np.testing.assert_array_equal(other, n)
    number = np.array(rank, np.float64)
    assert comm.all_reduce(number, "max") == n - 1
    few = np.full(3, rank, np.uint8)
    np.testing.assert_array_equal(comm.broadcast(few, n - 1), n - 1)
    nan = np.array([np.nan if rank == n - 1 else rank, rank], np.float32)
    for op in ("max", "min", "sum"):
        assert np.isnan(comm.all_reduce(nan.copy(), op)[0])
    return True


def reuse_memory(comm, rounds, length):
    """Blocks that are let go are used again: the arena holds far less than all of them."""
    for k in range(rounds):
        buf = comm.allocate(length, "float64")
        assert not buf.any()
        view = buf[1:].reshape(-1)[::2]
        del buf
        other = comm.allocate(10, "float64")
        view[...] = 7
        assert not other.any(), k
        del view, other
    try:
        comm.allocate(1 << 40, "float64")
    except MemoryError as error:
        return str(error)


def refuse(comm):
    """The texts of the errors that wrong arguments raise before anything is sent."""
    told = []
    good = comm.allocate(4, "float32")
    for call in (
        lambda: comm.all_reduce([1.0]),
        lambda: comm.all_reduce(good[::2]),
        lambda: comm.all_reduce(good, "mean"),
        lambda: comm.all_reduce(np.zeros(3, np.int32)),
        lambda: comm.all_reduce(np.zeros(3, ">f4")),
        lambda: comm.all_reduce(np.broadcast_to(np.float64(1), 3).copy().view(Frozen)),
        lambda: comm.broadcast(good, 9),
        lambda: comm.send(good, comm.rank),
        lambda: comm.barrier(0),
        lambda: comm.all_gatherv(np.float64(3)),
        lambda: comm.allocate(3, object),
    ):
        try:
            call()
            told.append(None)
        except (TypeError, ValueError) as error:
            told.append(f"{type(error).__name__}: {error}")
    comm.barrier()
    return told


class Frozen(np.ndarray):
    """An array that is read-only from the start."""

    def __array_finalize__(self, obj):
        self.flags.writeable = False


def echo(comm, **arguments):
    """What came back and forth."""
    return {"rank": comm.rank, **arguments}


def facts(comm):
    """About the process that works here."""
    return {"pid": os.getpid(), "path": sys.path, "modules": sorted(sys.modules),
            "PYTHONPATH": os.environ.get("PYTHONPATH")}


def reduce_checksum(comm, length):
    """Whole numbers add up exactly: how many elements of a long sum are wrong, and their sum."""
    n = comm.world_size
    buf = comm.allocate(length, "float32")
    base = np.arange(length, dtype=np.int64) % 1021
    buf[...] = base * (comm.rank + 1)
    comm.all_reduce(buf)
    wrong = int(np.count_nonzero(buf != base * (n * (n + 1) // 2)))
    return {"wrong": wrong, "sum": float(buf.sum(dtype=np.float64))}


def look_at(comm, shared, one):
    """Shared arrays as a task sees them, and how many descriptors this process has open."""
    return {"sum": float(one["X"].sum()), "shapes": [list(array.shape) for array in shared],
            "writeable": bool(one["X"].flags.writeable),
            "descriptors": len(os.listdir("/proc/self/fd"))}


def exchanged(comm, length, dtype, in_place):
    """Two sums by one `Exchange`: of data, then of ones; and what the buffers were."""
    from fastsgd.engine.exchange import Exchange
    from fastsgd.engine.peers import Peers

    peers, buffers = Peers(comm), []

    class Spy:
        def allocate(self, *args):
            buffers.append(peers.allocate(*args))
            return buffers[-1]

        def sum(self, buf):
            assert buf is buffers[0]
            return peers.sum(buf)

    exchange, data = Exchange(Spy(), dtype), data_of(comm.rank, length, dtype)
    mine = data.reshape(1, -1)
    if in_place:
        mine, *_ = exchange.allocate((1, length), (), ())
        mine[0] = data
    array, number, flag = exchange.sum([mine, 0.25 * comm.rank, comm.rank == 1])
    found = array[0].copy()
    assert not length or np.shares_memory(array, buffers[0])
    assert array.dtype == buffers[0].dtype == np.dtype(dtype)
    if in_place:
        assert not length or np.shares_memory(array, mine)
        mine[0] = 1
    ones, *_ = exchange.sum([mine if in_place else np.ones((1, length)), 0, 0])
    assert len(buffers) == 1
    return found, number, flag, ones[0].copy()
