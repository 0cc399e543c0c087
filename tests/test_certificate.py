"""Certificates: never below f - f*, and how tight."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sdca_problem import data, optimum, problem, settings, train
from sklearn.linear_model import Lasso

from fastsgd.duals import DUALS
from fastsgd.engine.linear.certificate import certify
from fastsgd.engine.linear.polish import certificate
from fastsgd.kernels.rows import Rows

every_dual = pytest.mark.parametrize("loss", DUALS)


@every_dual
@pytest.mark.parametrize("penalty", ["l2", "elasticnet", "l1"])
@pytest.mark.parametrize("intercept", [True, False])
def test_never_below_the_truth(loss, penalty, intercept):
    """gap >= f(w, b) - f* for models far and near, and no less than 0."""
    X, y = data(loss, n=80)
    s = np.random.default_rng(3).uniform(0, 2, len(y))
    chosen = settings(loss, penalty=penalty, alpha=0.02, fit_intercept=intercept)
    best, rng = optimum(X, y, chosen, s), np.random.default_rng(4)
    for size in (0.0, 0.01, 0.3, 3.0):
        w, b = size * rng.normal(size=X.shape[1]), size * intercept * rng.normal()
        found = certificate(Rows(X), y, s, w, b, chosen)
        assert found.gap >= found.objective - best - 1e-6 * best
        assert found.lower <= best * (1 + 1e-6)
        assert found.gap == pytest.approx(found.objective - found.lower)
        if intercept:
            assert abs(s @ found.dual) <= 1e-9 * np.abs(s * found.dual).sum()


@every_dual
@given(seed=st.integers(0, 10**6), size=st.floats(0, 5), intercept=st.booleans())
def test_weak_duality(loss, seed, size, intercept):
    """f(w, b) >= D(beta) for any w, b and any balanced beta of the domain."""
    X, y = data(loss, n=40)
    chosen, rng = settings(loss, fit_intercept=intercept), np.random.default_rng(seed)
    tested = problem(X, y, chosen)
    bound = min(tested.bound, 3.0)
    beta = rng.uniform(0, bound, len(y)) * (
        y if DUALS[loss].loss.is_classifier else rng.choice([-1, 1], len(y)))
    beta = tested.balance(beta)
    w, b = size * rng.normal(size=X.shape[1]), size * intercept * rng.normal()
    f = tested.objective(tested.margins(w) + b, w)
    assert f >= tested.value(beta, tested.sum_rows(beta)) - 1e-12 * (1 + f)


@every_dual
@pytest.mark.parametrize("penalty", ["l2", "elasticnet"])
def test_tight_at_the_optimum(loss, penalty):
    """At the optimum of a smooth loss the bound is nothing; with kinks, given the dual."""
    X, y = data(loss)
    chosen = settings(loss, penalty=penalty, tol=1e-9)
    ended, state = train(X, y, chosen)
    alone = certificate(Rows(X), y, None, state.weights, state.intercept, chosen)
    told = certificate(Rows(X), y, None, state.weights, state.intercept, chosen, dual=ended.dual)
    assert told.gap <= 1.1e-9 * told.objective
    if DUALS[loss].loss.smooth:
        assert alone.gap <= 1e-6 * alone.objective
    else:
        polished = certificate(
            Rows(X), y, None, state.weights, state.intercept, chosen, polish=300)
        assert polished.gap < 0.05 * alone.gap
        assert polished.gap == pytest.approx(polished.objective - polished.lower)


def test_lasso():
    """l1 alone: the scaled residuals (Ndiaye et al. 2017) are a dual point, tight at the end."""
    X, y = data("squared_error")
    model = Lasso(alpha=0.05, tol=1e-14, max_iter=10**6).fit(X.toarray(), y)
    chosen = settings("squared_error", penalty="l1", alpha=0.05)
    found = certificate(Rows(X), y, None, model.coef_, float(model.intercept_), chosen)
    assert found.gap <= 1e-6 * found.objective
    far = certificate(Rows(X), y, None, 0 * model.coef_, 0.0, chosen)
    assert far.gap >= far.objective - found.objective


def test_refusals():
    """No penalty, no dual, and weights that are not finite are told by name."""
    X, y = data()
    w = np.zeros(X.shape[1])
    for options in ({"penalty": None}, {"alpha": 0.0}):
        with pytest.raises(ValueError, match="the dual needs a penalty"):
            certificate(Rows(X), y, None, w, 0.0, settings(**options))
    with pytest.raises(ValueError, match="'perceptron' has no dual"):
        certificate(Rows(X), y, None, w, 0.0, settings("perceptron"))
    with pytest.raises(FloatingPointError, match="not finite"):
        certify(problem(X, y, settings()), w + np.nan, 0.0)


@every_dual
@pytest.mark.parametrize("size", [0.1, 2.0])
def test_best_bias(loss, size):
    """No other bias has a lower objective."""
    X, y = data(loss)
    tested = problem(X, y, settings(loss))
    w = size * np.random.default_rng(0).normal(size=X.shape[1])
    z = tested.margins(w)
    b = tested.best_bias(z, 0.3)
    others = b + np.concatenate([np.logspace(-9, 1, 40), -np.logspace(-9, 1, 40)])
    f = tested.objective(z + b, w)
    assert all(tested.objective(z + other, w) >= f - 1e-12 * f for other in others)


@every_dual
def test_balance(loss):
    """What is balanced sums to 0, stays in the domain, and moves those inside it first."""
    X, y = data(loss)
    s = np.random.default_rng(1).uniform(0.1, 2, len(y))
    tested = problem(X, y, settings(loss), s)
    beta = tested.smoothed(np.zeros(len(y)), 0.0) * np.linspace(0.5, 1, len(y))
    beta[:5] = np.sign(beta[:5]) * min(tested.bound, 4.0)
    found = tested.balance(beta)
    assert abs(s @ found) <= 1e-12 * np.abs(s * beta).sum()
    assert np.all(np.abs(found) <= np.abs(beta))
    assert np.all(found * beta >= 0)
    np.testing.assert_array_equal(tested.balance(found * 0), 0 * found)
