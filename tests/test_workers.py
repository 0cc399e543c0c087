"""Workers that sum before each step: the model of one process, over threads as ranks."""

import pickle
import warnings
from copy import deepcopy

import numpy as np
import pytest
from kernel_reference import small_problem
from realdata import real
from sklearn.base import clone
from test_solvers import WEIGHT, model_for

from fastsgd import FastSGDClassifier, FastSGDRegressor, Workers, load_svmlight
from fastsgd.engine.linear import row_sums
from fastsgd.engine.peers import grown
from fastsgd.errors import DivergenceError
from fastsgd.kernels import tables
from fastsgd.kernels.rows import Rows
from fastsgd.models import pools
from fastsgd.plan.linear import Plan
from fastsgd.schedules import Backtracking, Cosine, of_one_worker
from fastsgd.solvers import Gap

SUMS = [{"solver": "lbfgs"}, {"solver": "newton-cg"},
        *({"solver": "gd", "learning_rate": rate} for rate in (
            "exact", Backtracking(gamma=0.1), "invscaling")),
        {"solver": "gd", "learning_rate": "adaptive", "batch_size": 32},
        {"solver": "gd", "learning_rate": Cosine(T_0=3), "batch_size": 7, "shuffle": "rows"},
        {"solver": "gd", "learning_rate": "backtracking", "penalty": "l1"},
        {"solver": "gd", "learning_rate": "constant", "batch_size": 40, "penalty": "elasticnet"}]


def threads(n, **options):
    """n ranks that are threads of this process."""
    return Workers(n, comm="thread", timeout=30, **options)


def same(model, other, tol=1e-9):
    np.testing.assert_allclose(model.coef_, other.coef_, atol=tol)
    np.testing.assert_allclose(model.intercept_, other.intercept_, atol=tol)
    np.testing.assert_allclose(model.loss_curve_, other.loss_curve_, rtol=1e-9)
    assert (model.n_iter_, model.t_) == (other.n_iter_, other.t_)


@pytest.mark.parametrize("n", [1, 2, 4])
@pytest.mark.parametrize("options", SUMS, ids=str)
@pytest.mark.parametrize("loss", ["log_loss", "squared_error"])
def test_the_model_of_one_process(loss, options, n):
    """Also of rows with weights; by several threads in each rank."""
    problem = small_problem(loss=loss)
    options = {"eta0": 0.05, "max_iter": 12, "tol": 1e-6} | options
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        alone, by = (model_for(loss, **options, **more).fit(
            problem.X, problem.y, sample_weight=WEIGHT)
            for more in ({}, {"workers": threads(n), "n_jobs": 2}))
    same(by, alone)
    assert by.fit_stats_["workers"] == n
    assert (by.fit_stats_["bytes_sent"] > 0) == (n > 1)


@pytest.mark.parametrize("solver", ["gd", "lbfgs"])
def test_held_out_rows_classes_labels_and_dense(solver):
    X = small_problem().X
    y = np.digitize(small_problem(loss="squared_error").y, [-0.7, 0.7])
    Y = np.column_stack([y == 0, y > 0]).astype(int)
    options = {"solver": solver, "learning_rate": "invscaling", "eta0": 0.1, "max_iter": 8,
               "tol": None, "class_weight": "balanced", "early_stopping": solver == "gd"}
    for rows, target in ((X, y), (X.toarray(), Y), (X.astype(np.float32), Y)):
        alone, by = (model_for("log_loss", **options, **more).fit(rows, target)
                     for more in ({}, {"workers": threads(3)}))
        same(by, alone, 1e-6 if rows.dtype == np.float32 else 1e-9)


def test_early_stopping_of_a_regressor_is_by_rank_0():
    problem = small_problem(loss="squared_error")
    options = {"solver": "gd", "learning_rate": "constant", "eta0": 0.3, "early_stopping": True,
               "tol": 1e-2, "batch_size": 16, "max_iter": 60}
    alone, by = (model_for("squared_error", **options, **more).fit(
        problem.X, problem.y, sample_weight=WEIGHT)
        for more in ({}, {"workers": threads(2)}))
    same(by, alone)
    assert by.n_iter_ < 60


@pytest.mark.parametrize("n", [5, 8])
def test_more_workers_than_rows(n):
    problem = small_problem(loss="log_loss")
    X, y = problem.X[:4], np.array([0, 1, 1, 0])
    for options in ({"solver": "lbfgs"}, {"solver": "gd", "learning_rate": "constant",
                                          "batch_size": 3}):
        alone, by = (model_for("log_loss", max_iter=5, tol=None, **options, **more).fit(
            X, y) for more in ({}, {"workers": threads(n)}))
        same(by, alone)


@pytest.mark.parametrize("n", [2, 4])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rcv1_minibatches(n, dtype):
    """The minibatches of one process, to 1e-6; sums over the rows too."""
    X, y = load_svmlight(real("rcv1/rcv1_ccat_train.svm.gz"), dtype=dtype)[:2]
    X, y = X[:8000], y[:8000]
    options = {"loss": "log_loss", "tol": None, "max_iter": 2, "random_state": 0, "eta0": 1.0}
    for more in ({"solver": "gd", "learning_rate": "invscaling", "batch_size": 256},
                 {"solver": "lbfgs"}):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            alone, by = (FastSGDClassifier(**options, **more, workers=workers).fit(X, y)
                         for workers in (None, threads(n)))
        assert np.abs(by.coef_ - alone.coef_).max() <= 1e-6 * np.abs(alone.coef_).max()
        assert abs(by.loss_curve_[-1] - alone.loss_curve_[-1]) <= 1e-6 * alone.loss_curve_[-1]


def test_all_ranks_have_the_same_bits(monkeypatch):
    """What every rank decides by; and passes are shared, not repeated."""
    seen, rows = {}, {}
    begun = row_sums.RowSums._reduce

    def reduce(self, out):
        begun(self, out)
        seen.setdefault(self.peers.rank, []).append(
            (self._totals, None if out is None else out.tobytes()))
        rows[self.peers.rank] = self._sums.n_visits

    monkeypatch.setattr(row_sums.RowSums, "_reduce", reduce)
    problem = small_problem(loss="log_loss")
    model_for("log_loss", solver="lbfgs", workers=threads(3)).fit(problem.X, problem.y)
    assert len(seen) == 3
    assert seen[0] == seen[1] == seen[2]
    assert sum(rows.values()) == problem.X.shape[0]
    assert max(rows.values()) < problem.X.shape[0] / 2


def test_bytes_sent_are_those_of_the_sums():
    """2 (N - 1) K of each all-reduce: n_features + 4 numbers a step, and what rank 0 decides."""
    problem = small_problem(loss="log_loss")
    model = model_for("log_loss", solver="gd", learning_rate="constant", batch_size=50,
                      max_iter=2, tol=None, workers=threads(2)).fit(problem.X, problem.y)
    assert model.fit_stats_["bytes_sent"] == 2 * (3 * 2 * 8 * (23 + 4) + 2 * 8)


def test_minibatches_of_each_worker():
    """Two workers take the steps of one process whose minibatches and steps are twice as large."""
    problem = small_problem(loss="log_loss")
    options = {"solver": "gd", "learning_rate": "constant", "max_iter": 4, "tol": None}
    by = model_for("log_loss", batch_size=25, eta0=0.1, **options, workers=threads(
        2, batch="per_worker", warm_up=0)).fit(problem.X, problem.y)
    alone = model_for("log_loss", batch_size=50, eta0=0.2, **options).fit(problem.X, problem.y)
    same(by, alone)
    warm = model_for("log_loss", batch_size=25, eta0=0.1, **options, workers=threads(
        2, batch="per_worker", warm_up=2)).fit(problem.X, problem.y)
    assert warm.loss_curve_[0] > by.loss_curve_[0]  # shorter steps in the beginning
    assert [grown(4, t, 10) for t in (0, 5, 10, 99)] == [1, 2.5, 4, 4]


@pytest.mark.parametrize("rate", ["constant", "optimal", "invscaling", "adaptive", "cosine"])
def test_steps_of_one_worker(rate):
    """eta'(k) = growth * eta(n k), but that eta_max bounds both."""
    model = FastSGDClassifier(learning_rate=rate, eta0=0.1)
    X = small_problem().X
    settings = Plan.of(model).settle(Rows(X), X.shape[0], 1)
    scaled = of_one_worker(settings.schedule, 4, 3.0)
    k = 50 if rate == "cosine" else 3
    wanted = 3.0 * tables.etas(settings.schedule, 4.0 * k + 3 * (rate == "cosine"), 1)[0]
    np.testing.assert_allclose(tables.etas(scaled, float(k), 1)[0], wanted,
                               rtol=1e-2 if rate == "cosine" else 1e-12)


def test_time_is_over_for_all():
    problem = small_problem(loss="log_loss")
    for options in ({"solver": "gd", "learning_rate": "constant", "batch_size": 10},
                    {"solver": "gd", "learning_rate": "constant"}):
        model = model_for("log_loss", max_iter=10**6, tol=None, max_time=0.2, **options,
                          workers=threads(3)).fit(problem.X, problem.y)
        assert model.fit_stats_["stopped_by"] == "max_time"
        assert np.isfinite(model.coef_).all()


@pytest.mark.parametrize("options", [{"solver": "lbfgs"}, {"solver": "newton-cg"}, {
    "solver": "gd", "learning_rate": "exact"}, {
    "solver": "gd", "learning_rate": "constant", "batch_size": 50}], ids=str)
def test_one_rank_that_is_late_ends_a_pass_of_all(options, monkeypatch):
    """In the middle of an iteration, whatever the pass."""
    problem, passes, map_part = small_problem(loss="log_loss"), [], row_sums.RowSums._map

    def late(self):
        map_part(self)
        if self.peers.rank == 1:
            passes.append(None)
        return self.peers.rank == 1 and len(passes) == count

    monkeypatch.setattr(row_sums.RowSums, "_map", late)
    for count in (5, 6, 7, 8):
        passes.clear()
        model = model_for("log_loss", **options, max_iter=50, tol=None, max_time=20,
                          workers=threads(3)).fit(problem.X, problem.y)
        assert model.fit_stats_["stopped_by"] == "max_time"
        assert count <= len(passes) <= count + 1  # a pass without sums tells it with the next


def test_gap_ends_a_training_of_several():
    problem = small_problem(loss="log_loss")
    model = model_for("log_loss", solver="lbfgs", tol=Gap(1e-4), workers=threads(2)).fit(
        problem.X, problem.y)
    assert model.fit_stats_["stopped_by"] == "tol"
    assert 0 <= model.gap_ <= 1e-4 * model.loss_curve_[-1]


def test_verbose_and_the_hook_hear_of_rank_0(capsys):
    problem, heard = small_problem(loss="log_loss"), []
    model = model_for("log_loss", solver="gd", learning_rate="constant", max_iter=5, tol=None,
                      verbose=1, workers=threads(2))
    model._epoch_hook = lambda k, told: heard.append(told.number) or told.number == 3
    model.fit(problem.X, problem.y)
    assert heard == [1, 2, 3]
    assert (model.n_iter_, model.fit_stats_["stopped_by"]) == (3, "callback")
    assert capsys.readouterr().out.count("-- Epoch") == 3


def test_warm_start_resume_and_the_pool(monkeypatch):
    """Calls of one estimator share a pool; copies have none; it ends with the estimator."""
    opened, begin = [], pools.comm.open
    monkeypatch.setattr(pools.comm, "open",
                        lambda *args, **more: opened.append(begin(*args, **more)) or opened[-1])
    problem = small_problem(loss="log_loss")
    options = {"solver": "gd", "learning_rate": "constant", "batch_size": 50, "tol": None}
    model = model_for("log_loss", max_iter=3, **options, workers=threads(2))
    model.fit(problem.X, problem.y).resume(problem.X, problem.y, max_iter=6)
    same(model, model_for("log_loss", max_iter=6, **options).fit(problem.X, problem.y))
    assert len(opened) == 1
    for copy in (clone(model), deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert copy not in pools._POOLS
        copy.fit(problem.X, problem.y)
    assert len(opened) == 4
    model.set_params(workers=threads(3)).fit(problem.X, problem.y)
    assert [pool._closed for pool in opened] == [True, False, False, False, False]
    count = len(pools._POOLS)
    del model
    assert len(pools._POOLS) == count - 1


def test_an_error_leaves_the_model_as_it_was(monkeypatch):
    problem = small_problem(loss="squared_error")
    model = FastSGDRegressor(solver="gd", learning_rate="constant", eta0=0.01, random_state=0,
                             workers=threads(2)).fit(problem.X, problem.y)
    before, pool = model.coef_.copy(), pools._POOLS[model][1]
    with pytest.raises(DivergenceError, match="eta0"):
        model.set_params(eta0=1e300).fit(problem.X, problem.y)
    assert pools._POOLS[model][1] is pool  # which is well
    bad = problem.X.toarray()
    bad[3, 4] = np.nan
    with pytest.raises(ValueError, match="row 3, column 4"):
        model.set_params(eta0=0.01).fit(bad, problem.y)

    def broken(*args, **more):
        raise ZeroDivisionError("of a rank")

    monkeypatch.setattr("fastsgd.engine.rank.Deadline", broken)
    with pytest.raises(ZeroDivisionError, match="of a rank"):
        model.fit(problem.X, problem.y)
    assert np.array_equal(model.coef_, before)
    monkeypatch.undo()
    model.fit(problem.X, problem.y)  # with a new pool
    assert np.array_equal(model.coef_, before)
