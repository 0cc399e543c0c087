"""Workers of odd programs: forked, with streams closed, with paths that are no strings, threads."""

import gc
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import fastsgd
from fastsgd import FastSGDClassifier, Workers
from fastsgd.comm.process import ProcessPool
from fastsgd.errors import CommError
from fastsgd.estimators import _workers

DRAW = np.random.default_rng(0)
X = DRAW.normal(size=(300, 5))
Y = (X[:, 0] > 0).astype(int)


def made(**options):
    return FastSGDClassifier(random_state=0, max_iter=3, tol=None, **options)


def pids(model):
    return _workers._POOLS[model][1].pids


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
    model = made(workers=Workers(2, comm=kind, sync="local", timeout=30)).fit(X, Y)
    pool, coef = _workers._POOLS[model][1], model.coef_.tobytes()
    before = pids(model) if kind == "process" else None

    def drops():
        nonlocal model
        del model
        gc.collect()
        return True

    def trains():
        trained = model.fit(X, Y).coef_.tobytes() == coef
        own = _workers._POOLS[model][1]
        return trained and own is not pool and (kind == "thread" or own.pids != before)

    assert in_a_fork(drops) == 0
    assert in_a_fork(trains) == 0
    assert model.fit(X, Y).coef_.tobytes() == coef
    assert _workers._POOLS[model][1] is pool
    assert before is None or pids(model) == before


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_pool_is_of_the_process_that_opened_it():
    with ProcessPool(1, timeout=30) as pool:
        def asks():
            with pytest.raises(CommError, match="forked; open a new one"):
                pool.run("fastsgd.engine.worker:everyone", {"said": 1})
            pool.close()
            return True

        assert in_a_fork(asks) == 0
        assert pool.run("fastsgd.engine.worker:everyone", {"said": 1}) == [1]


def test_paths_that_are_no_strings_are_passed_over(monkeypatch):
    """As imports do."""
    monkeypatch.setattr(sys, "path", [Path("/nowhere"), *sys.path])
    made(workers=Workers(1, sync="local", timeout=30)).fit(X, Y)


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
    subprocess.run([sys.executable, "-c", code], check=True, timeout=100,
                   env={**os.environ, "PYTHONPATH": home})
    assert float((tmp_path / "score").read_text()) > 0.9


def test_threads_that_train_at_once_and_a_pool_of_another_thread():
    """A pool outlives the thread that opened it."""
    models = [made(workers=Workers(2, sync="local", timeout=30)) for _ in range(3)]
    threads = [threading.Thread(target=model.fit, args=(X, Y)) for model in models]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    before = [pids(model) for model in models]
    assert len({pid for each in before for pid in each}) == 6
    assert len({model.fit(X, Y).coef_.tobytes() for model in models}) == 1
    assert [pids(model) for model in models] == before
