"""The benchmarks of communicators: what they count, and small runs of them."""

import json

import numpy as np
import pytest
from realdata import real

import allreduce
import allreduce_loop
import ring_cost
import workers


def test_costs_are_the_formulas(tmp_path):
    """Counted bytes and steps; 60 elements divide by every number of workers here."""
    report = ring_cost.main(["--workers", "1", "2", "3", "4", "--elements", "60",
                             "--json", str(tmp_path / "cost.json")])
    assert len(report["rows"]) == 12
    for row in report["rows"]:
        for what in ("busiest", "idlest", "all", "steps"):
            assert row[what] == pytest.approx(row[f"{what}_formula"], rel=1e-12), row
    by_name = {(row["workers"], row["algorithm"]): row for row in report["rows"]}
    assert by_name[4, "ring"]["busiest"] == 1.5
    assert by_name[4, "server"]["busiest"] == 3.0
    assert json.loads((tmp_path / "cost.json").read_text()) == report


def test_all_reduce(tmp_path):
    report = allreduce.main(["--workers", "2", "--bytes", "4000", "--runs", "1", "--skip-mpi",
                             "--json", str(tmp_path / "found.json")])
    (row,) = report["rows"]
    assert row["calls"] == 500
    assert min(row["auto_us"], row["ring_us"], row["direct_us"], row["copy_us"]) > 0
    assert "ratio" not in row
    assert json.loads((tmp_path / "found.json").read_text()) == report


def test_workers(tmp_path):
    """The same epochs: sums reach what one process reaches, averages come near it."""
    real("rcv1")
    report = workers.main(["--data", "rcv1:2000", "--workers", "2", "--runs", "1", "--only",
                           "sgd, log loss", "lbfgs", "--json", str(tmp_path / "found.json")])
    assert set(report["fits"]) == {"sgd, log loss", "lbfgs"}
    for what, rows in report["fits"].items():
        assert list(rows) == ["1 thread", "2 threads", "2 workers"]
        assert len({row["n_iter"] for row in rows.values()}) == 1
        assert abs(rows["2 workers"]["above_percent"]) < (1e-4 if what == "lbfgs" else 2.0)
        assert rows["2 workers"]["bytes_sent"] > 0
    assert report["opening"][2]["median_s"] > 0


def test_a_call_takes_as_long_as_its_slowest_rank():
    ranks = [{"8": {"all_reduce": [1.0, 5.0, 2.0]}}, {"8": {"all_reduce": [4.0, 1.0, 3.0]}}]
    assert allreduce.slowest(ranks, 8) == 4.0


def test_calls_are_timed_after_a_barrier_and_the_first_three_dropped():
    order, buf = [], np.zeros(3)
    seconds = allreduce_loop.loop(
        buf, lambda data: order.append(data.sum()), lambda: order.append("barrier"), 4)
    assert order == ["barrier", 3.0] * 7
    assert len(seconds) == 4


def test_mpi_is_asked_for_more_ranks_than_cores(monkeypatch):
    monkeypatch.setattr(allreduce.os, "geteuid", lambda: 0)
    command, environment = allreduce.mpi_command("/x/bin/python", 4, "loop.py", "{}")
    assert command == ["/x/bin/mpirun", "--oversubscribe", "-n", "4", "/x/bin/python", "loop.py",
                       "{}"]
    assert environment["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"] == "1"
