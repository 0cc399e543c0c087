"""Pools that are closed, forked, forgotten or interrupted at a bad moment."""

import _thread
import errno
import gc
import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from comm_left import SOON, alive, descriptors, pools_that_leave_nothing  # noqa: F401 (a fixture)
from hanging import ended
from test_comm_faults import later
from test_comm_lifetime import run_program

import fastsgd.comm
from fastsgd.comm import process, turns, watcher
from fastsgd.errors import CommAborted, CommTimeout

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="counts descriptors and processes in /proc")

BOTH = pytest.mark.parametrize("kind", ["thread", "process"])


@BOTH
def test_closing_ends_a_task_of_another_thread(kind):
    pool = fastsgd.comm.open(kind, 2, timeout=60.0)
    timer, start = later(0.2, pool.close), time.perf_counter()
    with pytest.raises(CommAborted, match="closed while its task ran"):
        pool.run("comm_odd_tasks:spin")
    assert time.perf_counter() - start < 0.2 + SOON
    timer.join()
    pool.close()


@BOTH
def test_closing_in_a_handler_of_a_signal(kind):
    """In the very thread that runs the task."""
    pool = fastsgd.comm.open(kind, 2, timeout=60.0)
    before = signal.signal(signal.SIGALRM, lambda *_: pool.close())
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        with pytest.raises(CommAborted, match="closed while its task ran"):
            pool.run("comm_odd_tasks:spin")
    finally:
        signal.signal(signal.SIGALRM, before)
    pool.close()


@BOTH
def test_one_task_at_a_time(kind):
    """A second is refused, the first goes on; afterwards another may come."""
    with fastsgd.comm.open(kind, 2, timeout=60.0) as pool:
        found = []
        first = threading.Thread(target=lambda: found.extend(
            pool.run("comm_fault_tasks:loop", {"rounds": 200, "slow": True})))
        first.start()
        time.sleep(0.1)
        with pytest.raises(RuntimeError, match="runs a task already"):
            pool.run("fastsgd.comm:count_ranks")
        first.join()
        assert found == ["the end", "the end"]
        assert pool.run("fastsgd.comm:count_ranks") == [2, 2]


def test_closing_does_not_wait_for_ever(nothing_left, monkeypatch):
    """As after Ctrl-C between the lines that take and give back the turn."""
    monkeypatch.setattr(turns, "LONGEST", 0.2)
    pool = nothing_left(1)
    pool._turn._lock.acquire()
    assert ended(pool.close) is None
    assert alive(pool.pids) == []


def in_a_fork(call):
    """Calls it in a fork of this process, which then ends: what it raised, as text."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.write(write, repr(call()).encode())
        except BaseException as error:
            os.write(write, f"{type(error).__name__}: {error}".encode())
        finally:
            os._exit(0)
    os.close(write)
    os.waitpid(pid, 0)
    with os.fdopen(read, "rb") as file:
        return file.read().decode()


def test_a_fork_cannot_end_the_workers_of_its_parent(nothing_left):
    """Neither by its end, nor by closing, aborting or forgetting the pool; nor can it use it."""
    pool = nothing_left(2)
    for call in (pool.close, lambda: pool.abort("no"), pool._finalizer,
                 lambda: pool.__exit__(ValueError, ValueError("no"), None)):
        assert in_a_fork(call) == "None"
        assert pool.run("fastsgd.comm:count_ranks") == [2, 2]
    assert "RuntimeError: this pool belongs to process" in in_a_fork(
        lambda: pool.run("fastsgd.comm:count_ranks"))
    assert pool.run("fastsgd.comm:count_ranks") == [2, 2]
    pool.close()


def test_a_fork_has_threads_of_its_own():
    """It does not meet its parent's ranks in memory that both see."""
    with fastsgd.comm.open("thread", 2, timeout=10.0) as pool:
        assert "RuntimeError" in in_a_fork(lambda: pool.run("fastsgd.comm:count_ranks"))
        in_a_fork(lambda: pool.abort("no"))
        in_a_fork(lambda: pool._comms[0].abort("no"))
        assert pool.run("fastsgd.comm:count_ranks") == [2, 2]


def test_a_pool_forgotten_in_its_own_watcher(nothing_left, monkeypatch):
    """The garbage collector runs in whatever thread it likes."""
    look, dropped = watcher.Watcher._look_if_stopped, threading.Event()

    def collect(self, rank, since):
        if dropped.is_set() and threading.current_thread() is self:
            gc.collect()
        return look(self, rank, since)

    monkeypatch.setattr(watcher.Watcher, "_look_if_stopped", collect)
    pool = nothing_left(2)
    pids = pool.pids
    pool.itself = pool
    gc.disable()
    try:
        del pool
        dropped.set()
        end = time.monotonic() + 2 * SOON
        while alive(pids) and time.monotonic() < end:
            time.sleep(0.02)
    finally:
        gc.enable()
    assert alive(pids) == []


def test_workers_are_ended_where_pidfds_run_out(nothing_left, monkeypatch):
    """The second worker has been started, but cannot be watched."""
    real, count = os.pidfd_open, []

    def open_one(pid):
        count.append(pid)
        if len(count) == 2:
            raise OSError(errno.EMFILE, "Too many open files")
        return real(pid)

    monkeypatch.setattr(watcher.os, "pidfd_open", open_one)
    error = ended(lambda: fastsgd.comm.open("process", 3))
    assert isinstance(error, OSError)
    assert error.errno == errno.EMFILE
    assert alive(count) == []


def test_no_pidfd_is_told_before_workers_are_started(monkeypatch):
    """An older kernel has not got what Python offers."""

    def refuse(pid):
        raise OSError(errno.ENOSYS, "Function not implemented")

    assert watcher.has_pidfd()
    monkeypatch.setattr(watcher.os, "pidfd_open", refuse)
    assert not watcher.has_pidfd()
    monkeypatch.delattr(watcher.os, "pidfd_open")
    assert not watcher.has_pidfd()


def test_no_room_for_a_thread(nothing_left, monkeypatch):
    def refuse(self):
        raise RuntimeError("can't start new thread")

    before = descriptors()
    with monkeypatch.context() as patch:
        patch.setattr(watcher.Watcher, "start", refuse)
        with pytest.raises(RuntimeError, match="can't start new thread"):
            fastsgd.comm.open("process", 2)
    assert descriptors() == before


class Jumping:
    """A clock that jumps by a thousand seconds whenever it is looked at for the second time."""

    looks = 0

    @classmethod
    def monotonic(cls):
        cls.looks += 1
        return time.monotonic() + 1000 * (cls.looks // 2)


def test_a_pause_while_workers_start_is_not_theirs(nothing_left, monkeypatch):
    """As when all of a group is stopped and goes on."""
    monkeypatch.setattr(process, "time", Jumping)
    with nothing_left(2) as pool:
        assert pool.run("fastsgd.comm:count_ranks") == [2, 2]
    assert Jumping.looks > 2


def test_workers_that_do_not_start_are_told(nothing_left, monkeypatch):
    monkeypatch.setattr(process, "START_TIMEOUT", 0.3)
    monkeypatch.setattr(process, "_command", lambda *fds, **told: (
        [sys.executable, "-c", "import time; time.sleep(60)"], fds))
    with pytest.raises(CommTimeout, match="ranks 0, 1 did not arrive in time"):
        fastsgd.comm.open("process", 2)


def test_ctrl_c_while_a_pool_is_opened(nothing_left, monkeypatch):
    real, started = watcher.Watcher._start_all, []

    def slowly(self):
        started.append(self)
        _thread.interrupt_main()
        time.sleep(0.2)
        real(self)

    monkeypatch.setattr(watcher.Watcher, "_start_all", slowly)
    with pytest.raises(KeyboardInterrupt):
        fastsgd.comm.open("process", 2)
    assert started[0].processes == []  # none is started any more
    assert not started[0].is_alive()


def test_a_second_ctrl_c_kills_at_once(nothing_left, monkeypatch):
    """While the pool waits for workers to leave."""
    pool, real, calls = nothing_left(2, timeout=60.0), watcher.Watcher.join, []

    def join(self, timeout=None):
        calls.append(timeout)
        if len(calls) == 1:
            raise KeyboardInterrupt
        return real(self, timeout)

    timer = later(0.2, lambda: os.kill(os.getpid(), signal.SIGINT))
    monkeypatch.setattr(watcher.Watcher, "join", join)
    with pytest.raises(KeyboardInterrupt):
        pool.run("comm_fault_tasks:hang")
    timer.join()
    assert alive(pool.pids) == []


CLOSED = """
    import os, sys
    for fd in {closed}:
        os.close(fd)
    import fastsgd.comm, numpy
    with fastsgd.comm.open("process", 2, portable={portable}) as pool:
        assert pool.run("fastsgd.comm:count_ranks") == [2, 2]
        shared = pool.share(numpy.arange(10.0))
        for told in pool.run("comm_tasks:look_at", {{"shared": [shared], "one": {{"X": shared}}}}):
            assert told["sum"] == 45
        pool.run("builtins:print")
        assert pool.run("comm_odd_tasks:standard_are_open") == 2 * [3 * [True]]
        assert pool.run("fastsgd.comm:count_ranks") == [2, 2]
    os._exit(7)
"""


@pytest.mark.parametrize("portable", [False, True])
@pytest.mark.parametrize("closed", [(0,), (1,), (0, 1, 2)])
def test_a_program_whose_standard_descriptors_are_closed(closed, portable):
    """As a daemon's: no socket of ours takes their numbers, nothing is printed into one."""
    code = CLOSED.format(closed=closed, portable=portable)
    with pytest.raises(subprocess.CalledProcessError) as caught:
        run_program(code, path=os.path.dirname(__file__))
    assert caught.value.returncode == 7, caught.value.stderr


@pytest.mark.parametrize("kind", ["thread", "process"])
def test_a_program_that_ends_while_a_task_runs(kind):
    """In a thread that the program does not wait for: no worker is left."""
    out, err = run_program(f"""
        import threading, time
        import fastsgd.comm
        pool = fastsgd.comm.open({kind!r}, 2)
        print(*getattr(pool, "pids", []), flush=True)
        def run():
            pool.run("comm_odd_tasks:spin")
        threading.Thread(target=run, daemon=True).start()
        time.sleep(0.3)
    """, path=os.path.dirname(__file__))
    assert alive([int(pid) for pid in out.split()]) == []
    assert "died" not in err  # if the thread gets to say something: that it is aborted


def test_a_worker_that_another_thread_is_reaping_is_not_forgotten():
    """Popen.poll says "still running" while another thread is within its wait."""
    pool = fastsgd.comm.open("process", 2)
    dying = pool._watcher.processes[0]
    with dying._waitpid_lock:
        dying.kill()
        time.sleep(0.2)  # the watcher is told of the end and cannot reap it yet
    closing = threading.Thread(target=pool.close, daemon=True)
    closing.start()
    closing.join(20)
    assert not closing.is_alive()
