"""Benchmark of solver='auto': its design, its verdicts on made-up cells, a small run."""

import json
import os
import time

import numpy as np
import pytest

import auto
import auto_cells
import auto_data
import auto_methods
import auto_summary
from fastsgd.solvers import SOLVERS
from harness import objective

TOL = 1e-3


def made_up(loss="log_loss", alpha=1e-4, f_zero=0.7, **methods):
    """A cell: of each method (f, gap, seconds), or a dict."""
    runs = {}
    for name, run in methods.items():
        if isinstance(run, tuple):
            f, gap, seconds = run
            run = {"f": f, "gap": gap, "seconds": seconds, "solver": name, "warned": [],
                   "stopped_by": "tol"}
        runs[name] = {"own": True, "same_objective": True} | run
    return {"key": f"data {loss} {alpha:g}", "loss": loss, "alpha": alpha, "f_zero": f_zero,
            "f_star": min(run["f"] for run in runs.values() if "f" in run), "methods": runs}


def kept(records):
    return {text: (share, n) for text, share, _, n in auto_summary.checks(records, TOL)}


def test_cells_cover_all_pairs_and_are_the_same_every_time():
    names = list(auto_data.DATA)
    factors = (names, auto_cells.LOSSES, auto_cells.ALPHAS, auto_cells.THREADS, auto_cells.DTYPES)
    assert len(names) >= 16
    design = auto_cells.cells(names)
    assert design == auto_cells.cells(names)
    assert len(design) == len({cell.key for cell in design}) == 200
    for i in range(5):
        for j in range(i):
            assert len({(c[i], c[j]) for c in design}) == len(factors[i]) * len(factors[j])
    least = auto_cells.covering(factors)
    assert len(least) < 160
    assert auto_cells.uncovered(least, factors) == set()
    assert auto_cells.uncovered(least[:-1], factors)  # the last row is needed


def test_shares_of_certified_cells_by_loss_and_alpha():
    records = [
        made_up(auto=(0.5, 4e-4, 1.0)), made_up(auto=(0.5, 6e-4, 1.0)),
        made_up("hinge", 1e-5, auto=(0.5, None, 1.0)),
        made_up("hinge", 1e-6, auto=(0.5, 4e-4, 1.0)),
        made_up("hinge", 1e-7, auto={"f": 0.5, "gap": 0.4, "seconds": 1.0, "solver": "sdca",
                                     "warned": ["far"], "stopped_by": "max_iter"}),
        made_up("hinge", 1e-8, auto={"killed": "no end"}, sdca=(0.5, 0.1, 1.0)),
    ]
    found = kept(records)
    assert found["smooth losses: gap <= 0.001 f"] == (0.5, 2)
    assert found["hinge, alpha >= 1e-05: gap <= 0.001 f"] == (0.0, 1)
    assert found["hinge, alpha < 1e-05: gap <= 0.001 f"] == (1 / 3, 3)
    assert found["hinge, alpha < 1e-05: certified or warned"] == (2 / 3, 3)
    assert found["not above f(0)"] == (5 / 6, 6)
    assert found["stopped_by 'tol' only where the gap says so"] == (4 / 6, 6)
    above = made_up(auto=(0.71, 1e-9, 1.0))
    assert kept([above])["not above f(0)"] == (0.0, 1)


def test_slowdown_is_against_the_fastest_that_is_certified():
    cell = made_up(auto=(0.5, 0.0, 2.0), sdca=(0.5, 0.1, 0.1), lbfgs=(0.5, 0.0, 1.0))
    assert auto_summary.slowdown(cell, TOL) == 2.0
    lost = made_up(auto=(0.6, 0.1, 2.0), lbfgs=(0.5, 0.0, 1.0))
    assert auto_summary.slowdown(lost, TOL) == np.inf
    nobody = made_up(auto=(0.6, 0.1, 2.0), lbfgs=(0.5, 0.1, 1.0))
    assert np.isnan(auto_summary.slowdown(nobody, TOL))
    alone = made_up(auto=(0.5, 0.0, 2.0), lbfgs=(0.5, 0.1, 1.0))
    assert auto_summary.slowdown(alone, TOL) == 1.0
    short = made_up(auto=(0.5, 0.0, 0.02), lbfgs=(0.5, 0.0, 0.001))
    found = kept([cell, lost, nobody, alone, short])
    assert found["time <= 1.5 x the best of our solvers"] == (1 / 4, 4)
    assert found["time <= 3 x the best, or 20 ms more"] == (3 / 4, 4)
    assert auto_summary.worst([alone, lost, cell, nobody], TOL) == [lost, nobody, cell, alone]


def test_peers_are_timed_where_they_get_there():
    def peer(f, seconds, same=True):
        return {"own": False, "same_objective": same, "f": f, "seconds": seconds}

    records = [made_up(auto=(0.5, 0.0, 1.0), lbfgs=peer(0.5, 3.0),
                       liblinear=peer(0.6, 5.0, False)),
               made_up(auto=(0.5, 0.0, 1.0), lbfgs=peer(0.51, 0.1)),
               made_up(auto=(0.6, 0.1, 1.0), lbfgs=peer(0.5, 9.0)),
               made_up(auto=(0.5, 0.0, 1.0), lbfgs={"own": False, "same_objective": True,
                                                   "killed": "no end"})]
    assert auto_summary.beside_peers(records, TOL) == [
        ("lbfgs", 4, 2, 3.0, 1), ("liblinear", 1, 0, 5.0, 1)]


@pytest.mark.parametrize("loss", auto_cells.LOSSES)
def test_value_is_the_objective(loss):
    X, y = auto_data.problem("cancer_std", loss, "float64")
    w = np.linspace(-1, 1, X.shape[1])
    assert auto.value(loss, X, y, w, 0.3, 1e-2) == pytest.approx(
        objective(loss, X, y, w, 0.3, 1e-2), rel=1e-12)


def test_values_become_classes_but_for_squared_error():
    X, y = auto_data.problem("diabetes", "hinge", "float32")
    assert (X.dtype, y.dtype) == (np.float32, np.float32)
    assert sorted(set(y)) == [-1, 1]
    assert len(set(auto_data.problem("diabetes", "squared_error", "float64")[1])) > 2
    assert sorted(set(auto_data.problem("wine_raw", "squared_error", "float64")[1])) == [-1, 1]


def test_solvers_that_are_tried_are_those_that_can():
    assert "lbfgs" not in auto_methods.own("hinge", (100, 5))
    assert {"sdca", "lbfgs", "newton-cg"} <= set(auto_methods.own("log_loss", (100, 5)))
    assert set(auto_methods.own("log_loss", (100, 5))) <= set(SOLVERS)
    assert "sklearn newton-cholesky" in auto_methods.peers("log_loss", (10**6, 5), True)
    assert "sklearn newton-cholesky" not in auto_methods.peers("log_loss", (10**5, 10**5), True)


class Ends:
    """A fit that ends in one of the ways that fits end."""

    def __init__(self, way):
        self.way = way

    def __call__(self, X, y, alpha):
        if self.way == "refused":
            raise ValueError("not so")
        if self.way == "raised":
            raise ZeroDivisionError("by 0")
        if self.way == "died":
            os._exit(3)
        if self.way == "hangs":
            time.sleep(600)
        return np.zeros(2), 0.0, {"gap": 0.0}


def test_every_end_of_a_fit_is_told():
    def told(way, limit=60.0):
        return auto_methods.attempt(Ends(way), np.ones((3, 2)), np.ones(3), 1.0, 1, limit)

    well = told("well")
    assert (list(well["w"]), well["b"], well["gap"], well["warned"]) == ([0, 0], 0.0, 0.0, [])
    assert 0 < well["seconds"] < 0.3
    assert told("refused") == {"refused": "not so"}
    assert told("raised") == {"failed": "ZeroDivisionError: by 0"}
    assert told("died") == {"failed": "its process ended with 3"}
    assert told("hangs", 0.0) == {"killed": "no end after 0 s"}


def test_missing_data_are_skipped_with_the_reason(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("FASTSGD_DATA", str(tmp_path))
    auto_data.rows.cache_clear()
    assert auto.main(["--data", "criteo", "--cells", "0:40", "--file",
                      str(tmp_path / "a.jsonl")]) == []
    assert "is skipped: criteo_sample/train.tiny.csv is not in" in capsys.readouterr().out


def test_a_run_is_taken_up_where_it_was_ended(tmp_path, capsys):
    file = tmp_path / "auto.jsonl"
    few = ["--data", "wine_std", "--cells", "0:60", "--limit", "5", "--file", str(file)]
    first = auto.main(few)
    lines = file.read_text().splitlines()
    assert len(lines) == 1 + len(first) >= 2
    assert json.loads(lines[0])["tol"] == TOL
    for record in first:
        auto_run = record["methods"]["auto"]
        assert auto_run["f"] >= record["f_star"] >= record["lower_bound"] * (1 - 1e-9)
        assert auto_run["seconds"] > 0
        assert not any("failed" in run for run in record["methods"].values())
    file.write_text("\n".join(lines[:-1]) + "\n" + lines[-1][:40])  # ended while writing
    capsys.readouterr()
    again = auto.main(few)
    printed = capsys.readouterr().out
    assert "1 cells to do" in printed
    assert {r["key"] for r in again} == {r["key"] for r in first}
    assert len(file.read_text().splitlines()) == len(lines)
    auto.main(["--summary", "--file", str(file)])
    assert "not above f(0)" in capsys.readouterr().out
