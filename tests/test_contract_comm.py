"""Every communicator keeps the contract of comm/base.py, for any world size and length."""

import os
import re
import sys

import comm_tasks
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fastsgd.comm
from fastsgd.errors import CommAborted, CommError

DTYPES = ("float32", "float64", "int64")
KINDS = {
    "thread": {"kind": "thread"},
    "thread-ring": {"kind": "thread", "algorithm": "ring"},
    "process": {"kind": "process"},
    "process-ring": {"kind": "process", "algorithm": "ring"},
    "process-portable": {"kind": "process", "portable": True},
}
PRIME = 10_007
FIVE_MILLION = 5_000_000


@pytest.fixture(scope="module")
def pools():
    """Pools by kind and world size, opened when they are first asked for."""
    opened = {}

    def get(name, n):
        if (name, n) not in opened:
            opened[name, n] = fastsgd.comm.open(n=n, timeout=60.0, **KINDS[name])
        return opened[name, n]

    yield get
    for pool in opened.values():
        pool.close()


def check(pool, *cases):
    checked = pool.run("comm_tasks:check_all", {"cases": list(cases)})
    assert checked == [len(cases)] * pool.world_size


@pytest.mark.parametrize("n", [1, 2, 3, 4])
@pytest.mark.parametrize("name", KINDS)
def test_all_collectives(pools, name, n):
    """Lengths 0, 1, below the world size, prime; every dtype and op; allocated or not."""
    pool = pools(name, n)
    check(pool, *({"length": length, "dtype": dtype, "op": op, "allocated": op != "min",
                   "root": n - 1}
                  for length in (0, 1, n - 1, n, PRIME) for dtype in DTYPES
                  for op in (("sum", "max", "min") if length == PRIME else ("sum",))))


@pytest.mark.parametrize("n", [2, 4])
@pytest.mark.parametrize("name", KINDS)
def test_five_million(pools, name, n):
    pool = pools(name, n)
    found = pool.run("comm_tasks:reduce_checksum", {"length": FIVE_MILLION})
    assert found == [found[0]] * n
    assert found[0]["wrong"] == 0


@settings(max_examples=40, deadline=None)
@given(name=st.sampled_from(sorted(KINDS)), n=st.integers(2, 4), length=st.integers(0, 70_000),
       dtype=st.sampled_from(DTYPES), op=st.sampled_from(["sum", "max", "min"]),
       allocated=st.booleans(), seed=st.integers(0, 1000), data=st.data())
def test_drawn_collectives(pools, name, n, length, dtype, op, allocated, seed, data):
    check(pools(name, n), {"length": length, "dtype": dtype, "op": op, "allocated": allocated,
                           "seed": seed, "root": data.draw(st.integers(0, n - 1))})


@pytest.mark.parametrize("n", [2, 3, 4])
def test_bits_are_the_same_everywhere(pools, n):
    """On every rank, in every run, by both algorithms, by threads and by processes."""
    found = []
    for name in ("thread", "process", "process-portable"):
        for algorithm in ("ring", "direct"):
            for allocated in (True, False):
                found += pools(name, n).run("comm_tasks:reduce_bits", {
                    "length": 100_003, "dtype": "float32", "algorithm": algorithm,
                    "allocated": allocated})
    right = comm_tasks.expected(n, 100_003, "float32", "sum")
    for bits in found:
        assert bits.tobytes() == right.tobytes()


@pytest.mark.parametrize("name", KINDS)
def test_views_shapes_and_nan(pools, name):
    assert all(pools(name, 3).run("comm_tasks:views_and_shapes"))


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_bytes_and_steps(pools, name, n):
    """K elements, all but the chunks that are skipped; `ring` and `direct` as documented."""
    size, length = 8, 1003
    ends = [length * r // n for r in range(n + 1)]
    chunk = np.diff(ends)
    for algorithm in ("ring", "direct"):
        counted = pools(name, n).run(
            "comm_tasks:count_costs", {"length": length, "algorithm": algorithm})
        for rank, stats in enumerate(counted):
            own, right = chunk[rank], chunk[(rank + 1) % n]
            if algorithm == "ring":
                cost = {"all_reduce": (2 * length - own - right, 2 * (n - 1)),
                        "reduce_scatter": (length - own, n - 1),
                        "all_gather": (length - right, n - 1)}
            else:
                cost = {"all_reduce": (length - own + (n - 1) * own, 2 * (n > 1)),
                        "reduce_scatter": (length - own, int(n > 1)),
                        "all_gather": ((n - 1) * own, int(n > 1))}
            cost["all_gatherv"] = ((n - 1) * (length + 1), 2 * (n > 1))
            cost["broadcast"] = ((n - 1) * length * (rank == 0), int(n > 1))
            cost["barrier"] = (0, int(n > 1))
            if n > 1 and rank < 2:
                cost["send" if rank == 0 else "recv"] = (length * (rank == 0), 1)
            found = {op: (c["bytes_sent"], c["steps"]) for op, c in stats.items()}
            assert found == {op: (size * k, steps) for op, (k, steps) in cost.items()}
            assert all(count["calls"] == 1 for count in stats.values())
    # where N divides K every rank sends 2 (N - 1) K / N elements
    for stats in pools(name, n).run("comm_tasks:count_costs", {"length": 12 * n}):
        assert stats["all_reduce"]["bytes_sent"] == 2 * (n - 1) * 12 * size


def test_memory_is_used_again():
    with fastsgd.comm.open("process", 1, capacity=64 << 20) as pool:
        (told,) = pool.run("comm_tasks:reuse_memory", {"rounds": 20, "length": 3_000_000})
    assert "larger capacity" in told


@pytest.mark.parametrize("name", ["thread", "process"])
def test_wrong_arguments_are_told_before_anything_is_sent(pools, name):
    pool = pools(name, 2)
    told = [*zip(*pool.run("comm_tasks:refuse"), strict=True)]
    words = ["numpy array, got list", "not C-contiguous", "sum.*max.*min", "got int32",
             "native byte order", "read-only", "0 to 1, got 9", "this rank itself",
             "timeout must be > 0", "at least one dimension", "numbers only|object"]
    for texts, word in zip(told, words, strict=True):
        for text in texts:
            if not (name == "thread" and word.startswith("numbers only")):
                assert text is not None, word
                assert re.search(word, text), (word, text)


@pytest.mark.parametrize("name", ["thread", "process"])
def test_results_come_back(pools, name):
    """Nested values, arrays of every kind, an array of no dimension, empty ones."""
    arguments = {"a": 1, "b": [1.5, None, True, "é"], "c": {"d": {"e": [float("inf")]}},
                 "x": np.arange(6.0).reshape(2, 3), "y": np.zeros((0, 4), np.int32),
                 "z": np.array(3, np.int8), "s": np.array(["ab", "c"]),
                 "f": np.asfortranarray(np.arange(6).reshape(2, 3))}
    first, second = pools(name, 2).run(
        "comm_tasks:echo", arguments, per_rank=[{"mine": 0}, {"mine": [np.ones(2)]}])
    assert first.pop("rank") == 0
    assert first.pop("mine") == 0
    np.testing.assert_array_equal(second["mine"][0], [1, 1])
    assert set(first) == set(arguments)
    for key, value in arguments.items():
        np.testing.assert_array_equal(first[key], value)
        if isinstance(value, np.ndarray):
            assert first[key].dtype == value.dtype
            assert first[key].shape == value.shape


@pytest.mark.parametrize("how", ["length", "op", "collective", "dtype", "root", "message"])
@pytest.mark.parametrize("name", ["thread", "process", "process-ring"])
def test_ranks_that_call_different_things_are_told(name, how):
    with fastsgd.comm.open(n=3, timeout=60.0, **KINDS[name]) as pool:
        with pytest.raises(CommError) as caught:
            pool.run("comm_fault_tasks:unlike", {"how": how})
        assert not isinstance(caught.value, CommAborted)
        assert "all ranks must call the same collectives" in str(caught.value)
        with pytest.raises(CommError, match="closed"):
            pool.run("comm_tasks:echo")


def test_what_open_refuses():
    with pytest.raises(ValueError, match="'thread', 'process', 'mpi'"):
        fastsgd.comm.open("smoke", 2)
    for n in (0, -1, 1.5, None, True, 10_000):
        with pytest.raises(ValueError, match="number of workers"):
            fastsgd.comm.open("process", n)
    with pytest.raises(ValueError, match=r"algorithm.*'ring'"):
        fastsgd.comm.open("thread", 2, algorithm="tree")
    with pytest.raises(ValueError, match="timeout must be > 0"):
        fastsgd.comm.open("process", 2, timeout=0)


@pytest.mark.parametrize("name", ["thread", "process"])
def test_what_run_refuses(pools, name):
    """A wrong call is told, and the pool goes on."""
    pool = pools(name, 2)
    for task, word in (("nonsense", "module:function"), (len, "module:function")):
        with pytest.raises(ValueError, match=word):
            pool.run(task)
    with pytest.raises(ValueError, match="an entry for each of 2 ranks, got 1"):
        pool.run("comm_tasks:echo", per_rank=[{}])
    assert len(pool.run("comm_tasks:echo")) == 2


@pytest.mark.parametrize("name", ["thread", "process", "process-portable"])
def test_shared_arrays_are_one_memory(pools, name):
    """Workers see the array, read-only; many at once; no descriptor stays anywhere."""
    pool = pools(name, 2)
    X, empty = np.arange(300_000.0).reshape(3, -1), np.zeros((0, 4), np.int32)
    before = len(os.listdir("/proc/self/fd")) if sys.platform == "linux" else 0
    shared = [pool.share(X), pool.share(empty), *(pool.share(np.array(k)) for k in range(20))]
    none = pool.run("comm_tasks:look_at", {"shared": [], "one": {"X": X}})
    for _ in range(2):
        told = pool.run("comm_tasks:look_at", {"shared": shared, "one": {"X": shared[0]}})
        for found in told:
            assert found["sum"] == X.sum()
            assert found["shapes"] == [[3, 100_000], [0, 4]] + 20 * [[]]
            assert found["writeable"] == (name == "thread")
    told = pool.run("comm_tasks:look_at", {"shared": [], "one": {"X": X}})
    if name != "thread":  # threads see the descriptors of each other's listing
        assert [found["descriptors"] for found in told] == [
            found["descriptors"] for found in none]
    if name != "thread":
        np.testing.assert_array_equal(shared[0].array, X)
        shared[0].close()
        with pytest.raises(ValueError, match="share it again"):
            pool.run("comm_tasks:look_at", {"shared": [shared[0]], "one": {"X": X}})
        with pytest.raises(TypeError, match="numbers"):
            pool.share(np.array(["a"]))
    del shared, told
    if sys.platform == "linux":
        assert len(os.listdir("/proc/self/fd")) == before


def test_what_cannot_be_sent(pools):
    pool = pools("process", 2)
    with pytest.raises(TypeError, match=r"set at \['arguments'\]\['a'\]\[1\]"):
        pool.run("comm_tasks:echo", {"a": [1, {2}]})
    with pytest.raises(TypeError, match="ndarray of object"):
        pool.run("comm_tasks:echo", {"a": np.array([None])})
    with pytest.raises(TypeError, match="key"):
        pool.run("comm_tasks:echo", {"a": {1: 2}})
    assert len(pool.run("comm_tasks:echo")) == 2


def test_workers_are_fresh_and_light(pools):
    """No scikit-learn, scipy or joblib; the parent's path; one process through many tasks."""
    pool = pools("process", 2)
    first, second = pool.run("comm_tasks:facts"), pool.run("comm_tasks:facts")
    assert [f["pid"] for f in first] == [f["pid"] for f in second] == pool.pids
    assert os.getpid() not in pool.pids
    for package in ("sklearn", "scipy", "joblib", "multiprocessing", "fastsgd.engine"):
        assert package not in first[0]["modules"]
    assert first[0]["path"] == sys.path
    assert first[0]["PYTHONPATH"] == os.environ.get("PYTHONPATH")
