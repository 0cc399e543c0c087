"""What ranks decide while they train by themselves: alike on all, and at the right time."""

import numpy as np
import pytest
from kernel_reference import small_problem
from sdca_problem import data
from test_solvers import WEIGHT, model_for
from test_workers import threads

from fastsgd.engine.linear import ascent, local
from fastsgd.engine.linear import rank_task as worker
from fastsgd.errors import DivergenceError

PROBLEM = small_problem(loss="log_loss")
FIXED = {"max_iter": 3, "tol": None}


def fit(n=2, loss="log_loss", X=PROBLEM.X, y=PROBLEM.y, weight=None, made=None, **options):
    """Local SGD by `n` ranks that are threads; `made` are options of Workers."""
    return model_for(loss, **FIXED | options, workers=threads(
        n, policy="local", **made or {})).fit(X, y, sample_weight=weight)


@pytest.mark.parametrize("n", [2, 3, 4])
@pytest.mark.parametrize("options", [
    {}, {"penalty": "l1", "alpha": 1e-2}, {"penalty": "elasticnet"}, {"average": 40},
    {"learning_rate": "adaptive", "eta0": 0.1, "tol": 1.0, "n_iter_no_change": 1},
    {"learning_rate": "invscaling", "eta0": 0.5}], ids=str)
def test_all_ranks_have_the_same_bits(options, n, monkeypatch):
    """Of weights and of all that steps depend on, after every round; sums of ASGD excepted."""
    seen = {}
    average = local.Average.__call__

    def watched(self, state, *args):
        told = average(self, state, *args)
        paid = None if state.l1_paid is None else state.l1_paid.tobytes()
        seen.setdefault(self._peers.rank, []).append((
            told, state.weights.tobytes(), state.intercept, state.l1_total, paid, state.t,
            state.eta0))
        return told

    monkeypatch.setattr(local.Average, "__call__", watched)
    fit(n, weight=WEIGHT, made={"local_steps": 7}, **options)
    assert len(seen) == n
    assert all(seen[rank] == seen[0] for rank in seen)
    assert len(seen[0]) > 3


def test_rows_between_averages(monkeypatch):
    """16 averages an epoch, where the rows are enough for that."""
    rounds = []
    dealer = local.Dealer.__init__

    def watched(self, *args):
        dealer(self, *args)
        rounds.append(self.n_rounds)

    monkeypatch.setattr(local.Dealer, "__init__", watched)
    draw = np.random.default_rng(0)
    for n_rows, n, steps, wanted in ((4000, 2, None, 16), (4000, 4, None, 16), (150, 2, None, 3),
                                     (4000, 2, 500, 4), (4000, 2, 10**9, 1), (1, 4, None, 1)):
        X = draw.normal(size=(n_rows, 2))
        rounds.clear()
        fit(n, "squared_error", X, X[:, 0], made={"local_steps": steps}, max_iter=1)
        assert rounds == [wanted] * n


def test_warm_up_is_in_epochs(monkeypatch):
    """Of all rows; after it steps are n times as long, the adaptive ones too."""
    asked = []

    def grown(n, t, warm_up):
        asked.append((n, warm_up))
        return float(n)

    monkeypatch.setattr(local, "grown", grown)
    fit(made={"warm_up": 2.5})
    assert set(asked) == {(2, 2.5 * 150)}
    by = []
    for eta0, factor in ((0.02, 2.0), (0.04, 1.0)):  # shorter by a fifth after each epoch
        monkeypatch.setattr(local, "grown", lambda n, t, warm_up, factor=factor: factor)
        by.append(fit(learning_rate="adaptive", eta0=eta0, max_iter=4, tol=1e9,
                      n_iter_no_change=1))
    assert by[0]._states[0].eta0 < 0.02
    np.testing.assert_allclose(by[0].coef_, by[1].coef_, rtol=1e-12)


def test_it_comes_to_rest_by_tol():
    """Without rows held out, too: what rank 0 says of a score is then nothing."""
    model = fit(max_iter=200, tol=1e-2)
    assert model.fit_stats_["stopped_by"] == "tol"
    assert model.n_iter_ < 100


def test_time_that_is_over_before_the_first_row():
    """Nothing was visited, by nobody: the weights stay what they were."""
    model = fit(max_iter=10**6, max_time=1e-9)
    assert (model.fit_stats_["stopped_by"], model.t_, model.loss_curve_) == ("max_time", 1, [])
    assert not model.coef_.any()
    assert model.fit_stats_["rows_per_second"] == 0


def test_time_that_is_over_for_one_rank_within_an_epoch(monkeypatch):
    """The others hear of it with the next average."""
    rounds = []
    step = local.LocalSteps.round

    def late(self, row, team):
        rounds.append(self._peers.rank)
        if self._peers.rank == 1 and rounds.count(1) == 3:
            monkeypatch.setattr(type(team), "expired", lambda self: self is team)
        return step(self, row, team)

    monkeypatch.setattr(local.LocalSteps, "round", late)
    model = fit(3, max_iter=50, max_time=1000, made={"local_steps": 5})
    assert model.fit_stats_["stopped_by"] == "max_time"
    assert [rounds.count(rank) for rank in range(3)] == [3, 3, 3]


def test_weights_that_are_not_finite_are_told():
    problem = small_problem(loss="squared_error")
    with pytest.raises(DivergenceError, match="epoch #"):
        fit(2, "squared_error", problem.X.astype(np.float32), problem.y, eta0=1e30,
            learning_rate="constant")


def test_what_is_sent_is_counted_anew_in_each_call():
    model = fit()
    first = model.fit_stats_["bytes_sent"]
    assert model.fit(PROBLEM.X, PROBLEM.y).fit_stats_["bytes_sent"] == first > 0


def test_ranks_that_are_threads_leave_the_callers_model_alone(monkeypatch):
    """Until the call has ended well, as every rank works on a copy."""
    model = fit()
    before, train = [], worker.TRAIN_TOGETHER["sgd"]

    def breaks(rows, y, weight, state, *args, **more):
        before.append(state.weights)
        train(rows, y, weight, state, *args, **more)
        raise ZeroDivisionError

    monkeypatch.setitem(worker.TRAIN_TOGETHER, "sgd", breaks)
    kept = model.coef_.copy()
    with pytest.raises(ZeroDivisionError):
        model.partial_fit(PROBLEM.X, PROBLEM.y)
    assert len(before) == 2
    assert not np.shares_memory(*before)
    assert np.array_equal(model.coef_, kept)


def test_cocoa_owns_whole_blocks_of_rows():
    """Blocks of several rows, as large data has: the gap is proven on rows of all."""
    X, y = data("hinge", n=9000)
    model = model_for("hinge", solver="sdca", tol=1e-3, max_iter=300,
                      workers=threads(3)).fit(X, y)
    assert model.fit_stats_["stopped_by"] == "tol"
    assert 0 <= model.gap_ <= 1e-3 * model.loss_curve_[-1]
    np.testing.assert_allclose(
        model.dual_coef_ @ X[model.support_].toarray(), np.atleast_2d(model.coef_), atol=1e-9)


def test_cocoa_takes_the_safe_caution_once_the_dual_falls(monkeypatch):
    """sigma' is then the number of ranks, and the step of the bias as long as that allows."""
    seen = []
    measure = ascent.DualAscent._end_epoch

    def falls(self, before, *met):
        ended = measure(self, np.inf, *met)  # as if it had been larger
        seen.append((self.ascent.caution, self.ascent.gain / self.gain))
        return ended

    X, y = data("hinge")
    monkeypatch.setattr(ascent.DualAscent, "_end_epoch", falls)
    model_for("hinge", solver="sdca", tol=None, max_iter=2, workers=threads(3)).fit(X, y)
    assert set(seen) == {(3.0, 1.0)}
