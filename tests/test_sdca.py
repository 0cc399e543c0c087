"""Solver "sdca": optima, gaps, threads, stopping."""

import time

import numpy as np
import pytest
from realdata import real
from scipy import sparse
from sdca_problem import data, objective, optimum, problem, settings, train
from sklearn.datasets import load_svmlight_file
from sklearn.linear_model import ElasticNet, LogisticRegression, Ridge
from sklearn.svm import LinearSVC, LinearSVR

from fastsgd.duals import DUALS
from fastsgd.engine.deadline import Deadline
from fastsgd.engine.linear.ascent import DualAscent
from fastsgd.engine.linear.state import LinearState
from fastsgd.kernels.rows import Rows

every_dual = pytest.mark.parametrize("loss", DUALS)


@every_dual
@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("penalty", ["l2", "elasticnet"])
def test_reaches_optimum(loss, intercept, penalty):
    """f is within 1e-6 of the optimum that L-BFGS finds, and proven to be."""
    X, y = data(loss)
    chosen = settings(loss, penalty=penalty, fit_intercept=intercept)
    ended, state = train(X, y, chosen)
    f = objective(X, y, state.weights, state.intercept, chosen)
    assert ended.stopped_by == "tol"
    assert ended.dual_gap <= 1e-7 * f
    assert f == pytest.approx(ended.objective, rel=1e-12)
    assert abs(f - optimum(X, y, chosen)) <= 1e-6 * f
    assert (state.intercept != 0) == intercept


@every_dual
@pytest.mark.parametrize("kind", ["int64", "float32", "dense", "dense32"])
def test_kinds_of_matrix(loss, kind):
    """Every kind of X gives the objective of the plain one; a weight is of X's type."""
    X, y = data(loss, dtype=np.float32)
    X = X.astype(np.float64) if kind in ("int64", "dense") else X
    if kind == "int64":
        X.indices, X.indptr = X.indices.astype(np.int64), X.indptr.astype(np.int64)
    exact = train(X.astype(np.float64), y, settings(loss))[0].objective
    ended, state = train(X.toarray() if "dense" in kind else X, y, settings(loss, tol=1e-6))
    assert ended.stopped_by == "tol"
    assert state.weights.dtype == X.dtype
    assert ended.objective == pytest.approx(exact, rel=2e-6)


@every_dual
def test_weights_are_copies(loss):
    """Whole weights of samples and classes give the optimum of rows that stand there so often."""
    X, y = data(loss)
    times = np.random.default_rng(5).integers(0, 4, len(y))
    often = np.repeat(np.arange(len(y)), times)
    n = len(y)
    weighted, state = train(X, y, settings(loss), times.astype(float))
    copies, other = train(X[often], y[often], settings(loss, alpha=0.01 * n / len(often)))
    assert weighted.objective * n == pytest.approx(copies.objective * len(often), rel=1e-6)
    np.testing.assert_allclose(state.weights, other.weights, atol=2e-3)
    assert not weighted.dual[times == 0].any()
    if DUALS[loss].loss.is_classifier:
        by_class = train(X, y, settings(loss, weight_pos=3.0, weight_neg=0.5))[0]
        by_row = train(X, y, settings(loss), np.where(y > 0, 3.0, 0.5))[0]
        assert by_class.objective == pytest.approx(by_row.objective, rel=1e-6)


@pytest.mark.parametrize(("loss", "theirs"), [
    ("hinge", lambda n: LinearSVC(loss="hinge", C=100 / n, tol=1e-9, max_iter=10**6,
                                  fit_intercept=False, random_state=0)),
    ("squared_hinge", lambda n: LinearSVC(C=100 / n, tol=1e-9, max_iter=10**6,
                                          fit_intercept=False, random_state=0)),
    ("log_loss", lambda n: LogisticRegression(C=100 / n, tol=1e-10, max_iter=10**4,
                                              solver="newton-cg")),
    ("squared_error", lambda n: Ridge(alpha=0.01 * n, tol=1e-12)),
    ("epsilon_insensitive", lambda n: LinearSVR(C=100 / n, epsilon=0.1, tol=1e-9, max_iter=10**6,
                                                fit_intercept=False, random_state=0)),
])
def test_equals_sklearn(loss, theirs):
    """The objectives of LIBLINEAR (no bias: it is penalised there) and scikit-learn's solvers."""
    X, y = data(loss)
    model = theirs(len(y)).fit(sparse.csr_matrix(X), y)
    chosen = settings(loss, fit_intercept=model.fit_intercept)
    found = objective(X, y, model.coef_.ravel(), float(np.ravel(model.intercept_)[0]), chosen)
    ended, _ = train(X, y, chosen)
    assert abs(ended.objective - found) <= 1e-6 * found


def test_elastic_net_equals_sklearn():
    """scikit-learn's ElasticNet: the same zeros too."""
    X, y = data("squared_error")
    model = ElasticNet(alpha=0.05, l1_ratio=0.3, tol=1e-12, max_iter=10**6).fit(X.toarray(), y)
    ended, state = train(X, y, settings("squared_error", penalty="elasticnet", alpha=0.05,
                                        tol=1e-10))
    np.testing.assert_allclose(state.weights, model.coef_, atol=1e-4)
    assert np.array_equal(state.weights != 0, model.coef_ != 0)
    assert ended.dual_gap <= 1e-10


@pytest.mark.parametrize("sync", ["merge", "hogwild"])
@pytest.mark.parametrize("n_threads", [2, 3, 8])
@pytest.mark.parametrize("loss", ["hinge", "log_loss", "squared_error"])
def test_threads_reach_the_same_optimum(sync, n_threads, loss):
    """Replicas that are merged often or seldom, and a shared vector: the gap is proven."""
    X, y = data(loss, n=1200)
    exact = train(X, y, settings(loss))[0].objective
    for every in (32, 400) if sync == "merge" else ("auto",):
        ended, _ = train(X, y, settings(loss, tol=1e-6, sync=sync, n_threads=n_threads,
                                        merge_every=every))
        assert ended.stopped_by == "tol"
        assert ended.objective == pytest.approx(exact, rel=1.1e-6)


def test_threads_on_dense_rows():
    """Replicas take dense rows, a shared vector does not and says so."""
    X, y = data(n=600, dense=True)
    exact = train(X, y, settings())[0].objective
    merged = train(X, y, settings(tol=1e-6, sync="merge", n_threads=2, merge_every=64))[0]
    assert merged.objective == pytest.approx(exact, rel=1.1e-6)
    with pytest.raises(ValueError, match="sparse rows only"):
        train(X, y, settings(sync="hogwild", n_threads=2))


@pytest.mark.parametrize("options", [
    {}, {"sync": "merge", "n_threads": 3, "merge_every": 64}], ids=["serial", "merge"])
def test_same_bits(options):
    """The same seed gives the same bits, another seed others."""
    X, y = data(n=900)
    runs = [train(X, y, settings(max_iter=4, tol=None, **options), seed=seed)[1].weights
            for seed in (0, 0, 1)]
    assert np.array_equal(runs[0], runs[1])
    assert not np.array_equal(runs[0], runs[2])


@every_dual
def test_dual_is_feasible_and_makes_the_weights(loss):
    """beta lies in the domain, sums to 0 with the weights, w = sum dual_coef x."""
    X, y = data(loss)
    s = np.random.default_rng(2).uniform(0, 2, len(y))
    chosen = settings(loss)
    ended, state = train(X, y, chosen, s)
    assert abs(s @ ended.dual) <= 1e-9
    assert np.isfinite(problem(X, y, chosen).dual.conjugate(ended.dual, y)).all()
    np.testing.assert_allclose(X.T @ ended.dual_coef, state.weights, atol=1e-12)
    assert np.array_equal(ended.support, np.flatnonzero(ended.dual))
    if loss in ("hinge", "squared_hinge", "epsilon_insensitive"):
        assert 0 < len(ended.support) < len(y)


def test_warm_start_from_a_dual():
    """The optimum's own dual variables end a training in its first epoch; bad ones do no harm."""
    X, y = data()
    ended, _ = train(X, y, settings(tol=1e-5))
    again, _ = train(X, y, settings(tol=1e-4), state=LinearState(
        np.zeros(X.shape[1]), dual_coef=ended.dual_coef))
    assert (again.n_iter, again.stopped_by) == (1, "tol")
    wild, _ = train(X, y, settings(tol=1e-5), state=LinearState(
        np.zeros(X.shape[1]), dual_coef=np.random.default_rng(0).normal(0, 9, len(y))))
    assert wild.objective == pytest.approx(ended.objective, rel=2e-5)


def test_hard_margin():
    """C without end on separable data: every margin at least 1, the optimum of the hard SVM."""
    X = np.array([[2.0, 1], [3, 3], [4, 2], [-1, -1], [-2, 0], [0, -2]])
    y = np.array([1.0, 1, 1, -1, -1, -1])
    chosen = settings(alpha=1e-9, tol=1e-6, max_iter=200_000)
    ended, state = train(X, y, chosen)
    margins = y * (X @ state.weights + state.intercept)
    assert ended.stopped_by == "tol"
    assert margins.min() >= 1 - 1e-5
    # the closest points of the two hulls: (2, 1) and (-2/3.. on the edge): found by a fine grid
    angle = np.linspace(0, 2 * np.pi, 1_000_001)
    directions = np.column_stack([np.cos(angle), np.sin(angle)])
    at = directions @ X.T
    width = (at[:, y > 0].min(axis=1) - at[:, y < 0].max(axis=1)).max()
    assert np.linalg.norm(state.weights) == pytest.approx(2 / width, rel=1e-5)


def test_one_class_only():
    """Rows of one class: w = 0 and a bias that fits them all, by every path."""
    X, _ = data()
    ended, state = train(X, np.ones(X.shape[0]), settings(max_iter=50))
    assert ended.objective <= 1e-6
    assert np.linalg.norm(state.weights) <= 1e-3


def test_subset_is_all_there_is():
    """Rows outside of the subset have no say."""
    X, y = data()
    rows = np.arange(0, 100, dtype=np.int64)
    part, _ = train(X, y, settings(), subset=rows)
    alone, _ = train(X[:100], y[:100], settings())
    assert part.objective == pytest.approx(alone.objective, rel=1e-6)
    assert not part.dual[100:].any()


def test_estimates_end_in_the_gap():
    """The gap estimated on the way falls, the curve of objectives ends in the certified one."""
    X, y = data(n=600)
    told = []
    ended, state = train(X, y, settings(tol=1e-5), on_epoch=lambda e: told.append(e.objective))
    assert ended.gaps[-1] == ended.dual_gap < 1e-3 * ended.gaps[0]
    assert told == state.curve
    assert state.curve[-1] == ended.objective
    assert len(ended.gaps) == ended.n_iter == state.epoch


def test_stops():
    """max_iter, a callback and the clock end a training, certified each time."""
    X, y = data()
    ended, _ = train(X, y, settings(max_iter=2))
    assert (ended.n_iter, ended.stopped_by) == (2, "max_iter")
    ended, _ = train(X, y, settings(), on_epoch=lambda epoch: epoch.number == 3)
    assert (ended.n_iter, ended.stopped_by) == (3, "callback")
    ended, state = train(X, y, settings(tol=None, max_iter=10**9), deadline=Deadline(0.1))
    assert ended.stopped_by == "max_time"
    assert ended.objective == pytest.approx(
        objective(X, y, state.weights, state.intercept, settings()))
    began = time.perf_counter()
    ended, _ = train(X, y, settings(), deadline=Deadline(0.0))
    assert (ended.stopped_by, ended.n_iter) == ("max_time", 1)
    assert time.perf_counter() - began < 5
    assert ended.dual_gap >= 0


@pytest.mark.parametrize("options", [
    {}, {"sync": "merge", "n_threads": 2, "merge_every": 64},
    {"sync": "hogwild", "n_threads": 2}], ids=["serial", "merge", "hogwild"])
def test_interrupt_leaves_a_model(options):
    """A KeyboardInterrupt between epochs leaves the weights of the dual variables so far."""
    X, y = data(n=600)
    state = LinearState(np.zeros(X.shape[1]))

    def interrupt(epoch):
        if epoch.number == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(X, y, settings(tol=None, **options), state=state, on_epoch=interrupt)
    exact = train(X, y, settings())[0].objective
    assert exact <= objective(X, y, state.weights, state.intercept, settings()) < 1.5 * exact


def test_refusals():
    """What sdca cannot take is told by name."""
    X, y = data()
    for options, message in [
            ({"loss": "perceptron"}, "'perceptron' has no dual"),
            ({"penalty": "l1"}, "needs penalty='l2' or 'elasticnet'"),
            ({"penalty": None}, "needs penalty='l2' or 'elasticnet'"),
            ({"alpha": 0.0}, "alpha > 0")]:
        with pytest.raises(ValueError, match=message):
            train(X, y, settings(**options))


def test_small_data_needs_no_threads():
    """Where merging would cost more than it brings, one thread works; merge_every insists."""
    X, y = data()
    for every, n_threads in (("auto", 1), (32, 4)):
        solver = DualAscent(Rows(X), y, None, LinearState(np.zeros(X.shape[1])),
                         settings(sync="merge", n_threads=4, merge_every=every), None)
        assert solver.n_threads == n_threads


def test_columns_stored_twice():
    """Entries of one row in one column add up in its norm: else steps would be too long."""
    X = sparse.csr_array((4, 2))
    X.indptr, X.indices = np.array([0, 6, 12, 13, 14]), np.array([0] * 6 + [1] * 6 + [0, 1])
    X.data = np.ones(14)
    y = np.array([1.0, -1, -1, 1])
    solver = DualAscent(Rows(X), y, None, LinearState(np.zeros(2)), settings(), None)
    solver.begin(None, LinearState(np.zeros(2)))
    np.testing.assert_array_equal(solver.cells[:, 2], [36, 36, 1, 1])
    assert train(X, y, settings("squared_error"))[0].stopped_by == "tol"


@pytest.mark.parametrize(("loss", "alpha", "f_star"), [
    ("hinge", 1e-4, 0.1848223), ("log_loss", 1e-4, 0.2979924), ("log_loss", 1e-5, 0.1469797)])
def test_rcv1(loss, alpha, f_star):
    """The real part of RCV1: the reference optima of its README."""
    X, y = load_svmlight_file(str(real("rcv1/rcv1_ccat_train.svm.gz")), dtype=np.float32)
    ended, _ = train(X, y, settings(loss, alpha=alpha, tol=1e-6, max_iter=1000))
    assert ended.stopped_by == "tol"
    assert ended.objective == pytest.approx(f_star, rel=1.3e-6)
