"""The command line with workers, and with several data files."""

# ruff: noqa: F811 (fixtures that are imported)

import json
import os
import signal

import numpy as np
import pytest
from sklearn.datasets import dump_svmlight_file
from test_cli import folder, result, run  # noqa: F401
from test_model_file import labels, rows

from fastsgd import FastSGDClassifier, checkpoints, load_model, load_svmlight, save_model
from fastsgd.comm.thread import ThreadPool
from fastsgd.errors import CommError
from fastsgd.models import pools
from fastsgd.workers import Workers

LBFGS = ["--loss", "log_loss", "--solver", "lbfgs", "--epochs", 300, "--tol", "1e-9"]


@pytest.fixture
def shards(tmp_path):
    """Three files of uneven length and width; class 3 is in the last one alone."""
    X, y = rows(n=203)
    y = labels(y, [1, 2, 3])
    order = np.argsort(y == 3, kind="stable")
    X, y, paths = X[order], y[order], []
    for k, (begin, end) in enumerate([(0, 20), (20, 100), (100, 203)]):
        wide = X.shape[1] - 2 + k
        path = tmp_path / f"{k}.svm"
        dump_svmlight_file(X[begin:end, :wide], y[begin:end], str(path), zero_based=False)
        paths.append(path)
    return paths


def joined(paths, path):
    path.write_bytes(b"".join(p.read_bytes() for p in paths))
    return path


def test_several_files_are_one(shards, tmp_path):
    """Width of the widest, classes of all, rows in the order given."""
    one = joined(shards, tmp_path / "all.svm")
    told = [result("train", *files, "--seed", 3, "--epochs", 4, "--tol", "none", "--save",
                   tmp_path / name) for name, files in (("a", shards), ("b", [one]))]
    assert told[0]["classes"] == [1, 2, 3]
    assert told[0]["train"] == told[1]["train"]
    a, b = (load_model(tmp_path / name) for name in "ab")
    assert a.coef_.tobytes() == b.coef_.tobytes()
    assert a._index_base == b._index_base == 1


def test_a_feature_0_anywhere_is_for_all(shards, tmp_path):
    (tmp_path / "zero").write_text("1 0:1 2:1\n")
    one = joined([*shards, tmp_path / "zero"], tmp_path / "all.svm")
    width = load_svmlight(str(one))[0].shape[1]
    told = result("train", *shards, tmp_path / "zero", "--epochs", 1, "--tol", "none",
                  "--save", tmp_path / "m")
    assert told["features"] == width
    assert load_model(tmp_path / "m")._index_base == 0
    run("convert", shards[0], tmp_path / "cache")
    _, err = run("train", shards[1], tmp_path / "cache", tmp_path / "zero", code=1)
    assert "number their features from 0 and others from 1" in err
    assert result("train", shards[1], tmp_path / "cache", "--epochs", 1, "--tol", "none")[
        "train"]["rows"] == 100


@pytest.mark.parametrize(("more", "same"), [
    (["--workers", 2, *LBFGS], LBFGS),
    (["--workers", 3, "--comm", "thread", "--policy", "sync", *LBFGS], LBFGS),
], ids=str)
def test_sums_over_workers_give_the_model_of_one_process(shards, tmp_path, more, same):
    told = [result("train", *shards, *args, "--n-jobs", 1, "--save", tmp_path / name)
            for name, args in (("a", more), ("b", same))]
    a, b = (load_model(tmp_path / name) for name in "ab")
    np.testing.assert_allclose(a.coef_, b.coef_, rtol=1e-6, atol=1e-9)
    assert told[0]["workers"] == more[1]
    assert told[0]["bytes_sent"] > 0
    assert "workers" not in told[1]


def test_local_steps(folder, tmp_path):
    args = ["train", folder / "two", "--epochs", 3, "--tol", "none", "--seed", 5, "--n-jobs", 1]
    told = result(*args, "--workers", 2, "--comm", "thread", "--local-steps", 10,
                  "--save", tmp_path / "m")
    model = load_model(tmp_path / "m")
    assert model.workers == Workers(2, comm="thread", policy="local", local_steps=10)
    assert told["workers"] == 2
    X, y = load_svmlight(str(folder / "two"))
    same = FastSGDClassifier(max_iter=3, tol=None, random_state=5, n_jobs=1, workers=Workers(
        2, comm="thread", policy="local", local_steps=10)).fit(X, y)
    assert model.coef_.tobytes() == same.coef_.tobytes()


@pytest.mark.parametrize(("options", "words"), [
    (["--comm", "process"], "needs --workers"), (["--local-steps", 3], "needs --workers"),
    (["--workers", 0], "n must be an int >= 1"),
    (["--workers", 300], "has at most 256 workers"),
    (["--workers", 2, "--comm", "tcp"], "must be process or mpi or thread, got tcp"),
    (["--workers", 2, "--policy", "ssp"], "must be sync or local, got ssp"),
    (["--workers", 2, "--policy", "sync"], "adds up gradients before each step"),
    (["--workers", 2, "--policy", "local", *LBFGS], "averages weights"),
    (["--workers", 2, *LBFGS, "--local-steps", 3], "has no meaning with"),
    (["--workers", 2, "--worker-timeout", 0], "timeout must be a number > 0"),
    (["--marker", "m"], "is for --comm mpi"),
], ids=str)
def test_usage(folder, options, words):
    _, err = run("train", folder / "missing", *options, code=2)
    assert words in " ".join(err.replace("│", " ").split())


def test_resume_by_other_workers(folder, tmp_path):
    """Workers are what the command line says, or none; the model file keeps them."""
    path = tmp_path / "m"
    run("train", folder / "two", "--workers", 2, "--comm", "thread", "--epochs", 2, "--tol",
        "none", "--seed", 1, "--save", path)
    for more, n in ((["--workers", 3, "--comm", "thread"], 3), ([], None)):
        told = result("train", folder / "two", "--resume", path, "--epochs", 5, "--save",
                      tmp_path / "n", *more)
        assert told["epochs"] == 5
        assert told.get("workers") == n


def test_a_model_with_workers_is_stored(tmp_path):
    workers = Workers(2, comm="thread", policy="local", local_steps=7)
    X, y = rows(n=50)
    model = FastSGDClassifier(workers=workers).fit(X, labels(y, [0, 1]))
    save_model(model, tmp_path / "m")
    assert load_model(tmp_path / "m").workers == workers
    assert json.loads(json.dumps(load_model(tmp_path / "m").get_params()["workers"].n)) == 2


def test_a_killed_worker_and_the_checkpoint_to_go_on_from(folder, tmp_path, monkeypatch):
    """It is told where there is one; without, nothing is."""
    save, path = checkpoints.save_model, tmp_path / "run"

    def save_and_kill(model, path):
        save(model, path)
        if model.n_iter_ == 4:
            os.kill(pools._POOLS[model][1].pids[1], signal.SIGKILL)

    monkeypatch.setattr(checkpoints, "save_model", save_and_kill)
    args = ["train", folder / "two", "--workers", 2, "--tol", "none", "--epochs", 9]
    _, err = run(*args, "--seed", 1, "--checkpoint", path, "--every", 2, "--save", tmp_path / "m",
                 code=1)
    assert f"the checkpoint {path} has 4 whole epochs, go on with --resume {path}" in err
    assert "rank 1 died (killed by SIGKILL)" in err
    assert not (tmp_path / "m").exists()
    assert result(*args, "--resume", path, "--comm", "thread")["epochs"] == 9
    monkeypatch.setattr(ThreadPool, "run", _raises(CommError("lost")))
    other = tmp_path / "other"
    _, err = run(*args, "--comm", "thread", "--resume", path, "--checkpoint", other, code=1)
    assert "--resume" not in err
    assert "lost" in err
    assert not other.exists()


def test_interrupted_before_the_first_epoch(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(ThreadPool, "run", _raises(KeyboardInterrupt()))
    args = ["train", folder / "two", "--workers", 2, "--comm", "thread", "--save", tmp_path / "m"]
    for more in ((), ("--checkpoint", tmp_path / "c", "--every", 7)):
        _, err = run(*args, *more, code=130)
        assert "nothing was saved, since the workers had told of no whole epoch" in err
    assert list(tmp_path.iterdir()) == []


def _raises(error):
    def run(*args, **more):
        raise error
    return run
