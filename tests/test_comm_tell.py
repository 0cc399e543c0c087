"""Tasks tell whoever runs them, and are answered."""

import os
import threading
import time

import numpy as np
import pytest

import fastsgd.comm
from fastsgd.errors import CommAborted, CommError, CommTimeout, PeerFailed

KINDS = {"thread": {"kind": "thread"}, "process": {"kind": "process"},
         "process-portable": {"kind": "process", "portable": True}}


def tells(comm, count, size):
    """Each rank tells `count` arrays and gets their sums back; a collective between them."""
    answers = []
    for k in range(count):
        found = comm.tell({"rank": comm.rank, "array": np.full(size, k, np.float32)})
        answers.append(found)
        comm.barrier()
    return answers


def dies(comm):
    """Rank 0 waits for an answer while rank 1 dies."""
    if comm.rank == 1:
        time.sleep(0.2)
        os._exit(3)
    comm.tell("wait")


def keeps_waiting(comm):
    """Rank 1 waits for rank 0, which waits for an answer."""
    if comm.rank == 0:
        comm.tell("wait")
    comm.barrier(timeout=0.2)


def ignores(comm, found):
    """Rank 0 goes on where nobody listens any more."""
    for _ in range(2 if comm.rank == 0 else 0):
        try:
            comm.tell("anything")
        except CommAborted as error:
            found.append(str(error))


@pytest.mark.parametrize("n", [1, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_answers_come_back(kind, n):
    heard, size = [], 30_000  # more than a socket takes at once

    def listen(value):
        heard.append((value["rank"], float(value["array"].sum()), threading.get_ident()))
        return {"sum": value["array"].sum(), "array": value["array"][:2]}

    with fastsgd.comm.open(n=n, timeout=60.0, **KINDS[kind]) as pool:
        for _ in range(2):
            heard.clear()
            results = pool.run("test_comm_tell:tells", {"count": 3, "size": size},
                               listener=listen)
            assert sorted(heard) == sorted((rank, float(k * size), threading.get_ident())
                                           for rank in range(n) for k in range(3))
            for answers in results:
                assert [answer["sum"] for answer in answers] == [0.0, size, 2.0 * size]
                assert [answer["array"].tolist() for answer in answers] == [[k, k]
                                                                            for k in range(3)]
        assert pool.run("test_comm_tell:tells", {"count": 2, "size": 1}) == n * [[None, None]]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt])
def test_errors_of_the_listener_end_the_task(kind, error):
    pool = fastsgd.comm.open(n=2, timeout=60.0, **KINDS[kind])
    pids = getattr(pool, "pids", [])

    def listen(_value):
        raise error("of the listener")

    begin = time.perf_counter()
    with pytest.raises(error, match="of the listener"):
        pool.run("test_comm_tell:tells", {"count": 2, "size": 1}, listener=listen)
    assert time.perf_counter() - begin < 10
    assert not any(os.path.exists(f"/proc/{pid}") for pid in pids)
    with pytest.raises(CommError, match="closed; open a new one"):
        pool.run("fastsgd.comm:count_ranks")


def test_a_thread_that_tells_again_is_not_left_waiting():
    found = []

    def listen(_value):
        raise ZeroDivisionError

    pool = fastsgd.comm.open("thread", 2, timeout=60.0)
    with pytest.raises(ZeroDivisionError):
        pool.run("test_comm_tell:ignores", {"found": found}, listener=listen)
    assert len(found) == 2
    assert all("has given up" in text for text in found)


@pytest.mark.parametrize("kind", ["process", "process-portable"])
def test_a_death_while_another_waits_for_an_answer(kind):
    pool = fastsgd.comm.open(n=2, timeout=60.0, **KINDS[kind])
    with pytest.raises(PeerFailed, match="exit code 3") as raised:
        pool.run("test_comm_tell:dies", listener=lambda value: time.sleep(0.6))
    assert raised.value.ranks == [1]


@pytest.mark.parametrize("kind", KINDS)
def test_others_wait_no_longer_than_their_timeout(kind):
    pool = fastsgd.comm.open(n=2, timeout=60.0, **KINDS[kind])
    with pytest.raises(CommTimeout) as raised:
        pool.run("test_comm_tell:keeps_waiting", listener=lambda value: time.sleep(0.6))
    assert raised.value.ranks == [0]
