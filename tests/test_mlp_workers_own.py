"""Networks whose ranks each have rows of their own: the engine over threads as ranks."""

import warnings

import numpy as np
import pytest
from own_rows import CutPool
from scipy import sparse
from test_mlp_workers import GIVEN, RULES, WEIGHT, S, X, Y, fits, same, threads, weights

from fastsgd import FastMLPClassifier, FastMLPRegressor, Workers
from fastsgd.engine.mlp import rank_task as rank
from fastsgd.engine.mlp.examples import Examples
from fastsgd.engine.mlp.shares import Shares
from fastsgd.engine.peers import ALONE
from fastsgd.errors import DivergenceError
from fastsgd.kernels.rows import Rows
from fastsgd.models import pools
from fastsgd.schedules import Cosine

CUTS = {1: [], 2: [11], 3: [1, 90], 4: [3, 5, 60]}
"""Where rows are cut for so many ranks: shares are very uneven, one of a single row."""


@pytest.fixture
def cut(monkeypatch):
    """``cut(edges)``: from now on so many ranks have the rows between these; CUTS at first.

    ``cut([None])``: two have all rows.
    """
    cuts, pool_of = dict(CUTS), pools.pool_of

    def cut_pool_of(estimator, workers):
        pool, edges = pool_of(estimator, workers), cuts[workers.n]
        return pool if edges == [None] else CutPool(pool, edges)

    monkeypatch.setattr(pools, "pool_of", cut_pool_of)
    return lambda edges: cuts.update({len(edges) + 1: edges})


@pytest.mark.parametrize("data", [X, S], ids=["dense", "csr"])
@pytest.mark.parametrize("n", [2, 3, 4])
def test_sums_over_all_rows_give_the_model_of_one_process(cut, data, n):
    """Minibatches of all rows, and lbfgs: with weights of rows, some 0."""
    alone, by = fits(n, X=data, sample_weight=WEIGHT, solver="lbfgs", max_iter=15)
    same(alone, by, 1e-7)
    alone, by = fits(n, X=data, sample_weight=WEIGHT, batch_size=len(Y), max_iter=20)
    same(alone, by)


def by_turns(counts, n_steps):
    """The order of one process whose minibatches are those of ranks with so many rows each."""
    begins = np.cumsum([0, *counts[:-1]])
    return np.concatenate([begin + np.arange(count * k // n_steps, count * (k + 1) // n_steps)
                           for k in range(n_steps)
                           for begin, count in zip(begins, counts, strict=True)])


@pytest.mark.parametrize("rule", RULES, ids=str)
@pytest.mark.parametrize("data", [{"X": X}, {"X": S}, {"X": S, "lazy": False}],
                         ids=["dense", "lazy", "csr"])
def test_a_minibatch_is_a_part_of_the_rows_of_each(cut, rule, data):
    """Ranks of 17, 34 and 51 rows make minibatches of 1 + 2 + 3 rows: those of one process."""
    counts, n = (17, 34, 51), 102
    cut([17, 51])
    order = by_turns(counts, 17)
    given = GIVEN | rule | {"batch_size": 6, "shuffle": False, "learning_rate": "invscaling"}
    matrix = data["X"][:n]
    more = {name: value for name, value in data.items() if name != "X"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        alone = FastMLPClassifier(**given, **more).fit(
            matrix[order], Y[:n][order], sample_weight=WEIGHT[:n][order])
        by = FastMLPClassifier(**given, **more, workers=threads(3)).fit(
            matrix, Y[:n], sample_weight=WEIGHT[:n])
    same(alone, by)


@pytest.mark.parametrize("n", [2, 3, 4])
@pytest.mark.parametrize("data", [X, S], ids=["dense", "csr"])
@pytest.mark.parametrize(("workers", "options"), [
    (workers, options) for workers in (
        {}, {"batch": "per_worker"}, {"policy": "local"}, {"policy": "local", "local_steps": 1},
        {"policy": "local", "batch": "per_worker"})
    for options in ({}, {"dropout": (0.1, 0.1, 0.1), "alpha": 0}, {"batch_size": 1})
] + [({"policy": "local"}, {"sync": sync, "n_jobs": 2}) for sync in ("hogwild", "merge")], ids=str)
def test_uneven_shares_end_together_and_learn(cut, options, workers, data, n):
    """A rank of one row is there in every step; steps are those that the rows of all make."""
    options = {"max_iter": 15, "solver": "sgd", "n_iter_no_change": 99} | options
    alone, by = fits(n, X=data, workers=threads(n, **workers), **options)
    assert by.loss_curve_[-1] < 0.95 * by.loss_curve_[0]
    assert by.n_iter_ == alone.n_iter_
    assert by.t_ == alone.t_
    if "batch" not in workers and "policy" not in workers:
        assert by._states[0].step == alone._states[0].step


@pytest.mark.parametrize("rate", ["optimal", Cosine(T_0=2)], ids=str)
@pytest.mark.parametrize("data", [X, S], ids=["dense", "csr"])
def test_steps_between_averages_follow_the_schedule_by_rows_of_all(cut, data, rate):
    """With one average an epoch two ranks have the halves that they would be dealt of all rows."""
    cut([51])
    given = {"X": data[:102], "y": Y[:102], "shuffle": False, "learning_rate": rate,
             "batch_size": 8, "workers": threads(2, policy="local", local_steps=99)}
    _, own = fits(2, **given)
    cut([None])
    _, dealt = fits(2, **given)
    same(dealt, own, 1e-12)


@pytest.mark.parametrize("n", [3, 4])
def test_all_ranks_have_the_same_bits(cut, monkeypatch, n):
    seen, train = {}, rank.train

    def watched(examples, parameters, state, *args, peers, **more):
        ended = train(examples, parameters, state, *args, peers=peers, **more)
        seen[peers.rank] = [examples.n_rows, parameters.digest(), state.curve, state.step, ended]
        return ended

    monkeypatch.setattr(rank, "train", watched)
    for data in (X, S):
        for workers in ({}, {"policy": "local", "local_steps": 2}):
            seen.clear()
            fits(n, X=data, workers=threads(n, **workers), dropout=0.2)
            assert sum(told[0] for told in seen.values()) == len(Y)
            assert all(told[1:] == seen[0][1:] for told in seen.values())


@pytest.mark.parametrize("dropout", [(0.3, 0), (0, 0.3)], ids=str)
@pytest.mark.parametrize("data", [X, S], ids=["dense", "csr"])
def test_ranks_leave_out_units_of_their_own(cut, data, dropout):
    """Of the same rows: else both ranks would make the steps of one."""
    data, y = data[:20], Y[:20]
    twice = sparse.vstack([data, data]).tocsr() if sparse.issparse(data) else np.vstack(
        [data, data])
    cut([20])
    given = {"hidden_layer_sizes": 9, "shuffle": False, "max_iter": 2, "solver": "sgd", "alpha": 0,
             "momentum": 0, "learning_rate_init": 0.5, "dropout": dropout}
    for workers in ({}, {"policy": "local", "local_steps": 1}):
        alone, _ = fits(1, X=data, y=y, batch_size=20, **given)
        _, by = fits(2, X=twice, y=np.tile(y, 2), batch_size=40, workers=threads(2, **workers),
                     **given)
        assert np.abs(weights(alone) - weights(by)).max() > 1e-3


def test_labels_and_regression(cut):
    labels = np.column_stack([Y == 0, Y > 0]).astype(int)
    for kind, y in ((FastMLPClassifier, labels), (FastMLPRegressor, X[:, :2]),
                    (FastMLPRegressor, X[:, 0])):
        same(*fits(4, y=y, kind=kind, batch_size=len(Y)))
        _, by = fits(4, y=y, kind=kind, batch_size=8, max_iter=20)
        assert by.loss_curve_[-1] < 0.9 * by.loss_curve_[0]


def test_rows_that_weigh_nothing_with_one_rank(cut):
    weight = WEIGHT.copy()
    weight[:11] = 0
    same(*fits(2, sample_weight=weight, batch_size=len(Y)))
    _, by = fits(2, sample_weight=weight, batch_size=8, max_iter=20)
    assert by.loss_curve_[-1] < 0.9 * by.loss_curve_[0]


def test_resume_and_partial_fit_go_on(cut):
    """Five epochs and then five are ten at once; every call of partial_fit is an epoch of all."""
    given = GIVEN | {"workers": threads(3), "dropout": 0.1, "n_iter_no_change": 99}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        once = FastMLPClassifier(**given | {"max_iter": 10}).fit(X, Y)
        twice = FastMLPClassifier(**given | {"max_iter": 5}).fit(X, Y).resume(X, Y, max_iter=10)
    assert weights(twice).tobytes() == weights(once).tobytes()
    assert twice.loss_curve_ == once.loss_curve_
    alone, by = (FastMLPClassifier(**GIVEN | {"batch_size": len(Y)}, workers=workers)
                 for workers in (None, threads(4)))
    for _ in range(5):
        for model in (alone, by):
            model.partial_fit(X, Y, classes=[0, 1, 2])
    np.testing.assert_allclose(weights(by), weights(alone), atol=1e-9)
    assert by.t_ == alone.t_


def test_a_divergence_of_one_rank_is_told_by_all(cut):
    y = X[:, 0].copy()
    y[0] = 1e200  # of the rank with one row
    for workers in ({}, {"policy": "local"}):
        model = FastMLPRegressor(**GIVEN | {"solver": "sgd"}, workers=threads(3, **workers))
        with pytest.raises(DivergenceError):
            model.fit(X, y)


def test_time_is_over_for_all(cut):
    for workers in ({}, {"policy": "local"}):
        _, by = fits(3, workers=threads(3, **workers), max_time=0.3, max_iter=10**6,
                     n_iter_no_change=10**6)
        assert by.fit_stats_["stopped_by"] == "max_time"


@pytest.mark.parametrize(("options", "words"), [
    ({"early_stopping": True}, "early_stopping=True"),
    ({"class_weight": "balanced"}, "class_weight='balanced'")])
def test_what_needs_all_rows_is_refused_by_name(options, words):
    model = FastMLPClassifier(**GIVEN | options, workers=Workers(comm="mpi", rows="own"))
    with pytest.raises(ValueError, match=rf"rows='own'\) lets no process .* {words}"):
        model.fit(X, Y)


def test_alone_the_parts_are_the_minibatches():
    rows = Rows(X)
    shares = Shares(ALONE, Examples(X, rows, Y, WEIGHT))
    order = np.arange(len(Y))[::-1].copy()
    parts = list(shares.cut(order, shares.minibatches(20)))
    assert [(begin, end) for _, begin, end in parts] == [
        (0, 20), (20, 40), (40, 60), (60, 80), (80, 100), (100, 103)]
    assert np.array_equal(np.concatenate([part for part, *_ in parts]), order)
    np.testing.assert_allclose(shares.totals(order, [0, 20, 103]), [
        WEIGHT[order[:20]].sum(), WEIGHT[order[20:]].sum()])
