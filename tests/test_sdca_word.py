"""Solver "sdca" keeps its word: what ends by tol is proven, and no model is worse than none."""

import warnings

import numpy as np
import pytest
from scipy import sparse
from sdca_problem import data, objective, problem, settings, train
from sklearn.datasets import load_breast_cancer
from sklearn.exceptions import ConvergenceWarning

from fastsgd import FastSGDClassifier, FastSGDRegressor
from fastsgd.engine.linear import ascent, best_point

LOSSES = ("hinge", "squared_hinge", "log_loss", "squared_error")


@pytest.fixture(scope="module")
def raw():
    """Rows of very different scales: coordinate ascent gets nowhere."""
    X, y = load_breast_cancer(return_X_y=True)
    return X, 2.0 * y - 1


@pytest.mark.parametrize("penalty", ["l2", "elasticnet"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("alpha", [1e-4, 1e-6, 1e-8, 1e-12])
@pytest.mark.parametrize("loss", LOSSES)
def test_never_worse_than_the_zero_model(raw, loss, alpha, dtype, penalty):
    X, y = raw[0].astype(dtype), raw[1]
    chosen = settings(loss, alpha=alpha, max_iter=8, tol=1e-3, penalty=penalty)
    ended, state = train(X, y, chosen)
    nothing = objective(X, y, np.zeros(X.shape[1]), 0.0, chosen)
    now = objective(X, y, state.weights, state.intercept, chosen)
    assert now <= nothing * (1 + 1e-12)
    assert now == pytest.approx(ended.objective, rel=1e-6)
    assert state.curve[-1] == ended.objective
    if penalty == "l2":
        w = ended.dual_coef @ X.astype(np.float64)
        np.testing.assert_allclose(w, state.weights, rtol=1e-5, atol=1e-6 * np.abs(w).max())
    lower = problem(X, y, chosen)
    v = lower.sum_rows(ended.best_dual)
    assert lower.value(ended.best_dual, v) == pytest.approx(
        ended.objective - ended.dual_gap, abs=1e-9)


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize("alpha", [1e-100, 1e-200, 1e-290])
@pytest.mark.parametrize("loss", LOSSES)
def test_tiny_alpha(raw, loss, alpha):
    """Sums of 1 / alpha overflow: that is no convergence."""
    X, y = raw
    chosen = settings(loss, alpha=alpha, max_iter=6, tol=1e-3)
    ended, state = train(X, y, chosen)
    assert ended.stopped_by == "max_iter"
    assert np.isfinite(ended.objective)
    assert 0 <= ended.dual_gap < np.inf
    assert ended.objective <= objective(X, y, np.zeros(30), 0.0, chosen)
    assert np.isfinite(state.weights).all()


def test_alpha_that_no_sum_can_hold(raw):
    with pytest.raises(ValueError, match=r"the dual needs a larger alpha.*take alpha >= 1e-290"):
        train(*raw, settings(alpha=1e-310))


def test_whatever_ends_it():
    """A large tol is reached above the zero model, whose objective is taken instead."""
    X, y = data("log_loss")
    ended, state = train(100 * X, y, settings("log_loss", alpha=1e-5, tol=0.9))
    assert objective(100 * X, y, state.weights, state.intercept,
                     settings("log_loss", alpha=1e-5)) <= np.log(2)
    assert ended.objective <= np.log(2)


def test_rounding_is_never_asked_for():
    """With labels that one weight explains f* is almost 0, and tol * f below what can be met."""
    X, y = np.eye(2), np.array([1.0, 2.0])
    ended, _ = train(X, y, settings("squared_error", alpha=1e-14, tol=1e-8, max_iter=3000))
    assert ended.stopped_by == "tol"
    assert ended.dual_gap <= 2.5e-12


def test_best_epoch_is_kept(raw, monkeypatch):
    """The dual variables of the least objective come back, where they are better in the end."""
    monkeypatch.setattr(best_point, "best_multiple", lambda *_: 1.0)
    X, y = raw
    chosen = settings("log_loss", alpha=0.01, max_iter=7, tol=1e-3)
    ended, _ = train(X, y, chosen)
    monkeypatch.setattr(best_point.BestPoint, "keep", lambda *_: None)
    without, _ = train(X, y, chosen)
    assert ended.objective < 0.5 * without.objective


def test_forecast_ends_it(raw):
    asked = []

    def give_up(needed, done):
        asked.append((needed, done))
        return len(asked) == 2

    X, y = raw
    ended, _ = train(X, y, settings("log_loss", alpha=1e-6, tol=1e-3, max_iter=500),
                     give_up=give_up)
    assert ended.stopped_by == "forecast"
    assert [round(done) for _, done in asked] == [10, 20]
    assert all(needed > 100 for needed, _ in asked)
    assert 20 <= ended.steps / len(y) < 21
    assert ended.objective <= np.log(2)


def test_nothing_is_given_up_that_converges():
    X, y = data("log_loss")
    ended, _ = train(X, y, settings("log_loss", tol=1e-12), give_up=lambda needed, _: needed > 200)
    assert ended.stopped_by == "tol"


def test_warning_names_the_remedy(raw):
    X, y = raw
    model = FastSGDClassifier("log_loss", solver="sdca", alpha=1e-6, tol=1e-3, max_iter=20)
    with pytest.warns(ConvergenceWarning, match=(
            "(?s)duality gap is .* of the objective, tol asks for 0.001. At .*never gets there.*"
            r"StandardScaler.*another solver= or a larger alpha \(alpha=1e-06")) as caught:
        model.fit(X, y)
    assert caught[0].filename == __file__
    assert model.fit_stats_["epochs_needed"] > 1e6


def test_warning_counts_the_epochs():
    X, y = data("log_loss", n=400)
    model = FastSGDClassifier("log_loss", solver="sdca", alpha=1e-2, tol=1e-8, random_state=0)
    epochs = model.fit(X, y).n_iter_
    assert model.fit_stats_["epochs_needed"] is None
    model.set_params(max_iter=10)
    with pytest.warns(ConvergenceWarning, match="About .* more epochs are needed at this rate. "
                                                "Consider increasing max_iter"):
        model.fit(X, y)
    assert epochs / 2 <= 10 + model.fit_stats_["epochs_needed"] <= 2 * epochs


def test_regressor_warns_too(raw):
    X, y = raw
    with pytest.warns(ConvergenceWarning, match="duality gap"):
        FastSGDRegressor(solver="sdca", alpha=1e-8, tol=1e-3, max_iter=20).fit(X, y)


def documents(n=4000, d=8000, seed=0):
    """Rows of length 1 with words of very different frequencies, few of the positive class."""
    rng = np.random.default_rng(seed)
    words = np.minimum(rng.zipf(1.3, size=(n, 60)), d) - 1
    X = sparse.csr_matrix((np.ones(words.size), (np.repeat(np.arange(n), 60), words.ravel())),
                          shape=(n, d))
    X.data = np.log1p(X.data)
    X = sparse.diags(1 / np.sqrt(np.asarray(X.multiply(X).sum(axis=1)).ravel())) @ X
    z = X @ rng.normal(size=d)
    return sparse.csr_matrix(X), np.where(z > np.quantile(z, 0.95), 1.0, -1.0)


@pytest.mark.parametrize("tol", [1e-3, 1e-6])
def test_merged_replicas_take_as_many_epochs_as_one_thread(tol, monkeypatch):
    monkeypatch.setattr(ascent, "SHORTEST", 64)
    monkeypatch.setattr(ascent, "SELDOM", 0)
    X, y = documents()
    epochs = {}
    for sync, n_jobs in (("serial", 1), ("merge", 2)):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            model = FastSGDClassifier("hinge", solver="sdca", alpha=1e-4, tol=tol, max_iter=1000,
                                      random_state=0, sync=sync, n_jobs=n_jobs).fit(X, y)
        assert model.fit_stats_["sync"] == sync
        epochs[sync] = model.n_iter_
    assert epochs["merge"] <= 1.5 * epochs["serial"] + 3, epochs
