"""What fits of MLPs promise: partial_fit, warm start, schedules, pickles, predictions."""

import pickle
import tracemalloc
import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from fastsgd import FastMLPClassifier, FastMLPRegressor
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


@pytest.mark.parametrize("sync", ["serial", "map_reduce"])
def test_an_epoch_ends_with_the_penalty_of_every_step(sync):
    """SGD's rows, all touched in the first minibatch, are near the dense rule's at the end."""
    data = RARE.toarray()
    data[:10] = X[:10]
    given = {"hidden_layer_sizes": (7,), "solver": "sgd", "random_state": 0, "momentum": 0,
             "batch_size": 10, "learning_rate_init": 0.02, "max_iter": 1, "sync": sync,
             "shuffle": False}
    lazy, dense, free = [
        FastMLPClassifier(lazy=lazy, alpha=alpha, **given).fit(sparse.csr_array(data), Y).coefs_[0]
        for lazy, alpha in ((True, 2.0), (False, 2.0), (False, 0.0))]
    assert np.abs(lazy - dense).max() < 0.1 * np.abs(dense - free).max()


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


def test_random_state_is_scikit_learns():
    """An int gives the same bits; a RandomState goes on; None differs."""
    one, two = [FastMLPClassifier((5,), max_iter=2, random_state=1).fit(X, Y) for _ in range(2)]
    np.testing.assert_array_equal(weights(one), weights(two))
    rng = np.random.RandomState(1)
    first, second = [FastMLPClassifier((5,), max_iter=2, random_state=rng).fit(X, Y)
                     for _ in range(2)]
    np.testing.assert_array_equal(weights(first), weights(one))
    assert np.abs(weights(second) - weights(first)).max() > 0
