"""The linear estimators among scikit-learn's tools, under joblib, after fork; containers."""

import os
import signal
import time
import tracemalloc

import numpy as np
import pytest
from joblib import Parallel, delayed
from scipy import sparse
from sklearn.calibration import CalibratedClassifierCV
from sklearn.feature_selection import SelectFromModel
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fastsgd import FastSGDClassifier, FastSGDRegressor
from fastsgd.plan.threads import count_threads

rng = np.random.default_rng(0)
X = rng.standard_normal((300, 8))
Y = (X[:, 0] + X[:, 1] > 0).astype(int)
Y3 = np.digitize(X[:, 2], [-0.5, 0.5])
FEW = {"max_iter": 5, "tol": None, "random_state": 0}
SPARSE = sparse.random(3000, 400, density=0.05, format="csr", random_state=0)
SPARSE_Y = (SPARSE @ np.ones(400) > 10).astype(int)


def test_pipeline_grid_search_in_two_processes():
    pipeline = make_pipeline(StandardScaler(), FastSGDClassifier(random_state=0))
    search = GridSearchCV(pipeline, {"fastsgdclassifier__alpha": [1e-4, 1e-2, 10.0]}, cv=3,
                          n_jobs=2)
    search.fit(X, Y)
    assert search.best_params_["fastsgdclassifier__alpha"] < 10
    assert search.best_score_ > 0.9


def test_meta_estimators():
    calibrated = CalibratedClassifierCV(FastSGDClassifier(random_state=0), cv=3).fit(X, Y)
    assert calibrated.predict_proba(X).shape == (300, 2)
    assert calibrated.score(X, Y) > 0.9
    each = OneVsRestClassifier(FastSGDClassifier(random_state=0), n_jobs=2).fit(X, Y3)
    assert each.score(X, Y3) > 0.6
    chosen = SelectFromModel(FastSGDRegressor(penalty="l1", alpha=0.05, random_state=0))
    assert set(chosen.fit(X, X[:, 3]).get_support(indices=True)) == {3}


def score_and_threads(sync):
    model = FastSGDClassifier(sync=sync, n_jobs=None, **FEW).fit(SPARSE, SPARSE_Y)
    return model.score(SPARSE, SPARSE_Y), count_threads(None)


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.parametrize("backend", ["loky", "threading", "multiprocessing"])
def test_joblib_backends_neither_hang_nor_oversubscribe(backend, monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    cores = os.cpu_count()

    results = Parallel(n_jobs=cores, backend=backend, timeout=60)(
        delayed(score_and_threads)(sync)
        for sync in ["serial", "hogwild", "round_robin", "merge", "auto"])
    assert all(score > 0.6 for score, _ in results)
    assert [threads for _, threads in results] == [1] * 5


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_threads_of_ones_own_inside_joblib(backend):
    def work(_):
        model = FastSGDClassifier(sync="hogwild", n_jobs=2, **FEW).fit(SPARSE, SPARSE_Y)
        return model.fit_stats_["threads"]

    assert Parallel(n_jobs=2, backend=backend, timeout=60)(
        delayed(work)(i) for i in range(4)) == [2] * 4


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.parametrize("sync", ["hogwild", "round_robin", "merge"])
def test_fit_in_a_forked_child(sync):
    model = FastSGDClassifier(
        sync=sync, merge_every=64, n_jobs=2, **FEW).fit(SPARSE, SPARSE_Y)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            score = model.fit(SPARSE, SPARSE_Y).partial_fit(SPARSE, SPARSE_Y).score(
                SPARSE, SPARSE_Y)
            code = 0 if score > 0.6 else 2
        finally:
            os._exit(code)
    deadline = time.monotonic() + 30
    while (ended := os.waitpid(child, os.WNOHANG))[0] == 0 and time.monotonic() < deadline:
        time.sleep(0.02)
    if ended[0] == 0:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        pytest.fail("the child hangs")
    assert os.waitstatus_to_exitcode(ended[1]) == 0


@pytest.mark.parametrize("index", [np.int32, np.int64])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("make", [sparse.csr_matrix, sparse.csr_array])
def test_every_kind_of_csr_gives_the_same(index, dtype, make):
    Z = make(SPARSE.astype(dtype))
    Z.indices, Z.indptr = Z.indices.astype(index), Z.indptr.astype(index)
    for array in (Z.data, Z.indices, Z.indptr):
        array.flags.writeable = False
    model = FastSGDClassifier(**FEW).fit(Z, SPARSE_Y)
    assert model.coef_.dtype == dtype
    wanted = FastSGDClassifier(**FEW).fit(SPARSE.astype(dtype), SPARSE_Y)
    assert np.array_equal(model.coef_, wanted.coef_)


@pytest.mark.parametrize("convert", [
    sparse.csc_matrix, sparse.coo_array, sparse.lil_matrix, np.asfortranarray, np.ndarray.tolist,
    lambda A: np.ascontiguousarray(np.repeat(A, 2, axis=0))[::2],
], ids=["csc", "coo", "lil", "fortran", "list", "strided"])
def test_other_containers(convert):
    model = FastSGDClassifier(**FEW).fit(convert(X), Y.tolist())
    like = sparse.csr_matrix(X) if sparse.issparse(convert(X)) else X
    assert np.array_equal(model.coef_, FastSGDClassifier(**FEW).fit(like, Y).coef_)
    assert np.array_equal(model.predict(convert(X)), model.predict(like))


def test_data_frames_give_names():
    pandas = pytest.importorskip("pandas", reason="data frames need pandas")
    frame = pandas.DataFrame(X, columns=[f"x{i}" for i in range(8)])
    model = FastSGDClassifier(**FEW).fit(frame, pandas.Series(Y))
    assert list(model.feature_names_in_) == list(frame.columns)
    assert np.array_equal(model.coef_, FastSGDClassifier(**FEW).fit(X, Y).coef_)
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(frame.rename(columns={"x0": "z"}))


def peak_of_fit(Z, y):
    model = FastSGDClassifier(max_iter=2, tol=None, random_state=0)
    model.fit(Z[:50], y[:50])
    tracemalloc.start()
    model.fit(Z, y)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("index", [np.int32, np.int64])
def test_mapped_csr_is_not_copied(tmp_path, dtype, index):
    n, k, d = 20_000, 60, 2_000
    np.save(tmp_path / "data.npy", rng.random(n * k).astype(dtype))
    np.save(tmp_path / "indices.npy", rng.integers(0, d, n * k).astype(index))
    data, indices = (np.load(tmp_path / f"{name}.npy", mmap_mode="r")
                     for name in ("data", "indices"))
    Z = sparse.csr_matrix((data, indices, np.arange(n + 1, dtype=index) * k), shape=(n, d))
    assert not Z.data.flags.writeable
    peak = peak_of_fit(Z, np.arange(n) % 2)
    assert peak < min(data.nbytes, indices.nbytes), f"peak {peak / data.nbytes:.2f} of X.data"


def test_read_only_dense_is_not_copied(tmp_path):
    np.save(tmp_path / "X.npy", rng.random((20_000, 100)))
    Z = np.load(tmp_path / "X.npy", mmap_mode="r")
    peak = peak_of_fit(Z, np.arange(20_000) % 2)
    assert peak < Z.nbytes / 2, f"peak {peak / Z.nbytes:.2f} of X"
