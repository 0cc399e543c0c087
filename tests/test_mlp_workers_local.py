"""Networks by workers that go some steps by themselves: what is averaged, by which weights."""

import math
import os
import signal
import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import load_digits
from test_mlp_workers import GIVEN, N, S, X, Y, fits, same, threads, weights

from fastsgd import FastMLPClassifier, Workers
from fastsgd.engine.mlp import local
from fastsgd.errors import DivergenceError, PeerFailed
from fastsgd.models import pools
from fastsgd.schedules import Cosine


def by_workers(n, **options):
    return threads(n, **{"policy": "local", "warm_up": 0} | options)


@pytest.mark.parametrize("n", [2, 3, 4])
@pytest.mark.parametrize("options", [{"solver": "sgd", "momentum": 0}, {"solver": "sgd"},
                                     {"solver": "sgd", "nesterovs_momentum": False}], ids=str)
@pytest.mark.parametrize("data", [{"X": X}, {"X": S, "lazy": False}], ids=["dense", "csr"])
def test_one_local_step_is_a_step_of_all(data, options, n):
    """Where the rule is linear in the gradient; L2 weighs as much."""
    batch = {"batch_size": 16 * n, "alpha": 0.1}
    X = sparse.vstack([data["X"]] * 4).tocsr() if sparse.issparse(data["X"]) else np.vstack(
        [data["X"]] * 4)
    keep = len(Y) * 4 // (16 * n) * 16 * n  # the parts of each minibatch are alike
    alone, by = fits(n, **{**data, "X": X[:keep]}, y=np.tile(Y, 4)[:keep], **batch, **options,
                     workers=by_workers(n, local_steps=1))
    np.testing.assert_allclose(weights(by), weights(alone), rtol=0, atol=1e-12)
    np.testing.assert_allclose(by.loss_curve_, alone.loss_curve_, rtol=1e-9)
    assert (by.t_, by._states[0].step) == (alone.t_, alone._states[0].step)


def test_weights_count_by_rows():
    """A rank without rows has no say; of 3 rows and 1 row, weights go 3 : 1 by `share`."""
    options = {"solver": "sgd", "momentum": 0, "shuffle": False, "max_iter": 1, "alpha": 0}
    alone, by = fits(1, X=X[:7], y=[0, 1, 0, 1, 1, 0, 1], batch_size=7, **options,
                     workers=by_workers(3, local_steps=1))
    np.testing.assert_allclose(weights(by), weights(alone), atol=1e-12)
    alone, by = fits(1, X=X[:2], y=[0, 1], batch_size=2, **options,
                     workers=by_workers(4, local_steps=1))
    np.testing.assert_allclose(weights(by), weights(alone), atol=1e-12)


def test_minibatches_of_each_worker():
    """As one minibatch of all with steps that are as many times as long."""
    options = {"solver": "sgd", "momentum": 0, "X": X[:96], "y": Y[:96]}
    _, by = fits(2, batch_size=12, workers=by_workers(2, local_steps=1, batch="per_worker"),
                 **options)
    alone, _ = fits(1, batch_size=24, learning_rate_init=0.04, **options)
    np.testing.assert_allclose(weights(by), weights(alone), atol=1e-12)


def two_ranks(rows, **options):
    """The model of two ranks that go their own ways for an epoch, and both of theirs alone."""
    half = len(rows) // 2
    given = GIVEN | {"hidden_layer_sizes": (4,), "alpha": 0, "shuffle": False, "solver": "adam",
                     "max_iter": 1, **options}
    y = np.arange(len(rows)) % 2
    rows = sparse.csr_array(rows)
    by = FastMLPClassifier(**given | {"batch_size": 6}, workers=by_workers(2, local_steps=100))
    given |= {"batch_size": 3, "learning_rate_init": 0.02 * 2 ** 0.5}  # as adam divides by noise
    parts = [FastMLPClassifier(**given), FastMLPClassifier(**given)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        by.fit(rows, y)
        for part, own in zip(parts, (slice(half), slice(half, None)), strict=True):
            part.fit(rows[own], y[own])
    return by, parts


def test_rows_of_features_are_means_of_those_who_met_them():
    """A feature that one rank met keeps its whole step; one that nobody met stays as it was."""
    rows = np.zeros((24, 6))
    rows[:, 0] = 1  # met by both
    rows[:12:2, 1] = rows[0, 2] = 2  # by the first
    rows[12:, 3] = 3  # by the second
    by, (first, second) = two_ranks(rows)
    start = FastMLPClassifier(**GIVEN | {"hidden_layer_sizes": (4,), "learning_rate_init": 1e-12})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        start.fit(rows, np.arange(24) % 2)
    for owners, features in (((first, second), [0]), ((first,), [1, 2]), ((second,), [3])):
        for models in ([(m.coefs_[0]) for m in (by, *owners)],
                       [m._states[0].momenta.slots[0].first for m in (by, *owners)],
                       [m._states[0].momenta.slots[1].first for m in (by, *owners)]):
            np.testing.assert_allclose(models[0][features], np.mean(models[1:], axis=0)[features],
                                       atol=1e-12)
    assert by._states[0].momenta.last.tolist() == [4, 4, 4, 4, 0, 0]
    np.testing.assert_allclose(by.coefs_[0][4:], start.coefs_[0][4:], atol=1e-9)
    np.testing.assert_allclose(by.coefs_[1], (first.coefs_[1] + second.coefs_[1]) / 2, atol=1e-12)
    slots = [m._states[0].momenta.slots[0].rest for m in (by, first, second)]
    np.testing.assert_allclose(slots[0], (slots[1] + slots[2]) / 2, atol=1e-12)
    assert by.loss_ == pytest.approx((first.loss_ + second.loss_) / 2)


@pytest.mark.parametrize("batch_size", [1, 10, 50])
@pytest.mark.parametrize("steps", [1, 3, 8, 1000])
def test_every_row_is_met_once_an_epoch(steps, batch_size, monkeypatch):
    """By one rank, in rounds of about as many minibatches each; ranks have parts of all rounds."""
    met, average = [[] for _ in range(3)], local.Local._average

    def watched(self, counts, own, *about):
        met[self._peers.rank].append(own.copy())
        return average(self, counts, own, *about)

    monkeypatch.setattr(local.Local, "_average", watched)
    model = FastMLPClassifier(**GIVEN | {"max_iter": 1, "batch_size": batch_size},
                              workers=by_workers(3, local_steps=steps))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(X, Y)
    together = np.concatenate([np.concatenate(rows) for rows in met])
    assert sorted(together) == list(range(N))
    assert model.t_ == N
    lengths = {len(rows) for rows in met}
    assert lengths == {math.ceil(math.ceil(N / batch_size) / steps)}
    assert all(len(row) <= -(-steps * batch_size // 3) for rows in met for row in rows)


@pytest.mark.parametrize("sync", ["serial", "hogwild", "map_reduce", "merge"])
@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_the_loss_of_one_process(solver, sync):
    """Digits, within 3 % of the training loss, by steps that fall; 2 and 4 workers.

    Steps that do not fall leave the last ones' noise, which is not the same (docs/mlp.md).
    """
    X, y = load_digits(return_X_y=True)
    given = {"hidden_layer_sizes": (32,), "solver": solver, "max_iter": 15, "random_state": 0,
             "batch_size": 64, "n_jobs": 2, "sync": sync, "merge_every": 2, "tol": 0,
             "learning_rate": Cosine(T_0=16),
             "learning_rate_init": {"sgd": 0.05, "adam": 0.003}[solver]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        alone = FastMLPClassifier(**given).fit(X / 16, y)
        for data, n in ((X / 16, 2), (X / 16, 4), (sparse.csr_array(X / 16), 2)):
            by = FastMLPClassifier(**given, workers=by_workers(n)).fit(data, y)
            assert loss_of(by, data, y) <= 1.03 * loss_of(alone, data, y)
            assert by.score(data, y) >= alone.score(data, y) - 0.015


def loss_of(model, X, y):
    return -model.predict_log_proba(X)[np.arange(len(y)), y].mean()


def test_the_same_seed_gives_the_same_bits_also_of_dropout():
    found = []
    for _ in range(2):
        _, by = fits(3, X=S, dropout=(0.2, 0.3, 0.1), workers=by_workers(3, local_steps=2))
        found.append(by)
    assert weights(found[0]).tobytes() == weights(found[1]).tobytes()


def test_masks_of_ranks_differ(monkeypatch):
    from fastsgd.engine.mlp.dropout import Masks

    begin, streams = Masks.begin, set()
    monkeypatch.setattr(Masks, "begin", lambda self, epoch: (
        streams.add(self._stream), begin(self, epoch))[1])
    fits(3, X=X, dropout=0.3, max_iter=1, workers=by_workers(3))
    assert len(streams) == 3


@pytest.mark.parametrize("data", [X, S], ids=["dense", "csr"])
def test_resume_partial_fit_and_another_number_of_workers(data):
    given = GIVEN | {"learning_rate_init": 0.02, "max_iter": 6}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        whole = FastMLPClassifier(**given, workers=by_workers(2)).fit(data, Y)
        parts = FastMLPClassifier(**given | {"max_iter": 2}, workers=by_workers(2)).fit(data, Y)
        parts.resume(data, Y, max_iter=6)
        same(whole, parts, 1e-12)
        parts.set_params(workers=by_workers(3)).resume(data, Y, max_iter=8)
        parts.partial_fit(data, Y)
        parts.set_params(workers=None).partial_fit(data, Y)
    assert parts.t_ == 10 * N
    assert parts.loss_ < whole.loss_


def test_divergence_of_one_rank_is_told_by_all():
    bad = X.copy()
    bad[3] *= 1e300
    model = FastMLPClassifier(**GIVEN | {"solver": "sgd"}, workers=by_workers(3)).fit(X, Y)
    before, pool = weights(model), pools._POOLS[model][1]
    with pytest.raises(DivergenceError, match="the step was not taken"):
        model.partial_fit(bad, Y)
    with pytest.raises(DivergenceError):
        model.fit(bad, Y)
    assert pools._POOLS[model][1] is pool
    np.testing.assert_array_equal(weights(model), before)


def test_processes(tmp_path):
    """The models of threads; one pool for all calls; a rank that dies leaves the model alone."""
    dense = np.memmap(tmp_path / "X", np.float64, "w+", shape=X.shape)
    dense[:] = X
    for data, options in ((S, {}), (dense, {"policy": "local", "local_steps": 2})):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            by, told = (FastMLPClassifier(
                **GIVEN | {"early_stopping": True, "validation_fraction": 0.2},
                workers=Workers(2, comm=comm, **options)).fit(data, Y)
                for comm in ("thread", "process"))
        same(by, told, 0 if "policy" in options else 1e-12)
        assert told.validation_scores_ == by.validation_scores_
        pool = pools._POOLS[told][1]
        for model in (by, told):
            model.set_params(early_stopping=False)
            for k in range(3):
                model.partial_fit(data[k * 30:k * 30 + 31], Y[k * 30:k * 30 + 31])
        same(by, told, 1e-12)
        assert pools._POOLS[told][1] is pool
        for told_by in pool.run("comm_tasks:facts"):
            assert "fastsgd.engine.mlp.rank_task" in told_by["modules"]
            assert "sklearn" not in told_by["modules"]
    before, losses = weights(told), list(told.loss_curve_)
    os.kill(pool.pids[1], signal.SIGKILL)
    with pytest.raises(PeerFailed) as error:
        told.partial_fit(data, Y)
    assert tuple(error.value.ranks) == (1,)
    np.testing.assert_array_equal(weights(told), before)
    assert told.loss_curve_ == losses
    told.partial_fit(data, Y)  # by a new pool
    by.partial_fit(data, Y)
    same(by, told, 1e-12)


def test_lbfgs_by_processes():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        alone, by = (FastMLPClassifier(**GIVEN | {"solver": "lbfgs"}, workers=workers).fit(S, Y)
                     for workers in (None, 2))
    same(alone, by, 1e-9)
    assert by.fit_stats_["comm"] == "process"
