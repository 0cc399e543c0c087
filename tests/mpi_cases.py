"""What every rank of an MPI job runs in test_mpi.py: ``mpi_cases.py folder``.

Each rank writes ``{case: null or the traceback}`` to its file in the folder.
"""

import json
import sys
import traceback
from pathlib import Path

import comm_tasks
import numpy as np
import pytest

import fastsgd.comm
from fastsgd.errors import CommError

PRIME = 10_007
TIMEOUT = 60.0
OPS = ("sum", "max", "min")


def lengths_dtypes_and_ops(pool):
    """Lengths 0, 1, below the world size, prime; only the order of sums may differ."""
    n = pool.world_size
    cases = [{"length": length, "dtype": dtype, "op": op, "allocated": op != "min",
              "root": n - 1, "exact": op != "sum" or dtype == "int64"}
             for length in (0, 1, n - 1, n, PRIME)
             for dtype in ("float32", "float64", "int64") for op in OPS]
    assert pool.run("comm_tasks:check_all", {"cases": cases}) == [len(cases)] * n


def blocking_collectives(pool):
    """The same within the MPI library."""
    with fastsgd.comm.open("mpi", timeout=TIMEOUT, blocking=True) as blocking:
        lengths_dtypes_and_ops(blocking)
        same_bits_on_every_rank(blocking)


def five_million(pool):
    found = pool.run("comm_tasks:reduce_checksum", {"length": 5_000_000})
    assert found == [found[0]] * pool.world_size
    assert found[0]["wrong"] == 0


def same_bits_on_every_rank(pool):
    """Decisions are taken from sums: they must be the same bytes wherever they are read."""
    for length in (1, 2, 7, 100, 1001, 30_000, 100_003, 1_000_000):
        for dtype in ("float32", "float64"):
            found = pool.run("mpi_cases:reduced", {"length": length, "dtype": dtype})
            assert len({bits.tobytes() for bits in found}) == 1, (length, dtype)


def reduced(comm, length, dtype):
    """The sum of what the ranks bring; of many sums, when they are short."""
    mine = comm_tasks.data_of(comm.rank, length * max(1, 300 // length), dtype).reshape(-1, length)
    for row in mine:
        comm.all_reduce(row)
    return mine


def views_shapes_and_nan(pool):
    assert all(pool.run("comm_tasks:views_and_shapes"))


def any_dtype_moves(pool):
    """What cannot be reduced can be moved: bytes, halves, complex numbers, long doubles."""
    assert all(pool.run("mpi_cases:move"))


def move(comm):
    n, rank = comm.world_size, comm.rank
    for dtype in ("bool", "int8", "uint16", "float16", "int32", "uint64", "complex64",
                  "complex128", "longdouble", "clongdouble"):
        numbers = np.arange(7 * n).astype(dtype)
        buf = np.zeros(7 * n, dtype)
        buf[7 * rank:7 * rank + 7] = numbers[7 * rank:7 * rank + 7]
        np.testing.assert_array_equal(comm.all_gather(buf), numbers)
        joined, lengths = comm.all_gatherv(numbers[:2 * rank].reshape(-1, 2))
        right = np.concatenate([numbers[:2 * r] for r in range(n)]).reshape(-1, 2)
        np.testing.assert_array_equal(joined, right)
        assert joined.dtype == numbers.dtype
        assert lengths.tolist() == list(range(n))
        numbers.flags.writeable = rank != 0  # who gives may be read-only
        np.testing.assert_array_equal(
            comm.broadcast(numbers if rank == 0 else np.zeros(7 * n, dtype)), numbers)
    return True


def bytes_and_steps(pool):
    """Counted as direct exchange sends, whatever the library does."""
    n, length = pool.world_size, 1003
    ends = [length * rank // n for rank in range(n + 1)]
    for rank, stats in enumerate(pool.run("comm_tasks:count_costs", {"length": length})):
        own = ends[rank + 1] - ends[rank]
        cost = {"all_reduce": (length - own + (n - 1) * own, 2 * (n > 1)),
                "reduce_scatter": (length - own, int(n > 1)),
                "all_gather": ((n - 1) * own, int(n > 1)),
                "all_gatherv": ((n - 1) * (length + 1), 2 * (n > 1)),
                "broadcast": ((n - 1) * length * (rank == 0), int(n > 1)),
                "barrier": (0, int(n > 1))}
        if n > 1 and rank < 2:
            cost["send" if rank == 0 else "recv"] = (length * (rank == 0), 1)
        found = {op: (count["bytes_sent"], count["steps"]) for op, count in stats.items()}
        assert found == {op: (8 * k, steps) for op, (k, steps) in cost.items()}


def results_come_back(pool):
    """To every rank; each has its own arguments."""
    arguments = {"a": [1.5, None, True, "é"], "x": np.arange(6.0).reshape(2, 3),
                 "z": np.array(3, np.int8), "e": np.zeros((0, 4), np.float32)}
    each = [{"mine": np.ones(rank)} for rank in range(pool.world_size)]
    for rank, found in enumerate(pool.run("comm_tasks:echo", arguments, per_rank=each)):
        assert found["rank"] == rank
        assert found["mine"].tolist() == [1.0] * rank
        assert found["a"] == arguments["a"]
        for key in "xze":
            np.testing.assert_array_equal(found[key], arguments[key])
            assert found[key].dtype == arguments[key].dtype


def wrong_arguments(pool):
    """Told before anything is sent; the pool goes on."""
    for texts in pool.run("comm_tasks:refuse"):
        words = ["got list", "not C-contiguous", "'sum', 'max', 'min'", "int32", "byte order",
                 "read-only", "got 9", "rank itself", "timeout must be > 0", "one dimension"]
        assert all(word in text for word, text in zip(words, texts, strict=False))
    wrong = {"task": lambda: pool.run("nonsense"),
             "an entry for each": lambda: pool.run("comm_tasks:echo", per_rank=[]),
             "mpirun -n 7": lambda: fastsgd.comm.open("mpi", 7),
             "timeout must be > 0": lambda: fastsgd.comm.open("mpi", timeout=0),
             "at most 2147483647": lambda: pool.comm.broadcast(np.empty(1 << 31, np.int8))}
    for word, call in wrong.items():
        with pytest.raises(ValueError, match=word):
            call()
    pool.comm.barrier()


def pools_beside_each_other(pool):
    """What one sends is not what the other receives."""
    n, rank = pool.world_size, pool.rank
    with fastsgd.comm.open("mpi", n, timeout=TIMEOUT) as other:
        if n > 1 and rank == 0:
            pool.comm.send(np.full(3, 1.0), 1)
            other.comm.send(np.full(3, 2.0), 1)
        if n > 1 and rank == 1:
            assert other.comm.recv(np.zeros(3), 0).tolist() == [2.0] * 3
            assert pool.comm.recv(np.zeros(3), 0).tolist() == [1.0] * 3
    with pytest.raises(CommError, match="closed"):
        other.run("fastsgd.comm:count_ranks")
    with pytest.raises(CommError, match="closed"):
        other.comm.barrier()
    assert pool.run("fastsgd.comm:count_ranks") == [n] * n


def each_process_hears_its_rank(pool):
    heard = []

    def listen(value):
        heard.append((value["rank"], value["array"].tolist()))
        return {"sum": value["array"].sum(), "array": value["array"]}

    results = pool.run("test_comm_tell:tells", {"count": 2, "size": 3}, listener=listen)
    assert heard == [(pool.rank, [k] * 3) for k in range(2)]
    assert [[answer["sum"] for answer in answers] for answers in results] == [
        [0, 3]] * pool.world_size
    assert pool.run("test_comm_tell:tells", {"count": 1, "size": 1}) == [[None]] * pool.world_size


CASES = (lengths_dtypes_and_ops, blocking_collectives, five_million, same_bits_on_every_rank,
         views_shapes_and_nan, any_dtype_moves, bytes_and_steps, results_come_back,
         wrong_arguments, pools_beside_each_other, each_process_hears_its_rank)


def main(folder):
    """All cases, each with a pool that is closed when it has failed."""
    found, pool = {}, None
    for case in CASES:
        pool = pool or fastsgd.comm.open("mpi", timeout=TIMEOUT)
        try:
            case(pool)
            found[case.__name__] = None
        except Exception:
            found[case.__name__] = traceback.format_exc()
            break  # the ranks may be in different places now
    Path(folder, f"{pool.rank}.json").write_text(json.dumps(found))
    print(f"rank {pool.rank} of {pool.world_size}")


if __name__ == "__main__":
    main(sys.argv[1])
