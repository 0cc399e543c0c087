"""Replicas and merges: a NumPy reference, the same bits again, intervals, and where they pay."""

import numpy as np
import pytest
from kernel_reference import left_by, same, small_matrix, small_problem

from fastsgd import FastSGDClassifier
from fastsgd.engine.linear import merge
from fastsgd.engine.linear.merge import MergeEpoch
from fastsgd.engine.linear.state import LinearState
from fastsgd.engine.team import Team
from fastsgd.kernels import tables
from fastsgd.kernels.merge import Replicas
from fastsgd.kernels.rows import Rows
from fastsgd.losses import LOSSES

TILE = tables.TILE


def merged(problem, n_threads, tiles, reach, alone=0):
    """One epoch over the rows as they lie, thread by thread: what the kernel leaves, l2 only.

    One thread visits the first `alone` rows. Weights are v = w / scale, and scale is known from
    the step; so changes of v add up.
    """
    X = problem.X.toarray() if hasattr(problem.X, "toarray") else np.asarray(problem.X)
    X, n = X.astype(np.float64), problem.X.shape[0]
    loss, eta = LOSSES[problem.loss], tables.etas(problem.fields, 1, n)
    scale = np.concatenate([[1.0], np.cumprod(1 - eta * problem.l2)])
    v, b, losses, begin = np.zeros(X.shape[1]), 0.0, 0.0, 0
    many = n_threads
    while begin < n:
        share, n_threads = (alone, 1) if begin < alone else (tiles * TILE, many)
        if n - begin < n_threads * share:  # what is left is shared evenly, in whole tiles
            left = -(-(n - begin) // TILE)
            share = -(-left // n_threads) * TILE
        part = min(1.0, max(reach / (n_threads * share * eta[begin]), 1 / n_threads))  # of 1: all
        sum_v, sum_b = np.zeros_like(v), 0.0
        for rank in range(n_threads):
            own, own_b = v.copy(), b
            first = min(n, begin + rank * share)
            for i in range(first, min(n, first + share)):
                z = np.array([scale[i] * (X[i] @ own) + own_b])
                losses += loss.value(z, problem.y[i:i + 1], problem.constant)[0]
                step = -eta[i] * loss.derivative(z, problem.y[i:i + 1], problem.constant)[0]
                own += step / scale[i + 1] * X[i]
                own_b += problem.decay * step
            sum_v, sum_b = sum_v + own - v, sum_b + own_b - b
        v, b = v + part * sum_v, b + part * sum_b
        begin = min(n, begin + n_threads * share)
    return {"w": v * scale[-1], "b": b, "loss": losses}


def by_kernel(problem, n_threads, tiles, reach):
    """The same by the kernel, in order."""
    trainer, weights, average = problem.trainer()
    replicas = Replicas(trainer, n_threads, True, shortest=tiles * TILE, longest=tiles * TILE,
                        reach=reach)
    with Team(n_threads, trainer.stop) as team:
        assert trainer.plan(0) == trainer.n_tiles
        team.run(replicas.run)
        replicas.collect()
    return left_by(trainer, weights, average)


@pytest.mark.parametrize("reach", [1e9, 3.0, 1e-9], ids=["sum", "part", "mean"])
@pytest.mark.parametrize(("dtype", "rtol"), [(np.float32, 2e-4), (np.float64, 1e-11)])
@pytest.mark.parametrize("dense", [False, True], ids=["csr", "dense"])
@pytest.mark.parametrize(("n_threads", "tiles"), [(1, 1), (2, 1), (3, 2), (5, 4)])
def test_equals_reference(n_threads, tiles, dense, dtype, rtol, reach):
    """Static shares, summed in the order of the ranks; the last round is shared evenly."""
    problem = small_problem(n=1003, dense=dense, dtype=dtype, loss="log_loss", l2=0.01)
    same(by_kernel(problem, n_threads, tiles, reach), merged(problem, n_threads, tiles, reach),
         rtol)


def test_one_thread_works_alone_while_steps_are_long():
    """A look every 16 tiles; the step at which sharing may begin lies before the third."""
    problem = small_problem(n=3000, loss="log_loss", l2=0.01)
    trainer, weights, average = problem.trainer()
    epoch = MergeEpoch(trainer, Rows(problem.X), 2, True, 96, 1.0, LinearState(None))
    epoch._longest_step = tables.etas(problem.fields, 900, 1)[0]
    with Team(2, trainer.stop) as team:
        epoch(trainer, team, 1000)
    reach = merge.reach(Rows(problem.X), 1.0)
    expected = merged(problem, 2, 3, reach, alone=2 * 16 * TILE)
    same(left_by(trainer, weights, average), expected, 1e-11)
    with pytest.raises(AssertionError):
        same(merged(problem, 2, 3, reach), expected, 1e-11)


def test_long_steps_are_not_shared_by_default():
    problem = small_problem(n=3000)
    rows = Rows(problem.X)
    epoch = MergeEpoch(problem.trainer()[0], rows, 2, True, "auto", 1.0, LinearState(None))
    worth = merge.rows_worth_a_merge(rows, 2)
    assert epoch._longest_step == pytest.approx(
        merge.reach(rows, 1.0) / 2 / max(worth, TILE))
    epoch = MergeEpoch(problem.trainer()[0], rows, 2, True, 64, 1.0, LinearState(None))
    assert epoch._longest_step == np.inf


def data(n=20_000, d=300, seed=0):
    """Rows enough for several merges."""
    X = small_matrix(n, n_features=d, density=0.03, dtype=np.float32, seed=seed)
    return X, (X @ np.random.default_rng(1).normal(size=d) > 0).astype(int)


@pytest.fixture
def from_the_first_step(monkeypatch):
    """Threads share the work at once, also where steps are long."""
    monkeypatch.setattr(merge, "longest_shared_step", lambda bound, n_threads, worth: np.inf)


@pytest.mark.usefixtures("from_the_first_step")
@pytest.mark.parametrize("penalty", ["l2", "elasticnet"])
@pytest.mark.parametrize("n_jobs", [2, 3, 8])
def test_same_bits_again(n_jobs, penalty):
    """With an int seed: weights, intercept and the curve of objectives."""
    X, y = data()
    fits = [FastSGDClassifier(loss="log_loss", penalty=penalty, sync="merge", n_jobs=n_jobs,
                              random_state=3, max_iter=4, tol=None).fit(X, y) for _ in range(3)]
    assert fits[0].fit_stats_["threads"] == n_jobs
    for other in fits[1:]:
        np.testing.assert_array_equal(other.coef_, fits[0].coef_)
        np.testing.assert_array_equal(other.intercept_, fits[0].intercept_)
        assert other.loss_curve_ == fits[0].loss_curve_
    serial = FastSGDClassifier(loss="log_loss", penalty=penalty, sync="serial", random_state=3,
                               max_iter=4, tol=None).fit(X, y)
    assert not np.array_equal(serial.coef_, fits[0].coef_)  # there were merges


@pytest.mark.usefixtures("from_the_first_step")
def test_free_merges_are_counted():
    """Without a seed every row is still visited once an epoch."""
    X, y = data()
    model = FastSGDClassifier(sync="merge", n_jobs=2, max_iter=3, tol=None).fit(X, y)
    assert model.fit_stats_["sync"] == "merge"
    assert model.t_ == 1 + 3 * X.shape[0]
    assert model.score(X, y) > 0.9


@pytest.mark.usefixtures("from_the_first_step")
@pytest.mark.parametrize("every", [1, 100, 5000])
def test_merge_every(every):
    """Any interval learns; they differ in their bits."""
    X, y = data()
    model = FastSGDClassifier(sync="merge", n_jobs=2, merge_every=every, max_iter=5, tol=None,
                              random_state=0).fit(X, y)
    auto = FastSGDClassifier(sync="merge", n_jobs=2, max_iter=5, tol=None, random_state=0)
    assert model.loss_curve_[-1] < 1.05 * auto.fit(X, y).loss_curve_[-1]
    if every > 32:  # a tile is the least
        assert not np.array_equal(model.coef_, auto.coef_)


def test_bad_intervals_are_refused():
    X, y = data(100)
    for bad in (0, -1, 2.5, "often"):
        with pytest.raises(ValueError, match="merge_every"):
            FastSGDClassifier(merge_every=bad).fit(X, y)


def test_average_is_refused():
    problem = small_problem(average_from=1)
    with pytest.raises(ValueError, match="one thread"):
        Replicas(problem.trainer()[0], 2, True, shortest=32, longest=32, reach=1.0)


def test_long_steps_do_not_blow_up(monkeypatch):
    """Dense rows of a common direction, 16 threads, steps 30 times over what a sum would bear."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20_000, 20)) + 1
    y = X @ rng.normal(size=20) + 0.1 * rng.normal(size=20_000) > 3

    def objective(sync):
        model = FastSGDClassifier(
            loss="log_loss", sync=sync, n_jobs=16, learning_rate="constant", eta0=0.05, alpha=1e-3,
            max_iter=10, tol=None, random_state=0)
        return model.fit(X, y).loss_curve_[-1]

    serial = objective("serial")
    assert objective("merge") < 2 * serial  # the mean of 16 replicas is slower, no more
    monkeypatch.setattr(merge, "REACH", 1e9)  # looks at the merges find out (test_merge_looks.py)
    assert objective("merge") < 2 * serial


SCHEDULE = {"kind": 1, "eta0": 0.01, "alpha": 1e-4, "t0": 1000.0, "power_t": 0.5, "T_0": 1.0,
            "T_mult": 1.0, "eta_min": 0.0, "eta_max": np.inf}


@pytest.mark.parametrize("in_order", [False, True])
def test_where_it_pays(in_order):
    """Not with one thread, nor with features too many to sweep, nor where all rows are alike."""
    assert tables.schedules()["optimal"][0] == 1
    loss = LOSSES["hinge"]
    X = small_matrix(40_000, n_features=1000, density=0.02)
    X.data[:] = 0.1
    assert merge.pays(Rows(X), 2, loss, SCHEDULE, in_order)
    assert not merge.pays(Rows(X), 1, loss, SCHEDULE, in_order)
    wide = X.copy()
    wide.resize(X.shape[0], 10**7)
    assert not merge.pays(Rows(wide), 2, loss, SCHEDULE, in_order)
    assert not merge.pays(Rows(np.ones((40_000, 30))), 2, loss, SCHEDULE, in_order)


def test_in_order_it_must_promise_more():
    X = small_matrix(40_000, n_features=1000, density=0.02)
    X.data[:] = 0.1
    X.resize(X.shape[0], 5500)  # 3.75 us a merge, 20 ns a row: worth it from 187 of 256 rows on
    assert merge.rows_worth_a_merge(Rows(X), 2) == pytest.approx(3750 / (X.nnz / 40_000))
    assert merge.pays(Rows(X), 2, LOSSES["hinge"], SCHEDULE, False)
    assert not merge.pays(Rows(X), 2, LOSSES["hinge"], SCHEDULE, True)


def test_interval():
    """n / 200 rows, between 256 and 4,096; less reach where curvature is greater."""
    assert [merge.longest_interval(n) for n in (10, 100_000, 10**8)] == [256, 500, 4096]
    rows = Rows(abs(small_matrix(500)))
    assert merge.reach(rows, 1.0) == pytest.approx(2 * merge.reach(rows, 2.0))
    assert merge.reach(Rows(small_matrix(10)[:0]), 1.0) == np.inf
