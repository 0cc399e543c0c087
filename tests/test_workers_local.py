"""Local SGD: the objective of one process, what is averaged, and which rows each rank visits."""

import numpy as np
import pytest
from kernel_reference import small_problem
from realdata import real
from test_solvers import WEIGHT, model_for, objective
from test_workers import threads

from fastsgd import FastSGDClassifier, FastSGDRegressor, Workers, load_svmlight
from fastsgd.engine.linear import local
from fastsgd.losses import LOSSES
from fastsgd.plan.linear import Plan

EPOCHS = {"max_iter": 40, "tol": None}
OPTIONS = [{}, {"penalty": "l1", "alpha": 1e-3}, {"penalty": "elasticnet"}, {"average": True},
           {"average": 2000}, {"learning_rate": "adaptive", "eta0": 0.1, "tol": 1e-4},
           {"learning_rate": "constant", "eta0": 0.02}, {"learning_rate": "cosine", "eta0": 0.1},
           {"learning_rate": "invscaling", "eta0": 0.5}, {"fit_intercept": False},
           {"shuffle": False}, {"shuffle": "rows"}, {"eta0": "auto"},
           {"n_jobs": 2, "sync": "merge"},
           {"n_jobs": 2, "sync": "hogwild"}, {"n_jobs": 2, "sync": "round_robin"}]


def by_workers(n, **options):
    return {"workers": threads(n, policy="local", **options)}


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("loss", ["log_loss", "squared_error"])
def test_the_objective_of_one_process(loss, options):
    """Within 3 % on a small problem, where one process itself is further from the optimum."""
    problem = small_problem(loss=loss)
    fits = [model_for(loss, **EPOCHS | options, **more).fit(
        problem.X, problem.y, sample_weight=WEIGHT)
        for more in ({}, by_workers(2) if loss == "log_loss" else by_workers(3, local_steps=17))]
    found = [objective(model, problem, WEIGHT) for model in fits]
    allowed = 1.06 if "average" in options else 1.03  # which remember the first steps
    for value, model in zip(found[1:], fits[1:], strict=True):
        assert value <= allowed * found[0]
        assert model.t_ == 1 + 150 * model.n_iter_
        assert len(model.loss_curve_) == model.n_iter_


@pytest.mark.parametrize("loss", ["hinge", "log_loss"])
@pytest.mark.parametrize("n", [2, 4])
def test_rcv1(loss, n):
    """Within 0.5 % of the objective of one process."""
    X, y = load_svmlight(real("rcv1/rcv1_ccat_train.svm.gz"), dtype=np.float32)[:2]
    options = {"loss": loss, "tol": None, "max_iter": 20, "random_state": 0, "sync": "serial"}
    found = []
    for workers in (None, threads(n, policy="local")):
        model = FastSGDClassifier(**options, workers=workers).fit(X, y)
        w, z = model.coef_[0].astype(float), model.decision_function(X).astype(float)
        losses = LOSSES[loss].value(z, np.where(y > 0, 1.0, -1.0))
        found.append(losses.mean() + 0.5 * model.alpha * w @ w)
    assert found[1] <= 1.005 * found[0]


@pytest.mark.parametrize("shuffle", [True, False, "rows"])
@pytest.mark.parametrize(("n_rows", "held_out"), [(150, 0), (5000, 0), (70_001, 0), (5000, 700)])
def test_every_row_is_visited_once_an_epoch(shuffle, n_rows, held_out, monkeypatch):
    """By one of the ranks, in rounds of about local_steps rows; in the order of one process."""
    visited = [[] for _ in range(3)]
    rounds = local.Dealer.rounds

    def watched(self, epoch):
        for row in rounds(self, epoch):
            visited[self._peers.rank].append(row)
            yield row

    monkeypatch.setattr(local.Dealer, "rounds", watched)
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(n_rows, 2)), rng.normal(size=n_rows)
    model = FastSGDRegressor(
        max_iter=1, tol=None, random_state=0, shuffle=shuffle, early_stopping=held_out > 0,
        validation_fraction=max(held_out, 1) / n_rows, **by_workers(3, local_steps=400)).fit(X, y)
    together = np.concatenate([np.concatenate(rows) for rows in visited])
    assert len(np.unique(together)) == len(together) == model.t_ - 1
    assert abs(len(together) - (n_rows - held_out)) <= 1
    assert len({len(rows) for rows in visited}) == 1
    assert max(len(row) for rows in visited for row in rows) <= 400 + 64
    if n_rows > 1200 and shuffle:  # sorted data do no harm: each rank's rows come from all over
        for rows in visited:
            assert np.ptp(rows[0]) > 0.5 * n_rows


def test_one_round_is_the_average_by_rows():
    """Of two models that were trained apart; L1's clipping and sums of weights included."""
    problem = small_problem(loss="log_loss")
    X, y = problem.X[:100], problem.y[:100]
    options = {"learning_rate": "constant", "eta0": 0.05, "max_iter": 1, "tol": None,
               "shuffle": False, "penalty": "l1", "alpha": 1e-3, "fit_intercept": True}
    by = model_for("log_loss", **options, **by_workers(2, local_steps=50, warm_up=0)).fit(X, y)
    halves = [model_for("log_loss", **options | {"eta0": 0.1}).fit(X[part], y[part])
              for part in (slice(50), slice(50, None))]
    np.testing.assert_allclose(by.coef_, sum(m.coef_ for m in halves) / 2, atol=1e-12)
    np.testing.assert_allclose(by.intercept_, sum(m.intercept_ for m in halves) / 2, atol=1e-12)
    state, parts = by._states[0], [m._states[0] for m in halves]
    np.testing.assert_allclose(state.l1_paid, sum(p.l1_paid for p in parts) / 2, atol=1e-12)
    assert state.l1_total == pytest.approx(parts[0].l1_total)
    losses = [m.loss_curve_[0] - 1e-3 * np.abs(m.coef_).sum() for m in halves]
    assert by.loss_curve_[0] == pytest.approx(np.mean(losses) + 1e-3 * np.abs(by.coef_).sum())


def test_weights_count_by_rows():
    """A rank that has nothing to do has no say."""
    problem = small_problem(loss="log_loss")
    options = {"max_iter": 3, "tol": None, "shuffle": False, "learning_rate": "constant"}
    by = model_for("log_loss", **options, **by_workers(4, local_steps=1, warm_up=0), eta0=0.02)
    alone = model_for("log_loss", **options, eta0=0.08)
    for model in (by, alone):
        model.partial_fit(problem.X[:1], np.ones(1), classes=[0, 1])
    np.testing.assert_allclose(by.coef_, alone.coef_, atol=1e-12)


def test_averaged_weights():
    """Sums over the steps of all ranks: constant weights stay what they are."""
    problem = small_problem(loss="log_loss")
    options = {"learning_rate": "constant", "eta0": 1e-12, "max_iter": 3, "tol": None,
               "penalty": None, **by_workers(3, local_steps=10)}
    for average in (True, 100, 440):
        model = model_for("log_loss", average=average, **options).fit(
            problem.X, problem.y, coef_init=np.ones((1, 23)), intercept_init=[2.0])
        np.testing.assert_allclose(model.coef_, 1, atol=1e-8)
        np.testing.assert_allclose(model.intercept_, 2, atol=1e-8)


@pytest.mark.parametrize("average", [False, True])
def test_partial_fit_resume_and_another_number_of_workers(average):
    problem = small_problem(loss="log_loss")
    X, y = problem.X, problem.y
    options = {"average": average, "tol": None, "learning_rate": "optimal"}
    whole = model_for("log_loss", max_iter=6, **options, **by_workers(2)).fit(X, y)
    parts = model_for("log_loss", max_iter=2, **options, **by_workers(2)).fit(X, y)
    parts.resume(X, y, max_iter=4).resume(X, y, max_iter=6)
    np.testing.assert_allclose(parts.coef_, whole.coef_, atol=1e-12)
    assert parts.t_ == whole.t_ == 901
    parts.set_params(workers=threads(3, policy="local")).resume(X, y, max_iter=30)
    parts.set_params(workers=None).partial_fit(X, y)
    assert parts.t_ == 1 + 31 * 150
    alone = model_for("log_loss", max_iter=31, **options).fit(X, y)
    assert objective(parts, problem) <= 1.02 * objective(alone, problem)


def test_the_same_seed_gives_the_same_bits():
    problem = small_problem()
    fits = [model_for("hinge", **EPOCHS, **by_workers(3)).fit(problem.X, problem.y)
            for _ in range(2)]
    assert fits[0].coef_.tobytes() == fits[1].coef_.tobytes()


def test_classes_and_early_stopping():
    X = small_problem().X
    y = np.digitize(small_problem(loss="squared_error").y, [-0.7, 0.7])
    fits = [FastSGDClassifier("log_loss", alpha=0.01, random_state=0, early_stopping=True, **more)
            .fit(X, y) for more in ({}, by_workers(2))]
    assert fits[1].coef_.shape == (3, 23)
    assert fits[1].fit_stats_["sync"] == "serial"  # classes one by one
    assert abs(fits[1].score(X, y) - fits[0].score(X, y)) < 0.1


def test_time_is_over_for_all():
    problem = small_problem()
    model = model_for("hinge", max_iter=10**6, tol=None, max_time=0.3, **by_workers(3)).fit(
        problem.X, problem.y)
    assert model.fit_stats_["stopped_by"] == "max_time"
    assert model.n_iter_ < 10**6
    assert model.t_ <= 1 + 150 * (model.n_iter_ + 1)


def test_an_int_is_local_for_sgd():
    for solver, policy in (("sgd", "local"), ("gd", "sync")):
        model = FastSGDClassifier(workers=3, solver=solver)
        assert Plan.of(model).workers == Workers(3, policy=policy)


def test_l1_that_was_taken_before_stays():
    """A training with L1 that goes on without: what clipping has taken is no longer averaged."""
    problem = small_problem()
    model = FastSGDClassifier(penalty="l1", alpha=1e-3, random_state=0, **by_workers(2))
    model.partial_fit(problem.X, problem.y, classes=[-1, 1])
    model.set_params(penalty="l2").partial_fit(problem.X, problem.y)
    assert np.isfinite(model.coef_).all()
