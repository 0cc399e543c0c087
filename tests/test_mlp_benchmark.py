"""Small runs of the MLPs' benchmarks, and the examples in the docstrings."""

import doctest
import json

import numpy as np
import pytest
from scipy import sparse

import mlp
import mlp_sparse
import mlp_threads
import pipeline
from fastsgd import pipeline as options
from fastsgd.engine.mlp.pipeline import balance as cuts
from fastsgd.estimators.mlp import classifier, regressor
from harness import sources


@pytest.mark.parametrize("csr", [False, True], ids=["dense", "csr"])
def test_programs_learn_alike(monkeypatch, tmp_path, csr):
    draw = np.random.default_rng(0)
    X = draw.normal(size=(400, 10)).astype(np.float32)
    y = np.digitize(X[:, 0], [-0.5, 0.5])
    X = sparse.csr_array(X) if csr else X
    monkeypatch.setitem(mlp.DATA, next(iter(mlp.DATA)), (lambda: (X, y, X, y), (5,)))
    out = tmp_path / "mlp.json"
    mlp.main(["--runs", "1", "--epochs", "3", "--data", "mnist", "--json", str(out)])
    (found,) = json.loads(out.read_text())["fits"].values()
    assert ("fastsgd, serial, lazy=False" in found) == csr
    for program in ("scikit-learn, 2 threads", "fastsgd, map_reduce, 2 threads"):
        assert found[program]["loss"] == pytest.approx(
            found["scikit-learn, 1 threads"]["loss"], rel=1e-3)


def test_sparse_programs_learn_alike(monkeypatch, tmp_path):
    X = sparse.csr_matrix(sparse.random_array(
        (6000, 60), density=0.1, format="csr", dtype=np.float32, rng=np.random.default_rng(1)))
    X.data[:] = 3
    y = np.where(X[:, :9].sum(axis=1).A1 > 0, 1.0, -1.0)
    data = sources.Dataset(X, y, X, y, "a few", "")
    monkeypatch.setattr(mlp_sparse, "problem", lambda name: data)
    monkeypatch.setattr(
        mlp_sparse, "in_child", lambda program, **given: mlp_sparse.memory(**given))
    out = tmp_path / "mlp_sparse.json"
    report = mlp_sparse.main(["--rows", "9", "--hidden", "64", "--runs", "1", "--json", str(out)])
    found = json.loads(out.read_text())["fits"]
    assert report["fits"].keys() == found.keys() >= {"scikit-learn, 1 threads",
                                                     "fastsgd, hogwild, 2 threads"}
    errors = {name: one["test_error"] for name, one in found.items()}
    assert errors.pop("fastsgd, merge, 2 threads") < 0.35  # of half as many steps
    assert max(errors.values()) < 0.15, errors
    assert found["fastsgd, serial, 1 threads"]["memory"]["weights_and_state"] == (
        3 * 4 * (60 * 64 + 64 + 64 + 1))


def test_a_pipeline_takes_the_same_steps(monkeypatch, tmp_path):
    draw = np.random.default_rng(0)
    X = draw.normal(size=(600, 10)).astype(np.float32)
    monkeypatch.setattr(pipeline, "mnist", lambda: (X, (X[:, 0] > 0).astype(int), None, None))
    monkeypatch.setattr(pipeline, "NETWORKS", {"10-6-5-1": (6, 5)})
    out = tmp_path / "pipeline.json"
    pipeline.main(["--runs", "1", "--rows", "500", "--seconds", "0.001", "--json", str(out)])
    report = json.loads(out.read_text())
    assert report["rows"] == 500
    found = report["fits"]["10-6-5-1"]
    assert len(found) == 7
    for r in found.values():
        assert r["loss"] == pytest.approx(found["one thread"]["loss"], rel=1e-4)
    told = found["2 stages, 4 micro-batches"]["pipeline"]
    assert (told["micro_batches"], told["layers"]) == (4, [[0], [1, 2]])
    assert [len(r["idle_share"]) for r in report["asleep"]] == [k for k, _ in pipeline.SIZES]


def test_threads_are_timed_by_size(monkeypatch, tmp_path):
    monkeypatch.setattr(mlp_threads, "DENSE", [(20, (5,), 50)])
    monkeypatch.setattr(mlp_threads, "CSR", [(30, 3, 4, 50)])
    out = tmp_path / "threads.json"
    mlp_threads.main(["--rows", "200", "--runs", "1", "--json", str(out)])
    fits = json.loads(out.read_text())["fits"]
    assert [r["work"] for r in fits] == [50 * 105, 50 * 105, 50 * 16]
    assert all(set(r["seconds"]) == set(mlp_threads.WAYS) for r in fits)


@pytest.mark.parametrize(
    "module", [classifier, regressor, options, cuts], ids=lambda m: m.__name__)
def test_examples_of_the_docstrings(module):
    failed, tried = doctest.testmod(module)
    assert tried > 1
    assert not failed
