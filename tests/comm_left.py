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


def shared_memory():
    """Names of shared memory that Python has made; a pool has none but while it is opened."""
    end = time.monotonic() + SOON
    while (names := [n for n in os.listdir("/dev/shm") if n.startswith(("psm_", "fastsgd"))]):
        if time.monotonic() > end:
            break
        time.sleep(0.01)
    return names


def alive(pids):
    """Those that still run (a zombie does not)."""
    left = []
    for pid in pids:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
                left.append(pid)
        except FileNotFoundError:
            pass
    return left


@pytest.fixture(name="nothing_left")
def pools_that_leave_nothing():
    """No process, thread, descriptor or name in /dev/shm is left behind by the test.

    But Python's own watcher over names of shared memory, which the portable segment starts.
    """
    resource_tracker.ensure_running()
    before = descriptors(), [], threading.active_count()
    opened = []

    def open_pool(n, **options):
        pool = fastsgd.comm.open("process", n, **options)
        opened.append(pool.pids)
        return pool

    yield open_pool
    after = descriptors(), shared_memory(), threading.active_count()
    assert after == before
    assert alive([pid for pids in opened for pid in pids]) == []


def gone(pids):
    end = time.monotonic() + SOON
    while alive(pids) and time.monotonic() < end:
        time.sleep(0.01)
    return alive(pids) == []
