"""What a pool may leave behind of processes, descriptors, shared memory, threads: nothing."""

import os
import threading
import time
from multiprocessing import resource_tracker
from pathlib import Path

import pytest

import fastsgd.comm

SOON = 2.0  # seconds within which a failure must be told; measured 0.05 to 0.3


def descriptors():
    return len(os.listdir("/proc/self/fd"))


def shared_memory(before=()):
    """Names of shared memory that Python has made; a pool has none but while it is opened.

    Those of `before` are another program's; so may be others, but not for long.
    """
    end = time.monotonic() + SOON
    while (names := {n for n in os.listdir("/dev/shm") if n.startswith(("psm_", "fastsgd"))}
           - set(before)):
        if time.monotonic() > end:
            break
        time.sleep(0.01)
    return sorted(names)


def alive(pids):
    """Those that still run (a zombie does not)."""
    left = []
    for pid in pids:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
                left.append(pid)
        except (FileNotFoundError, ProcessLookupError):  # ended while it was read
            pass
    return left


def no_more_than(before):
    """Whether descriptors, names of shared memory and threads are at most those of before, soon.

    There may be fewer: what earlier tests had dropped is given back when Python gets to it.
    """
    end = time.monotonic() + SOON
    while True:
        now = descriptors(), shared_memory(before[1]), threading.active_count()
        if now[0] <= before[0] and not now[1] and now[2] <= before[2]:
            return True
        if time.monotonic() > end:
            return f"{now}, before {before}"
        time.sleep(0.01)


@pytest.fixture(name="nothing_left")
def pools_that_leave_nothing():
    """No process, thread, descriptor or name in /dev/shm is left behind by the test.

    But Python's own watcher over names of shared memory, which the portable segment starts.
    """
    resource_tracker.ensure_running()
    before = descriptors(), shared_memory(), threading.active_count()
    opened = []

    def open_pool(n, **options):
        pool = fastsgd.comm.open("process", n, **options)
        opened.append(pool.pids)
        return pool

    yield open_pool
    assert no_more_than(before) is True
    assert alive([pid for pids in opened for pid in pids]) == []


def gone(pids):
    end = time.monotonic() + SOON
    while alive(pids) and time.monotonic() < end:
        time.sleep(0.01)
    return alive(pids) == []
