"""Solver "sdca" where each rank has rows of its own: the optimum of one process, the same gap."""

from itertools import pairwise

import numpy as np
import pytest
from kernel_reference import small_problem
from own_rows import CutPool
from sdca_problem import data, settings
from test_solvers import WEIGHT, model_for
from test_workers import threads
from test_workers_sdca import TIGHT, objective

from fastsgd import comm, load_model, save_model
from fastsgd.duals import DUALS
from fastsgd.engine.linear.certificate import certify
from fastsgd.engine.linear.dual_problem import DualProblem, balance_together, row_weights
from fastsgd.engine.peers import ALONE, Peers
from fastsgd.kernels import duality
from fastsgd.kernels.rows import Rows
from fastsgd.models import pools
from fastsgd.solvers import Gap
from fastsgd.workers import Workers

CUTS = {2: [11], 3: [1, 90], 4: [3, 5, 60]}
"""Where rows are cut for so many ranks: shares are very uneven, one of a single row."""


@pytest.fixture(autouse=True)
def cuts(monkeypatch):
    """Ranks have the rows between these."""
    cuts, pool_of = dict(CUTS), pools.pool_of
    monkeypatch.setattr(pools, "pool_of", lambda estimator, workers: CutPool(
        pool_of(estimator, workers), cuts[workers.n]))
    return cuts


@pytest.mark.parametrize("n", [2, 3, 4])
@pytest.mark.parametrize("loss", sorted(DUALS))
def test_the_optimum_of_one_process(loss, n):
    """Also of rows with weights, and without a bias; the dual variables make up the weights."""
    X, y = data(loss)
    for more in ({}, {"fit_intercept": False}):
        alone, by = (model_for(loss, **TIGHT, **more, **options).fit(X, y, sample_weight=WEIGHT)
                     for options in ({}, {"workers": threads(n)}))
        assert by.fit_stats_["stopped_by"] == "tol"
        assert by.dual_gap_ <= 1e-6 * by.loss_curve_[-1]
        best = objective(alone, X, y, WEIGHT)
        assert by.loss_curve_[-1] == pytest.approx(objective(by, X, y, WEIGHT), rel=1e-9)
        assert abs(objective(by, X, y, WEIGHT) - best) <= 2e-6 * best
        np.testing.assert_allclose(
            by.dual_coef_ @ X[by.support_].toarray(), np.atleast_2d(by.coef_), atol=1e-9)


@pytest.mark.parametrize("loss", ["hinge", "log_loss", "squared_error"])
def test_rows_sorted_by_label(loss, cuts):
    """A rank that knows one class alone: it takes more epochs, and comes to the same."""
    X, y = data(loss)
    order = np.argsort(y, kind="stable")
    X, y = X[order], y[order]
    cuts[3] = [30, 100]
    by = model_for(loss, **TIGHT, workers=threads(3)).fit(X, y)
    alone = model_for(loss, **TIGHT).fit(X, y)
    assert by.gap_ <= 1e-6 * by.loss_curve_[-1]
    best = objective(alone, X, y)
    assert abs(objective(by, X, y) - best) <= 2e-6 * best


@pytest.mark.parametrize("penalty", ["l2", "elasticnet"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_penalties_types_dense_rows_and_threads(penalty, dtype):
    X, y = data("hinge", dense=True, dtype=dtype)
    given = {"solver": "sdca", "tol": Gap(1e-4), "max_iter": 3000, "penalty": penalty}
    by = model_for("hinge", **given, n_jobs=2, sync="merge", merge_every=16,
                   workers=threads(3)).fit(X, y)
    assert by.gap_ <= 1e-4 * by.loss_curve_[-1]
    alone = model_for("hinge", **given).fit(X, y)
    assert by.loss_curve_[-1] == pytest.approx(alone.loss_curve_[-1], rel=3e-4)


def test_it_goes_on_from_dual_variables_and_from_weights_alone(tmp_path):
    """After a fit each rank has its own; after a file, which has none, and with others, nobody."""
    X, y = data("hinge")
    model = model_for("hinge", **TIGHT, workers=threads(3), warm_start=True).fit(X, y)
    epochs = model.n_iter_
    for workers in (threads(3), threads(2), None, threads(4)):
        model.set_params(workers=workers).fit(X, y)
        assert model.n_iter_ <= max(5, epochs // 4)
        assert model.gap_ <= 1e-6 * model.loss_curve_[-1]
    model.set_params(workers=Workers(comm="mpi", rows="own"))
    save_model(model, tmp_path / "m")
    kept = load_model(tmp_path / "m")
    assert kept.workers.rows == "own"
    assert kept.gap_ == model.gap_
    assert kept._states[0].dual_coef is None
    assert model._states[0].dual_coef is not None
    with pytest.raises(AttributeError, match="solver='sdca' finds it"):
        kept.dual_coef_  # noqa: B018
    with pytest.raises(ValueError, match="certify looks at all rows"):
        model.certify(X, y)
    kept.set_params(workers=threads(3), tol=1e-8).resume(X, y, max_iter=epochs + 3000)
    assert kept.gap_ <= 1e-8 * kept.loss_curve_[-1]


def test_ranks_agree_on_the_dual_variables_to_begin_with():
    """Where one of them has none, or those of other rows, all begin at the weights."""
    X, y = data("log_loss")
    model = model_for("log_loss", **TIGHT, workers=threads(3), warm_start=True).fit(X, y)
    model._states[0].dual_coef = model._states[0].dual_coef[:-7]  # of the last rank's rows
    model.fit(X, y)
    assert model.gap_ <= 1e-6 * model.loss_curve_[-1]


def test_several_classes_and_time():
    X, _ = data("hinge")
    labels = np.digitize(small_problem(loss="squared_error").y, [-0.7, 0.7])
    several = model_for("hinge", **TIGHT, workers=threads(2)).fit(X, labels)
    assert (several.gap_ <= 1e-6).all()
    model = model_for("hinge", solver="sdca", tol=None, max_iter=10**6, max_time=0.3,
                      workers=threads(3)).fit(X, labels > 0)
    assert model.fit_stats_["stopped_by"] == "max_time"
    assert np.isfinite(model.gap_)


def certify_own(comm, X, y, weight, w, b, loss, penalty):
    """A task: the certificate of a model, of ranks with rows of their own."""
    peers = Peers(comm, own=True)
    chosen = settings(loss, penalty=penalty)
    found = certify(DualProblem(
        Rows(X), y, row_weights(y, weight, chosen), chosen, sum(peers.counts(len(y))),
        peers=peers), w, b)
    return found._asdict()


@pytest.mark.parametrize("penalty", ["l2", "l1"])
@pytest.mark.parametrize("loss", sorted(DUALS))
def test_the_certificate_of_a_model_is_that_of_one_process(loss, penalty):
    """From weights alone: objective, bound and dual point are over the rows of all."""
    X, y = data(loss)
    w, b = np.linspace(-0.2, 0.3, X.shape[1]), 0.4
    chosen = settings(loss, penalty=penalty)
    expected = certify(DualProblem(Rows(X), y, row_weights(y, WEIGHT, chosen), chosen), w, b)
    edges = [slice(*pair) for pair in pairwise([0, *CUTS[4], len(y)])]
    with comm.open("thread", 4, timeout=30) as pool:
        told = pool.run("test_workers_own_sdca:certify_own", {
            "w": w, "b": b, "loss": loss, "penalty": penalty},
            [{"X": X[part], "y": y[part], "weight": WEIGHT[part]} for part in edges])
    for one in told:
        for name in ("gap", "objective", "lower"):
            assert one[name] == pytest.approx(getattr(expected, name), rel=1e-6), name
    np.testing.assert_allclose(np.concatenate([one["dual"] for one in told]), expected.dual,
                               rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", ["inside", "at the ends", "one side", "nothing"])
def test_balance_is_that_of_the_kernel(kind):
    rng = np.random.default_rng(0)
    c, bound = rng.exponential(size=40), 1.0
    beta = rng.uniform(-0.9, 0.9, 40) + 0.3
    if kind == "at the ends":
        beta = np.clip(3 * beta, -1, 1)
    if kind == "one side":
        beta = np.abs(beta)
    if kind == "nothing":
        beta[:] = 0
    own, expected = beta.copy(), beta.copy()
    duality.balance(c, expected, bound)
    balance_together(c, own, bound, ALONE)
    np.testing.assert_allclose(own, expected, rtol=1e-12, atol=1e-15)
    assert abs(c @ own) < 1e-12
