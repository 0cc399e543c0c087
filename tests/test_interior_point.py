"""solver="interior-point": optima, proofs, weights, threads, scales, and its way out."""

import warnings

import numpy as np
import pytest
from scipy import sparse
from sdca_problem import objective, optimum, problem, settings
from sklearn import datasets
from sklearn.preprocessing import StandardScaler

from fastsgd import FastSGDClassifier, FastSGDRegressor
from fastsgd.engine.deadline import Deadline
from fastsgd.engine.linear import interior
from fastsgd.engine.linear.interior import train_interior
from fastsgd.engine.linear.sdca import train_sdca
from fastsgd.engine.linear.state import LinearState
from fastsgd.kernels.rows import Rows

TOL = 1e-8


def train(X, y, chosen, sample_weight=None, state=None, go_on=False, **options):
    """(Ascended, state) of a training from nothing, without sdca unless asked for."""
    if state is None:
        state = LinearState(np.zeros(X.shape[1], X.dtype))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return train_interior(Rows(X), y, sample_weight, state, chosen, 0, go_on=go_on,
                              **options), state


def is_proven(X, y, chosen, ended, state, sample_weight=None, tol=TOL):
    """Whether f and D, computed anew, are as near as is told."""
    f = objective(X, y, state.weights, state.intercept, chosen, sample_weight)
    dual = problem(X, y, chosen, sample_weight)
    beta = ended.dual
    assert np.abs(beta).max() <= 1
    if chosen.fit_intercept:
        assert abs(dual.c @ beta) <= 1e-9 * (dual.c @ np.abs(beta) + 1e-300)
    lower = dual.value(beta, dual.sum_rows(beta))
    assert ended.objective == pytest.approx(f, rel=1e-9)
    assert f - lower <= tol * f + 2e-12 * objective(
        X, y, 0 * state.weights, 0.0, chosen, sample_weight)
    return ended.stopped_by == "tol"


def table(name):
    """(X, y) of a dense table; labels -1 and 1, or numbers."""
    if name == "california":  # its shape: six skewed columns of very different scales
        rng, n = np.random.default_rng(0), 3000
        X = np.column_stack([
            rng.lognormal(1, 0.5, n), rng.uniform(1, 52, n), rng.lognormal(1.5, 0.4, n),
            rng.lognormal(7, 1, n), rng.normal(35.6, 2, n), rng.normal(-119, 2, n)])
        return X, 0.4 * X[:, 0] - 0.3 * (X[:, 4] - 35) + rng.laplace(0, 0.5, n)
    if name == "diabetes":
        return datasets.load_diabetes(return_X_y=True)
    kind, _, standardised = name.partition(" ")
    X, y = getattr(datasets, f"load_{kind}")(return_X_y=True)
    if standardised:
        X = StandardScaler().fit_transform(X)
    return np.ascontiguousarray(X), np.where(y == (8 if kind == "digits" else 1), 1.0, -1.0)


@pytest.mark.parametrize("alpha", [1e-2, 1e-4, 1e-6, 1e-8])
@pytest.mark.parametrize("name", [
    "breast_cancer", "breast_cancer standardised", "wine", "digits", "california", "diabetes"])
def test_tables_as_they_are(name, alpha):
    """The gap of 1e-8 is proven for raw tables and for any alpha, in few iterations."""
    X, y = table(name)
    loss = "epsilon_insensitive" if name in ("california", "diabetes") else "hinge"
    chosen = settings(loss, alpha=alpha, tol=TOL)
    ended, state = train(X, y, chosen)
    assert is_proven(X, y, chosen, ended, state)
    assert ended.n_iter <= 50
    assert state.curve[-1] == ended.objective
    assert (np.diff(state.curve) <= 0).all()


@pytest.mark.parametrize("loss", ["hinge", "epsilon_insensitive"])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("kind", ["dense", "sparse"])
def test_the_optimum_of_others(loss, fit_intercept, kind):
    """Those of scipy's minimiser and of sdca."""
    rng = np.random.default_rng(3)
    X = rng.normal(size=(200, 8)) * (rng.random((200, 8)) < 0.6)
    y = X @ rng.normal(size=8) + 0.7 * rng.normal(size=200) + 0.4
    y = np.where(y > 0, 1.0, -1.0) if loss == "hinge" else y
    X = sparse.csr_array(X) if kind == "sparse" else X
    chosen = settings(loss, fit_intercept=fit_intercept, tol=TOL)
    ended, state = train(X, y, chosen)
    assert is_proven(X, y, chosen, ended, state)
    assert ended.objective <= optimum(X, y, chosen) * (1 + 1e-6)
    other = LinearState(np.zeros(8))
    by_sdca = train_sdca(Rows(X), y, None, other, chosen, 0)
    assert ended.objective == pytest.approx(by_sdca.objective, rel=2e-8)
    assert fit_intercept or state.intercept == 0


@pytest.mark.parametrize("loss", ["hinge", "epsilon_insensitive"])
def test_weights_are_repeats(loss):
    """Weights of 0, 1, 2 and 3 and those of classes; and rows outside of a subset."""
    X, y = table("wine" if loss == "hinge" else "diabetes")
    times = np.random.default_rng(0).integers(0, 4, len(y)).astype(np.float64)
    repeated = np.repeat(np.arange(len(y)), times.astype(int))
    chosen = settings(loss, tol=1e-9, weight_pos=2.0 if loss == "hinge" else 1.0)
    n = len(repeated) / len(y)  # alpha n is the same
    weighted, state = train(X, y, chosen, times)
    assert is_proven(X, y, chosen, weighted, state, times)
    alike, _ = train(X[repeated], y[repeated], settings(
        loss, tol=1e-9, alpha=0.01 / n, weight_pos=chosen.weight_pos))
    assert weighted.objective == pytest.approx(alike.objective * n, rel=1e-8)
    kept = np.arange(0, len(y), 2)
    part, _ = train(X, y, chosen, subset=kept)
    alone, _ = train(np.ascontiguousarray(X[kept]), y[kept], chosen)
    assert part.objective == pytest.approx(alone.objective, rel=1e-8)
    assert not part.dual[1::2].any()


def test_float32_is_proven_as_it_is_kept():
    """The weights in float32, not those before they were rounded."""
    X, y = table("california")
    X, chosen = X.astype(np.float32), settings("epsilon_insensitive", alpha=1e-6, tol=1e-5)
    ended, state = train(X, y, chosen)
    assert state.weights.dtype == np.float32
    f = objective(X, y, state.weights, state.intercept, chosen)
    assert ended.objective == pytest.approx(f, rel=1e-12)
    assert is_proven(X, y, chosen, ended, state, tol=1e-5)


def test_one_hot_rows():
    """Sparse columns of ones, with a bias that they could make themselves."""
    rng = np.random.default_rng(0)
    X = sparse.hstack([sparse.csr_array(np.eye(k)[rng.integers(0, k, 900)]) for k in (3, 8, 20)],
                      format="csr")
    y = np.where(X @ rng.normal(size=31) + rng.normal(size=900) > 0, 1.0, -1.0)
    chosen = settings(alpha=1e-4, tol=TOL)
    ended, state = train(X, y, chosen)
    assert is_proven(X, y, chosen, ended, state)


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_more_columns_than_rows_and_constant_ones(fit_intercept):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20, 50))
    X[:, 4], X[:, 5], X[:, 6] = 1e6, 0.0, X[:, 7]
    y = np.where(rng.normal(size=20) > 0, 1.0, -1.0)
    chosen = settings(alpha=1e-2, fit_intercept=fit_intercept, tol=1e-7)
    ended, state = train(X, y, chosen)
    assert is_proven(X, y, chosen, ended, state, tol=1e-7)
    assert not state.weights[5]
    assert state.weights[6] == pytest.approx(state.weights[7])


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_one_class_only(sign, fit_intercept):
    """With a bias the optimum is 0; without one it is what the rows allow."""
    X = np.abs(np.random.default_rng(0).normal(size=(40, 3)))
    chosen = settings(alpha=0.1, fit_intercept=fit_intercept, tol=TOL)
    ended, state = train(X, np.full(40, sign), chosen)
    assert is_proven(X, np.full(40, sign), chosen, ended, state)
    assert not fit_intercept or ended.objective <= 2e-12


def test_an_alpha_of_almost_nothing_ends_with_finite_numbers():
    """1e-200 is neither an error, nor a warning, nor a proof that there is none."""
    X, y = table("breast_cancer")
    chosen = settings(alpha=1e-200, tol=TOL, max_iter=80)
    ended, state = train(X, y, chosen)
    assert np.isfinite(state.weights).all()
    assert np.isfinite(ended.objective)
    assert ended.objective < 1
    assert ended.stopped_by != "tol" or is_proven(X, y, chosen, ended, state)


def test_threads_change_no_bit():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30_000, 8))
    y = np.where(X @ rng.normal(size=8) + rng.normal(size=30_000) > 0, 1, 0)
    one, two, three = (FastSGDClassifier(solver="interior-point", tol=1e-6, n_jobs=n).fit(X, y)
                       for n in (1, 2, 3))
    assert (one.fit_stats_["threads"], two.fit_stats_["threads"]) == (1, 2)
    for other in (two, three):
        np.testing.assert_array_equal(one.coef_, other.coef_)
        np.testing.assert_array_equal(one.intercept_, other.intercept_)
        assert one.dual_gap_ == other.dual_gap_


def test_units_change_no_iteration():
    """X, y and epsilon in another unit, with alpha so that weights stay: the same problem."""
    X, y = table("california")
    counts = {train(X * unit, y * unit, settings(
        "epsilon_insensitive", constant=0.1 * unit, alpha=1e-4 * unit, tol=TOL))[0].n_iter
        for unit in (2.0**-20, 1.0, 2.0**20)}
    assert len(counts) == 1


def test_several_classes_through_the_estimator():
    X, y = datasets.load_wine(return_X_y=True)
    model = FastSGDClassifier(solver="interior-point", tol=TOL, alpha=1e-6).fit(X, y)
    assert model.score(X, y) == 1
    stats = model.fit_stats_
    assert (stats["solver"], stats["sync"], stats["stopped_by"]) == (
        "interior-point", "map_reduce", "tol")
    assert (model.gap_ <= 1e-12).all()  # of f(0) = 1, which is more than 1e-8 of such an f
    assert model.dual_coef_.shape == (3, len(model.support_))


def test_more_features_than_it_takes_are_refused_before_work():
    X = sparse.random_array((30, 2001), density=0.1, format="csr", rng=0)
    with pytest.raises(ValueError, match=r"at most 2,000 features, .*X has 2,001; use solver"):
        FastSGDRegressor("epsilon_insensitive", solver="interior-point").fit(X, np.arange(30.0))


class Stalling(interior.InteriorPoint):
    """Steps that rounding has made short."""

    def step(self, expired):
        return min(0.01, super().step(expired))


def test_sdca_goes_on_from_the_dual_point(monkeypatch):
    """Where steps are short; epochs are numbered on, and the better of both is kept."""
    X, y = table("breast_cancer standardised")
    monkeypatch.setattr(interior, "InteriorPoint", Stalling)
    chosen, numbers = settings(alpha=1e-2, tol=TOL), []
    stalled, state = train(X, y, chosen)
    assert (stalled.stopped_by, stalled.n_iter) == ("stalled", 5)
    assert state.dual_coef is not None
    assert state.gap == stalled.dual_gap > 0
    ended, state = train(X, y, chosen, go_on=True,
                         on_epoch=lambda epoch: numbers.append(epoch.number))
    assert is_proven(X, y, chosen, ended, state)
    assert numbers == list(range(1, ended.n_iter + 1))
    assert ended.n_iter > 5
    assert len(state.curve) == len(ended.gaps) == ended.n_iter
    few, state = train(X, y, settings(alpha=1e-2, tol=TOL, max_iter=7), go_on=True)
    assert (few.stopped_by, few.n_iter) == ("max_iter", 7)
    assert few.objective <= stalled.objective


def test_it_ends_as_asked():
    """By max_iter, by a callback, by the clock, and by Ctrl-C, each with the best model."""
    X, y = table("breast_cancer")
    chosen = settings(alpha=1e-6, tol=TOL)
    few, state = train(X, y, settings(alpha=1e-6, tol=TOL, max_iter=3))
    assert (few.stopped_by, few.n_iter, state.epoch, state.t) == ("max_iter", 3, 3, 1 + 3 * 569)
    asked, _ = train(X, y, chosen, on_epoch=lambda epoch: epoch.number == 2)
    assert (asked.stopped_by, asked.n_iter) == ("callback", 2)
    late, state = train(X, y, chosen, deadline=Deadline(0))
    assert late.stopped_by == "max_time"
    assert np.isfinite(state.weights).all()

    def interrupt(epoch):
        if epoch.number == 4:
            raise KeyboardInterrupt

    state = LinearState(np.zeros(30))
    with pytest.raises(KeyboardInterrupt):
        train(X, y, chosen, state=state, on_epoch=interrupt)
    assert objective(X, y, state.weights, state.intercept, chosen) < 1
    assert len(state.dual_coef) == 569
    assert state.gap < 1


def test_a_start_is_not_lost():
    """A model that is better than the iterations' stays; its dual variables count too."""
    X, y = table("wine")
    chosen = settings(alpha=1e-4, tol=TOL)
    good, state = train(X, y, chosen)
    again, _ = train(X, y, settings(alpha=1e-4, tol=TOL, max_iter=1), state=state)
    assert (again.stopped_by, again.n_iter) == ("tol", 1)
    assert again.objective <= good.objective
