"""Networks by workers that share each minibatch: the model of one process, threads as ranks."""

import warnings

import numpy as np
import pytest
from mlp_problem import settings
from realdata import real
from scipy import sparse
from sklearn.metrics import accuracy_score, r2_score

from fastsgd import FastMLPClassifier, FastMLPRegressor, Workers, load_svmlight
from fastsgd.engine.mlp import loop, scores
from fastsgd.engine.mlp import rank_task as rank
from fastsgd.engine.mlp.settings import State
from fastsgd.engine.mlp.steps import Steps
from fastsgd.engine.peers import grown
from fastsgd.schedules import Cosine

N = 103  # a prime: no number of workers divides it, nor do its minibatches
S = sparse.random(N, 30, 0.15, format="csr", random_state=0)
X, F = S.toarray(), 30
DRAW = np.random.default_rng(1)
Y = DRAW.integers(0, 3, N)
WEIGHT = DRAW.exponential(size=N) * (DRAW.random(N) > 0.2)
GIVEN = {"hidden_layer_sizes": (9, 5), "random_state": 0, "max_iter": 4, "batch_size": 17,
         "alpha": 0.1, "learning_rate_init": 0.02, "tol": 0, "sync": "serial"}
RULES = [{"solver": "adam"}, {"solver": "sgd", "momentum": 0},
         {"solver": "sgd", "nesterovs_momentum": False}, {"solver": "sgd"},
         {"solver": "adagrad"}, {"solver": "rmsprop"}, {"solver": "adadelta"}]


def threads(n, **options):
    """n ranks that are threads of this process."""
    return Workers(n, comm="thread", timeout=30, **options)


def weights(model):
    return np.concatenate([a.ravel() for a in [*model.coefs_, *model.intercepts_]])


def fits(n, X=X, y=Y, kind=FastMLPClassifier, sample_weight=None, workers=None, **options):
    """The model of one process, and that of n workers."""
    found = []
    for more in ({}, {"workers": workers or threads(n)}):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found.append(kind(**GIVEN | options | more).fit(X, y, sample_weight=sample_weight))
    return found


def same(alone, by, tol=1e-9):
    np.testing.assert_allclose(weights(by), weights(alone), rtol=0, atol=tol)
    np.testing.assert_allclose(by.loss_curve_, alone.loss_curve_, rtol=tol)
    for name in ("n_iter_", "t_", "out_activation_"):
        assert getattr(by, name) == getattr(alone, name)
    assert by._states[0].step == alone._states[0].step
    slots = [m._states[0].momenta.slots if m._states[0].momenta else [] for m in (alone, by)]
    for mine, other in zip(*slots, strict=True):
        np.testing.assert_allclose(mine.pack(), other.pack(), rtol=0, atol=tol)


@pytest.mark.parametrize("n", [1, 2, 3, 4])
@pytest.mark.parametrize("data", [{"X": X}, {"X": S}, {"X": S, "lazy": False}],
                         ids=["dense", "lazy", "csr"])
@pytest.mark.parametrize("rule", RULES, ids=str)
def test_the_model_of_one_process(rule, data, n):
    """With weights of rows, some 0, and the penalty."""
    alone, by = fits(n, sample_weight=WEIGHT, **rule, **data)
    same(alone, by)
    told = by.fit_stats_
    assert (told["workers"], told["comm"], told["lazy"]) == (n, "thread", alone.fit_stats_["lazy"])
    assert (told["bytes_sent"] > 0) == (n > 1)


@pytest.mark.parametrize("X", [X, S], ids=["dense", "csr"])
@pytest.mark.parametrize(("kind", "y", "options"), [
    (FastMLPClassifier, Y > 0, {}),
    (FastMLPClassifier, Y, {"loss": "squared_error", "activation": "tanh"}),
    (FastMLPClassifier, np.column_stack([Y == 0, Y > 0]).astype(int),
     {"class_weight": "balanced"}),
    (FastMLPRegressor, np.column_stack([Y, X[:, 0]]), {"activation": "logistic"}),
    (FastMLPRegressor, X[:, 1], {"loss": "poisson"}),
], ids=["sigmoid", "softmax squares", "labels", "regression", "poisson"])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_outputs_and_held_out_rows(kind, y, options, X, early_stopping):
    """Rank 0's score, which is scikit-learn's, decides for all."""
    weight = WEIGHT + 0.1
    alone, by = fits(3, X=X, y=y, kind=kind, sample_weight=weight, early_stopping=early_stopping,
                     max_iter=12, n_iter_no_change=3, validation_fraction=0.2, **options)
    same(alone, by)
    if early_stopping:
        np.testing.assert_allclose(by.validation_scores_, alone.validation_scores_, atol=1e-9)


def test_scores_are_those_of_scikit_learn():
    said, weight = DRAW.random((N, 3)), WEIGHT + 0.1
    labels = (DRAW.random((N, 3)) > 0.5).astype(float)
    constant = np.column_stack([X[:, 0], np.ones(N), np.ones(N)])
    exact = np.column_stack([said[:, 0], np.ones(N), said[:, 2]])
    for w in (None, weight):
        assert scores.accuracy(said, Y, w) == pytest.approx(
            accuracy_score(Y, said.argmax(axis=1), sample_weight=w))
        assert scores.accuracy(said, labels, w) == pytest.approx(
            accuracy_score(labels, said > 0.5, sample_weight=w))
        for guess in (said, exact):
            assert scores.r2(guess, constant, w) == pytest.approx(
                r2_score(constant, guess, sample_weight=w))


@pytest.mark.parametrize("options", [
    {"learning_rate": "optimal"}, {"learning_rate": "invscaling"},
    {"learning_rate": Cosine(T_0=2)}, {"learning_rate": "adaptive", "tol": 1e-2, "max_iter": 80,
                                       "n_iter_no_change": 2, "momentum": 0},
    {"dropout": 0.3}, {"dropout": (0.2, 0.1, 0.3)}, {"alpha": 0}, {"shuffle": False},
    {"batch_size": 1}, {"batch_size": 2, "n_jobs": 2, "sync": "auto"}, {"batch_size": "auto"},
    {"hidden_layer_sizes": ()}, {"init": "he"}], ids=str)
@pytest.mark.parametrize("X", [X, S], ids=["dense", "csr"])
def test_schedules_dropout_and_minibatches(options, X):
    """Dropout takes the masks of one process; there may be more workers than rows."""
    alone, by = fits(4, X=X, solver="sgd", **options)
    same(alone, by)
    assert len(alone.loss_curve_) < 80  # "adaptive" ends by itself


def test_float32():
    for data in (X, S):
        alone, by = fits(3, X=data.astype(np.float32), solver="sgd")
        same(alone, by, 1e-6)
        assert by.coefs_[0].dtype == np.float32


def test_more_workers_than_rows():
    for data in (X, S):
        same(*fits(5, X=data[:3], y=[0, 1, 1], batch_size=3))


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_rcv1(solver):
    """An MLP on text, to 1e-6."""
    X, y = load_svmlight(real("rcv1/rcv1_ccat_train.svm.gz"), dtype=np.float64)[:2]
    given = {"hidden_layer_sizes": (8,), "solver": solver, "max_iter": 2 + 8 * (solver != "adam"),
             "batch_size": 256, "learning_rate_init": 1e-3, "alpha": 1e-4}
    alone, by = fits(2, X=X[:2000], y=y[:2000], **given)
    same(alone, by, 1e-6)


def test_all_ranks_have_the_same_bits(monkeypatch):
    """After every way of sharing; of weights and of the optimizer's state."""
    seen, train = {}, loop.train

    def watched(examples, parameters, state, *args, peers, **more):
        ended = train(examples, parameters, state, *args, peers=peers, **more)
        seen[peers.rank] = [parameters.digest(), *(s.digest() for s in state.momenta.slots),
                            None if state.momenta.last is None else state.momenta.last.tobytes(),
                            state.curve, ended]
        return ended

    monkeypatch.setattr(rank, "train", watched)
    for data in (X, S):
        for workers, sync in (({}, "serial"), ({"policy": "local", "local_steps": 2}, "serial"),
                              ({"policy": "local"}, "hogwild"), ({"policy": "local"}, "merge")):
            seen.clear()
            FastMLPClassifier(**GIVEN | {"sync": sync, "n_jobs": 2}, workers=threads(
                3, **workers)).fit(data, Y)
            assert seen[0] == seen[1] == seen[2]


def test_bytes_sent_are_those_of_the_sums():
    """2 (N - 1) K of the gradients and of what tells of time, and 1 + 2 numbers an epoch."""
    _, by = fits(2, hidden_layer_sizes=(4,), max_iter=3, batch_size=50, solver="sgd")
    gradient = F * 4 + 4 * 3 + 4 + 3 + 1
    assert by.fit_stats_["bytes_sent"] == 3 * (3 * 2 * 8 * gradient + 2 * 8 + 2 * 8)


def test_minibatches_of_each_worker():
    """Two workers take the steps of one process whose minibatches and steps are twice as large."""
    options = {"solver": "sgd", "momentum": 0}
    _, by = fits(0, batch_size=10, workers=threads(2, batch="per_worker", warm_up=0), **options)
    alone, _ = fits(1, batch_size=20, learning_rate_init=0.04, **options)
    same(alone, by)
    _, warm = fits(0, batch_size=10, workers=threads(2, batch="per_worker", warm_up=2), **options)
    assert np.abs(weights(warm) - weights(by)).max() > 1e-4
    given = settings(batch_per_worker=True, warm_up=2.0, batch_size=10, schedule={
        "kind": 0, "eta0": 0.5}).of_all(4, 100)
    assert (given.batch_size, given.growth, given.warm_rows) == (40, 4, 200)
    state = State(samples=60)
    state.eta0 = 0.5
    given = type(given)(**{**vars(given), "adaptive": True})
    assert Steps(given, state).at(3, 40) == (0.5 * grown(4, 100, 200), 4) == (1.25, 4)


@pytest.mark.parametrize("n", [2, 3, 4])
def test_lbfgs(n):
    """Sums over all rows of all ranks; labels, sparse rows, weights."""
    labels = np.column_stack([Y == 0, Y > 0]).astype(int)
    for data, y, more in ((X, Y, {}), (S, Y, {"n_jobs": 2, "sync": "map_reduce"}),
                          (S, labels, {"class_weight": "balanced"})):
        alone, by = fits(n, X=data, y=y, sample_weight=WEIGHT, solver="lbfgs", max_iter=15, **more)
        same(alone, by, 1e-7)
        assert by.fit_stats_["stopped_by"] == alone.fit_stats_["stopped_by"] == "max_iter"
    alone, by = fits(n, solver="lbfgs", max_iter=3000, tol=1e-2, alpha=1)
    assert by.fit_stats_["stopped_by"] == alone.fit_stats_["stopped_by"] == "tol"
    assert by.loss_ == pytest.approx(alone.loss_, rel=1e-2)
