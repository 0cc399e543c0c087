"""`resume` of MLPs: parts of a training equal the whole, bit for bit, also through a file."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from fastsgd import FastMLPClassifier, FastMLPRegressor, LayerPipeline, load_model, save_model
from fastsgd.schedules import Cosine

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

N, D = 130, 40
DRAW = np.random.default_rng(0)
CSR = sparse.random_array((N, D), density=0.12, format="csr", rng=np.random.default_rng(1),
                          data_sampler=lambda size: np.random.default_rng(2).normal(size=size))
DATA = {"csr": CSR, "dense": CSR.toarray()}
Z = CSR @ DRAW.normal(size=D)
Y = {2: Z > 0, 3: np.digitize(Z, [-0.5, 0.5]), "labels": np.column_stack([Z > 0, Z > 0.5]) * 1,
     "numbers": Z, "two": np.column_stack([Z, np.abs(Z)])}

VARIANTS = {
    "adam": {},
    "sgd": {"solver": "sgd", "momentum": 0.0},
    "momentum": {"solver": "sgd", "nesterovs_momentum": False},
    "nesterov": {"solver": "sgd", "learning_rate": "invscaling"},
    "adagrad": {"solver": "adagrad", "alpha": 0.1},
    "rmsprop": {"solver": "rmsprop", "learning_rate": "optimal"},
    "adadelta": {"solver": "adadelta", "learning_rate_init": 1.0},
    "dropout": {"dropout": (0.3, 0.4, 0.2), "hidden_layer_sizes": (6, 5)},
    "cosine": {"learning_rate": Cosine(T_0=3, T_mult=1.5)},
    "adaptive": {"solver": "sgd", "learning_rate": "adaptive", "tol": 0.1, "n_iter_no_change": 2},
    "early": {"early_stopping": True, "validation_fraction": 0.2},
    "early dropout": {"early_stopping": True, "dropout": 0.3, "random_state": None},
    "order": {"shuffle": False, "lazy": False},
}


def make(kind, variant="adam", **more):
    given = {"hidden_layer_sizes": (6,), "batch_size": 30, "learning_rate_init": 0.02, "tol": 0.0,
             "n_iter_no_change": 50, "random_state": 3, "max_iter": 10}
    given |= VARIANTS[variant] | more
    return (FastMLPRegressor if kind in ("numbers", "two") else FastMLPClassifier)(**given)


def weights(model):
    return np.concatenate([a.ravel() for a in model.coefs_ + model.intercepts_])


def same_state(a, b):
    """Two models are at the same point of the same training."""
    np.testing.assert_array_equal(weights(a), weights(b))
    assert weights(a).dtype == weights(b).dtype
    for name in ("loss_", "loss_curve_", "best_loss_", "validation_scores_", "t_", "n_iter_",
                 "best_validation_score_", "n_layers_", "n_outputs_", "out_activation_"):
        assert getattr(a, name) == getattr(b, name), name
    mine, other = a._states[0], b._states[0]
    for name in ("step", "samples", "epoch", "begun", "eta0", "seed", "stale", "best_loss",
                 "best_score", "loss", "curve", "scores"):
        assert getattr(mine, name) == getattr(other, name), name
    for x, y in zip(networks(mine), networks(other), strict=True):
        np.testing.assert_array_equal(x, y)


def networks(state):
    """All arrays of a state."""
    found = [state.best, state.iterate, *(state.momenta.slots if state.momenta else [])]
    arrays = [array for each in found if each is not None for array in (each.first, each.rest)]
    last = state.momenta and state.momenta.last
    return arrays if last is None else [*arrays, last]


def in_parts(model, X, y, path, parts, **more):
    """The model after training in parts, saved and loaded in between."""
    for k, epochs in enumerate(parts):
        if k == 0:
            model.set_params(max_iter=epochs).fit(X, y, **more)
        else:
            model.resume(X, y, max_iter=epochs, **more)
        save_model(model, path)
        model = load_model(path)
    return model


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("kind", [3, "numbers"])
@pytest.mark.parametrize("variant", VARIANTS)
def test_five_and_five_epochs_are_ten(tmp_path, variant, kind, data, dtype):
    X, y, model = DATA[data].astype(dtype), Y[kind], make(kind, variant)
    if model.random_state is None:
        model.random_state = np.random.RandomState(4)
        whole = clone(model).fit(X, y)
    else:
        whole = clone(model).fit(X, y)
    same_state(in_parts(model, X, y, tmp_path / "m", (5, 10)), whole)


@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("variant", ["adam", "nesterov", "sgd", "dropout", "early"])
@pytest.mark.parametrize("sync", ["map_reduce", "merge", "auto"])
def test_threads_that_give_the_same_bits(tmp_path, sync, variant, data):
    model = make(2, variant, sync=sync, n_jobs=2, batch_size=96 if sync == "map_reduce" else 13,
                 merge_every=2)
    whole = clone(model).fit(DATA[data], Y[2])
    parts = in_parts(model, DATA[data], Y[2], tmp_path / "m", (4, 5, 10))
    assert parts.fit_stats_["threads"] == (1 if sync == "auto" else 2)
    same_state(parts, whole)


def test_stages(tmp_path):
    """A pipeline's steps are as fixed as those of one thread."""
    model = make(3, "dropout", pipeline=LayerPipeline(3, 4))
    whole = clone(model).fit(CSR, Y[3])
    same_state(in_parts(model, CSR, Y[3], tmp_path / "m", (5, 10)), whole)


@pytest.mark.parametrize("kind", [2, "labels", "two"])
@pytest.mark.parametrize("variant", ["adam", "early"])
def test_targets_of_every_kind(tmp_path, kind, variant):
    weight = np.linspace(0, 2, N)
    model = make(kind, variant)
    if kind in (2, "labels"):
        model.class_weight = "balanced"
    whole = clone(model).fit(CSR, Y[kind], sample_weight=weight)
    same_state(in_parts(model, CSR, Y[kind], tmp_path / "m", (3, 10), sample_weight=weight), whole)


@pytest.mark.parametrize("random_state", [None, np.random.RandomState(5)], ids=str)
@pytest.mark.parametrize("variant", ["dropout", "early"])
def test_without_a_seed(tmp_path, variant, random_state):
    """The model keeps the numbers that its orders, and the rows held out, were drawn from."""
    model = make(3, variant, random_state=random_state, max_iter=4).fit(CSR, Y[3])
    save_model(model, tmp_path / "m")
    np.random.seed(1)  # noqa: NPY002
    if random_state is not None:
        random_state.rand(10)
    loaded = load_model(tmp_path / "m").resume(CSR, Y[3], max_iter=6)
    same_state(loaded.resume(CSR, Y[3], max_iter=10), model.resume(CSR, Y[3], max_iter=10))


@pytest.mark.parametrize("variant", ["adam", "adaptive", "early"])
def test_what_tol_has_ended_stays(tmp_path, variant):
    more = {"tol": 0.02, "n_iter_no_change": 2, "max_iter": 200}
    if variant == "adaptive":
        more |= {"learning_rate_init": 1e-4, "tol": 1.0}
    whole = make(3, variant, **more).fit(CSR, Y[3])
    epochs = whole.n_iter_
    assert 5 < epochs < 200
    assert whole.fit_stats_["stopped_by"] == "tol"
    same_state(in_parts(make(3, variant, **more), CSR, Y[3], tmp_path / "m", (5, 200)), whole)
    before = weights(whole)
    whole.resume(CSR, Y[3], max_iter=500)
    np.testing.assert_array_equal(weights(whole), before)
    assert (whole.n_iter_, whole.fit_stats_["stopped_by"]) == (epochs, "tol")
    whole.set_params(n_iter_no_change=50).resume(CSR, Y[3], max_iter=epochs + 3)
    assert whole.n_iter_ == epochs + 3


def test_nothing_is_left_to_do():
    model = make(3, max_iter=6).fit(CSR, Y[3])
    before, arrays = weights(model), model.coefs_
    for max_iter in (6, 2, None):
        with pytest.warns(ConvergenceWarning, match="reached"):
            model.resume(CSR, Y[3], max_iter=max_iter)
        assert (model.n_iter_, model.fit_stats_["stopped_by"]) == (6, "max_iter")
    np.testing.assert_array_equal(weights(model), before)
    model.resume(CSR, Y[3], max_iter=7)
    assert np.array_equal(arrays[0], before[:arrays[0].size].reshape(arrays[0].shape))


def test_lbfgs_goes_on_from_the_weights(tmp_path):
    model = make(3, solver="lbfgs", max_iter=5).fit(CSR, Y[3])
    loss = model.loss_
    save_model(model, tmp_path / "m")
    again = load_model(tmp_path / "m").resume(CSR, Y[3], max_iter=12)
    assert again.loss_ < loss
    assert (again.n_iter_, len(again.loss_curve_)) == (12, 12)
    same_state(model.resume(CSR, Y[3], max_iter=12), again)
    ended = make(3, solver="lbfgs", max_iter=500, tol=1e-3, alpha=0.1).fit(CSR, Y[3])
    before, n_iter = weights(ended), ended.n_iter_
    np.testing.assert_array_equal(weights(ended.resume(CSR, Y[3])), before)
    assert (ended.n_iter_, ended.fit_stats_["stopped_by"]) == (n_iter, "tol")
