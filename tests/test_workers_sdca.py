"""Solver "sdca" by several workers: the optimum of one process, proven by the same gap."""

import numpy as np
import pytest
from kernel_reference import small_problem
from realdata import real
from sdca_problem import data
from test_solvers import WEIGHT, model_for
from test_workers import threads

from fastsgd import FastSGDClassifier, load_svmlight
from fastsgd.duals import DUALS
from fastsgd.engine.linear import cocoa
from fastsgd.losses import LOSSES

TIGHT = {"solver": "sdca", "tol": 1e-6, "max_iter": 3000}


def objective(model, X, y, weight=1.0):
    """f of a fitted model, by NumPy alone."""
    w = np.ravel(model.coef_).astype(float)
    losses = LOSSES[model.loss].value(X @ w + float(model.intercept_[0]), y, model.epsilon)
    return float(np.mean(weight * losses)) + 0.5 * model.alpha * w @ w


@pytest.mark.parametrize("n", [2, 4])
@pytest.mark.parametrize("loss", sorted(DUALS))
def test_the_optimum_of_one_process(loss, n):
    """Also of rows with weights, and without a bias."""
    X, y = data(loss)
    for more in ({}, {"fit_intercept": False}):
        alone, by = (model_for(loss, **TIGHT, **more, **options).fit(X, y, sample_weight=WEIGHT)
                     for options in ({}, {"workers": threads(n)}))
        assert by.dual_gap_ <= 1e-6 * by.loss_curve_[-1]
        best = objective(alone, X, y, WEIGHT)
        assert abs(objective(by, X, y, WEIGHT) - best) <= 2e-6 * best
        np.testing.assert_allclose(  # all ranks' dual variables are there
            by.dual_coef_ @ X[by.support_].toarray(), np.atleast_2d(by.coef_), atol=1e-9)


@pytest.mark.parametrize("n", [2, 4])
@pytest.mark.parametrize("loss", ["hinge", "log_loss"])
def test_rcv1(loss, n):
    """Rows sorted by label: each rank's are of both kinds."""
    X, y = load_svmlight(real("rcv1/rcv1_ccat_train.svm.gz"), dtype=np.float32)[:2]
    order = np.argsort(y[:4000], kind="stable")
    X, y = X[order], y[order]
    alone, by = (FastSGDClassifier(loss, solver="sdca", tol=1e-6, max_iter=1000, random_state=0,
                                   workers=workers).fit(X, y) for workers in (None, threads(n)))
    assert by.gap_ <= 1e-6 * by.loss_curve_[-1]
    best = objective(alone, X, np.where(y > 0, 1.0, -1.0))
    assert abs(objective(by, X, np.where(y > 0, 1.0, -1.0)) - best) <= 2e-6 * best


@pytest.mark.parametrize("penalty", ["l2", "elasticnet"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_penalties_types_dense_rows_and_threads(penalty, dtype):
    X, y = data("hinge", dense=True, dtype=dtype)
    model = model_for("hinge", solver="sdca", tol=1e-4, penalty=penalty, n_jobs=2, sync="merge",
                      merge_every=16, workers=threads(3)).fit(X, y)
    assert model.gap_ <= 1e-4 * model.loss_curve_[-1]
    assert model.fit_stats_["threads"] == 2


def test_each_rank_moves_its_own_rows(monkeypatch):
    """Every row belongs to one rank, and no rank touches those of another between certificates."""
    owners = {}
    begun = cocoa.SharedAscent._round

    def watched(self, blocks, step):
        before = self.beta.copy()
        ended = begun(self, blocks, step)
        assert np.array_equal(self.beta[~self.mine], before[~self.mine])
        owners[self.peers.rank] = self.mine.copy()
        return ended

    monkeypatch.setattr(cocoa.SharedAscent, "_round", watched)
    X, y = data("hinge")
    model_for("hinge", **TIGHT, workers=threads(3)).fit(X, y)
    assert np.array_equal(sum(mine.astype(int) for mine in owners.values()), np.ones(150))


def test_the_bias_does_not_swing():
    """One sum an epoch: steps of the bias that allow for less than all ranks end at a gap of f."""
    X, y = data("log_loss", n=400, shift=1.0)
    model = model_for("log_loss", solver="sdca", tol=1e-5, max_iter=400, alpha=1e-3,
                      workers=threads(2, local_steps=10**6)).fit(X, y)
    assert model.gap_ <= 1e-5 * model.loss_curve_[-1]


def test_local_steps_are_rows_between_sums():
    """More sums an epoch: fewer epochs."""
    X, y = data("squared_error", n=600)
    fits = [model_for("squared_error", **TIGHT, workers=threads(2, local_steps=steps)).fit(X, y)
            for steps in (10, 300)]
    assert fits[0].n_iter_ < fits[1].n_iter_
    for model in fits:
        assert model.gap_ <= 1e-6 * model.loss_curve_[-1]


def test_warm_start_classes_and_another_number_of_workers():
    X, y = data("hinge")
    model = model_for("hinge", **TIGHT, workers=threads(3), warm_start=True).fit(X, y)
    epochs = model.n_iter_
    for workers in (threads(2), None, threads(4)):
        model.set_params(workers=workers).fit(X, y)
        assert model.n_iter_ <= max(5, epochs // 4)
        assert model.gap_ <= 1e-6 * model.loss_curve_[-1]
    labels = np.digitize(small_problem(loss="squared_error").y, [-0.7, 0.7])
    several = model_for("hinge", **TIGHT, workers=threads(2)).fit(X, labels)
    assert (several.gap_ <= 1e-6).all()


def test_time_is_over_for_all():
    X, y = data("hinge")
    model = model_for("hinge", solver="sdca", tol=None, max_iter=10**6, max_time=0.3,
                      workers=threads(3)).fit(X, y)
    assert model.fit_stats_["stopped_by"] == "max_time"
    assert np.isfinite(model.gap_)


def test_no_hogwild():
    X, y = data("hinge")
    with pytest.raises(ValueError, match="use sync='auto' or 'merge'"):
        model_for("hinge", solver="sdca", sync="hogwild", workers=threads(2)).fit(X, y)
