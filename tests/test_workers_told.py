"""What workers tell while they train: epochs, models for callbacks, the model at Ctrl-C."""

import warnings

import numpy as np
import pytest
from kernel_reference import small_problem
from sklearn.exceptions import ConvergenceWarning
from test_callbacks import Recorder
from test_mlp_callbacks import weights
from test_solvers import model_for

from fastsgd import FastMLPClassifier, Workers, load_model, save_model
from fastsgd.engine import teller
from fastsgd.errors import DivergenceError
from fastsgd.models import pools

pytestmark = pytest.mark.filterwarnings(
    f"ignore::{ConvergenceWarning.__module__}.ConvergenceWarning")

PROBLEM = small_problem(loss="log_loss")
X, Y = PROBLEM.X, PROBLEM.y
LINEAR = {
    "local": ({}, "local"), "averaged": ({"average": True}, "local"),
    "gd": ({"solver": "gd", "learning_rate": "constant", "batch_size": 50}, "sync"),
    "lbfgs": ({"solver": "lbfgs"}, "sync"), "sdca": ({"solver": "sdca"}, "sync")}
NETWORK = {"sync": ({}, "sync"), "mlp-local": ({}, "local"),
           "mlp-lbfgs": ({"solver": "lbfgs"}, "sync")}


def linear(way, epochs, comm=None):
    options, policy = LINEAR[way]
    workers = None if comm is None else Workers(2, comm=comm, policy=policy, timeout=30)
    return model_for("log_loss", **options, max_iter=epochs, tol=None, workers=workers)


def network(way, epochs, comm=None):
    options, policy = NETWORK[way]
    workers = None if comm is None else Workers(2, comm=comm, policy=policy, timeout=30)
    return FastMLPClassifier((7,), random_state=0, batch_size=20, tol=0, n_iter_no_change=np.inf,
                             max_iter=epochs, workers=workers, **options)


MODELS = [(make, way) for make, ways in ((linear, LINEAR), (network, NETWORK)) for way in ways]

CASES = [(*each, "thread") for each in MODELS] + [
    (linear, "averaged", "process"), (linear, "sdca", "process"), (network, "sync", "process")]


def numbers(model):
    return weights(model) if hasattr(model, "coefs_") else np.append(model.coef_, model.intercept_)


class Interrupter(Recorder):
    """As Recorder, but it raises where that one asks to stop."""

    def __init__(self, stop_at, error=KeyboardInterrupt):
        super().__init__(stop_at)
        self.error = error

    def on_fit_task_end(self, estimator, context, **about):
        if super().on_fit_task_end(estimator, context, **about):
            raise self.error


@pytest.mark.parametrize(("make", "way", "comm"), CASES)
def test_a_callback_sees_each_model_and_ends_the_training(make, way, comm):
    recorder = Recorder(stop_at=3)
    model = make(way, 9, comm).set_callbacks(recorder).fit(X, Y)
    assert (model.n_iter_, model.fit_stats_["stopped_by"]) == (3, "callback")
    assert len(recorder.models) == 3
    for epochs, seen in enumerate(recorder.models, start=1):
        alone = make(way, epochs, "thread").fit(X, Y)
        if way == "sdca":  # its end balances the dual variables and takes their best multiple
            np.testing.assert_allclose(numbers(seen), numbers(alone), atol=0.4)
        else:
            np.testing.assert_array_equal(numbers(seen), numbers(alone))


@pytest.mark.parametrize(("make", "way", "comm"), CASES)
def test_ctrl_c_keeps_the_last_model_that_was_told(tmp_path, make, way, comm):
    model = make(way, 9, comm).set_callbacks(Interrupter(3))
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y)
    assert model not in pools._POOLS
    whole = make(way, 6, "thread").fit(X, Y)
    save_model(model, tmp_path / "model")
    for again in (load_model(tmp_path / "model"), model):
        assert again._states[0].epoch == 3
        again.set_params(workers=whole.workers).set_callbacks()
        again.resume(X, Y, max_iter=6)
        if "lbfgs" not in way and way != "sdca":  # they begin anew
            np.testing.assert_array_equal(numbers(again), numbers(whole))
        assert again.score(X, Y) >= whole.score(X, Y) - 0.05


@pytest.mark.parametrize("comm", ["process", "thread"])
@pytest.mark.parametrize(("make", "way"), [(linear, "local"), (network, "sync")])
def test_other_errors_leave_the_model_as_it_was(make, way, comm):
    model = make(way, 2, comm).fit(X, Y)
    before, stats = numbers(model).copy(), model.fit_stats_
    model.set_callbacks(Interrupter(3, ZeroDivisionError))
    with pytest.raises(ZeroDivisionError):
        model.resume(X, Y, max_iter=9)
    model.set_callbacks()
    np.testing.assert_array_equal(numbers(model), before)
    assert model.fit_stats_ is stats
    assert model._states[0].epoch == 2
    np.testing.assert_array_equal(
        numbers(model.resume(X, Y, max_iter=5)), numbers(make(way, 5, "thread").fit(X, Y)))


@pytest.mark.parametrize(("make", "way"), [(linear, "gd"), (network, "sync")])
def test_a_divergence_that_was_seen_coming_leaves_the_model_as_it_was(make, way):
    model = make(way, 2, "thread").fit(X, Y)
    before = numbers(model).copy()
    big = "eta0" if make is linear else "learning_rate_init"
    model.set_params(**{big: 1e300}).set_callbacks(Recorder())
    if make is network:
        model.set_params(solver="sgd", activation="identity")
    with pytest.raises((DivergenceError, ValueError)):
        model.resume(X, Y, max_iter=9)
    np.testing.assert_array_equal(numbers(model), before)


@pytest.mark.parametrize(("make", "way"), MODELS)
def test_the_model_is_told_after_a_while_though_nobody_asked(monkeypatch, make, way):
    """So that Ctrl-C finds it; epochs between are told only to those who want to hear them."""
    heard = []

    class Told(teller.Teller):
        def __init__(self, comm, each, looks):
            tell = comm.tell
            comm = type("Comm", (), {"tell": lambda _self, value: heard.append(value)
                                     or tell(value)})()
            super().__init__(comm, each, looks)

    monkeypatch.setattr("fastsgd.engine.rank.Teller", Told)
    monkeypatch.setattr(teller, "MODEL_EVERY", 1e9)
    make(way, 4, "thread").fit(X, Y)
    assert heard == []
    monkeypatch.setattr(teller, "MODEL_EVERY", 0.0)
    monkeypatch.setattr(teller, "REST", 0.0)
    make(way, 4, "thread").fit(X, Y)
    assert [sorted(said) for said in heard] == 4 * [["epoch", "model"]]
    heard.clear()
    monkeypatch.setattr(teller, "MODEL_EVERY", 1e9)
    model = make(way, 4, "thread").set_params(verbose=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(X, Y)
    assert [sorted(said) for said in heard] == 4 * [["epoch"]]
