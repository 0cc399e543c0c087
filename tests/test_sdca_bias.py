"""The free bias of solver "sdca": it stays where it belongs, and is what is certified."""

import numpy as np
import pytest
from sdca_problem import data, objective, settings, train

from fastsgd import FastSGDRegressor
from fastsgd.duals import DUALS
from fastsgd.solvers import Gap


def gaussian(loss, n, d, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    y = X @ rng.normal(size=d) + 1 + 0.5 * rng.normal(size=n)
    return X, np.where(y > 0, 1.0, -1.0) if DUALS[loss].loss.is_classifier else y


@pytest.mark.parametrize("loss", ["hinge", "squared_hinge", "modified_huber"])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_few_busy_rows_do_not_carry_it_away(loss, seed):
    """Far from the optimum still, as the penalty is weak, f is no worse than about f(0)."""
    X, y = gaussian(loss, 300, 20, seed)
    weight = np.random.default_rng(seed).choice([1.0, 100.0], len(y))
    chosen = settings(loss, alpha=1e-6, max_iter=300)
    _, state = train(X, y, chosen, weight, seed)
    f = objective(X, y, state.weights, state.intercept, chosen, weight)
    assert f < 2 * objective(X, y, np.zeros(20), 0.0, chosen, weight)


@pytest.mark.parametrize("loss", DUALS)
@pytest.mark.parametrize(("scale", "alpha"), [(1.0, 100.0), (1e-3, 1e-2), (1e-3, 100.0)])
def test_small_features_and_strong_penalties(loss, scale, alpha):
    """All that counts is the bias then, and it takes few epochs."""
    X, y = gaussian(loss, 1000, 20)
    ended, _ = train(scale * X, y, settings(loss, alpha=alpha, tol=1e-3, max_iter=40))
    assert ended.stopped_by == "tol"


@pytest.mark.parametrize("loss", [loss for loss in DUALS if not DUALS[loss].loss.is_classifier])
def test_large_mean(loss):
    """y + 1e6 takes about as many epochs as y."""
    X, y = gaussian(loss, 300, 10)
    chosen = settings(loss, tol=1e-3, max_iter=150)
    plain, moved = (train(X, y + by, chosen)[0] for by in (0, 1e6))
    assert moved.stopped_by == plain.stopped_by == "tol"
    assert moved.objective == pytest.approx(plain.objective, rel=2e-3)


@pytest.mark.parametrize("loss", DUALS)
def test_curve_ends_in_the_objective(loss):
    """Also where max_iter ended the training, before the gap was small."""
    X, y = data(loss)
    chosen = settings(loss, tol=None, max_iter=3)
    ended, state = train(X, y, chosen)
    assert state.curve[-1] == ended.objective == pytest.approx(
        objective(X, y, state.weights, state.intercept, chosen), rel=1e-12)
    assert ended.gaps[-1] == ended.dual_gap


@pytest.mark.parametrize("loss", DUALS)
def test_certified_is_what_is_kept(loss):
    """With float32 rows the bias is shown as float32, and the gap is that of this model."""
    X, y = data(loss, dtype=np.float32)
    chosen = settings(loss, tol=1e-6)
    ended, state = train(X, y, chosen)
    shown = float(np.float32(state.intercept))
    assert ended.objective == pytest.approx(
        objective(X, y, state.weights, shown, chosen), rel=1e-14)


@pytest.mark.parametrize("average", [False, True])
def test_gap_of_any_solver_is_that_of_what_is_kept(average):
    X, y = data("huber", dtype=np.float32)
    model = FastSGDRegressor("huber", tol=Gap(1e-9), max_iter=20, random_state=0,
                             average=average)
    with pytest.warns(match="Maximum number of iteration"):
        model.fit(X, y)
    assert model.gap_ == model.certify(X, y).gap > 0
