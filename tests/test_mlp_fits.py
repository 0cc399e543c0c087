"""What fits of MLPs promise: partial_fit, warm start, early stopping, schedules, time, pickles."""

import pickle
import time
import tracemalloc
import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from fastsgd import FastMLPClassifier, FastMLPRegressor
from fastsgd.engine.mlp.loop import Epoch, stalled
from fastsgd.engine.mlp.settings import State
from fastsgd.schedules import Cosine

DRAW = np.random.default_rng(0)
X = DRAW.normal(size=(300, 6))
Y = np.digitize(X[:, 0] + X[:, 1] ** 2, [0, 1])
S = sparse.csr_array(X * (DRAW.random(X.shape) < 0.4))

RARE = sparse.csr_array(X * (DRAW.random(X.shape) < 0.03))


@pytest.fixture(autouse=True)
def _quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield


def weights(model):
    return np.concatenate([a.ravel() for a in model.coefs_ + model.intercepts_])


@pytest.mark.parametrize("solver", ["sgd", "adam", "rmsprop"])
def test_partial_fit_is_an_epoch(solver):
    """Without a shuffle n calls are n epochs; with one they go on in the same stream."""
    for shuffle in (False, True):
        given = {"hidden_layer_sizes": (7,), "solver": solver, "random_state": 0,
                 "shuffle": shuffle}
        whole = FastMLPClassifier(max_iter=5, **given).fit(X, Y)
        parts = FastMLPClassifier(**given)
        for _ in range(5):
            parts.partial_fit(X, Y, classes=[0, 1, 2])
        np.testing.assert_allclose(parts.loss_curve_[0], whole.loss_curve_[0], rtol=1e-12)
        if not shuffle:
            np.testing.assert_array_equal(weights(parts), weights(whole))
        else:
            assert len(set(np.diff(parts.loss_curve_))) == 4
    assert parts.t_ == 5 * 300
    assert parts.n_iter_ == 1


def test_partial_fit_on_csr():
    given = {"hidden_layer_sizes": (7,), "random_state": 0, "learning_rate_init": 0.01}
    model = FastMLPClassifier(**given)
    for begin in list(range(0, 300, 50)) * 10:
        model.partial_fit(S[begin:begin + 50], Y[begin:begin + 50], classes=[0, 1, 2])
    assert model.score(S, Y) > FastMLPClassifier(max_iter=1, **given).fit(S, Y).score(S, Y)


@pytest.mark.parametrize("lazy", [(True, False, True), (False, True, True, False)], ids=str)
@pytest.mark.parametrize("solver", ["sgd", "adagrad", "rmsprop", "adadelta"])
def test_partial_fit_may_change_lazy(solver, lazy):
    """Rows are brought up to date in between: the dense rule's weights, where lazy has them."""
    given = {"hidden_layer_sizes": (7,), "solver": solver, "random_state": 0, "momentum": 0,
             "batch_size": 10, "alpha": 0.0, "learning_rate_init": 0.05}
    mixed, dense = FastMLPClassifier(**given), FastMLPClassifier(lazy=False, **given)
    for each in lazy:
        mixed.set_params(lazy=each).partial_fit(RARE, Y, classes=[0, 1, 2])
        dense.partial_fit(RARE, Y, classes=[0, 1, 2])
    np.testing.assert_allclose(weights(mixed), weights(dense), rtol=0, atol=1e-9)


@pytest.mark.parametrize("sync", ["serial", "hogwild", "map_reduce", "merge"])
@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_partial_fit_takes_dense_and_csr_in_turn(solver, sync):
    """With momentum and a penalty: it learns on, and rows of a dense call are not left behind."""
    model = FastMLPClassifier((7,), solver=solver, sync=sync, n_jobs=2, batch_size=64,
                              random_state=0, learning_rate_init=0.02, alpha=0.1)
    for each in [S.toarray(), S] * 8:
        model.partial_fit(each, Y, classes=[0, 1, 2])
    assert model.loss_ < model.loss_curve_[0]
    assert model.fit_stats_["lazy"]


def test_partial_fit_with_another_solver():
    """A solver that was not there before begins with a state, and for adam a bias, of its own."""
    model = FastMLPClassifier((7,), random_state=0).partial_fit(X, Y, classes=[0, 1, 2])
    for solver in ("sgd", "adagrad", "adadelta", "rmsprop", "adam"):
        model.set_params(solver=solver).partial_fit(X, Y)
    model.set_params(solver="sgd").partial_fit(X, Y)
    before = weights(model).copy()
    model.set_params(solver="adam", learning_rate_init=0.001, batch_size=300).partial_fit(X, Y)
    np.testing.assert_allclose(np.abs(weights(model) - before).max(), 0.001, rtol=1e-3)


def test_warm_start_goes_on():
    """The weights of the last fit, a new optimizer, the curve continued."""
    model = FastMLPClassifier((7,), max_iter=3, warm_start=True, random_state=0).fit(X, Y)
    before, loss = weights(model), model.loss_
    model.fit(X, Y)
    assert model.loss_ < loss
    assert (len(model.loss_curve_), model.n_iter_, model.t_) == (6, 3, 1800)
    assert np.abs(weights(model) - before).max() > 0
    with pytest.raises(ValueError, match=r"layers of \[6, 7, 3\] units.*ask for \[6, 8, 3\]"):
        model.set_params(hidden_layer_sizes=8).fit(X, Y)
    with pytest.raises(ValueError, match="same classes as in the previous"):
        model.set_params(hidden_layer_sizes=7).fit(X, np.minimum(Y, 1))


def test_first_weights_may_be_given():
    """coefs_ and intercepts_ set by hand are where warm_start and partial_fit begin."""
    start = FastMLPRegressor(hidden_layer_sizes=(3,), max_iter=1, random_state=5).fit(X, Y)
    for name in ("fit", "partial_fit"):
        model = FastMLPRegressor(hidden_layer_sizes=(3,), max_iter=1, warm_start=True,
                                 learning_rate_init=1e-12).fit(X, Y)
        model.coefs_ = [c.copy() for c in start.coefs_]
        model.intercepts_ = [b.copy() for b in start.intercepts_]
        getattr(model, name)(X, Y)
        np.testing.assert_allclose(weights(model), weights(start), atol=1e-8)
        np.testing.assert_allclose(model.predict(X), start.predict(X), atol=1e-6)


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


@pytest.mark.parametrize("rate", ["constant", "optimal", "invscaling", "adaptive", "cosine",
                                  Cosine(T_0=2, T_mult=1)])
@pytest.mark.parametrize("solver", ["sgd", "adam", "adagrad", "rmsprop", "adadelta"])
def test_every_schedule_with_every_solver(solver, rate):
    """All learn, and those that fall end elsewhere than the constant step."""
    given = {"hidden_layer_sizes": (7,), "solver": solver, "max_iter": 12, "random_state": 0,
             "learning_rate_init": 1.0 if solver == "adadelta" else 0.02, "power_t": 0.2,
             "alpha": 1e-3}
    model = FastMLPClassifier(learning_rate=rate, **given).fit(X, Y)
    assert model.loss_curve_[-1] < model.loss_curve_[0]
    constant = FastMLPClassifier(**given).fit(X, Y)
    differs = rate not in ("constant", "adaptive")
    assert differs == bool(np.abs(weights(model) - weights(constant)).max() > 0)


def test_adaptive_divides_by_five():
    """After more than n_iter_no_change epochs without progress, until 1e-6."""
    from mlp_problem import settings

    chosen = settings(adaptive=True, schedule={"eta0": 0.1}, tol=0.01, n_iter_no_change=2)
    state, ended = State(), []
    for number in range(60):
        ended.append(stalled(state, Epoch(number, 1.0, 0.0), chosen))
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
    from fastsgd.engine.mlp.worker import Worker

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


@pytest.mark.parametrize("data", [X, S], ids=["dense", "csr"])
def test_pickles_go_on(data):
    """A pickled model predicts and goes on with the same bits, and holds its weights once."""
    model = FastMLPClassifier((40,), random_state=0).partial_fit(data, Y, classes=[0, 1, 2])
    text = pickle.dumps(model)
    n_bytes = weights(model).nbytes
    assert len(text) < 3.6 * n_bytes + 8000  # the weights and adam's two slots, not four
    again = pickle.loads(text)
    np.testing.assert_array_equal(again.predict_proba(data), model.predict_proba(data))
    for each in (model, again):
        each.partial_fit(data, Y)
    np.testing.assert_array_equal(weights(again), weights(model))


def test_predictions_do_not_copy_the_weights():
    """Not even after a pickle, or of weights that were replaced; a transposed matrix is taken."""
    model = FastMLPClassifier((64,), max_iter=1, random_state=0).fit(
        sparse.random_array((20, 20_000), density=0.001, format="csr", rng=0), Y[:20])
    again = pickle.loads(pickle.dumps(model))
    row = sparse.csr_array(([1.0], ([0], [3])), (1, 20_000))
    expected = model.predict_proba(row)
    tracemalloc.start()
    found = again.predict_proba(row)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    np.testing.assert_array_equal(found, expected)
    assert peak < model.coefs_[0].nbytes / 10
    again.coefs_[0] = np.asfortranarray(again.coefs_[0])
    np.testing.assert_array_equal(again.predict_proba(row), expected)


def test_verbose(capsys):
    FastMLPRegressor(hidden_layer_sizes=3, max_iter=2, verbose=True, early_stopping=True,
                     random_state=0).fit(X, Y)
    out = capsys.readouterr().out
    assert out.count("Iteration") == 2
    assert "Validation score: " in out


def test_lbfgs_tells_its_curve():
    model = FastMLPClassifier((7,), solver="lbfgs", max_iter=20, random_state=0).fit(X, Y)
    assert len(model.loss_curve_) == model.n_iter_ == 20
    assert model.loss_ == pytest.approx(min(model.loss_curve_))
    assert model.fit_stats_["stopped_by"] == "max_iter"
    with pytest.warns(ConvergenceWarning, match="max_fun=3"):
        clone(model).set_params(max_fun=3).fit(X, Y)


def test_random_state_is_scikit_learns():
    """An int gives the same bits; a RandomState goes on; None differs."""
    one, two = [FastMLPClassifier((5,), max_iter=2, random_state=1).fit(X, Y) for _ in range(2)]
    np.testing.assert_array_equal(weights(one), weights(two))
    rng = np.random.RandomState(1)
    first, second = [FastMLPClassifier((5,), max_iter=2, random_state=rng).fit(X, Y)
                     for _ in range(2)]
    np.testing.assert_array_equal(weights(first), weights(one))
    assert np.abs(weights(second) - weights(first)).max() > 0
