"""The ways in which threads share an MLP, and lazy steps on CSR rows."""

import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from fastsgd import FastMLPClassifier, FastMLPRegressor
from fastsgd.engine.mlp.map_reduce import count_parts
from fastsgd.engine.mlp.merge import average, average_touched
from fastsgd.plan.threads import choose_minibatch_sync

DRAW = np.random.default_rng(0)
SPARSE = sparse.random_array((900, 300), density=0.04, format="csr", rng=np.random.default_rng(1),
                             data_sampler=lambda size: np.random.default_rng(2).normal(size=size))
DENSE = DRAW.normal(size=(900, 20))
W_SPARSE, W_DENSE = DRAW.normal(size=300), DRAW.normal(size=20)
Y = {"csr": (SPARSE @ W_SPARSE > 0).astype(int), "dense": np.digitize(DENSE @ W_DENSE, [-3, 3])}
DATA = {"csr": SPARSE, "dense": DENSE}
RULES = {
    "sgd": {"solver": "sgd", "momentum": 0.0, "learning_rate_init": 0.3},
    "momentum": {"solver": "sgd", "nesterovs_momentum": False, "learning_rate_init": 0.1},
    "nesterov": {"solver": "sgd", "learning_rate_init": 0.1},
    "adagrad": {"solver": "adagrad", "learning_rate_init": 0.03},
    "rmsprop": {"solver": "rmsprop", "learning_rate_init": 0.01},
    "adadelta": {"solver": "adadelta", "learning_rate_init": 1.0, "rho": 0.95},
    "adam": {"solver": "adam", "learning_rate_init": 0.01},
}


def fit(kind, n_jobs=1, sync="serial", **given):
    given = {"hidden_layer_sizes": (12,), "max_iter": 12, "random_state": 0, "batch_size": 90,
             "tol": 0, **given}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return FastMLPClassifier(n_jobs=n_jobs, sync=sync, **given).fit(DATA[kind], Y[kind])


def same(a, b):
    return all(np.array_equal(x, y) for x, y in zip(
        a.coefs_ + a.intercepts_, b.coefs_ + b.intercepts_, strict=True))


def distance(a, b):
    return max(np.abs(x - y).max() for x, y in zip(
        a.coefs_ + a.intercepts_, b.coefs_ + b.intercepts_, strict=True))


@pytest.mark.parametrize("kind", DATA)
@pytest.mark.parametrize("rule", RULES)
def test_map_reduce_by_any_threads(rule, kind):
    """The same bits by 1, 2 and 3 threads, those of one thread up to the rounding of sums."""
    one, *others = [fit(kind, n, "map_reduce", **RULES[rule]) for n in (1, 2, 3)]
    assert all(same(one, other) for other in others)
    assert all(one.loss_curve_ == other.loss_curve_ for other in others)
    serial = fit(kind, **RULES[rule])
    np.testing.assert_allclose(one.loss_curve_, serial.loss_curve_, rtol=1e-6)
    assert distance(one, serial) < 1e-5


@pytest.mark.parametrize("kind", DATA)
@pytest.mark.parametrize("sync", ["hogwild", "merge"])
@pytest.mark.parametrize("rule", RULES)
def test_threads_learn(rule, sync, kind):
    """Lock-free threads, and replicas merged often, end near the loss of one thread."""
    serial = fit(kind, **RULES[rule])
    shared = fit(kind, 2, sync, merge_every=1, max_iter=24 if sync == "merge" else 12,
                 **RULES[rule])
    assert shared.fit_stats_["threads"] == 2
    assert shared.loss_curve_[-1] < serial.loss_curve_[0]
    assert shared.loss_curve_[-1] < 1.3 * serial.loss_curve_[-1] + 0.02


@pytest.mark.parametrize("kind", DATA)
def test_merge_gives_the_same_bits(kind):
    """With an int seed and the same number of threads; another number gives others."""
    first, again, three = [fit(kind, n, "merge", merge_every=2) for n in (2, 2, 3)]
    assert same(first, again)
    assert not same(first, three)


@pytest.mark.parametrize("kind", DATA)
@pytest.mark.parametrize("sync", ["hogwild", "merge"])
def test_one_thread_is_serial(sync, kind):
    assert same(fit(kind, 1, sync), fit(kind))


@pytest.mark.parametrize("rule", RULES)
def test_lazy_without_penalty_is_the_dense_rule(rule):
    """What rows were left out of is made up for; with momentum when they are next touched."""
    lazy, whole = [fit("csr", alpha=0.0, lazy=lazy, **RULES[rule]) for lazy in (True, False)]
    assert lazy.fit_stats_["lazy"]
    assert not whole.fit_stats_["lazy"]
    if rule in ("momentum", "nesterov", "adam"):
        np.testing.assert_allclose(lazy.loss_curve_, whole.loss_curve_, rtol=0.1)
        assert 0 < distance(lazy, whole) < 1
    else:
        assert distance(lazy, whole) < 1e-9


@pytest.mark.parametrize("rule", RULES)
def test_lazy_penalty(rule):
    """Rows of features that never occur keep their first weights; others end near the dense."""
    X = SPARSE.tolil()
    X[:, 7] = 0
    X = X.tocsr()
    X.eliminate_zeros()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        fits = {lazy: FastMLPClassifier(
            (12,), max_iter=m, random_state=0, batch_size=90, alpha=0.5, lazy=lazy, tol=0,
            **RULES[rule]).fit(X, Y["csr"]) for lazy, m in ((True, 12), (False, 12))}
    start = FastMLPClassifier((12,), random_state=0, batch_size=90, max_iter=1, alpha=0,
                              **RULES[rule])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        start.fit(X, Y["csr"])
    np.testing.assert_array_equal(fits[True].coefs_[0][7], start.coefs_[0][7])
    assert np.abs(fits[False].coefs_[0][7] - start.coefs_[0][7]).max() > 0
    np.testing.assert_allclose(fits[True].loss_curve_, fits[False].loss_curve_, rtol=0.1)


def test_lazy_touches_only_what_occurs():
    """A minibatch leaves the first matrix as it is where no feature occurs (partial_fit)."""
    model = FastMLPClassifier((6,), random_state=0).partial_fit(
        SPARSE[:200], Y["csr"][:200], classes=[0, 1])
    before, block = model.coefs_[0].copy(), SPARSE[200:203]
    model.partial_fit(block, Y["csr"][200:203])
    moved = np.flatnonzero((model.coefs_[0] != before).any(axis=1))
    np.testing.assert_array_equal(moved, np.unique(block.indices))


@pytest.mark.parametrize("index", [np.int32, np.int64])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_csr_types(index, dtype):
    """int32 and int64 indices, unsorted and repeated columns, read-only arrays."""
    S = sparse.csr_array(SPARSE, dtype=dtype, copy=True)
    twice = sparse.csr_array((np.repeat(S.data / 2, 2), np.repeat(S.indices, 2)[::1],
                              S.indptr * 2), S.shape)
    for X in (S, twice):
        X.indices, X.indptr = X.indices.astype(index), X.indptr.astype(index)
        for array in (X.data, X.indices, X.indptr):
            array.flags.writeable = False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        a, b = [FastMLPClassifier((5,), max_iter=3, random_state=0).fit(X, Y["csr"])
                for X in (S, twice)]
    assert a.coefs_[0].dtype == dtype
    atol = 1e-4 if dtype == np.float32 else 1e-9
    np.testing.assert_allclose(a.coefs_[0], b.coefs_[0], atol=atol)


@pytest.mark.parametrize("sync", ["serial", "map_reduce", "merge", "hogwild"])
@pytest.mark.parametrize("kind", DATA)
def test_dropout(kind, sync):
    """Dropout learns, the same bits again where the order of steps is fixed."""
    given = {"sync": sync, "n_jobs": 2, "dropout": (0.1, 0.3), "max_iter": 20,
             "learning_rate_init": 0.01}
    first, again = fit(kind, **given), fit(kind, **given)
    if sync != "hogwild":
        assert same(first, again)
    assert first.loss_curve_[-1] < first.loss_curve_[0]
    assert not same(first, fit(kind, **{**given, "dropout": 0.0}))


def test_no_hidden_layer_and_tiny_minibatches():
    """Layers () and minibatches smaller than the number of parts."""
    for kind in DATA:
        for sync in ("serial", "map_reduce", "hogwild", "merge"):
            model = fit(kind, 2, sync, hidden_layer_sizes=(), batch_size=64 + 1, max_iter=4,
                        learning_rate_init=0.05)
            assert model.loss_curve_[-1] < model.loss_curve_[0]


def test_regression_by_threads():
    y = np.tanh(DENSE[:, :2]) + DENSE[:, 2:4]
    models = []
    for n in (1, 2):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            models.append(FastMLPRegressor(max_iter=10, random_state=0, sync="map_reduce",
                                           n_jobs=n).fit(DENSE, y))
    assert same(*models)
    lbfgs = [FastMLPRegressor(solver="lbfgs", max_iter=20, random_state=0, n_jobs=n, tol=1e-9)
             for n in (1, 2)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        assert same(*[each.fit(DENSE, y) for each in lbfgs])


def test_means():
    """The two means of replicas, on numbers that can be checked by hand."""
    a, b = np.array([[1.0], [2.0], [4.0]]), np.array([[3.0], [6.0], [0.0]])
    average([a, b], np.array([3, 1]), slice(0, 2))
    assert a.ravel().tolist() == [1.5, 3.0, 4.0]
    assert b.ravel().tolist() == [1.5, 3.0, 0.0]
    average_touched([a, b], [np.array([0]), np.array([0, 2])], np.array([0, 2]))
    assert a.ravel().tolist() == [1.5, 3.0, 0.0] == b.ravel().tolist()


@pytest.mark.parametrize(("given", "wanted"), [
    ({}, ("map_reduce", 2)),
    ({"work": 7e6}, ("serial", 1)),
    ({"work": 7e6, "lazy": True}, ("map_reduce", 2)),
    ({"work": 8e5, "lazy": True}, ("serial", 1)),
    ({"work": 8e5, "lazy": True, "seeded": False}, ("hogwild", 2)),
    ({"work": 4e5, "lazy": True, "seeded": False}, ("serial", 1)),
    ({"parts": count_parts(95)}, ("serial", 1)),  # too few rows to be cut
    ({"n_jobs": 1}, ("serial", 1)),
    ({"sync": "merge", "work": 1}, ("merge", 2)),  # n_jobs is asked for by name
    ({"sync": "merge", "work": 1, "n_jobs": None}, ("merge", 1)),
    ({"sync": "map_reduce", "n_jobs": 9}, ("map_reduce", 4)),
])
def test_auto_takes_threads_where_they_pay(given, wanted):
    usual = {"sync": "auto", "n_jobs": 2, "work": 9e6, "parts": count_parts(200), "lazy": False,
             "seeded": True}
    assert choose_minibatch_sync(**{**usual, **given}) == wanted
