"""`partial_fit` writes in place: nothing that is not finite gets in, and an error is undone."""

from copy import deepcopy

import numpy as np
import pytest
from test_mlp_resume import CSR, DATA, Y, make, networks, same_state, weights

from fastsgd import FastMLPRegressor, LayerPipeline
from fastsgd.engine.mlp import undo
from fastsgd.engine.mlp.examples import Examples
from fastsgd.errors import DivergenceError

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
SYNCS = {"serial": {}, "map_reduce": {"sync": "map_reduce", "n_jobs": 2, "batch_size": 64},
         "merge": {"sync": "merge", "n_jobs": 2, "merge_every": 1},
         "hogwild": {"sync": "hogwild", "n_jobs": 2}, "stages": {"pipeline": LayerPipeline(2, 3)}}
Z = Y["numbers"]


def diverging(data, **more):
    """A model after two good calls, whose steps are now far too long."""
    model = make("numbers", activation="identity", **{"solver": "sgd", **more})
    model.partial_fit(DATA[data], Z).partial_fit(DATA[data], Z)
    return model.set_params(learning_rate_init=1e100)


def snapshot(model):
    state = model._states[0]
    return weights(model), [a.copy() for a in networks(state)], deepcopy(vars(state))


def same(a, b):
    np.testing.assert_array_equal(a[0], b[0])
    for x, y in zip(a[1], b[1], strict=True):
        np.testing.assert_array_equal(x, y)
    for name in ("step", "samples", "epoch", "stale", "best_loss", "loss", "curve", "seed"):
        assert a[2][name] == b[2][name], name


@pytest.mark.parametrize("sync", SYNCS)
@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_a_divergence_leaves_all_as_it_was(solver, data, sync):
    """Weights, optimizer, counts, and the arrays that the user holds."""
    model = diverging(data, solver=solver, **SYNCS[sync])
    before, arrays = snapshot(model), model.coefs_
    with pytest.raises(DivergenceError, match=r"at step .* the step was not taken"):
        model.partial_fit(DATA[data], Z)
    same(snapshot(model), before)
    assert model.coefs_ is arrays
    assert np.isfinite(model.predict(CSR)).all()


@pytest.mark.parametrize("data", DATA)
def test_it_goes_on_as_if_nothing_had_happened(data):
    model, other = diverging(data, shuffle=False), diverging(data, shuffle=False)
    with pytest.raises(DivergenceError):
        model.partial_fit(DATA[data], Z)
    for each in (model, other):
        each.set_params(learning_rate_init=0.02).partial_fit(DATA[data], Z)
    same_state(model, other)


def test_one_minibatch_needs_no_copy(monkeypatch):
    """Its loss comes before its step."""
    monkeypatch.setattr(undo.Undo, "keep", None)
    model = make("numbers", solver="sgd", batch_size=len(Z)).partial_fit(CSR, Z)
    before = snapshot(model)
    with pytest.raises(DivergenceError, match=r"loss (inf|nan)"):
        model.partial_fit(CSR, Z * 1e200)
    same(snapshot(model), before)


@pytest.mark.parametrize("sync", ["serial", "map_reduce", "hogwild"])
def test_large_models_keep_what_was_learnt_before(monkeypatch, sync):
    """No copy: the minibatches before the bad one stay, all finite, and are counted."""
    monkeypatch.setattr(undo, "LARGEST", 0)
    model = make("numbers", **{**SYNCS[sync], "batch_size": 64, "shuffle": False})
    model.partial_fit(CSR, Z)
    before, bad = snapshot(model), Z.copy()
    bad[-1] = 1e300
    with pytest.raises(DivergenceError):
        model.partial_fit(CSR, bad)
    state = model._states[0]
    assert np.abs(weights(model) - before[0]).max() > 0
    assert np.isfinite(weights(model)).all()
    assert state.step == before[2]["step"] + 2
    assert state.momenta.last.max() == state.step
    assert state.samples == before[2]["samples"] + 2 * 64
    assert (state.epoch, model.loss_curve_) == (1, before[2]["curve"])
    assert model.partial_fit(CSR, Z).loss_ < before[2]["loss"]


@pytest.mark.parametrize("batch_size", [30, len(Z)])
def test_another_solver_that_diverges_leaves_the_state_of_the_first(batch_size):
    model = make("numbers", batch_size=batch_size).partial_fit(CSR, Z)
    before = snapshot(model)
    model.set_params(solver="rmsprop")
    with pytest.raises(DivergenceError):
        model.partial_fit(CSR, Z * 1e200)
    same(snapshot(model), before)
    assert model._states[0].momenta.rule == "adam"


def test_weights_that_are_not_finite_are_refused():
    model = make("numbers").partial_fit(CSR, Z)
    model.coefs_[1][0] = np.nan
    with pytest.raises(DivergenceError, match="not finite"):
        model.partial_fit(CSR, Z)


@pytest.mark.parametrize("when", ["first", "second"])
def test_any_error_is_undone(monkeypatch, when):
    """Also one that has nothing to do with numbers, in the last of some minibatches."""
    model = make("numbers").partial_fit(CSR, Z) if when == "second" else make("numbers")
    before = snapshot(model) if when == "second" else None
    of, calls = Examples.of, []

    def failing(self, visits):
        calls.append(1)
        if len(calls) == 4:
            raise MemoryError("no room")
        return of(self, visits)

    monkeypatch.setattr(Examples, "of", failing)
    with pytest.raises(MemoryError, match="no room"):
        model.partial_fit(CSR, Z)
    if when == "first":
        assert not hasattr(model, "coefs_")
    else:
        same(snapshot(model), before)


def test_an_error_of_a_callback_is_undone():
    """The epoch was whole then, and its loss in the curve."""
    def fail(_k, _told):
        raise RuntimeError("disk full")

    model = make("numbers").partial_fit(CSR, Z)
    before = snapshot(model)
    model._epoch_hook = fail
    with pytest.raises(RuntimeError, match="disk full"):
        model.partial_fit(CSR, Z)
    same(snapshot(model), before)
    assert model.loss_curve_ == before[2]["curve"]


@pytest.mark.parametrize("sync", ["serial", "map_reduce"])
@pytest.mark.parametrize("data", DATA)
def test_a_gradient_that_is_not_finite_behind_a_loss_that_is(data, sync):
    X = DATA[data].astype(np.float32)
    model = make("numbers", activation="identity", **SYNCS[sync]).partial_fit(X, Z)
    model.coefs_[0][:] *= 1e-15
    model.intercepts_[0][:] = 0
    model.coefs_[1][:] = 1e30
    before = snapshot(model)
    with pytest.raises(DivergenceError, match=r"loss \d.*e\+"):
        model.partial_fit(X, Z)
    same(snapshot(model), before)


def test_ctrl_c_keeps_what_was_learnt(monkeypatch):
    model = make("numbers").partial_fit(CSR, Z)
    before, of, calls = snapshot(model), Examples.of, []

    def interrupted(self, visits):
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return of(self, visits)

    monkeypatch.setattr(Examples, "of", interrupted)
    with pytest.raises(KeyboardInterrupt):
        model.partial_fit(CSR, Z)
    assert model._states[0].step == before[2]["step"] + 3
    assert model.t_ == before[2]["samples"] + 3 * 30
    assert np.abs(weights(model) - before[0]).max() > 0


def test_the_copy_takes_new_shapes():
    """One estimator, fitted anew with other sizes between two calls."""
    model = make("numbers")
    for size, X in ((6, CSR), (4, CSR), (4, CSR.astype(np.float32))):
        model.set_params(hidden_layer_sizes=(size,), learning_rate_init=0.01, max_iter=1, tol=0.1)
        model.fit(X, Z).partial_fit(X, Z)
        before, bad = snapshot(model), Z.copy()
        bad[7] = 1e300 if X.dtype == np.float64 else 1e30
        with pytest.raises(DivergenceError):
            model.partial_fit(X, bad)
        same(snapshot(model), before)


def test_an_early_stopped_model_gets_its_best_weights_back():
    model = make("numbers", early_stopping=True, max_iter=3, solver="sgd")
    model.fit(CSR, Z).set_params(early_stopping=False)
    iterate, before = model._states[0].iterate.pack(), weights(model)
    with pytest.raises(DivergenceError):
        model.partial_fit(CSR, Z * 1e250)
    np.testing.assert_array_equal(weights(model), before)
    np.testing.assert_array_equal(model._states[0].iterate.pack(), iterate)


def test_regressors_named_example():
    """The text says what to do."""
    model = FastMLPRegressor(hidden_layer_sizes=3, solver="sgd", random_state=0)
    model.partial_fit(CSR[:20], Z[:20])
    with pytest.raises(DivergenceError, match=r"preprocessed; a smaller learning_rate_init helps"):
        model.partial_fit(CSR[:20], Z[:20] * 1e200)
