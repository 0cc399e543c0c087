"""max_time: a fit ends soon after it, with the best model so far, and can go on."""

import threading
import time
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from test_model_file import labels, rows
from test_resume import equal

from fastsgd import FastSGDClassifier, FastSGDRegressor, load_model, save_model
from fastsgd.engine.deadline import NEVER, Deadline
from fastsgd.engine.linear.classes import train_classes
from fastsgd.engine.linear.sgd import train
from fastsgd.engine.linear.solvers import TRAIN
from fastsgd.engine.linear.state import LinearState
from fastsgd.engine.run import Best
from fastsgd.engine.team import Team

SOON = 5.0  # seconds; measured 0.001 to 0.05, but a test must not depend on the machine's load

rng = np.random.default_rng(0)
DENSE = rng.random((20_000, 20), dtype=np.float32)
SPARSE, TARGET = rows(n=20_000, d=300)
Y = labels(TARGET, [0, 1])
ENDLESS = {"max_iter": 10**8, "tol": None, "n_iter_no_change": 10**8}


@pytest.mark.parametrize("kind", ["sparse", "dense"])
@pytest.mark.parametrize("sync", ["serial", "merge", "hogwild", "round_robin"])
@pytest.mark.parametrize("options", [
    {}, {"penalty": "l1"}, {"average": True}, {"early_stopping": True},
    {"alpha": 0.5, "learning_rate": "constant", "eta0": 0.5},  # segments of few rows
], ids=str)
def test_a_fit_ends_soon_after_it(kind, sync, options):
    if options.get("average") and sync != "serial":
        pytest.skip("averages are serial")
    X = SPARSE if kind == "sparse" else DENSE
    model = FastSGDClassifier(sync=sync, merge_every=64, n_jobs=2, max_time=0.2, **ENDLESS,
                              **options)
    began = time.perf_counter()
    model.fit(X, Y)
    assert time.perf_counter() - began < 0.2 + SOON
    assert model.fit_stats_["stopped_by"] == "max_time"
    assert model.n_iter_ >= 1
    assert len(model.loss_curve_) in (model.n_iter_, 0)
    assert np.isfinite(model.coef_).all()
    # round-robin: on a busy machine the first turn may come too late
    assert np.any(model.coef_) or (sync == "round_robin" and model.t_ == 1)
    assert not [t for t in threading.enumerate() if t.name.startswith("fastsgd")]


@pytest.mark.parametrize("sync", ["serial", "merge", "hogwild", "round_robin"])
@pytest.mark.parametrize("options", [{}, {"penalty": "l1"}, {"shuffle": False}], ids=str)
def test_within_the_first_epoch_the_model_is_that_of_its_part(sync, options):
    """So short a time ends the first piece of work; a resumed training runs the epoch whole."""
    n = 2000 if sync == "round_robin" else len(Y)  # turns: on a busy machine each a time slice
    X, y = SPARSE[:n], Y[:n]
    model = FastSGDClassifier(sync=sync, merge_every=64, n_jobs=2, max_time=1e-9, random_state=0,
                              **ENDLESS, **options).fit(X, y)
    assert model.n_iter_ == 1
    assert model.loss_curve_ == []
    assert 1 <= model.t_ <= 1 + n
    if sync == "serial":
        assert 1 < model.t_ < 1 + n
        assert model.score(X, y) > 0.6
    part = model.t_
    model.set_params(max_time=None).resume(X, y, max_iter=2)
    assert (model.n_iter_, len(model.loss_curve_)) == (2, 2)
    assert model.t_ == part + 2 * n


def test_each_class_may_take_an_equal_part_of_what_is_left(monkeypatch):
    given = []

    def recorded(*args, deadline, **kwargs):
        given.append(deadline.left)
        return train(*args, deadline=deadline, **kwargs)

    monkeypatch.setitem(TRAIN, "sgd", recorded)
    X, y = rows(n=200)
    FastSGDClassifier(max_iter=2, tol=None, max_time=3600.0).fit(X, labels(y, list("abc")))
    assert given == pytest.approx([1200, 1800, 3600], abs=60)


def test_classes_share_the_time():
    y = labels(TARGET, list("abcd"))
    model = FastSGDClassifier(max_time=0.8, **ENDLESS)
    began = time.perf_counter()
    model.fit(SPARSE, y)
    assert time.perf_counter() - began < 0.8 + SOON
    assert all(state.t > 1 for state in model._states)
    model.set_params(max_time=1e-9).partial_fit(SPARSE, y)
    assert model.fit_stats_["stopped_by"] == "max_time"


@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize("options", [{}, {"early_stopping": True}, {"eta0": "auto"}], ids=str)
def test_classes_of_one_pass_end_together_and_can_go_on(n_jobs, options):
    y = labels(TARGET, range(20))
    more = {"sync": "classes", "n_jobs": n_jobs, "random_state": 0, **options}
    seconds = 0.3 if "eta0" not in options else 1.5  # which takes 0.1 s to be found, if alone
    model = FastSGDClassifier(max_time=seconds, **ENDLESS, **more).fit(SPARSE, y)
    assert model.fit_stats_["stopped_by"] == "max_time"
    assert model.n_iter_ == max(state.epoch for state in model._states) >= 1
    assert np.any(model.coef_, axis=1).all()
    assert not [t for t in threading.enumerate() if t.name.startswith("fastsgd")]
    early = FastSGDClassifier(max_time=1e-9, **ENDLESS, **more).fit(SPARSE, y)
    assert (early.n_iter_, early.loss_curve_) == (1, [])
    parts = [state.t for state in early._states]
    early.set_params(max_time=None).resume(SPARSE, y, max_iter=2)
    n = len(y) - (len(y) // 10 if "early_stopping" in options else 0)
    assert [state.t for state in early._states] == [part + 2 * n for part in parts]
    assert early.fit_stats_["stopped_by"] == "max_iter"


def test_each_class_of_one_pass_keeps_its_best_epoch(monkeypatch):
    X, y = rows(n=400)
    y, kept = labels(y, range(5)), iter([1, 2, 3, 4, 6])
    model = FastSGDClassifier(
        sync="classes", max_iter=9, tol=None, random_state=0, max_time=3600.0)
    by_epoch = [clone(model).set_params(max_iter=k, max_time=None).fit(X, y)
                for k in (1, 2, 3, 4, 6)]

    def ends_with_epoch_6(*args, deadline, on_epoch, **kwargs):
        def hook(told):
            if told.number == 6:
                deadline._end = 0.0

        return train_classes(*args, deadline=deadline, on_epoch=hook, **kwargs)

    class Chosen(Best):
        def __init__(self):
            super().__init__()
            self._chosen = next(kept)

        def keep(self, state, cost):
            super().keep(state, 0 if state.epoch == self._chosen else 1)

    monkeypatch.setattr("fastsgd.engine.run.Best", Chosen)
    monkeypatch.setattr("fastsgd.models.linear.one_pass.train_classes", ends_with_epoch_6)
    monkeypatch.setattr("fastsgd.models.linear.one_pass.comparison",
                        lambda *args: lambda w, b: 0.0)
    model.fit(X, y)
    assert model.fit_stats_["stopped_by"] == "max_time"
    assert [state.epoch for state in model._states] == [1, 2, 3, 4, 6]
    for k, other in enumerate(by_epoch):
        assert np.array_equal(model.coef_[k], other.coef_[k])
        assert model.intercept_[k] == other.intercept_[k]


def test_deadline_hands_on_what_is_left():
    assert NEVER.left == np.inf
    assert not NEVER.share(3).limited
    assert not Deadline(np.inf).limited
    whole = Deadline(1000)
    assert 300 < whole.share(3).left <= 1000 / 3
    assert 999 < whole.share(1).left <= 1000
    past = Deadline(0)
    assert past.passed
    assert past.share(2).passed
    assert past.left == 0


def test_a_waiting_team_is_stopped_once():
    """Threads that work for ever are asked to end when the time is over."""
    stop, asked = threading.Event(), []

    def interrupt():
        asked.append(1)
        stop.set()

    with Team(2, interrupt, Deadline(0.05)) as team:
        team.run(lambda rank: stop.wait(60))
        team.run(lambda rank: None)
        assert team.expired()
    assert asked == [1]


class Measured:
    """Costs by the first weight."""

    def __call__(self, weights, intercept):
        return float(weights[0])


@pytest.mark.parametrize(("now", "taken"), [(0.5, 0.5), (2.0, 1.0), (np.nan, 1.0)])
def test_the_better_model_is_kept(now, taken):
    state = LinearState(weights=np.array([1.0]), t=5, epoch=1, curve=[0.7])
    weights, best = state.weights, Best()
    best.settle(state, Measured())  # nothing is kept yet
    best.keep(state, 0.7)
    state.weights[0], state.t, state.epoch = 3.0, 9, 2
    best.keep(state, 0.8)
    state.weights[0], state.t = now, 11
    best.settle(state, Measured())
    assert state.weights is weights
    assert weights[0] == taken
    assert (state.t, state.epoch) == ((11, 2) if taken == now else (5, 1))


@pytest.mark.parametrize("learning_rate", ["constant", "adaptive"])
@pytest.mark.parametrize("options", [
    {}, {"penalty": "l1"}, {"average": 200}, {"early_stopping": True}], ids=str)
def test_an_earlier_epoch_that_was_better_is_returned(monkeypatch, options, learning_rate):
    """All that is told is that epoch's, and the training goes on from there to the same bits."""
    X, y = rows(n=400)
    more = {"learning_rate": learning_rate, "eta0": 0.05, "tol": None, "random_state": 0}
    model = FastSGDRegressor(max_time=3600.0, max_iter=9, **more, **options)
    three = clone(model).set_params(max_time=None, max_iter=3).fit(X, y)
    nine = clone(model).set_params(max_time=None).fit(X, y)

    def ends_with_epoch_6(*args, deadline, on_epoch, **kwargs):
        def hook(told):
            if told.number == 6:
                deadline._end = 0.0
            return on_epoch is not None and on_epoch(told)

        return train(*args, deadline=deadline, on_epoch=hook, **kwargs)

    keep = Best.keep
    monkeypatch.setitem(TRAIN, "sgd", ends_with_epoch_6)
    monkeypatch.setattr(  # later epochs are told as worse
        Best, "keep", lambda self, state, cost: keep(
            self, state, -state.epoch if state.epoch <= 3 else np.inf))
    monkeypatch.setattr("fastsgd.engine.linear.progress.comparison",
                        lambda *args: lambda w, b: 0.0)
    ended = model.fit(X, y)
    monkeypatch.undo()
    assert ended.fit_stats_["stopped_by"] == "max_time"
    equal(ended, three)
    equal(ended.resume(X, y), nine)


def test_resume_after_whole_epochs_is_bit_identical(tmp_path):
    """Where no epoch was cut, time makes no difference to what comes after."""
    X, y = rows(n=40)  # an epoch is one piece of work: the clock is looked at when it has ended
    y = labels(y, [0, 1])
    model = FastSGDClassifier(max_time=1e-9, max_iter=20, tol=None, random_state=1, eta0="auto")
    whole = clone(model).set_params(max_time=None).fit(X, y)
    model.fit(X, y)
    assert (model.n_iter_, model.fit_stats_["stopped_by"]) == (1, "max_time")
    while model.n_iter_ < 20:
        save_model(model, tmp_path / "m")
        before = model.n_iter_
        model = load_model(tmp_path / "m").resume(X, y)
        assert model.n_iter_ == before + 1
    equal(model, whole)


def test_what_ended_the_training_is_told():
    X, y = rows(n=200)
    made = {"random_state": 0, "learning_rate": "constant"}
    short = FastSGDRegressor(max_iter=2, tol=1e-9, max_time=3600.0, **made)
    with pytest.warns(ConvergenceWarning, match="Maximum number of iteration"):
        assert short.fit(X, y).fit_stats_["stopped_by"] == "max_iter"
    assert FastSGDRegressor(**made).fit(X, y).fit_stats_["stopped_by"] == "tol"
    timed = FastSGDRegressor(**made | {"max_time": 1e-9, "max_iter": 10**8, "tol": 1e-9})
    with pytest.warns(ConvergenceWarning, match="max_time=1e-09 seconds ended the training"):
        timed.fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        timed.set_params(tol=None).fit(X, y)
    stopped = FastSGDRegressor(max_iter=50, tol=None, **made)
    stopped._epoch_hook = lambda k, told: told.number == 4
    assert stopped.fit(X, y).fit_stats_["stopped_by"] == "callback"
    assert stopped.n_iter_ == 4


def test_a_limit_that_is_not_met_changes_nothing():
    X, y = rows(n=300)
    model = FastSGDRegressor(random_state=0, max_iter=5, tol=None)
    limited = clone(model).set_params(max_time=3600.0).fit(X, y)
    equal(limited, model.fit(X, y))


@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize("options", [
    {"solver": "gd", "learning_rate": "constant"}, {"solver": "gd", "batch_size": 1000},
    {"solver": "gd", "learning_rate": "backtracking", "penalty": "l1"},
    {"solver": "lbfgs"}, {"solver": "newton-cg"}], ids=str)
def test_sums_over_all_rows_end_with_a_whole_iteration(options, n_jobs):
    X = np.vstack([DENSE] * 20)  # a pass takes several pieces of work
    y = np.arange(len(X)) % 40
    model = FastSGDClassifier("log_loss", max_time=0.3, n_jobs=n_jobs, **ENDLESS, **options)
    began = time.perf_counter()
    model.fit(X, y)
    assert time.perf_counter() - began < 0.3 + SOON
    assert model.fit_stats_["stopped_by"] == "max_time"
    assert np.isfinite(model.coef_).all()
    assert not [t for t in threading.enumerate() if t.name.startswith("fastsgd")]
    none = FastSGDClassifier("log_loss", max_time=1e-9, n_jobs=n_jobs, **ENDLESS, **options)
    none.fit(X, y == 1)
    assert none.fit_stats_["stopped_by"] == "max_time"
    assert none.n_iter_ == 1
    assert not np.any(none.coef_) or "batch_size" in options
    none.set_params(max_time=None, tol=1e-3, n_iter_no_change=1).resume(X, y == 1, max_iter=3)
    assert np.any(none.coef_)


@pytest.mark.parametrize("value", [0, -1.0, "soon", np.nan, np.inf])
def test_refusals(value):
    with pytest.raises(ValueError, match="max_time"):
        FastSGDRegressor(max_time=value).fit(*rows())
