"""`tol` of solvers that go to the optimum is the gap, relative to the objective, and proven."""

import warnings

import numpy as np
import pytest
from kernel_reference import small_problem
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.exceptions import ConvergenceWarning
from test_solvers import model_for, objective

from fastsgd import FastSGDClassifier, FastSGDRegressor
from fastsgd.losses import LOSSES

SMOOTH = [name for name, loss in LOSSES.items() if loss.smooth]
SOLVERS = ("lbfgs", "newton-cg", "newton-cholesky")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("loss", SMOOTH)
@pytest.mark.parametrize("solver", SOLVERS)
def test_tol_is_what_the_model_is_above_the_optimum(solver, loss, dtype):
    """`gap_` bounds it, and is a bound of the weights that are shown."""
    problem = small_problem(loss=loss, dtype=dtype)
    best = objective(model_for(loss, solver="newton-cg", tol=0).fit(problem.X, problem.y), problem)
    for tol in (1e-1, 1e-3, 1e-5):
        model = model_for(loss, solver=solver, tol=tol).fit(problem.X, problem.y)
        f = objective(model, problem)
        assert model.fit_stats_["stopped_by"] == "tol"
        assert f - best <= model.gap_ * (1 + 1e-9) + 1e-7 * best
        assert model.gap_ <= tol * f * (1 + 1e-9)


@pytest.mark.parametrize("solver", SOLVERS)
def test_no_gap_is_asked_for_below_rounding(solver):
    problem = small_problem(loss="log_loss")
    for tol in (0, 1e-300, 1e-16):
        model = model_for("log_loss", solver=solver, tol=tol).fit(problem.X, problem.y)
        assert model.fit_stats_["stopped_by"] == "tol"
        assert model.gap_ <= 1e-12 * np.log(2)


@pytest.mark.parametrize("unit", [1e-9, 1e-6, 1.0, 1e6])
@pytest.mark.parametrize("solver", [*SOLVERS, "auto"])
def test_targets_in_any_unit(solver, unit):
    X = np.random.default_rng(0).normal(size=(200, 10))
    model = FastSGDRegressor(solver=solver, alpha=1e-10, random_state=0)
    assert model.fit(X, X @ np.arange(10.0) * unit).score(X, X @ np.arange(10.0) * unit) > 0.99


@pytest.mark.parametrize("alpha", [1e-2, 1e-5, 1e-8])
@pytest.mark.parametrize("solver", ["newton-cg", "newton-cholesky", "auto"])
def test_features_as_they_come(solver, alpha):
    """Columns from 1e-3 to 4e3: the zero model's ln 2 is far away, the proof at hand."""
    X, y = load_breast_cancer(return_X_y=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = FastSGDClassifier(
            "log_loss", solver=solver, alpha=alpha, random_state=0).fit(X, y)
    assert model.fit_stats_["stopped_by"] == "tol"
    assert model.score(X, y) > 0.94
    f = model.loss_curve_[-1]
    assert model.gap_ <= 1e-3 * f


def test_a_proof_that_is_not_found_is_told():
    """Three iterations are too few for it, and for anything else."""
    X, y = load_breast_cancer(return_X_y=True)
    model = FastSGDClassifier("log_loss", solver="lbfgs", max_iter=3)
    with pytest.warns(ConvergenceWarning):
        model.fit(X, y)
    assert model.fit_stats_["stopped_by"] == "max_iter"
    assert model.gap_ > 1e-3 * model.loss_curve_[-1]


def test_without_a_penalty_newtons_decrement_decides():
    X, y = load_diabetes(return_X_y=True)
    A = np.c_[X, np.ones(len(X))]
    best = 0.5 * np.mean((A @ np.linalg.lstsq(A, y, rcond=None)[0] - y) ** 2)
    for solver in SOLVERS:
        model = FastSGDRegressor(solver=solver, penalty=None, tol=1e-6).fit(X, y)
        assert model.fit_stats_["stopped_by"] == "tol"
        assert 0.5 * np.mean((model.predict(X) - y) ** 2) <= best * (1 + 1e-6)
        with pytest.raises(AttributeError):
            model.gap_  # noqa: B018
