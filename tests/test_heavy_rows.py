"""Rows of large weight are visited in parts where the weights are averaged."""

import numpy as np
import pytest

from fastsgd import FastSGDClassifier
from fastsgd.engine.linear.heavy_rows import HEAVY, LARGEST, parts_of
from fastsgd.losses import LOSSES

rng = np.random.default_rng(0)
N = 5000
X = rng.standard_normal((N, 10))
RARE = (X[:, 0] + rng.standard_normal(N) > 4.1).astype(int)  # one in a thousand or two
WEIGHT = np.where(RARE, N / (2 * RARE.sum()), N / (2 * (N - RARE.sum())))


@pytest.mark.parametrize("subset", [None, np.sort(rng.permutation(N)[:4000])], ids=["all", "some"])
def test_parts_add_up_to_the_weights(subset):
    weight = np.exp(2.5 * rng.standard_normal(N))
    parts = parts_of(weight, subset)
    rows = np.arange(N) if subset is None else subset
    met = np.bincount(parts.rows, parts.share[parts.rows] * weight[parts.rows], N)
    np.testing.assert_allclose(met[rows] / len(parts.rows), weight[rows] / len(rows))
    assert set(parts.rows) == set(rows)
    times = len(parts.rows) / len(rows)
    assert (parts.share * weight)[rows].max() <= LARGEST * weight[rows].mean() * times * 1.0001
    assert times <= 2


def test_parts_of_a_row_lie_far_apart():
    weight = np.ones(1000)
    weight[500] = 100.0
    places = np.flatnonzero(parts_of(weight).rows == 500)
    assert len(places) > 50
    assert np.diff(places).min() > 5


@pytest.mark.parametrize("weight", [np.ones(50), np.zeros(50), np.full(50, 1000.0),
                                    np.append(np.ones(999), HEAVY)], ids=["1", "0", "k", "20"])
def test_no_row_is_cut_that_is_not_heavy(weight):
    assert parts_of(weight) is None


def objective(model, loss):
    losses = LOSSES[loss].value(model.decision_function(X), 2.0 * RARE - 1, 0.1)
    return np.mean(WEIGHT * losses) + 5e-5 * np.sum(model.coef_**2)


@pytest.mark.parametrize("loss", ["log_loss", "squared_hinge", "squared_error", "hinge"])
def test_rare_classes_with_averaging_come_near_the_optimum(loss):
    model = FastSGDClassifier(loss, class_weight="balanced", average=True, random_state=0,
                              tol=None, max_iter=60).fit(X, RARE)
    best = FastSGDClassifier(loss, class_weight="balanced", solver="auto", tol=1e-6, max_iter=5000)
    assert objective(model, loss) < 1.1 * objective(best.fit(X, RARE), loss)


def test_modified_huber_with_weights_ends_below_the_zero_model():
    y = (X[:, 0] + rng.standard_normal(N) > 0).astype(int)
    model = FastSGDClassifier("modified_huber", random_state=0)
    model.fit(X, y, sample_weight=np.full(N, 1000.0))
    losses = LOSSES["modified_huber"].value(model.decision_function(X), 2.0 * y - 1, 0.1)
    assert np.mean(losses) < 0.9
    assert LOSSES["modified_huber"].slope() == 4
    assert all(LOSSES[name].slope() <= 1 for name in ("hinge", "log_loss", "huber"))


def test_a_fit_resumed_meets_the_same_parts():
    how = {"class_weight": "balanced", "average": True, "tol": None, "random_state": 0}
    once = FastSGDClassifier(max_iter=6, **how).fit(X, RARE)
    twice = FastSGDClassifier(max_iter=3, **how).fit(X, RARE).resume(X, RARE, max_iter=6)
    assert np.array_equal(once.coef_, twice.coef_)
    assert once.t_ > 6 * N + 1


def test_equal_weights_with_averaging_give_the_same_bits_as_none():
    y = (X[:, 0] > 0).astype(int)
    model = FastSGDClassifier(average=True, random_state=0)
    alone = model.fit(X, y).coef_.copy()
    assert np.array_equal(model.fit(X, y, sample_weight=np.ones(N)).coef_, alone)
    assert model.t_ == model.n_iter_ * N + 1
