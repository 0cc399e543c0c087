"""solver="gd" on all rows: accelerated, monotone, ended by proof."""

import warnings

import numpy as np
import pytest
import scipy.sparse as sp

from fastsgd import FastSGDClassifier, FastSGDRegressor
from fastsgd.schedules import Backtracking

R = np.random.default_rng(0)
X = sp.random(300, 30, 0.3, format="csr", random_state=0, dtype=np.float64)
Z = X @ R.normal(size=30) + 0.2 * R.normal(size=300)
Y = (np.median(Z) < Z).astype(int)
WEIGHTS = R.uniform(0.2, 3, size=300)


def fit(loss, X=X, weights=None, **more):
    kind = FastSGDRegressor if loss in (
        "squared_error", "huber", "epsilon_insensitive",
        "squared_epsilon_insensitive") else FastSGDClassifier
    options = {"solver": "gd", "tol": 1e-5, "max_iter": 5000, "random_state": 0, "n_jobs": 1}
    options |= {} if kind is FastSGDClassifier else {"learning_rate": "optimal"}
    model = kind(loss, **(options | more))
    return model.fit(X, Z if kind is FastSGDRegressor else Y, sample_weight=weights)


@pytest.mark.parametrize("loss", ["log_loss", "squared_hinge", "modified_huber", "squared_error",
                                  "huber", "squared_epsilon_insensitive"])
@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["", "weights"])
def test_within_its_tolerance_of_the_optimum(loss, weights):
    best = fit(loss, weights=weights, solver="newton-cg", tol=1e-10).loss_curve_[-1]
    for rows in (X, X.toarray(), X.astype(np.float32)):
        model = fit(loss, rows, weights)
        assert model.fit_stats_["stopped_by"] == "tol"
        assert model.loss_curve_[-1] - best <= 1.1e-5 * best
        assert np.all(np.diff(model.loss_curve_) <= 0)


@pytest.mark.parametrize("penalty", ["l1", "elasticnet"])
@pytest.mark.parametrize("rate", ["optimal", Backtracking(0.3, 0.7)])
def test_proximal_steps_are_proven(penalty, rate):
    model = fit("log_loss", penalty=penalty, alpha=1e-2, learning_rate=rate)
    long = fit("log_loss", penalty=penalty, alpha=1e-2, tol=1e-9)
    assert model.fit_stats_["stopped_by"] == "tol"
    assert model.loss_curve_[-1] - long.loss_curve_[-1] <= 1e-5 * model.loss_curve_[-1]
    assert np.any(model.coef_ == 0)
    assert np.all(np.diff(model.loss_curve_) <= 0)


def test_without_a_penalty():
    best = fit("squared_error", penalty=None, solver="newton-cg", tol=1e-10).loss_curve_[-1]
    assert fit("squared_error", penalty=None).loss_curve_[-1] == pytest.approx(best, rel=1e-4)


@pytest.mark.parametrize("loss", ["hinge", "epsilon_insensitive"])
def test_losses_with_kinks_come_near(loss):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = fit(loss, alpha=1e-2, tol=1e-3, max_iter=1000)
        best = fit(loss, alpha=1e-2, solver="sdca", tol=1e-7).loss_curve_[-1]
    assert best * (1 - 1e-6) <= model.loss_curve_[-1] <= best * 1.01
    assert np.all(np.diff(model.loss_curve_) <= 0)


def test_threads_change_no_bit():
    one, two = (fit("log_loss", n_jobs=n) for n in (1, 2))
    np.testing.assert_array_equal(one.coef_, two.coef_)


def test_a_schedule_keeps_the_best_point():
    with pytest.warns(Warning, match="Consider increasing max_iter"):
        model = fit("log_loss", learning_rate="constant", eta0=1e3, max_iter=5)
    margins = X @ model.coef_[0] + model.intercept_[0]
    value = np.logaddexp(0, -(2 * Y - 1) * margins).mean() + 5e-5 * (model.coef_**2).sum()
    assert value == pytest.approx(model.loss_curve_[-1])
    assert value <= np.log(2) * (1 + 1e-12)


def test_a_cut_schedule_is_told():
    with pytest.warns(UserWarning, match="cut to .* times shorter than eta0=1000"):
        model = fit("squared_error", learning_rate="invscaling", eta0=1e3, max_iter=3, tol=None)
    assert model.fit_stats_["step_bound"] < 1e3
    assert fit("squared_error", tol=None, max_iter=3).fit_stats_["step_bound"] is None


def test_an_end_without_proof_names_the_remedy():
    with pytest.warns(Warning, match="duality gap is .* solver='newton-cg' or 'lbfgs'"):
        fit("log_loss", max_iter=2)
