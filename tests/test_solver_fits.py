"""Fits by sums over all rows: the same bits by any threads, several models, starts, files."""

import warnings

import numpy as np
import pytest
from kernel_reference import small_problem
from sklearn.exceptions import ConvergenceWarning
from test_solvers import ALPHA, OF_SUMS, SMOOTH, WEIGHT, model_for

from fastsgd import load_model, save_model
from fastsgd.kernels import gradient
from fastsgd.losses import LOSSES
from fastsgd.penalties import PENALTIES
from fastsgd.schedules import Backtracking, Exact

BITS = [{"solver": "lbfgs"}, {"solver": "newton-cg"},
        *({"solver": "gd", "learning_rate": rate} for rate in ("exact", "backtracking",
                                                                 "invscaling")),
        {"solver": "gd", "learning_rate": "constant", "batch_size": 64},
        {"solver": "gd", "learning_rate": "backtracking", "penalty": "l1"},
        {"solver": "gd", "learning_rate": "constant", "penalty": "elasticnet"}]


CELLS = [*((loss, options) for loss in SMOOTH for options in BITS),
         *((loss, {"solver": "gd", "learning_rate": "invscaling", "penalty": penalty})
           for loss in LOSSES for penalty in PENALTIES)]
"""Every loss with every penalty, and every solver and search."""


@pytest.mark.parametrize(("loss", "options"), CELLS, ids=str)
def test_the_same_bits_for_any_number_of_threads(loss, options, monkeypatch):
    monkeypatch.setattr(gradient, "SMALLEST_SHARD", 16)
    problem = small_problem(loss=loss, sample_weight=WEIGHT)
    fits = [model_for(loss, n_jobs=n_jobs, eta0=0.05, max_iter=20, **options).fit(
        problem.X, problem.y, sample_weight=WEIGHT) for n_jobs in (1, 2, 5)]
    assert [m.fit_stats_["threads"] for m in fits] == [1, 2, 5]
    for other in fits[1:]:
        assert other.coef_.tobytes() == fits[0].coef_.tobytes()
        assert other.intercept_.tobytes() == fits[0].intercept_.tobytes()
        assert other.loss_curve_ == fits[0].loss_curve_


@pytest.mark.parametrize("solver", OF_SUMS)
@pytest.mark.parametrize("kind", ["three", "labels"])
def test_several_models(solver, kind):
    """Each is the one that its class against the rest has alone."""
    problem = small_problem(loss="log_loss")
    y = np.digitize(small_problem(loss="squared_error").y, [-0.7, 0.7])
    Y = np.column_stack([y == 0, y > 0, y == 2]).astype(int)
    options = {"solver": solver, "learning_rate": "backtracking", "max_iter": 50}
    model = model_for("log_loss", **options).fit(problem.X, y if kind == "three" else Y)
    assert model.coef_.shape == (3, 23)
    for k in range(3):
        alone = model_for("log_loss", **options).fit(
            problem.X, y == k if kind == "three" else Y[:, k])
        assert np.array_equal(model.coef_[k], alone.coef_[0])
        assert model.intercept_[k] == alone.intercept_[0]
    assert model.predict(problem.X).shape == (y if kind == "three" else Y).shape


@pytest.mark.parametrize("solver", OF_SUMS)
def test_starts(solver):
    """coef_init, warm_start and resume go on from weights; C is alpha."""
    problem = small_problem(loss="log_loss")
    X, y = problem.X, problem.y
    options = {"solver": solver, "learning_rate": "backtracking"}
    best = model_for("log_loss", **options).fit(X, y)
    again = model_for("log_loss", **options).fit(
        X, y, coef_init=best.coef_, intercept_init=best.intercept_)
    assert again.loss_curve_[0] <= best.loss_curve_[-1] + 1e-14
    if solver != "gd":
        assert again.n_iter_ <= 3
        np.testing.assert_allclose(again.coef_, best.coef_, atol=1e-6)
    best.set_params(warm_start=True).fit(X, y)
    assert best.loss_curve_[0] <= again.loss_curve_[0] + 1e-14
    short = model_for("log_loss", **options | {"max_iter": 2})
    with pytest.warns(ConvergenceWarning, match="Maximum number of iteration"):
        short.fit(X, y)
    assert (short.n_iter_, short.fit_stats_["stopped_by"]) == (2, "max_iter")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        before = short.loss_curve_[-1]
        short.resume(X, y, max_iter=4)
    assert short.n_iter_ == len(short.loss_curve_) == 4
    assert short.loss_curve_[-1] < before
    by_C = model_for("log_loss", alpha=1e-4, C=1 / (ALPHA * 150), **options).fit(X, y)
    assert by_C.fit_stats_["alpha"] == pytest.approx(ALPHA)
    np.testing.assert_allclose(by_C.coef_, best.coef_, atol=1e-4)


@pytest.mark.parametrize("rate", ["backtracking", Backtracking(gamma=0.2), Exact(), "exact"],
                         ids=str)
def test_files(rate, tmp_path):
    problem = small_problem(loss="log_loss")
    model = model_for("log_loss", solver="gd", learning_rate=rate, max_iter=5, tol=None)
    model.fit(problem.X, problem.y)
    save_model(model, tmp_path / "m")
    again = load_model(tmp_path / "m")
    assert again.get_params() == model.get_params()
    assert again.fit_stats_ == model.fit_stats_
    np.testing.assert_array_equal(again.predict(problem.X), model.predict(problem.X))
    theirs = model.to_sklearn()
    np.testing.assert_array_equal(theirs.predict(problem.X), model.predict(problem.X))
    theirs._validate_params()


@pytest.mark.parametrize("solver", OF_SUMS)
def test_what_is_told(solver):
    problem = small_problem(loss="log_loss")
    model = model_for("log_loss", solver=solver, max_iter=3, tol=None, n_jobs=2)
    told = []
    def hook(k, epoch):
        penalty = ALPHA / 2 * np.sum(epoch.state.weights**2)
        assert epoch.mean_loss + penalty == pytest.approx(epoch.objective, rel=1e-12)
        told.append((epoch.number, epoch.objective))
        return epoch.number == 2

    model._epoch_hook = hook
    model.fit(problem.X, problem.y)
    stats = model.fit_stats_
    assert told == list(enumerate(model.loss_curve_, start=1))
    assert (stats["sync"], stats["solver"], stats["stopped_by"]) == (
        "map_reduce", solver, "callback")
    assert stats["threads"] == 1  # one shard
    assert stats["seconds"] > 0
    assert stats["eta0"] is None  # found on the way
    assert stats["why"] == "asked for"


def test_early_stopping_of_gd_scores_rows_held_out():
    problem = small_problem(loss="log_loss")
    model = model_for("log_loss", solver="gd", learning_rate="backtracking", early_stopping=True,
                      tol=1e-3, n_iter_no_change=3).fit(problem.X, problem.y)
    assert model.fit_stats_["stopped_by"] == "tol"
    assert 3 < model.n_iter_ < 100




@pytest.mark.parametrize(("loss", "most"), [
    ("log_loss", 24), ("squared_hinge", 110), ("modified_huber", 110)])
def test_newton_takes_unscaled_features(loss, most):
    """How exact its steps are goes by the fall of the gradient, not by its size."""
    rng = np.random.default_rng(0)
    X = 1e3 * rng.normal(size=(150, 20))
    y = X @ rng.normal(size=20) + 1e3 > 0
    model = model_for(loss, solver="newton-cg", max_iter=most, tol=1e-6, alpha=1.0).fit(X, y)
    assert model.fit_stats_["stopped_by"] == "tol"
    assert model.certify(X, y).gap <= 1e-6 * model.loss_curve_[-1]
