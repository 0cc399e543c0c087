"""The benchmarks' own arithmetic, and a small run of the RCV1 table."""

import json
import math

import numpy as np
import pytest
from scipy.sparse import csr_matrix

import classes
import harness
import hogwild
import memory
import rcv1
import sources
from libraries.fastsgd_linear import FastSGD
from libraries.zeros import Zeros
from optimum import hinge_optimum


@pytest.fixture
def problem():
    rng = np.random.default_rng(3)
    X = csr_matrix(rng.standard_normal((60, 7)) * (rng.random((60, 7)) < 0.6))
    y = np.where(X @ rng.standard_normal(7) + 0.3 > 0, 1.0, -1.0)
    return X, y, rng.standard_normal(7), -0.4


def test_objective_and_error_are_the_formulas(problem):
    X, y, w, b = problem
    z = [yi * (sum(a * c for a, c in zip(row, w, strict=True)) + b)
         for row, yi in zip(X.toarray(), y, strict=True)]
    half_square = 0.5 * 1e-2 * sum(v * v for v in w)
    hinge = sum(max(0.0, 1 - v) for v in z) / 60 + half_square
    log = sum(math.log1p(math.exp(-v)) for v in z) / 60 + half_square
    assert harness.objective("hinge", X, y, w, b, 1e-2) == pytest.approx(hinge, rel=1e-13)
    assert harness.objective("log_loss", X, y, w, b, 1e-2) == pytest.approx(log, rel=1e-13)
    assert harness.test_error(X, y, w, b) == sum(v <= 0 for v in z) / 60
    with pytest.raises(ValueError, match="hinge"):
        harness.objective("huber", X, y, w, b, 1e-2)


def test_a_program_that_learns_nothing_is_seen(problem):
    X, y, *_ = problem
    model = Zeros().fit(X, y, 1e-4, "hinge", 5)
    assert harness.objective("hinge", X, y, *model, 1e-4) == 1.0
    assert harness.objective("log_loss", X, y, *model, 1e-4) == pytest.approx(math.log(2))
    assert harness.test_error(X, y, *model) == 1.0


def test_turns_drop_the_first_run_and_spare_the_slow():
    calls = []
    times, results = harness.in_turn(
        {"a": lambda: calls.append("a") or 1, "b": lambda: calls.append("b") or 2}, runs=2)
    assert calls == list("ababab")
    assert results == {"a": 1, "b": 2}
    assert len(times["a"]["runs_s"]) == 2
    times, _ = harness.in_turn({"a": lambda: calls.append("slow")}, runs=2, slow=0.0)
    assert calls.count("slow") == 1
    assert len(times["a"]["runs_s"]) == 1


def test_bounds_enclose_the_optimum(problem):
    X, y, w, b = problem
    alpha = 1e-2
    found = hinge_optimum(X, y, alpha, w, b, gammas=(0.1, 0.01, 0.001), max_iter=500)
    assert found.lower <= found.upper <= found.lower * 1.02
    long_run = FastSGD().fit(X, y, alpha, "hinge", 3000)
    assert found.lower <= harness.objective("hinge", X, y, *long_run, alpha)


@pytest.mark.parametrize("multilabel", [False, True])
def test_classes_are_compared_by_the_same_formula(problem, multilabel):
    X = problem[0]
    y = np.arange(60) % 3
    if multilabel:
        y = csr_matrix(y[:, None] != np.arange(3), dtype=int)
    report = classes.compare((X, y, X, y), "hinge", 3, 2, runs=1)
    assert report["fastsgd, 2 threads"]["objective"] == report["fastsgd, 1 threads"]["objective"]
    assert report["ratio"] > 0
    model = classes.theirs("hinge", 3, 1).fit(X, y)
    each = []
    for k, one in enumerate(model.estimators_):
        belongs = y[:, [k]].toarray().ravel() == 1 if multilabel else y == k
        each.append(harness.objective("hinge", X, np.where(belongs, 1, -1), one.coef_.ravel(),
                                      one.intercept_[0], classes.ALPHA))
    assert report["scikit-learn, n_jobs=1"]["objective"] == pytest.approx(np.mean(each), rel=1e-12)


def test_result_files_name_no_place():
    head = harness.machine()
    assert set(head) == {"machine", "versions", "commit"}
    assert head["machine"]["cores"] >= 1
    text = json.dumps(head)
    assert str(harness.ROOT) not in text


def test_rcv1_table(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sources, "CACHE", tmp_path)
    file = tmp_path / "rcv1.json"
    rcv1.main(["--size", "full", "--rows", "2000", "--epochs", "2", "--repeats", "1",
               "--json", str(file)])
    report = json.loads(file.read_text())
    assert report["data"]["name"] == "RCV1-shaped"
    assert report["epochs"] == 2
    everyone = [library.name for library in rcv1.programs(2, 0)]
    for loss, table in report["tables"].items():
        expected = [name for name in everyone if not (loss == "log_loss" and name == "libsvm")]
        assert [row["name"] for row in table] == expected
        for row in table:
            assert row["seconds"] > 0
            if row["name"] != "zeros":
                assert 0.01 < row["f"] < (1.0 if loss == "hinge" else math.log(2))
                assert row["error"] < 0.3
            else:
                assert row["f"] == pytest.approx(1.0 if loss == "hinge" else math.log(2))
    printed = capsys.readouterr().out
    assert "23,642" in printed
    assert "another machine" in printed
    assert "generated, not real" in printed


def test_hogwild_spread_is_signed_against_the_reference():
    spread = hogwild._spread([1.0, 1.01, 0.98], [1.0, 1.0, 1.0])
    assert spread["min"] == pytest.approx(-2)
    assert spread["max"] == pytest.approx(1)
    assert spread["worst"] == pytest.approx(2)


def test_memory_bound():
    assert memory.bound(8, 1000, 4, 10) == 18 * 4000 + 480
