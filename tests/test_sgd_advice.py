"""What a fit by plain SGD warns of, and of what not."""

import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from fastsgd import FastSGDClassifier, FastSGDRegressor
from fastsgd.engine.linear import shortfall
from fastsgd.engine.linear.shortfall import proven_excess
from fastsgd.kernels.rows import Rows
from fastsgd.losses import LOSSES
from fastsgd.plan.linear import Plan

rng = np.random.default_rng(0)
N = 6000
X = rng.standard_normal((N, 10))
Y = (X[:, 0] + rng.standard_normal(N) > 0).astype(int)
SCALES = np.logspace(-2, 2, 10)


def warnings_of(model, *data, **how):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(*data, **how)
    assert all(w.filename == __file__ for w in caught)
    return [str(w.message) for w in caught
            if issubclass(w.category, ConvergenceWarning) and "max_iter to" not in str(w.message)]


@pytest.mark.parametrize("loss", ["hinge", "log_loss", "modified_huber", "squared_hinge"])
def test_good_fits_say_nothing(loss):
    assert warnings_of(FastSGDClassifier(loss, random_state=0), X, Y) == []


def test_an_objective_above_the_zero_model():
    text, = warnings_of(FastSGDClassifier(random_state=0), 1000 * X, Y)
    assert "is above 1, that of a model with all weights 0" in text
    assert "solver='auto'" in text


@pytest.mark.parametrize("how", [{"tol": None, "max_iter": 3}, {"early_stopping": True},
                                 {"average": True}], ids=str)
def test_fits_that_are_not_to_converge_say_nothing(how):
    assert warnings_of(FastSGDClassifier(random_state=0, **how), 1000 * X, Y) == []


def test_few_heavy_rows_make_a_fit_slow():
    rare = (X[:, 0] > np.sort(X[:, 0])[-6]).astype(int)
    model = FastSGDClassifier(class_weight="balanced", random_state=0)
    text, = warnings_of(model, X, rare)
    assert f"{model.fit_stats_['step_bound']:.3g}, because of a few rows of large weight" in text
    assert "average=True" in text
    assert warnings_of(model.set_params(average=True), X, rare) == []


def test_a_wild_row_makes_a_squared_loss_slow():
    wild = X.copy()
    wild[7] *= 100
    text, = warnings_of(FastSGDClassifier("squared_hinge", random_state=0), wild, Y)
    assert "rows of large norm" in text


@pytest.mark.parametrize(("model", "bound"), [
    (FastSGDClassifier(), None), (FastSGDClassifier(class_weight={1: 9.0}), float),
    (FastSGDRegressor(), float), (FastSGDRegressor(learning_rate="constant"), None),
    (FastSGDClassifier("log_loss", solver="lbfgs"), None)], ids=repr)
def test_the_bound_is_told(model, bound):
    told = model.set_params(random_state=0).fit(X, Y).fit_stats_["step_bound"]
    assert told is None if bound is None else isinstance(told, bound)


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array], ids=["dense", "csr"])
@pytest.mark.parametrize("loss", ["log_loss", "squared_hinge", "modified_huber", "huber"])
def test_a_proof_is_below_the_truth(loss, form, monkeypatch):
    monkeypatch.setattr(shortfall, "LEAST_WORK", 0)
    kind = FastSGDClassifier if LOSSES[loss].is_classifier else FastSGDRegressor
    scaled, y, proven = form(X * SCALES), 2.0 * Y - 1, 0
    best = kind(loss, solver="newton-cg", tol=1e-6, max_iter=500).fit(scaled, Y if (
        LOSSES[loss].is_classifier) else y)
    settings, rows = Plan.of(best).settle(Rows(scaled), N, 1), Rows(scaled)

    def objective(w, b):
        losses = LOSSES[loss].value(scaled @ w + b, y, settings.loss_constant)
        return losses.mean() + settings.penalty.value(w)

    w, b = best.coef_.ravel(), float(np.ravel(best.intercept_)[0])
    least = objective(w, b)
    for change in (0.0, 0.3, 3.0):
        worse = w + change * np.abs(w).mean() / SCALES
        excess = proven_excess(scaled, rows, y, None, (worse, b), settings, 60, 0)
        assert excess <= objective(worse, b) / least - 1 + 1e-9
        proven += excess > 0
    assert 0 < proven < 3


def test_a_fit_that_is_proven_to_be_bad_warns(monkeypatch):
    monkeypatch.setattr(shortfall, "LEAST_WORK", 0)
    monkeypatch.setattr(shortfall, "FEWEST_EPOCHS", 0)
    model = FastSGDClassifier("log_loss", random_state=0, eta0=1e-6, learning_rate="invscaling")
    text, = warnings_of(model, X, Y)
    assert "at least" in text
    assert "above its optimum" in text
    assert warnings_of(FastSGDClassifier("log_loss", random_state=0), X, Y) == []
