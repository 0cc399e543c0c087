"""Workers die, stand still, raise, are interrupted: everybody is told, and nothing is left."""

import os
import random
import signal
import sys
import threading
import time
import types

import numpy as np
import pytest
from comm_left import SOON, alive, descriptors, pools_that_leave_nothing  # noqa: F401 (a fixture)
from hanging import ended

import fastsgd.comm
from fastsgd.comm import watcher
from fastsgd.comm.verdict import nearest
from fastsgd.errors import (
    CommAborted,
    CommError,
    CommTimeout,
    PeerFailed,
    RemoteTraceback,
    WorkerError,
)

rng = random.Random(0)

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="counts descriptors and processes in /proc")



def later(seconds, call):
    thread = threading.Timer(seconds, call)
    thread.start()
    return thread


@pytest.mark.parametrize("portable", [False, True])
@pytest.mark.parametrize("n", [2, 3])
def test_a_killed_worker_is_named_by_all(nothing_left, n, portable):
    """Any rank, at random moments of a loop of collectives, 24 times in all."""
    for _ in range(6):
        victim, told = rng.randrange(n), {}
        pool = nothing_left(n, timeout=60.0, portable=portable)

        def kill(pool=pool, victim=victim, told=told):
            told["at"] = time.perf_counter()
            os.kill(pool.pids[victim], signal.SIGKILL)

        timer = later(0.02 + 0.1 * rng.random(), kill)
        with pytest.raises(PeerFailed) as caught:
            pool.run("comm_fault_tasks:loop", {"length": rng.choice([1, 5000, 200_000])})
        assert time.perf_counter() - told["at"] < SOON
        timer.join()
        assert caught.value.ranks == [victim]
        assert f"rank {victim} died (killed by SIGKILL)" in str(caught.value)
        if n > 2 or not portable:  # what a surviving rank has said
            assert isinstance(caught.value.__cause__, PeerFailed)
            assert caught.value.__cause__.ranks == [victim]
        with pytest.raises(CommError, match="closed"):
            pool.run("comm_fault_tasks:loop")


def test_a_killed_worker_between_tasks(nothing_left):
    pool = nothing_left(3)
    assert pool.run("fastsgd.comm:count_ranks") == [3, 3, 3]
    os.kill(pool.pids[1], signal.SIGKILL)
    with pytest.raises(PeerFailed) as caught:
        pool.run("fastsgd.comm:count_ranks")
    assert caught.value.ranks == [1]


def test_a_stopped_worker_is_named(nothing_left):
    """Whoever waits for whom, the one that stands still is named."""
    for k in range(6):
        n = 3
        victim, told = k % n, {}
        pool = nothing_left(n, timeout=0.5, algorithm="ring" if k < 3 else "direct")

        def stop(pool=pool, victim=victim, told=told):
            told["at"] = time.perf_counter()
            os.kill(pool.pids[victim], signal.SIGSTOP)

        timer = later(0.02 + 0.1 * rng.random(), stop)
        with pytest.raises(CommTimeout) as caught:
            pool.run("comm_fault_tasks:loop", {"length": rng.choice([1, 5000, 200_000])})
        assert time.perf_counter() - told["at"] < 0.5 + SOON
        timer.join()
        assert caught.value.ranks == [victim]
        assert f"rank {victim} did not arrive in time" in str(caught.value)


@pytest.mark.parametrize("kind", ["thread", "process"])
def test_the_one_to_blame_is_at_the_end_of_the_chain(kind):
    """Rank 3 is the first whose time is up: it waits for 2, that for 1, that for 0."""
    with fastsgd.comm.open(kind, 4, timeout=0.6) as pool, pytest.raises(CommTimeout) as caught:
        pool.run("comm_fault_tasks:chain")
    assert caught.value.ranks == [0]


def test_a_stopped_worker_for_which_nobody_waits(nothing_left):
    pool = nothing_left(1, timeout=0.3)
    with pytest.raises(CommTimeout) as caught:
        pool.run("comm_fault_tasks:stop_self", {"rank": 0})
    assert caught.value.ranks == [0]


@pytest.mark.parametrize("portable", [False, True])
def test_a_barrier_times_out(nothing_left, portable):
    pool = nothing_left(3, portable=portable)
    start = time.perf_counter()
    with pytest.raises(CommTimeout, match=r"rank 2 did not .* \(timeout=0\.3 s\)") as caught:
        pool.run("comm_fault_tasks:miss_barrier", {"timeout": 0.3})
    assert 0.3 < time.perf_counter() - start < 0.3 + SOON
    assert caught.value.ranks == [2]
    assert caught.value.op == "barrier"


def test_work_that_takes_long_is_no_failure_within_the_timeout(nothing_left):
    pool = nothing_left(2, timeout=30.0)
    assert pool.run("comm_fault_tasks:hang", {"seconds": 0.4}) == [None, None]
    pool.close()


@pytest.mark.parametrize(("kind", "error", "words"), [
    ("value", ValueError, "the rows of rank 1 are bad"),
    ("local", WorkerError, "comm_fault_tasks.Odd: 1 and 2"),
    ("result", TypeError, "set at"),
    ("exit", WorkerError, "SystemExit: 3"),
])
def test_an_exception_reaches_the_parent_with_its_traceback(nothing_left, kind, error, words):
    pool = nothing_left(3, timeout=60.0)
    start = time.perf_counter()
    with pytest.raises(error, match=words) as caught:
        pool.run("comm_fault_tasks:fail", {"rank": 1, "kind": kind})
    assert time.perf_counter() - start < SOON
    assert isinstance(caught.value.__cause__, RemoteTraceback)
    assert "rank 1" in str(caught.value.__cause__)
    assert "Traceback" in str(caught.value.__cause__)
    if kind == "value":
        assert "comm_fault_tasks.py" in str(caught.value.__cause__)


def test_a_task_that_does_not_exist(nothing_left):
    pool = nothing_left(2)
    with pytest.raises(ValueError, match="module comm_tasks has no 'nothing'"):
        pool.run("comm_tasks:nothing")
    pool = nothing_left(2)
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        pool.run("no_such_module:f")


@pytest.mark.parametrize("kind", ["thread", "process"])
def test_abort_reaches_all(kind):
    with fastsgd.comm.open(kind, 3, timeout=60.0) as pool, \
            pytest.raises(CommAborted, match="aborted by rank 1: enough of it") as caught:
        pool.run("comm_fault_tasks:abort", {"rank": 1})
    assert caught.value.peer == 1
    assert caught.value.reason == "enough of it"


@pytest.mark.parametrize("kind", ["thread", "process"])
def test_the_parent_aborts(kind):
    with fastsgd.comm.open(kind, 3, timeout=60.0) as pool:
        timer = later(0.2, lambda: pool.abort("time is up"))
        start = time.perf_counter()
        with pytest.raises(CommAborted, match="aborted by the parent: time is up"):
            pool.run("comm_fault_tasks:loop")
        assert time.perf_counter() - start < 0.2 + SOON
        timer.join()


@pytest.mark.parametrize("kind", ["thread", "process"])
@pytest.mark.parametrize("task", ["loop", "hang"])
def test_ctrl_c_ends_all(kind, task):
    if (kind, task) == ("thread", "hang"):
        pytest.skip("a thread that looks at nothing cannot be ended")
    before = descriptors()
    pool = fastsgd.comm.open(kind, 3, timeout=60.0)
    pids = pool.pids if kind == "process" else []
    timer = later(0.3, lambda: os.kill(os.getpid(), signal.SIGINT))
    start = time.perf_counter()
    with pytest.raises(KeyboardInterrupt):
        pool.run(f"comm_fault_tasks:{task}")
    assert time.perf_counter() - start < 0.3 + SOON
    timer.join()
    assert alive(pids) == []
    pool.close()
    assert descriptors() == before


def test_ctrl_c_reaches_a_main_thread_that_waits_in_a_collective():
    with fastsgd.comm.open("thread", 2, timeout=60.0) as pool:
        timer = later(0.2, lambda: os.kill(os.getpid(), signal.SIGINT))
        start = time.perf_counter()
        with pytest.raises(KeyboardInterrupt):
            pool._comms[0].barrier()
        assert time.perf_counter() - start < 0.2 + SOON
        timer.join()


def test_a_worker_that_stops_before_it_has_heard_its_task(nothing_left):
    """The parent cannot send all of it."""
    pool = nothing_left(2, timeout=0.5)
    os.kill(pool.pids[1], signal.SIGSTOP)
    error = ended(lambda: pool.run("comm_tasks:echo", {"x": np.zeros(1 << 24)}))
    assert isinstance(error, CommTimeout)
    assert error.ranks == [1]


def test_a_worker_that_stops_while_it_tells_its_result(nothing_left):
    pool = nothing_left(2, timeout=0.5)
    error = ended(lambda: pool.run("comm_odd_tasks:stop_in_the_middle", {"length": 1 << 28}))
    assert isinstance(error, CommTimeout)
    assert error.ranks == [0]


def test_a_rank_at_work_is_not_waited_for_when_another_has_failed(nothing_left):
    pool = nothing_left(2)
    error = ended(lambda: pool.run("comm_odd_tasks:raise_while_another_works"))
    assert isinstance(error, ValueError)


def test_the_error_nearest_to_the_cause():
    own, died, late = KeyError("own"), PeerFailed("died"), CommTimeout("late")
    unlike, aborted = CommError("unlike"), CommAborted("aborted")
    order = [own, died, late, unlike, aborted]
    for k in range(len(order)):
        assert nearest(order[k:]) is order[k]
        assert nearest([*reversed(order[k:])]) is order[k]


def test_pauses_of_a_worker_do_not_add_up(monkeypatch):
    """It is late when it has stood still for longer than the timeout at a stretch."""
    late, looks = [], iter("sss-sss-ssss")
    one = watcher.Watcher([], {}, types.SimpleNamespace(mark_late=late.append), 1.0)
    one.processes = [types.SimpleNamespace(pid=1)]
    monkeypatch.setattr(watcher.os, "waitid", lambda *_: None if next(looks) == "-" else "stopped")
    for _ in range(11):
        one._look_if_stopped(0, 0.4)
    assert late == []
    one._look_if_stopped(0, 0.4)
    assert late == [0]
    os.close(one._read)
    os.close(one._write)
