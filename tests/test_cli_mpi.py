"""The command line as an MPI job, under real mpirun."""

# ruff: noqa: F811 (fixtures that are imported)

import json

import numpy as np
import pytest
from mpi_environment import mpi  # noqa: F401
from test_cli import run
from test_cli_workers import LBFGS, joined, shards  # noqa: F401

from fastsgd import load_model

GD = ["--loss", "log_loss", "--solver", "gd", "--batch-size", 32, "--learning-rate", "constant",
      "--epochs", 4, "--tol", "none", "--seed", 2]


def train(mpi, n, *args):
    return mpi.run(n, "mpi_command.py", "train", *args, "--comm", "mpi", "--n-jobs", 1, "--json")


@pytest.mark.parametrize("way", [LBFGS, GD], ids=["lbfgs", "gd"])
def test_the_model_of_one_process(mpi, shards, tmp_path, way):
    """Rank 0 alone prints and saves; the marker tells that all have ended."""
    job = train(mpi, 2, *shards, *way, "--rows", "all", "--model", tmp_path / "m")
    assert (job.code, job.stderr) == (0, "")
    told = json.loads(job.stdout)
    assert (told["workers"], told["comm"]) == (2, "mpi")
    run("train", *shards, *way, "--n-jobs", 1, "--model", tmp_path / "one")
    m, one = load_model(tmp_path / "m"), load_model(tmp_path / "one")
    np.testing.assert_allclose(m.coef_, one.coef_, rtol=1e-6, atol=1e-9)
    assert json.loads((tmp_path / "m.done").read_text()) == {"completed": True, "world_size": 2}


def test_a_job_that_fails_tells_it_and_ends(mpi, shards, tmp_path):
    marker = tmp_path / "done"
    marker.write_text("of an earlier job")
    (tmp_path / "bad.svm").write_text("1 2:0.5\n-1 3:x\n")
    job = train(mpi, 2, *shards, tmp_path / "bad.svm", "--marker", marker)
    assert job.code == 1
    assert "bad.svm" in job.stderr
    assert "Traceback" not in job.stderr
    assert job.stdout == ""
    assert not marker.exists()
    job = train(mpi, 2, *shards, "--alpha", "-1")
    assert job.code == 2
    assert "--alpha" in job.stderr
