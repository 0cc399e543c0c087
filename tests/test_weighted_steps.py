"""Weights of rows and of classes count in the bound on steps (engine/linear/step_size.py)."""

import numpy as np
import pytest
from scipy import sparse

from fastsgd import FastSGDClassifier, FastSGDRegressor
from fastsgd.engine.linear.step_size import (
    WeightedSquares,
    longest_step,
    longest_step_of_weights,
)
from fastsgd.kernels.rows import Rows
from fastsgd.losses import LOSSES
from fastsgd.models.linear import one_pass

rng = np.random.default_rng(0)
X = rng.standard_normal((4000, 10))
RARE = (X[:, 0] + rng.standard_normal(4000) > 3.2).astype(int)  # about one in a hundred
CLASS_WEIGHT = np.where(RARE, len(RARE) / (2 * RARE.sum()), len(RARE) / (2 * (RARE == 0).sum()))


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array], ids=["dense", "csr"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_squares_of_weighted_rows(form, dtype):
    few, weight = X[:50].astype(dtype), rng.random(50)
    squares = (few.astype(np.float64) ** 2).sum(axis=1)
    rows = WeightedSquares(Rows(form(few)))
    assert rows.max_square(weight) == pytest.approx((weight * squares).max(), rel=1e-12)
    assert rows.mean_square(weight) == pytest.approx((weight * squares).mean(), rel=1e-12)
    assert Rows(form(few)).max_square() == rows.max_square(np.ones(50))


def test_the_bounds_are_the_formulas():
    weight = rng.random(len(X)) * 3
    rows, squares = WeightedSquares(Rows(X)), (X**2).sum(axis=1)
    assert longest_step(rows, 2.0, by_sums=False, weight=weight) == pytest.approx(
        1 / (2 * 2 * (weight * squares).max()))
    assert longest_step(rows, 2.0, by_sums=True, weight=weight) == pytest.approx(
        1 / (2 * (weight * (squares + 1)).mean()))
    excess = np.maximum(weight - 1, 0)
    assert longest_step_of_weights(rows, weight) == pytest.approx(
        2 / ((excess * squares).max() + excess.max()))
    assert longest_step_of_weights(rows, np.ones(len(X))) == np.inf


def weighted_loss(model, name):
    """Mean weighted loss on the rows, by NumPy."""
    losses = LOSSES[name].value(model.decision_function(X), 2.0 * RARE - 1, model.epsilon)
    return np.mean(CLASS_WEIGHT * losses)


@pytest.mark.filterwarnings("ignore:Maximum number of iteration")
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array], ids=["dense", "csr"])
@pytest.mark.parametrize("loss", sorted(set(LOSSES) - {"perceptron"}))
def test_rare_classes_that_are_balanced_end_below_the_zero_model(loss, form):
    zero = np.mean(CLASS_WEIGHT * LOSSES[loss].value(np.zeros(len(X)), 2.0 * RARE - 1, 0.1))
    for average in (False, True):
        model = FastSGDClassifier(loss, class_weight="balanced", average=average, random_state=0)
        assert weighted_loss(model.fit(form(X), RARE), loss) < zero


def test_averaging_comes_near_the_optimum():
    model = FastSGDClassifier("log_loss", class_weight="balanced", average=True, tol=None,
                              max_iter=200, random_state=0).fit(X, RARE)
    best = FastSGDClassifier("log_loss", class_weight="balanced", solver="lbfgs", tol=1e-8)
    assert weighted_loss(model, "log_loss") < 1.1 * weighted_loss(best.fit(X, RARE), "log_loss")


@pytest.mark.parametrize("weight", [100.0, 1000.0])
def test_heavy_rows_do_not_diverge(weight):
    y = X @ rng.standard_normal(10)
    model = FastSGDRegressor(random_state=0).fit(X, y, sample_weight=np.full(len(X), weight))
    assert model.score(X, y) > 0.99


@pytest.mark.filterwarnings("ignore:Maximum number of iteration")
def test_weights_up_to_one_shorten_no_step_of_a_bounded_slope():
    y, weight = RARE, rng.random(len(X))
    model = FastSGDClassifier(max_iter=3, random_state=0)
    plain = model.fit(X, y).fit_stats_["eta0"]
    assert model.fit(X, y, sample_weight=weight).fit_stats_["eta0"] == plain
    assert model.fit(X, y, sample_weight=2 * weight).fit_stats_["eta0"] < plain
    alone = model.fit(X, y).coef_.copy()
    assert np.array_equal(model.fit(X, y, sample_weight=np.ones(len(X))).coef_, alone)


@pytest.mark.filterwarnings("ignore:Maximum number of iteration")
def test_a_constant_step_is_the_users_own():
    model = FastSGDClassifier(learning_rate="constant", eta0=0.5, max_iter=2, random_state=0,
                              class_weight="balanced").fit(X, RARE)
    assert model.fit_stats_["eta0"] == 0.5


@pytest.mark.filterwarnings("ignore:Maximum number of iteration")
def test_columns_named_twice_count_as_their_sum():
    twice = sparse.csr_array((np.repeat(X[:, :2].ravel() / 2, 2),
                              np.tile([0, 0, 1, 1], len(X)), np.arange(0, 4 * len(X) + 1, 4)),
                             shape=(len(X), 2))
    model = FastSGDClassifier("log_loss", class_weight="balanced", max_iter=2, random_state=0)
    once = model.fit(sparse.csr_array(X[:, :2]), RARE).fit_stats_["eta0"]
    assert model.fit(twice, RARE).fit_stats_["eta0"] == pytest.approx(once)


@pytest.mark.filterwarnings("ignore:Maximum number of iteration")
def test_classes_in_one_pass_are_those_of_one_bound(monkeypatch):
    y = np.where(RARE, 2, X[:, 1] > 0)
    how = {"max_iter": 2, "random_state": 0, "loss": "log_loss"}
    balanced = {k: len(y) / (3 * np.sum(y == k)) for k in range(3)}
    apart = [FastSGDClassifier(class_weight={1: balanced[k]}, **how).fit(
        X, (y == k).astype(int)).fit_stats_["eta0"] for k in range(3)]
    passes, real = {}, one_pass.train_classes

    def note(*args, **kwargs):
        passes[args[-1].schedule["eta_max"]] = args[5]
        return real(*args, **kwargs)

    monkeypatch.setattr(one_pass, "train_classes", note)
    FastSGDClassifier(sync="classes", class_weight="balanced", **how).fit(X, y)
    assert passes[apart[2]] == [2]
    assert [k for classes in passes.values() for k in classes] == [0, 1, 2]
    assert all(np.log2(bound) % 1 == 0 for bound in passes if bound < np.inf)
