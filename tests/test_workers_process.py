"""Workers that are processes: what they are told, map and import; and how they end."""

import gc
import json
import mmap
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
from kernel_reference import small_problem
from test_solvers import model_for

from fastsgd import FastSGDClassifier, Workers
from fastsgd.engine.linear.rank_task import pack_settings, unpack_settings
from fastsgd.engine.linear.sgd import Settings
from fastsgd.engine.shared_arrays import MAPS, SMALL, SharedArrays, open_array
from fastsgd.errors import PeerFailed
from fastsgd.losses import LOSSES
from fastsgd.models import pools
from fastsgd.penalties import Penalty
from fastsgd.schedules import Backtracking


def processes(n, **options):
    return Workers(n, comm="process", timeout=30, **options)


@pytest.fixture(scope="module")
def large():
    """Rows that are more than a message holds."""
    from scipy import sparse

    rng = np.random.default_rng(0)
    X = sparse.random_array((4000, 50), density=0.3, format="csr", rng=rng)
    return X, (X @ rng.normal(size=50) > 0).astype(int)


@pytest.mark.parametrize("options", [
    {"solver": "lbfgs", "loss": "log_loss"},
    {"solver": "gd", "batch_size": 200, "max_iter": 3, "learning_rate": "constant"},
    {"solver": "sdca", "tol": 1e-5}, {"max_iter": 5, "sync": "merge", "n_jobs": 2},
], ids=str)
def test_the_model_of_threads(large, options):
    """The same code over another communicator; of CSR and dense rows, of weights and classes."""
    X, y = large
    way = "local" if "solver" not in options else "sync"
    weight = np.linspace(0.5, 1.5, len(y))
    made = {"tol": None, "random_state": 0, "alpha": 1e-3, "class_weight": "balanced"} | options
    for rows, target in ((X, y), (X.toarray().astype(np.float32), y + (X[:, :5].sum(axis=1) > 1))):
        by = [FastSGDClassifier(**made, workers=Workers(2, comm=kind, timeout=30, policy=way)).fit(
            rows, target, sample_weight=weight) for kind in ("thread", "process")]
        assert by[0].coef_.tobytes() == by[1].coef_.tobytes()
        assert by[0].loss_curve_ == by[1].loss_curve_
        assert by[1].fit_stats_["comm"] == "process"


def test_a_pool_lives_through_calls_and_ends_with_its_estimator(large):
    X, y = large
    before = set(os.listdir("/proc/self/fd"))
    model = FastSGDClassifier(random_state=0, workers=3)
    model.partial_fit(X, y, classes=[0, 1])
    pids = pools._POOLS[model][1].pids
    model.partial_fit(X, y).set_params(max_iter=4).resume(X, y)
    assert pools._POOLS[model][1].pids == pids
    assert model.t_ == 1 + 4 * len(y)
    del model
    gc.collect()
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    assert set(os.listdir("/proc/self/fd")) <= before


def test_a_dead_worker_is_told_and_the_model_kept(large):
    X, y = large
    model = FastSGDClassifier(random_state=0, workers=processes(2, policy="local")).fit(X, y)
    before, pids = model.coef_.copy(), pools._POOLS[model][1].pids
    os.kill(pids[1], signal.SIGKILL)
    with pytest.raises(PeerFailed, match="rank 1 died"):
        model.fit(X, y)
    assert np.array_equal(model.coef_, before)
    assert model.fit(X, y).coef_.tobytes() == before.tobytes()  # by new workers
    assert set(pools._POOLS[model][1].pids).isdisjoint(pids)


def test_verbose_and_hook_hear_and_end_the_training(capfd):
    problem, heard = small_problem(loss="log_loss"), []
    model = model_for("log_loss", solver="gd", learning_rate="constant", max_iter=9, tol=None,
                      verbose=1, workers=processes(2))
    model._epoch_hook = lambda k, told: (
        heard.append((told.number, told.objective)) or told.number == 3)
    model.fit(problem.X, problem.y)
    assert heard == list(zip([1, 2, 3], model.loss_curve_, strict=True))
    assert capfd.readouterr().out.count("Norm: ") == 3
    assert model.fit_stats_["stopped_by"] == "callback"


def test_workers_do_not_import_scikit_learn():
    """Nor do any of the modules that a worker's task brings in."""
    code = ("import sys, fastsgd.engine.linear.rank_task; "
            "print([m for m in sys.modules if m.split('.')[0] == 'sklearn'])")
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"
    problem = small_problem(loss="log_loss")
    model = model_for("log_loss", solver="lbfgs", early_stopping=False, workers=processes(1))
    model.fit(problem.X, problem.y)
    pool = pools._POOLS[model][1]
    with open(f"/proc/{pool.pids[0]}/maps") as maps:
        mapped = maps.read()
    assert "gradient" in mapped
    assert "sklearn" not in mapped


def test_arrays_are_mapped_not_copied(tmp_path):
    """From a segment without a name, or from their own file, slices and all."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=(300, 100))
    mapped = np.memmap(tmp_path / "x", np.float64, "w+", 64, (300, 100))
    mapped[:] = values
    mapped.flush()
    read = np.memmap(tmp_path / "x", np.float64, "r", 64, (300, 100))
    copied = np.memmap(tmp_path / "x", np.float64, "c", 64, (300, 100))
    copied[0, 0] = 7.0  # which the file does not hold
    given = [values, read, read[100:200], np.asarray(read)[250:], copied, values[:3], None,
             np.asfortranarray(values), read.T]
    with SharedArrays() as shelf:
        told = shelf.place(*given)
        json.dumps([one for one in told if isinstance(one, dict)])
        in_file = [isinstance(one, dict) and one["path"] == str(tmp_path / "x") for one in told]
        assert in_file == [False, True, True, True, False, False, False, False, False]
        assert told[5] is given[5]
        assert given[5].nbytes <= SMALL
        opened = [open_array(one) for one in told]
        for array, one in zip(given, opened, strict=True):
            assert one is None if array is None else np.array_equal(array, one)
        assert not opened[0].flags.writeable
    assert np.array_equal(opened[0], values)  # as long as somebody maps it
    with pytest.raises(FileNotFoundError):
        open_array(told[0])
    direct = SharedArrays(direct=True).place(values, None)
    assert direct[0] is values


def test_maps_of_large_files(tmp_path):
    """Slices that begin beyond a page; what numpy maps begins at one."""
    path = tmp_path / "x"
    np.arange(50_000, dtype=np.int64).tofile(path)
    array = np.memmap(path, np.int64, "r", 8 * 12_345, (30_000,))[4_321:]
    told, = SharedArrays().place(array)
    assert told["offset"] == 8 * (12_345 + 4_321)
    assert told["offset"] % mmap.ALLOCATIONGRANULARITY
    assert np.array_equal(open_array(told), array)


@pytest.mark.skipif(not MAPS.exists(), reason="asks Linux what is mapped")
def test_a_file_that_was_replaced_is_not_mapped_in_its_stead(tmp_path):
    """The old one, which has no name any more, is what the array shows: it is copied."""
    path, values = tmp_path / "x y", np.arange(20_000.0)
    for change in ("replaced", "deleted", "moved away"):
        values.tofile(path)
        array = np.memmap(path, np.float64, "r")
        with SharedArrays() as shelf:
            assert shelf.place(array)[0]["path"] == str(path)
        if change == "replaced":
            np.zeros(20_000).tofile(tmp_path / "new")
            os.replace(tmp_path / "new", path)
        elif change == "moved away":
            os.rename(path, tmp_path / "old")
            np.zeros(20_000).tofile(path)
        else:
            os.remove(path)
        with SharedArrays() as shelf:
            told, = shelf.place(array)
            assert told["path"].startswith("/proc/")
            assert np.array_equal(open_array(told), values)
    with SharedArrays() as shelf:
        assert shelf.place(np.memmap(path, np.float64, "r"))[0]["path"] == str(path)


@pytest.mark.parametrize("search", [None, Backtracking(gamma=0.2)])
def test_settings_go_through_json(search):
    settings = Settings(
        loss=LOSSES["huber"], loss_constant=0.3, penalty=Penalty(1e-3, 0.1, 0.9),
        schedule={"eta0": 0.1, "eta_max": float("inf")}, adaptive=False, passive=False,
        fit_intercept=True, intercept_decay=0.1, average_from=3, max_iter=7, tol=None,
        n_iter_no_change=5, shuffle="rows", search=search, merge_every=77, local_steps=9)
    assert unpack_settings(json.loads(json.dumps(pack_settings(settings)))) == settings
