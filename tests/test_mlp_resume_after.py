"""`resume` of MLPs after Ctrl-C, `partial_fit`, other weights, other parameters, a divergence."""

from copy import deepcopy

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from test_mlp_resume import CSR, DATA, N, Y, make, networks, same_state, weights

from fastsgd import load_model, save_model
from fastsgd.engine.mlp.examples import Examples
from fastsgd.errors import DivergenceError, ResumeError

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("variant", ["adam", "dropout", "early"])
def test_an_interrupt_between_epochs_loses_nothing(tmp_path, variant, data):
    def interrupt(_k, told):
        if told.number == 3:
            raise KeyboardInterrupt

    model = make(3, variant, tol=0.1)  # so that epochs without progress are counted
    whole = clone(model).fit(DATA[data], Y[3])
    model._epoch_hook = interrupt
    with pytest.raises(KeyboardInterrupt):
        model.fit(DATA[data], Y[3])
    del model._epoch_hook
    assert model.n_iter_ == 3
    save_model(model, tmp_path / "m")
    same_state(load_model(tmp_path / "m").resume(DATA[data], Y[3]), whole)


@pytest.mark.parametrize("sync", ["serial", "map_reduce", "merge", "hogwild"])
@pytest.mark.parametrize("data", DATA)
def test_an_interrupt_within_an_epoch(tmp_path, monkeypatch, data, sync):
    """The epoch is run again, in the same order; minibatches that were learnt are counted."""
    calls = []
    of = Examples.of

    def interrupted(self, visits):
        calls.append(visits)
        if len(calls) == 12:
            raise KeyboardInterrupt
        return of(self, visits)

    model = make(3, batch_size=26, sync=sync, n_jobs=2, merge_every=1)
    monkeypatch.setattr(Examples, "of", interrupted)
    with pytest.raises(KeyboardInterrupt):
        model.fit(DATA[data], Y[3])
    state = model._states[0]
    assert (model.n_iter_, state.epoch) == (2, 2)
    assert model.t_ == 11 * 26 if sync == "serial" else 10 * 26 <= model.t_ <= 11 * 26
    save_model(model, tmp_path / "m")
    before, again = list(calls), load_model(tmp_path / "m")
    calls[:] = [None] * 12
    again.resume(DATA[data], Y[3], max_iter=3)
    assert (again.n_iter_, len(again.loss_curve_)) == (3, 3)
    assert any(np.array_equal(before[10], visits) for visits in calls[12:17])
    assert again._states[0].step >= 14 - (sync == "merge") * 5
    again.resume(DATA[data], Y[3], max_iter=30)
    assert again.score(DATA[data], Y[3]) > 0.5


def test_max_time_within_an_epoch(tmp_path):
    model = make(3, max_time=1e-9, batch_size=10).fit(CSR, Y[3])
    assert (model.n_iter_, model.t_) == (0, 10)
    save_model(model, tmp_path / "m")
    again = load_model(tmp_path / "m").set_params(max_time=None).resume(CSR, Y[3], max_iter=2)
    assert (again.n_iter_, again.t_, len(again.loss_curve_)) == (2, 10 + 2 * N, 2)


def test_after_partial_fit(tmp_path):
    """Its calls count as epochs; orders follow from the numbers as they stand."""
    first = make(3, tol=100.0, n_iter_no_change=3)
    for _ in range(6):  # more than would end a fit
        first.partial_fit(CSR[:50], Y[3][:50], classes=[0, 1, 2])
    save_model(first, tmp_path / "m")
    again = load_model(tmp_path / "m")
    like = load_model(tmp_path / "m").partial_fit(CSR, Y[3])
    first.resume(CSR, Y[3], max_iter=7)
    assert (first.n_iter_, len(first.loss_curve_)) == (7, 7)
    assert like.loss_curve_ == first.loss_curve_
    first.resume(CSR, Y[3], max_iter=9)
    same_state(again.resume(CSR, Y[3], max_iter=9), first)


def test_after_warm_start():
    """Epochs are those since the last call of fit."""
    given = {"warm_start": True, "shuffle": False, "dropout": 0.2}
    whole, parts = make(3, **given), make(3, **given, max_iter=4)
    whole.fit(CSR, Y[3]).fit(CSR, Y[3])
    parts.fit(CSR, Y[3]).resume(CSR, Y[3], max_iter=10)
    parts.fit(CSR, Y[3]).resume(CSR, Y[3], max_iter=10)
    same_state(parts, whole)


@pytest.mark.parametrize("variant", ["adam", "early"])
@pytest.mark.parametrize("how", ["replaced", "written"])
def test_weights_set_by_the_user_count(tmp_path, variant, how):
    model, other = (make(3, variant, max_iter=3).fit(CSR.astype(np.float32), Y[3])
                    for _ in range(2))
    if how == "replaced":
        model.coefs_ = [c.astype(float) * 0 for c in model.coefs_]
    else:
        for c in model.coefs_:
            c *= 0
    save_model(model, tmp_path / "m")
    again = load_model(tmp_path / "m").resume(CSR.astype(np.float32), Y[3], max_iter=4)
    model.resume(CSR.astype(np.float32), Y[3], max_iter=4)
    other.resume(CSR.astype(np.float32), Y[3], max_iter=4)
    assert np.abs(model.coefs_[0]).max() < np.abs(other.coefs_[0]).max()
    assert model.coefs_[0].dtype == np.float32
    assert model.loss_ != other.loss_
    same_state(again, model)


def test_the_best_weights_are_shown_and_the_last_ones_go_on():
    model = make(3, "early", max_iter=8, learning_rate_init=0.3).fit(CSR, Y[3])
    state = model._states[0]
    assert state.iterate is not None
    assert np.abs(weights(model) - state.iterate.pack()).max() > 0
    assert state.best is None
    assert model.best_validation_score_ == max(model.validation_scores_)


@pytest.mark.parametrize("early_stopping", [False, True])
def test_partial_fit_after_early_stopping_learns(early_stopping):
    """It begins at the weights shown, and the best ones of before do not come back."""
    model = make(3, early_stopping=early_stopping, max_iter=4).fit(CSR, Y[3])
    before = weights(model)
    model.set_params(early_stopping=False).partial_fit(CSR, Y[3])
    assert np.abs(weights(model) - before).max() > 0


@pytest.mark.parametrize("solver", ["sgd", "rmsprop", "adadelta"])
def test_dense_and_sparse_rows_in_turn(solver):
    """Lazy rows are brought up to date before dense steps, and stand there after them."""
    turns = make(3, alpha=0.0, solver=solver, momentum=0.0, batch_size=10)
    dense = clone(turns)
    for data in (CSR, CSR.toarray(), CSR.toarray(), CSR, CSR):
        turns.partial_fit(data, Y[3], classes=[0, 1, 2])
        dense.partial_fit(CSR.toarray(), Y[3], classes=[0, 1, 2])
    np.testing.assert_allclose(weights(turns), weights(dense), rtol=1e-8, atol=1e-12)
    turns.resume(CSR.toarray(), Y[3], max_iter=6)
    assert turns._states[0].momenta.last is None


def test_partial_fit_after_ctrl_c_learns():
    """The best weights so far of a fit that was interrupted do not come back either."""
    def interrupt(_k, told):
        if told.number == 3:
            raise KeyboardInterrupt

    model = make(3, "early")
    model._epoch_hook = interrupt
    with pytest.raises(KeyboardInterrupt):
        model.fit(CSR, Y[3])
    del model._epoch_hook
    before, best = weights(model), model._states[0].best.pack()
    model.set_params(early_stopping=False).partial_fit(CSR, Y[3])
    after = np.concatenate([model.coefs_[0].ravel(), model._parameters.rest])
    assert np.abs(after - best).max() > 0
    assert np.abs(weights(model) - before).max() > 0


def test_refusals():
    model = make(3, max_iter=2).fit(CSR, Y[3])
    with pytest.raises(ValueError, match="classes not in"):
        model.resume(CSR, Y[3] + 1)
    with pytest.raises(ValueError, match="features"):
        model.resume(CSR[:, :5], Y[3])
    for wrong in (0, 2.5, True):
        with pytest.raises(ValueError, match="max_iter must be an int >= 1"):
            model.resume(CSR, Y[3], max_iter=wrong)
    with pytest.raises(ResumeError, match=r"130 rows of the last fit, got 100"):
        model.resume(CSR[:100], Y[3][:100])
    with pytest.raises(ResumeError, match=r"by 'adam'.*'adagrad'.*solver='adagrad'"):
        clone_with(model, solver="adagrad").resume(CSR, Y[3])
    with pytest.raises(ResumeError, match=r"by 'adam'.*'nesterov'"):
        clone_with(model, solver="sgd").partial_fit(CSR, Y[3])
    with pytest.raises(ResumeError, match=r"learnt from all rows.*early_stopping=False"):
        clone_with(model, early_stopping=True).resume(CSR, Y[3])
    held_out = make(3, early_stopping=True, max_iter=2).fit(CSR, Y[3])
    with pytest.raises(ResumeError, match=r"held rows out.*early_stopping=True"):
        clone_with(held_out, early_stopping=False).resume(CSR, Y[3])
    with pytest.raises(ValueError, match=r"go on with layers of \[40, 6, 3\]"):
        clone_with(model, hidden_layer_sizes=(7,)).resume(CSR, Y[3])
    bad = deepcopy(model)
    bad.intercepts_ = [b[:1] for b in bad.intercepts_]
    with pytest.raises(ValueError, match="do not fit each other"):
        bad.resume(CSR, Y[3])
    with pytest.raises(NotFittedError):
        make(3).resume(CSR, Y[3])
    del model._states
    with pytest.raises(ResumeError, match="no state"):
        model.resume(CSR, Y[3])


def clone_with(model, **params):
    return deepcopy(model).set_params(**params)


def test_a_divergence_leaves_the_model():
    model = make("numbers", solver="sgd", activation="identity", max_iter=3).fit(CSR, Y["numbers"])
    before, state = weights(model), deepcopy(model._states[0])
    model.learning_rate_init = 1e12
    with pytest.raises(DivergenceError):
        model.resume(CSR, Y["numbers"], max_iter=50)
    np.testing.assert_array_equal(weights(model), before)
    for x, y in zip(networks(model._states[0]), networks(state), strict=True):
        np.testing.assert_array_equal(x, y)
    assert model.loss_curve_ == state.curve
    model.set_params(learning_rate_init=0.02).resume(CSR, Y["numbers"], max_iter=10)
    same_state(model, make("numbers", solver="sgd", activation="identity").fit(CSR, Y["numbers"]))
