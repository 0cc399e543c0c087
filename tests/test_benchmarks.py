"""The benchmarks' own arithmetic, and a small run of the RCV1 table."""

import json
import math

import numpy as np
import pytest
from scipy.sparse import csr_matrix

import classes
import harness
import hogwild
import libraries
import memory
import race
import rcv1
import references
import scaling
import shapes
import sources
import sparse_layer
import start
import sync
from entrants import Entrant, entrants
from fastsgd import FastSGDClassifier
from fastsgd.errors import NotBuiltYetError
from libraries.fastsgd_linear import FastSGD, built
from libraries.liblinear import Liblinear
from libraries.liblinear_multicore import LiblinearMulticore
from libraries.sklearn_logistic import SklearnLogistic
from libraries.sklearn_sgd import SklearnSGD
from libraries.snap_ml import SnapML
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


THOROUGH = [  # every program with so much effort that it must be at the optimum
    (FastSGD("serial", average=True), 1000), (FastSGD("hogwild", 2), 1000),
    (SklearnSGD(average=True), 1000),
    (Liblinear(tol=1e-8, max_iter=10_000), 0),
    (Liblinear(tol=1e-8, max_iter=10_000, dual=True, intercept_scaling=10.0), 0),
    (SklearnLogistic(tol=1e-8, max_iter=1000), 0),
    (SklearnLogistic(solver="sag", tol=1e-8, max_iter=5000), 0),
    (LiblinearMulticore(n_jobs=2, tol=1e-5), 0), (LiblinearMulticore(n_jobs=1, tol=1e-5), 0),
    (LiblinearMulticore(n_jobs=1, tol=1e-5, solver=7), 0),
    (SnapML(n_jobs=2, tol=0.0, max_iter=3000), 0),
    (SnapML(n_jobs=1, tol=0.0, max_iter=5000, intercept_scaling=10.0), 0),
]


def rows_off_centre(n=500, d=12):
    """Labels that need a bias, in an order that begins with -1: programs differ in both."""
    rng = np.random.default_rng(7)
    X = csr_matrix(rng.standard_normal((n, d)) * (rng.random((n, d)) < 0.7), dtype=np.float32)
    y = np.where(X @ rng.standard_normal(d) + 0.5 + rng.standard_normal(n) > 0, 1.0, -1.0)
    first = int(np.flatnonzero(y < 0)[0])
    order = np.r_[first, np.delete(np.arange(n), first)]
    return X[order], y[order].astype(np.float32)


@pytest.mark.parametrize("loss", ["hinge", "log_loss"])
@pytest.mark.parametrize(("library", "epochs"), THOROUGH, ids=lambda v: getattr(v, "label", ""))
def test_objective_of_every_program_is_ours(library, epochs, loss):
    if loss not in library.losses or (loss == "hinge" and getattr(library, "solver", None) == 7):
        pytest.skip(f"{library.label} has no {loss}")
    left_out = libraries.installed([library])[2]
    if left_out:
        pytest.skip(left_out[0])
    X, y = rows_off_centre()
    alpha = 1e-3
    w, b = library.fit(*library.prepare(X, y), alpha, loss, epochs)
    f_star = (references.smooth(X, y, alpha)["f_star"] if loss == "log_loss" else hinge_optimum(
        X, y, alpha, np.zeros(X.shape[1]), 0.0, (0.1, 0.01, 0.001, 1e-4), 2000).lower)
    f = harness.objective(loss, X, y, w, b, alpha)
    assert f_star * (1 - 1e-9) <= f <= f_star * 1.002
    assert abs(b) > 0.1


def test_a_program_that_is_not_installed_is_told():
    class Absent(Zeros):
        package = "a-package-that-nobody-has"

    present, versions, left_out = libraries.installed([Zeros(), Absent()])
    assert [library.name for library in present] == ["zeros"]
    assert versions == {}
    assert "a-package-that-nobody-has is left out: it is not installed" in left_out[0]


def test_syncs_that_are_not_built_are_told(monkeypatch):
    fit = FastSGDClassifier.fit

    def older(model, X, y):
        if model.sync == "merge":
            raise NotBuiltYetError("sync='merge' is not built yet")
        return fit(model, X, y)

    monkeypatch.setattr(FastSGDClassifier, "fit", older)
    present, left_out = built(["serial", "merge"])
    assert present == ["serial"]
    assert "merge is left out" in left_out[0]


def test_smooth_optimum_is_a_minimum(problem):
    X, y, w, b = problem
    found = references.smooth(X, y, 1e-2)
    assert found["known_to_percent"] < 1e-6
    rng = np.random.default_rng(0)
    for scale in (0.01, 0.1, 1.0):
        there = w + scale * rng.standard_normal(7), b + scale
        assert harness.objective("log_loss", X, y, *there, 1e-2) > found["f_star"]


def test_known_optima_are_used_and_found_ones_kept(problem, tmp_path, monkeypatch):
    X, y, *_ = problem
    monkeypatch.setattr(references, "KEPT", tmp_path / "optima.json")
    assert references.reference("blogs", "hinge", X, y, 1e-4)["f_star"] == 0.7747143
    found = references.reference("mine", "log_loss", X, y, 1e-2)
    monkeypatch.setattr(references, "smooth", None)  # must not be called again
    assert references.reference("mine", "log_loss", X, y, 1e-2) == found


def test_the_cheapest_setting_that_is_enough():
    measured = {"a1": (3.0, 1), "a2": (1.0, 5), "a3": (0.5, 9), "b1": (2.0, 2), "b2": (1.0, 3),
                "c1": (1.5, 6), "c2": (0.1, 7)}
    roads = [["a1", "a2", "a3"], ["b1", "b2"], ["c1", "c2"]]
    there, tried = race.cheapest(roads, measured.get, enough=1.0)
    assert there == [{"setting": "a2", "f": 1.0, "search_s": 5},
                     {"setting": "b2", "f": 1.0, "search_s": 3}]
    # a3 is beyond enough; c1 is clearly dearer than b2 already
    assert [t["setting"] for t in tried] == ["a1", "a2", "b1", "b2", "c1"]
    assert race.cheapest(roads, measured.get, enough=0.01)[0] == []
    _, tried = race.cheapest(roads, measured.get, enough=0.01, limit=4)
    assert [t["setting"] for t in tried] == ["a1", "a2", "b1", "b2", "c1"]


def test_seeds_of_a_setting_are_judged_by_their_median(problem):
    X, y, *_ = problem
    data = sources.Dataset(X, y, X[:0], y[:0], "", "")

    class Fixed(Zeros):
        def __init__(self, seed, scale):
            self.b = scale * seed

        def fit(self, X, y, alpha, loss, epochs):
            return np.zeros(X.shape[1]), self.b

    entrant = Entrant(
        "fixed", lambda seed, scale=0.0: Fixed(seed, scale), [[{"scale": 0.0}]])
    at_zero = race.Course(data, "hinge", 1.0, seeds=3)
    assert at_zero.attempt(entrant, {"scale": 0.0})[0] == 1.0
    values = [harness.objective("hinge", X, y, np.zeros(7), 0.001 * seed, 1e-4)
              for seed in range(3)]
    assert at_zero.attempt(entrant, {"scale": 0.001})[0] == sorted(values)[1]


def test_everyone_has_a_name_and_cheap_settings_first():
    for loss in ("hinge", "log_loss"):
        everyone, _, _ = entrants(loss, 2, ["serial", "auto"])
        names = [entrant.name for entrant in everyone]
        assert len(set(names)) == len(names)
        assert {"fastsgd_serial", "fastsgd_auto", "sklearn_sgd", "liblinear"} <= set(names)
        for entrant in everyone:
            assert loss in entrant.program(entrant.roads[0][0]).losses
            for settings in entrant.roads:
                for key in ("epochs", "max_iter"):
                    effort = [setting[key] for setting in settings if key in setting]
                    assert effort == sorted(effort)


def test_race(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sources, "CACHE", tmp_path)
    monkeypatch.setattr(references, "KEPT", tmp_path / "optima.json")
    monkeypatch.setitem(sources.SIZES, "full", 3000)
    file = tmp_path / "race.json"
    race.main(["--data", "rcv1_shaped:2000", "--loss", "log_loss", "--runs", "1", "--seeds", "1",
               "--syncs", "serial", "--skip-memory", "--json", str(file)])
    (part,) = json.loads(file.read_text())["races"]
    assert part["data"]["train_rows"] == 2000
    rows = part["programs"]
    assert rows["fastsgd_serial"]["reached"]
    assert rows["sklearn_lbfgs"]["gap_percent"] <= 0.1
    assert rows["fastsgd_serial"]["ratio"] == 1.0
    assert all(row["gap_percent"] <= 0.1 for row in rows.values() if row["reached"])
    assert "within 0.1% of f*" in capsys.readouterr().out


def test_a_child_tells_its_memory(tmp_path):
    told = harness.in_child(race.__file__, name="small_sparse", loss="hinge",
                            entrant="fastsgd_serial", setting={"epochs": 2}, n_jobs=2,
                            syncs=["serial"])
    X, _ = shapes.random_rows(2000, 5000, 0.01)
    assert told["X_y_bytes"] > X.data.nbytes
    assert told["loaded_bytes"] > told["X_y_bytes"]
    assert told["fit_bytes"] >= 0


def test_zipf_rows_have_length_1_and_few_busy_features():
    X, y = shapes.zipf(5000, n_rows=2000, per_row=20)
    assert X.shape == (2000, 5000)
    np.testing.assert_allclose(np.sqrt(X.multiply(X).sum(axis=1)), 1, rtol=1e-5)
    uses = np.sort(np.bincount(X.indices, minlength=5000))[::-1]
    assert uses[:50].sum() > 0.3 * X.nnz  # exponent 1: ln 50 / ln 5000 of the draws
    assert abs(y.mean()) < 0.1
    with pytest.raises(ValueError, match="unknown data 'x'; known are rcv1"):
        shapes.problem("x")


def test_thread_counts_and_traffic():
    assert scaling.thread_counts(1) == [1]
    assert scaling.thread_counts(2) == [1, 2]
    assert scaling.thread_counts(8) == [1, 2, 4, 8]
    assert scaling.thread_counts(6) == [1, 2, 4, 6]
    X, y = csr_matrix(np.eye(3, dtype=np.float32)), np.ones(3, np.float32)
    assert scaling.epoch_bytes(X, y) == 3 * 4 + 3 * 4 + 4 * 8 + 3 * 4
    assert scaling.epoch_bytes(np.eye(3), y) == 9 * 8 + 12
    assert scaling.read_bandwidth(2, n_bytes=1 << 20, runs=1) > 0
    rows = scaling.with_speed_up([{"sync": "serial", "threads": 1, "epoch_s": 3.0},
                                  {"sync": "merge", "threads": 2, "epoch_s": 2.0}])
    assert [row["speed_up"] for row in rows] == [1.0, 1.5]
    assert [row["efficiency"] for row in rows] == [1.0, 0.75]


def test_scaling(tmp_path):
    file = tmp_path / "scaling.json"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scaling.read_bandwidth, "__defaults__", (1 << 20, 1))
        scaling.main(["--data", "small_sparse", "--threads", "1", "2", "--syncs", "hogwild",
                      "--loss", "hinge", "--runs", "1", "--json", str(file)])
    rows = json.loads(file.read_text())["losses"]["hinge"]
    assert [(r["sync"], r["threads"]) for r in rows] == [
        ("serial", 1), ("hogwild", 1), ("hogwild", 2)]
    assert all(len(r["f_after_epochs"]) == scaling.EPOCHS for r in rows)
    assert rows[0]["f_after_epochs"][-1] < rows[0]["f_after_epochs"][0]


def test_what_auto_may_choose_and_whether_it_is_right():
    assert sync.candidates(("serial", "hogwild", "merge", "classes"), 2, False) == [
        "serial", "hogwild", "merge"]
    assert sync.candidates(("serial", "hogwild", "merge", "classes"), 20, True) == [
        "serial", "merge", "classes"]
    ways = {"serial": {"fit_s": 2.0, "f": 1.0}, "merge": {"fit_s": 1.0, "f": 1.005},
            "hogwild": {"fit_s": 0.5, "f": 1.5}}
    told = sync.verdict(ways, {"fit_s": 2.1, "f": 1.0, "chose": "serial"})
    assert (told["best"], told["right"], told["not_counted"]) == ("merge", False, ["hogwild"])
    assert told["auto_over_best"] == 2.1
    assert sync.verdict(ways, {"fit_s": 1.3, "f": 1.0, "chose": "merge"})["right"]
    assert sync.verdict(ways, {"fit_s": 1.1, "f": 1.0, "chose": "serial"})["right"]


def test_sync(tmp_path):
    file = tmp_path / "sync.json"
    sync.main(["--data", "small_dense", "--syncs", "serial", "hogwild", "--runs", "1",
               "--json", str(file)])
    seeds = json.loads(file.read_text())["shapes"]["small_dense"]["seeds"]
    assert set(seeds["no seed"]["ways"]) == {"serial", "hogwild"}
    assert set(seeds["seed 0"]["ways"]) == {"serial"}
    assert seeds["seed 0"]["auto"]["f"] == seeds["seed 0"]["ways"]["serial"]["f"]


def test_first_layer_of_a_network(tmp_path):
    report = sparse_layer.main(["--rows", "300", "--units", "5", "--batch", "64", "--runs", "1",
                                "--json", str(tmp_path / "found.json")])
    assert 0 < report["touched_per_batch"] < report["nonzeros"] / 4
    assert json.loads((tmp_path / "found.json").read_text()) == report


def test_commands_are_timed_against_their_imports(tmp_path):
    told = start.main(["--runs", "1", "--json", str(tmp_path / "start.json")])
    assert told["ratio"][start.YARDSTICK] == 1
    assert set(told["ratio"]) == {start.YARDSTICK, *start.COMMANDS}
    assert json.loads((tmp_path / "start.json").read_text()) == told
    with pytest.raises(SystemExit, match="ended with 2"):
        start.cpu_seconds(["-m", "fastsgd.cli", "none"], tmp_path)
