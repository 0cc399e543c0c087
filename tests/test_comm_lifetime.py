"""Workers live as long as their pool and their parent, no longer."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest
from comm_left import alive, gone, pools_that_leave_nothing, shared_memory  # noqa: F401 (a fixture)

import fastsgd.comm

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="counts descriptors and processes in /proc")



PARENT = """
    import fastsgd.comm, sys
    sys.path.insert(0, {tests!r})
    pool = fastsgd.comm.open("process", 3, timeout=60.0, portable={portable})
    print(*pool.pids, flush=True)
    pool.run("comm_fault_tasks:loop", {{"slow": {slow}}})
"""


def start_parent(portable=False, slow=False):
    """A program that opens a pool and runs a task without end: (process, worker pids)."""
    code = textwrap.dedent(PARENT).format(
        tests=str(Path(__file__).parent), portable=portable, slow=slow)
    home = str(Path(fastsgd.__file__).parent.parent)
    parent = subprocess.Popen([sys.executable, "-c", code], text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, start_new_session=True,
                              env={**os.environ, "PYTHONPATH": home})
    return parent, [int(pid) for pid in parent.stdout.readline().split()]


@pytest.mark.parametrize("portable", [False, True])
@pytest.mark.parametrize("stopped", [False, True])
def test_workers_die_with_their_parent(portable, stopped):
    """Also one that is stopped, where the system ends it."""
    parent, pids = start_parent(portable)
    assert len(pids) == 3
    time.sleep(0.1)
    if stopped and not portable:
        os.kill(pids[1], signal.SIGSTOP)
    parent.kill()
    parent.communicate()
    assert gone(pids)
    assert shared_memory() == []


@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_the_whole_group_leaves_nothing(sign):
    parent, pids = start_parent()
    time.sleep(0.1)
    os.killpg(parent.pid, sign)
    _, err = parent.communicate(timeout=10)
    assert gone(pids)
    assert parent.returncode != 0
    assert shared_memory() == []
    if sign == signal.SIGINT:
        assert err.count("KeyboardInterrupt") == 1  # of the parent only: workers are quiet
        assert "leaked" not in err


def test_ctrl_c_is_the_parents(nothing_left):
    """A worker ignores it, at work and between tasks."""
    pool = nothing_left(2)
    for pid in pool.pids:
        os.kill(pid, signal.SIGINT)
    assert pool.run("fastsgd.comm:count_ranks") == [2, 2]
    pool.close()


def test_a_pool_outlives_the_thread_that_opened_it():
    """Linux would kill a worker together with the thread that started it."""
    found = []
    thread = threading.Thread(target=lambda: found.append(fastsgd.comm.open("process", 2)))
    thread.start()
    thread.join()
    time.sleep(0.1)
    with found[0] as pool:
        assert pool.run("fastsgd.comm:count_ranks") == [2, 2]


def test_a_forgotten_pool_is_closed(nothing_left):
    pool = nothing_left(2)
    assert pool.run("fastsgd.comm:count_ranks") == [2, 2]
    del pool


def run_program(code, path=""):
    """A program of its own, and one more place for its modules: what it has printed."""
    home = os.pathsep.join([str(Path(fastsgd.__file__).parent.parent), path])
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True,
                          text=True, timeout=60, env={**os.environ, "PYTHONPATH": home},
                          check=True)
    return done.stdout, done.stderr


@pytest.mark.parametrize("portable", [False, True])
def test_a_program_that_forgets_to_close_ends_quietly(portable):
    out, err = run_program(f"""
        import fastsgd.comm
        pool = fastsgd.comm.open('process', 2, portable={portable})
        print(pool.run('fastsgd.comm:count_ranks'), *pool.pids)
    """)
    assert out.startswith("[2, 2]")
    assert err == ""
    assert gone([int(pid) for pid in out.split("]")[1].split()])


def test_output_of_workers_is_the_parents():
    out, _ = run_program("""
        import fastsgd.comm
        with fastsgd.comm.open('process', 2) as pool:
            pool.run('builtins:print')
    """)
    assert out.count("ProcessCommunicator") == 2


def test_limited_address_space():
    """Arenas are smaller then; a capacity that does not fit is told."""
    out, _ = run_program("""
        import resource
        import fastsgd.comm
        resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))
        with fastsgd.comm.open('process', 2) as pool:
            print(pool.run('fastsgd.comm:count_ranks'))
        try:
            fastsgd.comm.open('process', 2, capacity=1 << 40)
        except MemoryError as error:
            print(error)
    """)
    assert out.startswith("[2, 2]\n")
    assert "smaller capacity than 1099511627776 bytes a worker" in out
