"""A small run of the MLPs' benchmark, and the examples in the docstrings."""

import doctest
import json

import numpy as np
import pytest
from scipy import sparse

import mlp
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


@pytest.mark.parametrize("module", [classifier, regressor], ids=lambda m: m.__name__)
def test_examples_of_the_docstrings(module):
    failed, tried = doctest.testmod(module)
    assert tried > 3
    assert not failed
