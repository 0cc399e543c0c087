"""The command line as an MPI job, under real mpirun."""

# ruff: noqa: F811 (fixtures that are imported)

import contextlib
import json
import os
import signal
import time
from pathlib import Path

import click
import numpy as np
import pytest
from mpi_environment import ended, mpi  # noqa: F401
from test_cli import run
from test_cli_workers import LBFGS, joined, shards  # noqa: F401

from fastsgd import load_model, load_svmlight
from fastsgd.cli.estimator import make_model

GD = ["--loss", "log_loss", "--solver", "gd", "--batch-size", 32, "--learning-rate", "constant",
      "--epochs", 4, "--tol", "none", "--seed", 2]


def train(mpi, n, *args):
    return mpi.run(n, "mpi_command.py", "train", *args, "--comm", "mpi", "--n-jobs", 1, "--json")


@pytest.mark.parametrize("way", [LBFGS, GD], ids=["lbfgs", "gd"])
def test_the_model_of_one_process(mpi, shards, tmp_path, way):
    """Rank 0 alone prints and saves; the marker tells that all have ended."""
    job = train(mpi, 2, *shards, *way, "--rows", "all", "--save", tmp_path / "m")
    assert (job.code, job.stderr) == (0, "")
    told = json.loads(job.stdout)
    assert (told["workers"], told["comm"]) == (2, "mpi")
    run("train", *shards, *way, "--n-jobs", 1, "--save", tmp_path / "one")
    m, one = load_model(tmp_path / "m"), load_model(tmp_path / "one")
    np.testing.assert_allclose(m.coef_, one.coef_, rtol=1e-6, atol=1e-9)
    assert json.loads((tmp_path / "m.done").read_text()) == {"completed": True, "world_size": 2}


def test_old_options_are_told_of_once(mpi, shards, tmp_path):
    """Rank 0 alone has a note for each."""
    job = train(mpi, 2, *shards, *GD, "--worker-sync", "sync", "--model", tmp_path / "m")
    assert job.code == 0
    assert [line.split(" was ")[0] for line in job.stderr.splitlines()] == [
        "fastsgd: note: --model FILE", "fastsgd: note: --worker-sync"]
    assert load_model(tmp_path / "m").workers.policy == "sync"


@pytest.mark.parametrize("n", [2, 4])
def test_every_process_reads_its_own_rows(mpi, shards, tmp_path, n):
    """Files by rank, and with more processes than files a part of each; classes and features of
    all, of which no process has all."""
    job = train(mpi, n, *shards, *LBFGS, "--save", tmp_path / "m")
    assert (job.code, job.stderr) == (0, "")
    told = json.loads(job.stdout)
    one = json.loads(run("train", *shards, *LBFGS, "--n-jobs", 1, "--json",
                         "--save", tmp_path / "one")[0])
    m, other = load_model(tmp_path / "m"), load_model(tmp_path / "one")
    assert m.workers.rows == "own"
    assert told["classes"] == one["classes"] == [1, 2, 3]
    np.testing.assert_allclose(m.coef_, other.coef_, rtol=1e-5, atol=1e-6)
    assert told["train"] == pytest.approx(one["train"], rel=1e-6)
    assert told["train"]["rows"] == 203


def test_own_rows_by_local_steps_and_minibatches(mpi, shards, tmp_path):
    """Of one file, by ranges of bytes; and what cannot be of own rows is trained of all."""
    one = joined(shards, tmp_path / "all.svm")
    text = one.read_bytes().splitlines(keepends=True)
    order = np.random.default_rng(0).permutation(len(text))
    one.write_bytes(b"".join(text[k] for k in order))
    alone = json.loads(run("train", one, "--loss", "log_loss", "--epochs", 40, "--tol", "none",
                           "--seed", 1, "--json")[0])["train"]
    more = ["--loss", "log_loss", "--epochs", 40, "--tol", "none", "--save", tmp_path / "m"]
    for options, rows in ((["--solver", "sgd"], "own"), (["--eta0", 0.5, *GD[2:8]], "own"),
                          (["--solver", "sdca"], "own")):
        job = train(mpi, 3, one, *options, *more)
        assert (job.code, job.stderr) == (0, "")
        told = json.loads(job.stdout)["train"]
        assert load_model(tmp_path / "m").workers.rows == rows
        assert told["rows"] == 203
        assert told["objective"] < alone["objective"] + 0.2, options


def test_sdca_of_own_rows_proves_a_gap_over_all(mpi, shards, tmp_path):
    """And goes on from a file, which has no dual variables, with other processes or alone."""
    two = tmp_path / "two.svm"
    two.write_bytes(b"".join(line for path in shards for line in path.read_bytes().splitlines(
        keepends=True) if line[:1] in b"12"))
    way = ["--solver", "sdca", "--loss", "log_loss", "--alpha", 0.01]
    job = train(mpi, 3, two, *way, "--gap", 1e-4, "--save", tmp_path / "m")
    assert (job.code, job.stderr) == (0, "")
    told = json.loads(job.stdout)
    assert told["stopped_by"] == "tol"
    model = load_model(tmp_path / "m")
    X, y = load_svmlight(str(two), n_features=model.n_features_in_)[:2]
    assert told["gap"] <= 1e-4 * told["train"]["objective"]
    assert model.set_params(workers=None).certify(X, y).gap <= 1.01 * told["gap"] + 1e-6
    more = ["--resume", tmp_path / "m", "--gap", 1e-6, "--epochs", 2000]
    again = json.loads(train(mpi, 2, two, *more).stdout)
    assert again["gap"] <= 1e-6 * again["train"]["objective"]


MLP = ["--kind", "mlp", "--hidden", 6, "--tol", "none", "--seed", 3]


def test_networks_of_own_rows(mpi, shards, tmp_path):
    """The default for them too; a checkpoint goes on with other processes, or with one."""
    way = [*MLP, "--solver", "lbfgs", "--epochs", 12]
    told = json.loads(train(mpi, 3, *shards, *way, "--save", tmp_path / "m").stdout)
    one = json.loads(run("train", *shards, *way, "--n-jobs", 1, "--json", "--save",
                         tmp_path / "one")[0])
    m, other = load_model(tmp_path / "m"), load_model(tmp_path / "one")
    assert m.workers.rows == "own"
    assert told["classes"] == one["classes"] == [1, 2, 3]
    np.testing.assert_allclose(m.coefs_[0], other.coefs_[0], atol=1e-5)
    assert told["train"] == pytest.approx(one["train"], rel=1e-5)
    way = [*MLP, "--batch-size", 16, "--learning-rate-init", 0.01]
    more = ["--checkpoint", tmp_path / "c", "--every", 2, "--epochs"]
    assert train(mpi, 2, *shards, *way, *more, 4).code == 0
    job = train(mpi, 3, *shards, "--resume", tmp_path / "c", *more, 7)
    assert (job.code, job.stderr) == (0, "")
    assert json.loads(job.stdout)["epochs"] == load_model(tmp_path / "c").n_iter_ == 7


def test_a_network_that_regresses_tells_of_all_rows(mpi, tmp_path):
    rng = np.random.default_rng(0)
    path = tmp_path / "numbers"
    path.write_text("".join(f"{x @ [1, 2, 3] + 5:.6f} " + " ".join(
        f"{k + 1}:{v:.6f}" for k, v in enumerate(x)) + "\n" for x in rng.normal(size=(50, 3))))
    way = [*MLP, "--task", "regress", "--solver", "lbfgs", "--epochs", 12]
    told = json.loads(train(mpi, 3, path, *way).stdout)["train"]
    one = json.loads(run("train", path, *way, "--json")[0])["train"]
    assert told == pytest.approx(one, rel=1e-5)


@pytest.mark.parametrize(("kind", "params", "rows"), [
    ("mlp", {}, "own"), ("mlp", {"solver": "lbfgs"}, "own"),
    ("mlp", {"early_stopping": True}, "all"), ("mlp", {"class_weight": "balanced"}, "all"),
    ("linear", {}, "own"), ("linear", {"eta0": "auto"}, "all")], ids=str)
def test_processes_have_rows_of_their_own_where_they_can(kind, params, rows):
    workers = dict.fromkeys(("n", "policy", "local_steps", "timeout", "rows")) | {"comm": "mpi"}
    assert make_model(kind, None, params, workers).workers.rows == rows
    if rows == "all":
        with pytest.raises(click.BadParameter, match="lets no process see all rows"):
            make_model(kind, None, params, workers | {"rows": "own"})


def ranks_of(word):
    """Processes, not mpirun itself, whose command has this word."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            words = path.read_bytes().decode(errors="replace").split("\0")
            if word in words and "mpirun" not in words[0]:
                found.append(int(path.parent.name))
    return found


def test_a_killed_rank_ends_the_job_and_the_checkpoint_goes_on(mpi, shards, tmp_path):
    """With another number of processes, which read other rows; and a job that ends at --epochs."""
    path = tmp_path / "checkpoint"
    args = [*shards, "--comm", "mpi", "--n-jobs", 1, "--tol", "none", "--checkpoint", path,
            "--every", 3, "--save", tmp_path / "m"]
    job = mpi.start(2, "mpi_command.py", "train", *args, "--epochs", 100_000_000)
    while not path.exists() and job.poll() is None:
        time.sleep(0.02)
    os.kill(ranks_of(str(path))[-1], signal.SIGKILL)
    assert ended(job).code
    assert not (tmp_path / "m.done").exists()
    assert ranks_of(str(path)) == []
    behind = load_model(path).n_iter_
    assert behind % 3 == 0
    job = mpi.run(3, "mpi_command.py", "train", *args, "--epochs", behind + 5, "--resume", path,
                  "--max-time", 100, "--json")
    assert (job.code, job.stderr) == (0, "")
    told = json.loads(job.stdout)
    assert (told["epochs"], told["workers"], told["stopped_by"]) == (behind + 5, 3, "max_iter")
    assert load_model(path).coef_.tobytes() == load_model(tmp_path / "m").coef_.tobytes()
    assert (tmp_path / "m.done").exists()


@pytest.mark.parametrize(("kind", "rows"), [("linear", "all"), ("mlp", "own")])
def test_ctrl_c_ends_the_job_and_harms_no_file(mpi, shards, tmp_path, kind, rows):
    """In the middle of a training that overwrites checkpoints: what is there is whole."""
    saved, checkpoint = tmp_path / "m", tmp_path / "checkpoint"
    args = [*shards, "--kind", kind, "--comm", "mpi", "--n-jobs", 1, "--tol", "none", "--rows",
            rows, "--checkpoint", checkpoint, "--every", 3, "--save", saved]
    job = mpi.run(2, "mpi_command.py", "train", *args, "--epochs", 3)
    assert job.code == 0
    assert (tmp_path / "m.done").exists()
    model, before = saved.read_bytes(), checkpoint.stat().st_mtime_ns
    job = mpi.start(2, "mpi_command.py", "train", *args, "--epochs", 1_000_000)
    while checkpoint.stat().st_mtime_ns == before and job.poll() is None:
        time.sleep(0.02)
    job.send_signal(signal.SIGINT)
    assert ended(job).code > 0
    assert ranks_of(str(checkpoint)) == []
    assert saved.read_bytes() == model
    assert load_model(checkpoint).n_iter_ % 3 == 0
    assert not (tmp_path / "m.done").exists()


def test_a_regressor_tells_of_all_rows(mpi, tmp_path):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(50, 3))
    path = tmp_path / "numbers"
    path.write_text("".join(f"{x @ [1, 2, 3] + 5:.6f} " + " ".join(
        f"{k + 1}:{v:.6f}" for k, v in enumerate(x)) + "\n" for x in X))
    way = ["--task", "regress", "--solver", "newton-cg", "--epochs", 30, "--tol", "1e-9"]
    told = json.loads(train(mpi, 2, path, *way).stdout)["train"]
    one = json.loads(run("train", path, *way, "--json")[0])["train"]
    assert told == pytest.approx(one, rel=1e-6)


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


def test_labels_of_processes_that_have_their_own_rows(mpi, tmp_path):
    """Weights by label, and label sets, of which no process has all; an empty file is no share."""
    rng = np.random.default_rng(3)
    X = rng.standard_normal((80, 4)).round(3)
    for name, kind in (("one", [1, 1, 2, 3]), ("sets", ["1,7", "7", "", "2,1"])):
        for part in range(2):
            (tmp_path / f"{name}{part}").write_text("".join(
                " ".join(filter(None, [str(kind[2 * part + (row[0] > 0)]), *(
                    f"{j + 1}:{v}" for j, v in enumerate(row))])) + "\n" for row in X[part::2]))
    (tmp_path / "empty").write_text("")
    (tmp_path / "test").write_text((tmp_path / "one1").read_text() + "9 1:1\n")
    way = ["--loss", "log_loss", "--solver", "lbfgs", "--tol", 1e-9, "--epochs", 300]
    for name, more in (("one", ["--class-weight", "1=2,3=0.5", "--test", tmp_path / "test"]),
                       ("sets", [])):
        files = [tmp_path / f"{name}{part}" for part in range(2)]
        job = train(mpi, 2, tmp_path / "empty", *files, *way, *more, "--save", tmp_path / "m")
        assert job.code == 0, job.stderr
        told = json.loads(job.stdout)
        alone = json.loads(run("train", *files, *way, *more, "--json")[0])
        assert load_model(tmp_path / "m").workers.rows == "own"
        assert told["classes"] == alone["classes"] == ([1, 2, 3] if name == "one" else [1, 2, 7])
        assert told["train"] == pytest.approx(alone["train"], rel=1e-5)
        if name == "one":
            assert told["test"] == pytest.approx(alone["test"], rel=1e-4)
            assert told["test"]["rows_of_unseen_labels"] == 1
            assert load_model(tmp_path / "m").class_weight == {1: 2, 3: 0.5}
    job = train(mpi, 2, *files, "--class-weight", "5=2")
    assert job.code != 0
    assert "is for one label a row" in job.stderr
