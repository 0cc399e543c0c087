"""Workers of odd programs: forked, with streams closed, threads; of machines that differ."""

import gc
import os
import subprocess
import sys
import threading
import warnings
from pathlib import Path

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

import fastsgd
from fastsgd import FastSGDClassifier, Workers
from fastsgd.comm import watcher
from fastsgd.comm.process import ProcessPool
from fastsgd.models import pools

DRAW = np.random.default_rng(0)
X = DRAW.normal(size=(300, 5))
Y = (X[:, 0] > 0).astype(int)


def made(**options):
    return FastSGDClassifier(random_state=0, max_iter=3, tol=None, **options)


def pids(model):
    return pools._POOLS[model][1].pids


def in_a_fork(act):
    """The exit code of a forked child that runs ``act()``: 0 when it is true."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = 0 if act() else 2
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("kind", ["process", "thread"])
def test_a_forked_child_leaves_its_parents_workers_alone(kind):
    """Whether it drops the estimator, or trains it: by workers of its own."""
    model = made(workers=Workers(2, comm=kind, policy="local", timeout=30)).fit(X, Y)
    pool, coef = pools._POOLS[model][1], model.coef_.tobytes()
    before = pids(model) if kind == "process" else None

    def drops():
        nonlocal model
        del model
        gc.collect()
        return True

    def trains():
        trained = model.fit(X, Y).coef_.tobytes() == coef
        own = pools._POOLS[model][1]
        return trained and own is not pool and (kind == "thread" or own.pids != before)

    assert in_a_fork(drops) == 0
    assert in_a_fork(trains) == 0
    assert model.fit(X, Y).coef_.tobytes() == coef
    assert pools._POOLS[model][1] is pool
    assert before is None or pids(model) == before


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_pool_is_of_the_process_that_opened_it():
    with ProcessPool(1, timeout=30) as pool:
        def asks():
            with pytest.raises(RuntimeError, match="a fork; open another pool here"):
                pool.run("fastsgd.engine.rank:everyone", {"said": 1})
            pool.close()
            return True

        assert in_a_fork(asks) == 0
        assert pool.run("fastsgd.engine.rank:everyone", {"said": 1}) == [1]


def test_paths_that_are_no_strings_are_passed_over(monkeypatch):
    """As imports do."""
    monkeypatch.setattr(sys, "path", [Path("/nowhere"), *sys.path])
    made(workers=Workers(1, policy="local", timeout=30)).fit(X, Y)


@pytest.mark.parametrize("closed", ["0", "1", "0, 1, 2"])
def test_standard_streams_may_be_closed(closed, tmp_path):
    """Then descriptors of the pool have their numbers, which a worker's own streams would take."""
    code = f"""
import os
for fd in ({closed},): os.close(fd)
import numpy as np
from fastsgd import FastSGDClassifier
X = np.random.default_rng(0).normal(size=(300, 5))
score = FastSGDClassifier(workers=2, random_state=0).fit(X, X[:, 0] > 0).score(X, X[:, 0] > 0)
with open({str(tmp_path / "score")!r}, "w") as file: file.write(str(score))
"""
    home = str(Path(fastsgd.__file__).parent.parent)
    subprocess.run([sys.executable, "-c", code], check=True, timeout=300,
                   env={**os.environ, "PYTHONPATH": home})
    assert float((tmp_path / "score").read_text()) > 0.9


def test_threads_that_train_at_once_and_a_pool_of_another_thread():
    """A pool outlives the thread that opened it."""
    models = [made(workers=Workers(2, policy="local", timeout=30)) for _ in range(3)]
    threads = [threading.Thread(target=model.fit, args=(X, Y)) for model in models]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    before = [pids(model) for model in models]
    assert len({pid for each in before for pid in each}) == 6
    assert len({model.fit(X, Y).coef_.tobytes() for model in models}) == 1
    assert [pids(model) for model in models] == before


@pytest.mark.parametrize("options", [
    {"solver": "lbfgs"}, {"solver": "newton-cg"},
    {"solver": "gd", "learning_rate": "exact"}, {"solver": "gd", "learning_rate": "backtracking"},
    {"solver": "gd", "learning_rate": "adaptive", "batch_size": 50},
    {"solver": "sdca", "alpha": 1e-2}], ids=str)
def test_machines_of_other_cpus(options, monkeypatch):
    """Rank 1 has the BLAS and the loops of an old CPU, other bits: no rank goes its own way."""
    started, older = [], {
        "OPENBLAS_CORETYPE": "Nehalem", "NPY_DISABLE_CPU_FEATURES":
        "AVX2 FMA3 AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL X86_V3 X86_V4"}

    class Older(subprocess.Popen):
        def __init__(self, command, env, **more):
            started.append(command)
            super().__init__(command, env=env | (older if len(started) % 2 == 0 else {}), **more)

    monkeypatch.setattr(watcher.subprocess, "Popen", Older)
    made = {"loss": "log_loss", "max_iter": 300, "tol": 1e-8, "random_state": 0, **options}
    alone = FastSGDClassifier(**made)
    by = FastSGDClassifier(**made, workers=Workers(2, timeout=30))
    scales = (-2, 2) if options["solver"] in ("lbfgs", "newton-cg") else (-1, 0.3)
    for seed in range(3):
        draw = np.random.default_rng(seed)
        X = draw.normal(size=(500, 60)) * 10 ** draw.uniform(*scales, 60)
        y = X @ draw.normal(size=60) + 0.5 * draw.normal(size=500) > 0
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            alone.fit(X, y)
            by.fit(X, y)
        assert by.loss_curve_[-1] == pytest.approx(alone.loss_curve_[-1], rel=1e-2)
    assert len(started) == 2
