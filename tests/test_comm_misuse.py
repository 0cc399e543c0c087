"""Arguments, results and tasks of communicators that are wrong or rare: told, never obeyed."""

import fractions
import mmap
import os
import pathlib
import sys

import numpy as np
import pytest
from comm_left import pools_that_leave_nothing  # noqa: F401 (a fixture)

import fastsgd.comm
from fastsgd.errors import (
    CommAborted,
    CommError,
    CommTimeout,
    PeerFailed,
    RemoteTraceback,
    WorkerError,
)
from fastsgd.kernels import exchange

BOTH = pytest.mark.parametrize("kind", ["thread", "process"])


def run(kind, task, n=2, arguments=None, **options):
    with fastsgd.comm.open(kind, n, timeout=30.0, **options) as pool:
        return pool.run(f"comm_odd_tasks:{task}", arguments)


@BOTH
@pytest.mark.parametrize("width", [6, 3])
def test_rows_of_parts_must_be_alike(kind, width):
    """Else a rank would copy more than it has made room for."""
    for text in run(kind, "rows_unlike", arguments={"width": width}):
        assert "all ranks must call the same" in text or "aborted" in text
    assert f"(rows of {width})" in str(run(kind, "rows_unlike", arguments={"width": width}))


@BOTH
def test_ranks_must_use_one_algorithm(kind):
    with pytest.raises(CommError, match=r"by ring.*all ranks must call the same"):
        run(kind, "algorithms_unlike")


@BOTH
def test_names_of_one_dtype_are_alike(kind):
    for found in run(kind, "same_numbers_by_other_names"):
        np.testing.assert_array_equal(found, [2, 2, 2])


@BOTH
@pytest.mark.filterwarnings("ignore:the matrix subclass")
def test_a_matrix_is_a_buffer_like_others(kind):
    for shape, joined, lengths in run(kind, "matrix"):
        assert shape == [2]
        assert joined == [4, 3]
        np.testing.assert_array_equal(lengths, [2, 2])


@BOTH
def test_buffers_must_be_aligned(kind):
    for texts in run(kind, "misaligned"):
        assert all(text.startswith("ValueError") and "not aligned" in text for text in texts)


def test_odd_shapes_take_no_memory(nothing_left):
    pool = nothing_left(2, capacity=1 << 20)
    texts, _ = pool.run("comm_odd_tasks:odd_shapes")
    assert None not in texts
    assert [text.split(":")[0] for text in texts] == [
        "ValueError"] * 3 + ["MemoryError", "ValueError", "TypeError", "TypeError", "ValueError"]
    pool.close()


def test_the_last_result_does_not_fill_the_arena(nothing_left):
    """Twice as much as the half."""
    pool = nothing_left(1, capacity=8 << 20)
    for _ in range(2):
        assert len(pool.run("comm_odd_tasks:give", {"length": 5 << 20})[0]) == 5 << 20
    pool.close()


def test_arrays_of_every_kind_come_back():
    arrays = [np.ones(3, dtype) for dtype in
              ("?", "c8", "c16", "G", "g", "f2", ">f4", ">i8", "u1", "S3", "U2", ">U3")]
    arrays += [np.array(2.5), np.array("ab"), np.zeros((0, 3)), np.arange(10)[::-2],
               np.asfortranarray(np.arange(6.0).reshape(2, 3)), np.zeros((2, 0), "U4")]
    (found,) = run("process", "give_back", 1, {"arrays": arrays})
    for before, after in zip(arrays, found["arrays"], strict=True):
        assert after.dtype == before.dtype
        assert after.shape == before.shape
        np.testing.assert_array_equal(after, before)
    for odd in (np.zeros(2, [("a", "f4")]), np.array([1], "M8[s]"), np.complex64(1j)):
        with pytest.raises(TypeError, match="a worker can be sent"):
            run("process", "give_back", 1, {"odd": odd})


@BOTH
@pytest.mark.parametrize("timeout", [float("inf"), 3, np.float32(3), np.int64(3),
                                     fractions.Fraction(7, 2)])
def test_timeouts_are_any_real_numbers(kind, timeout):
    with fastsgd.comm.open(kind, np.int64(2), timeout=timeout) as pool:
        assert pool.run("fastsgd.comm:count_ranks") == [2, 2]
        assert pool.timeout == float(timeout)


@BOTH
@pytest.mark.parametrize("timeout", ["5", None, float("nan"), -1, 0.0, 1j])
def test_what_is_no_timeout_is_refused(kind, timeout):
    with pytest.raises(ValueError, match="timeout must be > 0 seconds, got"):
        fastsgd.comm.open(kind, 2, timeout=timeout)


@BOTH
def test_a_timeout_that_is_too_short_is_a_timeout(kind):
    with fastsgd.comm.open(kind, 2, timeout=1e-9) as pool, pytest.raises(CommTimeout):
        pool.run("comm_fault_tasks:hang", {"seconds": 0.05})


@pytest.mark.parametrize("capacity", [0, -5, -10**9, 1e9, "x"])
def test_what_is_no_capacity_is_refused(capacity):
    with pytest.raises(ValueError, match="capacity must be a whole number > 0"):
        fastsgd.comm.open("process", 2, capacity=capacity)


def test_a_path_among_the_strings_of_the_path(nothing_left, monkeypatch):
    """Python passes over what is no string there."""
    monkeypatch.setattr(sys, "path", [*sys.path, pathlib.Path("/tmp")])
    with nothing_left(1, capacity=np.int64(1 << 20)) as pool:
        assert pool.run("comm_tasks:facts")[0]["path"] == sys.path[:-1]


@pytest.mark.parametrize("how", ["close", "none"])
def test_a_task_may_close_its_output(nothing_left, how):
    with nothing_left(2) as pool:
        assert pool.run("comm_odd_tasks:close_output", {"how": how}) == [None, None]
        assert pool.run("fastsgd.comm:count_ranks") == [2, 2]


@pytest.mark.parametrize(("kind", "how", "error", "words"), [
    ("thread", "text", Exception, None),
    ("process", "text", WorkerError, "Wordless: .no text: its __str__ raised RuntimeError"),
    ("thread", "surrogate", ValueError, None),
    ("process", "surrogate", ValueError, None),
    ("process", "file", FileNotFoundError, "No such file or directory: '/no/such/file'"),
    ("process", "interrupt", WorkerError, "rank 0 raised KeyboardInterrupt"),
    ("process", "os._exit", PeerFailed, "rank 0 died .exit code 0"),
    ("process", "descriptors", PeerFailed, "rank 0 died"),
])
def test_odd_ends_of_a_task_are_told(kind, how, error, words):
    with pytest.raises(error, match=words) as caught:
        run(kind, "raise_odd", arguments={"how": how})
    if kind == "process" and not issubclass(error, PeerFailed):
        assert isinstance(caught.value.__cause__, RemoteTraceback)
    if how == "text":
        assert type(caught.value).__name__ in ("Wordless", "WorkerError")
    if how == "file":
        assert caught.value.filename == "/no/such/file"


@pytest.mark.parametrize("task", ["interrupted", "no_room"])
def test_a_rank_that_leaves_in_the_middle_ends_the_collective_for_all(nothing_left, task):
    """It cannot be one step behind the others from then on."""
    pool = nothing_left(2, timeout=30.0)
    with pytest.raises(CommAborted) as caught:
        pool.run(f"comm_odd_tasks:{task}")
    assert caught.value.reason == {
        "interrupted": "interrupted by TimeoutError", "no_room": "MemoryError: no room"}[task]
    assert caught.value.peer == 0


@pytest.mark.parametrize(("task", "told"), [
    ({"task": "comm_fault_tasks:miss_barrier", "arguments": {"timeout": 0.2}}, CommTimeout),
    ({"task": "comm_fault_tasks:loop", "arguments": {"rounds": 3}}, None),
])
def test_a_rank_that_stops_while_it_aborts_keeps_nobody_from_telling(task, told):
    """It has taken the place of the reason, and has not come to tell that it gives up."""
    with fastsgd.comm.open("thread", 2, timeout=30.0) as pool:
        pool._memory[4:8] = (1).to_bytes(4, "little")
        if told is None:
            assert pool.run(**task) == ["the end"] * 2
        else:
            with pytest.raises(told) as caught:
                pool.run(**task)
            assert caught.value.ranks == [1]


@BOTH
def test_a_barriers_timeout_is_its_own(kind):
    assert run(kind, "late_after_a_barrier") == [2, 2]


@BOTH
def test_nothing_is_sent_after_the_end(kind):
    with fastsgd.comm.open(kind, 2) as pool:
        _, texts = pool.run("comm_odd_tasks:send_after_the_end")
    assert all(text.startswith("CommAborted") and "no more" in text for text in texts)


def test_only_what_lies_in_the_arena_is_shared():
    begin = exchange.control_bytes(1)
    memory = mmap.mmap(-1, begin + 3 * 64)
    end = exchange.Exchange(memory, 0, 1, 1.0, (begin + 64, begin + 128))
    for offset, length, shared in ((64, 8, True), (64, 1, True), (120, 1, True), (120, 2, False),
                                   (56, 2, False), (56, 1, False), (128, 1, False)):
        array = np.ndarray(length, np.int64, buffer=memory, offset=begin + offset)
        assert end.shares(array) == shared, (offset, length)


def test_the_first_to_tell_is_heard_but_the_dead_before_all():
    end = exchange.Exchange(mmap.mmap(-1, exchange.control_bytes(3)), -1, 3, 1.0)
    assert end.verdict() == (exchange.FINE, -1, "", [])
    end.tell(exchange.ABORTED, 2, "a\udcff" + 2000 * "é")
    end.tell(exchange.ABORTED, 1, "later")
    end.mark_late(1)
    kind, by, reason, ranks = end.verdict()
    assert (kind, by, ranks) == (exchange.ABORTED, 2, [1])
    assert reason.startswith("a\\udcffééé")
    assert 300 < len(reason) < 800
    end.mark_dead(0)
    end.mark_late(2)
    assert end.verdict() == (exchange.PEER_FAILED, -1, "", [0])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_worker_may_fork(nothing_left):
    with nothing_left(2) as pool:
        assert pool.run("comm_odd_tasks:fork") == ["both", "both"]


@BOTH
def test_parts_may_be_changed_at_once(kind):
    assert run(kind, "change_after", 3, {"rounds": 100, "length": 50_000}) == ["right"] * 3


@BOTH
@pytest.mark.parametrize("algorithm", ["ring", "direct"])
@pytest.mark.parametrize("length", [0, 1])
def test_nobody_leaves_before_all_have_come(kind, algorithm, length):
    """Also with nothing to sum, and on the other side of the ring."""
    found = run(kind, "ends_after_all", 4, {"length": length, "algorithm": algorithm})
    assert min(left for _, left in found) >= max(came for came, _ in found)


@BOTH
def test_counters_go_past_their_end(kind):
    """They begin 1,000 steps before 2**32."""
    assert run(kind, "many", 3, {"rounds": 400, "length": 20_000}) == ["right"] * 3
