"""When trainings of MLPs end: early stopping, tol, max_time, Ctrl-C; and what they leave."""

import time
import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from fastsgd import FastMLPClassifier, FastMLPRegressor, Workers
from fastsgd.engine.mlp.progress import has_stalled
from fastsgd.engine.mlp.settings import State
from fastsgd.engine.run import Epoch

DRAW = np.random.default_rng(0)
X = DRAW.normal(size=(300, 6))
Y = np.digitize(X[:, 0] + X[:, 1] ** 2, [0, 1])
S = sparse.csr_array(X * (DRAW.random(X.shape) < 0.4))


@pytest.fixture(autouse=True)
def _quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield


def weights(model):
    return np.concatenate([a.ravel() for a in model.coefs_ + model.intercepts_])


def test_early_stopping_on_csr_keeps_the_best():
    model = FastMLPClassifier((7,), early_stopping=True, random_state=0, max_iter=60,
                              learning_rate_init=0.05, n_iter_no_change=5).fit(S, Y)
    assert max(model.validation_scores_) == model.best_validation_score_
    assert model.fit_stats_["stopped_by"] == "tol"
    assert model.n_iter_ == len(model.validation_scores_) == len(model.loss_curve_)


@pytest.mark.parametrize("name", ["fit", "partial_fit"])
def test_training_goes_on_after_early_stopping(name):
    """What is learnt without early_stopping stays: the best score was another call's."""
    model = FastMLPClassifier((7,), early_stopping=True, random_state=0, max_iter=9,
                              learning_rate_init=0.05, warm_start=True).fit(X, Y)
    before = weights(model).copy()
    getattr(model.set_params(early_stopping=False), name)(X, Y)
    assert np.abs(weights(model) - before).max() > 1e-3
    assert model.best_validation_score_ is None
    model.set_params(early_stopping=True).fit(X[::-1], Y[::-1])
    assert model.best_validation_score_ == max(model.validation_scores_[9:])


def test_adaptive_divides_by_five():
    """After more than n_iter_no_change epochs without progress, until 1e-6."""
    from mlp_problem import settings

    chosen = settings(adaptive=True, schedule={"eta0": 0.1}, tol=0.01, n_iter_no_change=2)
    state, ended = State(), []
    for number in range(60):
        ended.append(has_stalled(state, Epoch(number, 1.0, 1.0, None, 0.0), chosen))
        if ended[-1]:
            break
    assert state.eta0 == pytest.approx(0.1 / 5 ** 8)
    assert len(ended) == 1 + 9 * 3
    assert not any(ended[:-1])


def test_tol_ends_a_training():
    model = FastMLPClassifier((7,), tol=0.5, n_iter_no_change=3, random_state=0).fit(X, Y)
    assert model.n_iter_ == 5  # one that counts as progress, and four that do not
    never = FastMLPClassifier((7,), tol=0.5, n_iter_no_change=np.inf, max_iter=30, random_state=0)
    assert never.fit(X, Y).n_iter_ == 30


@pytest.mark.parametrize("given", [{}, {"sync": "hogwild", "n_jobs": 2},
                                   {"sync": "map_reduce", "n_jobs": 2},
                                   {"sync": "merge", "n_jobs": 2}, {"solver": "lbfgs"}],
                         ids=str)
def test_max_time(given):
    """Ends soon with a usable model and a warning."""
    given = {"batch_size": 20, **given}
    model = FastMLPClassifier((50, 50), max_time=0.15, max_iter=10 ** 6, max_fun=10 ** 6,
                              n_iter_no_change=np.inf, tol=0.0, random_state=0, **given)
    with pytest.warns(ConvergenceWarning, match="max_time=0.15"):
        model.fit(X, Y)
    assert model.fit_stats_["stopped_by"] == "max_time"
    assert model.fit_stats_["seconds"] < 30
    assert np.isfinite(weights(model)).all()
    assert model.predict(X).shape == (300,)


def test_max_time_within_the_first_epoch():
    model = FastMLPClassifier((200, 200), max_time=1e-9, batch_size=1, random_state=0).fit(X, Y)
    assert model.n_iter_ == 0
    assert model.t_ < 300
    assert np.isfinite(model.loss_)


@pytest.mark.parametrize("data", [X, S], ids=["dense", "csr"])
@pytest.mark.parametrize("sync", ["serial", "hogwild", "map_reduce", "merge"])
def test_max_time_before_the_first_minibatch(sync, data):
    """No time for any work is no divergence: the first weights are the model's."""
    model = FastMLPClassifier((7,), max_time=1e-9, sync=sync, n_jobs=2, batch_size=64,
                              random_state=0)
    with pytest.warns(ConvergenceWarning, match="max_time=1e-09"):
        model.fit(data, Y)
    assert model.n_iter_ == 0
    assert model.predict(data).shape == (300,)


def test_interrupt_leaves_a_model(monkeypatch):
    """Ctrl-C in an epoch: raised, and the weights so far are the model's."""
    from fastsgd.engine.mlp.minibatch import Worker

    learn, calls = Worker.learn, []

    def interrupted(self, *args):
        calls.append(1)
        if len(calls) == 30:
            raise KeyboardInterrupt
        return learn(self, *args)

    monkeypatch.setattr(Worker, "learn", interrupted)
    model = FastMLPClassifier((7,), batch_size=30, random_state=0)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y)
    monkeypatch.undo()
    assert len(model.loss_curve_) == 2
    assert np.isfinite(model.predict_proba(X)).all()
    assert len(model.partial_fit(X, Y).loss_curve_) == 3


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_interrupted_lbfgs_is_at_its_last_iterate(monkeypatch, n_jobs):
    """Not where the line search stood; and no thread goes on to the end of its rows."""
    from fastsgd.engine.mlp import lbfgs
    from fastsgd.engine.mlp.network import Pass

    given = {"hidden_layer_sizes": (7,), "solver": "lbfgs", "random_state": 0, "n_jobs": n_jobs}
    whole = FastMLPClassifier(max_iter=8, **given).fit(X, Y)
    gradient, calls = Pass.gradient, []
    evaluations = whole.t_ // 300

    def interrupted(self, *args):
        calls.append(1)
        if len(calls) > 4 * evaluations + 30:  # in the second evaluation beyond
            raise KeyboardInterrupt
        return gradient(self, *args)

    monkeypatch.setattr(Pass, "gradient", interrupted)
    model = FastMLPClassifier(**given)
    monkeypatch.setattr(lbfgs, "BLOCK", 75)  # one for each part, and so long as all is well
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y)
    monkeypatch.undo()
    assert model.n_iter_ == len(model.loss_curve_) >= 8
    assert model.loss_ == model.loss_curve_[-1]
    there = FastMLPClassifier(max_iter=model.n_iter_, **given).fit(X, Y)
    np.testing.assert_allclose(weights(model), weights(there), rtol=0, atol=1e-6)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_max_time_within_an_evaluation_of_lbfgs(monkeypatch, n_jobs):
    """The rest of the rows is left; the weights are those of the last iterate, here the first."""
    from fastsgd.engine.mlp import lbfgs
    from fastsgd.engine.mlp.network import Pass

    gradient, calls = Pass.gradient, []

    def slow(self, *args):
        calls.append(1)
        time.sleep(0.05)
        return gradient(self, *args)

    monkeypatch.setattr(lbfgs, "BLOCK", 3)
    monkeypatch.setattr(Pass, "gradient", slow)
    model = FastMLPClassifier((7,), solver="lbfgs", max_time=0.2, n_jobs=n_jobs, random_state=0)
    with pytest.warns(ConvergenceWarning, match="max_time=0.2"):
        model.fit(X, Y)
    assert 0 < len(calls) < 100
    assert (model.n_iter_, model.t_, model.loss_curve_) == (0, 0, [])
    assert model.predict(X).shape == (300,)


def test_lbfgs_tells_its_curve():
    model = FastMLPClassifier((7,), solver="lbfgs", max_iter=20, random_state=0).fit(X, Y)
    assert len(model.loss_curve_) == model.n_iter_ == 20
    assert model.loss_ == pytest.approx(min(model.loss_curve_))
    assert model.fit_stats_["stopped_by"] == "max_iter"
    with pytest.warns(ConvergenceWarning, match="max_fun=3"):
        few = clone(model).set_params(max_fun=3).fit(X, Y)
    assert few.t_ // 300 < 10 < model.t_ // 300
    assert few.fit_stats_["stopped_by"] == "max_fun"
    assert few.best_loss_ == few.loss_


@pytest.mark.parametrize("solver", ["lbfgs", "adam"])
def test_what_is_told_may_end_a_training(solver):
    model = FastMLPClassifier((7,), solver=solver, random_state=0)
    model._epoch_hook = lambda _k, told: told.number == 3
    model.fit(X, Y)
    assert model.n_iter_ == len(model.loss_curve_) == 3
    assert model.fit_stats_["stopped_by"] == "callback"


@pytest.mark.parametrize("workers", [None, Workers(2, comm="thread")])
@pytest.mark.parametrize("kind", [FastMLPClassifier, FastMLPRegressor])
def test_held_out_rows_that_weigh_nothing_are_told(kind, workers):
    """Before the training, as by linear models; not by a division by 0 within it."""
    model = kind(hidden_layer_sizes=(3,), early_stopping=True, random_state=0, max_iter=2,
                 workers=workers)
    y = X[:, 0] > 0
    weight = np.zeros(len(X))
    model.fit(X, y, sample_weight=weight + 1)
    before, held_out = model.coefs_[0].copy(), []
    split = model._split

    def look(*args):
        found = split(*args)
        held_out.append(found[1])
        return found

    model._split = look
    model.fit(X, y, sample_weight=weight + 1)
    weight[:] = 1
    weight[held_out[0]] = 0
    with pytest.raises(ValueError, match="weights for validation set are all zero"):
        model.fit(X, y, sample_weight=weight)
    assert np.array_equal(model.coefs_[0], before)
