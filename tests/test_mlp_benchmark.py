"""Small runs of the MLPs' benchmarks, and the examples in the docstrings."""

import doctest
import json

import numpy as np
import pytest
from scipy import sparse

import mlp
import pipeline
from fastsgd import pipeline as options
from fastsgd.engine.mlp.pipeline import balance as cuts
from fastsgd.estimators import mlp as classifier
from fastsgd.estimators import mlp_regressor as regressor


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


@pytest.mark.parametrize(
    "module", [classifier, regressor, options, cuts], ids=lambda m: m.__name__)
def test_examples_of_the_docstrings(module):
    failed, tried = doctest.testmod(module)
    assert tried > 1
    assert not failed
