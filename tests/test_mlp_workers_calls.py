"""Networks by workers, call after call: pools, errors, what is told, what is refused."""


import numpy as np
import pytest
from mlp_problem import settings
from scipy import sparse
from test_mlp_workers import DRAW, GIVEN, F, N, S, X, Y, fits, same, threads, weights

from fastsgd import FastMLPClassifier, LayerPipeline, Workers, load_model, save_model
from fastsgd.engine.mlp import rank_task as rank
from fastsgd.engine.peers import Peers
from fastsgd.errors import CommAborted, DivergenceError
from fastsgd.models import pools


def test_pool_partial_fit_warm_start_resume_and_files(tmp_path, monkeypatch):
    """All calls of one estimator share a pool, and go on as those of one process do."""
    opened, begin = [], pools.comm.open
    monkeypatch.setattr(pools.comm, "open",
                        lambda *args, **more: opened.append(begin(*args, **more)) or opened[-1])
    for data in (X, S):
        alone, by = fits(2, X=data)
        for model in (alone, by):
            model.resume(data, Y, max_iter=7)
        same(alone, by)
        for model in (alone, by):
            arrays = [*model.coefs_, *model.intercepts_]
            for k in range(3):
                model.partial_fit(data[k * 30:k * 30 + 20 + k], Y[k * 30:k * 30 + 20 + k])
            assert all(a is b for a, b in zip(
                arrays, [*model.coefs_, *model.intercepts_], strict=True))
        same(alone, by)
        save_model(by, tmp_path / "by.model")
        again = load_model(tmp_path / "by.model")
        assert again.workers == by.workers
        again.set_params(workers=None)
        for model in (alone, by, again):
            model.partial_fit(data, Y)
        same(alone, by)
        same(alone, again)
        for model in (alone, by):
            model.set_params(warm_start=True, max_iter=2).fit(data, Y)
        same(alone, by)
        assert len(opened) == 1
        by.set_params(workers=threads(4)).fit(data, Y)
        alone.fit(data, Y)
        same(alone, by)
        assert [pool._closed for pool in opened] == [True, False]
        opened.clear()


def test_random_numbers_go_on():
    """A RandomState that is handed in stands in the end where one process leaves it."""
    states = [np.random.RandomState(3), np.random.RandomState(3)]
    for state, workers in zip(states, (None, threads(2)), strict=True):
        FastMLPClassifier(**GIVEN | {"random_state": state}, workers=workers).fit(X, Y)
    assert states[0].rand() == states[1].rand()


def test_early_stopping_goes_on():
    options = {"early_stopping": True, "validation_fraction": 0.3, "max_iter": 3,
               "n_iter_no_change": 20}
    alone, by = fits(3, **options)
    for model in (alone, by):
        model.resume(X, Y, max_iter=6)
    same(alone, by)
    assert by.validation_scores_ == alone.validation_scores_


@pytest.mark.parametrize(("solver", "workers"), [
    ("adam", {}), ("adam", {"policy": "local"}), ("lbfgs", {})], ids=str)
def test_time_is_over_for_all(solver, workers):
    model = FastMLPClassifier(
        **GIVEN | {"max_iter": 10**7, "max_time": 0.2, "solver": solver, "max_fun": 10**9,
                   "n_iter_no_change": np.inf, "alpha": 1e-9}, workers=threads(3, **workers))
    with pytest.warns(Warning, match="max_time=0.2 seconds"):
        model.fit(DRAW.normal(size=(N, F)) if solver == "adam" else np.repeat(X, 200, axis=0),
                  Y if solver == "adam" else np.repeat(Y, 200))
    assert model.fit_stats_["stopped_by"] == "max_time"
    assert np.isfinite(weights(model)).all()


def test_verbose_and_the_hook_hear_of_rank_0(capsys):
    for options in ({"max_iter": 9}, {"max_iter": 9, "solver": "lbfgs"}):
        heard = []
        model = FastMLPClassifier(**GIVEN | options | {"verbose": True}, workers=threads(2))

        def hook(_k, told, heard=heard):
            heard.append(told.number)
            return told.number == 3

        model._epoch_hook = hook
        model.fit(X, Y)
        assert heard == [1, 2, 3]
        assert (model.n_iter_, model.fit_stats_["stopped_by"]) == (3, "callback")
        assert capsys.readouterr().out.count("Iteration") == 3


def test_an_error_leaves_the_model_as_it_was(monkeypatch):
    model = FastMLPClassifier(**GIVEN | {"solver": "sgd"}, workers=threads(3)).fit(X, Y)
    before, pool = weights(model), pools._POOLS[model][1]
    for data in (X * 1e200, sparse.csr_array(S * 1e200)):
        with pytest.raises(DivergenceError, match="the step was not taken"):
            model.partial_fit(data, Y)
        with pytest.raises(DivergenceError, match="learning_rate_init"):
            model.fit(data, Y)
        assert pools._POOLS[model][1] is pool  # which is well
        np.testing.assert_array_equal(weights(model), before)

    def broken(*_args, **_more):
        raise ZeroDivisionError("of a rank")

    monkeypatch.setattr(Peers, "share", broken)
    with pytest.raises(ZeroDivisionError, match="of a rank"):
        model.fit(X, Y)
    monkeypatch.undo()
    assert model not in pools._POOLS
    expected = FastMLPClassifier(**GIVEN | {"solver": "sgd"}).fit(X, Y).partial_fit(X, Y)
    np.testing.assert_allclose(weights(model.partial_fit(X, Y)), weights(expected), atol=1e-9)


def test_ranks_that_raise_are_not_waited_for(monkeypatch):
    """One rank fails in the middle: the others give up at once, and the user hears why."""
    sums = Peers.sum

    def failing(self, buf):
        if self.rank == 1 and self.comm.stats.bytes_sent > 5000:
            raise MemoryError("rank 1 has no room")
        return sums(self, buf)

    monkeypatch.setattr(Peers, "sum", failing)
    with pytest.raises((MemoryError, CommAborted), match="no room"):
        FastMLPClassifier(**GIVEN, workers=threads(3)).fit(X, Y)


@pytest.mark.parametrize(("options", "message"), [
    ({"workers": threads(2, policy="local"), "solver": "lbfgs"}, "all rows; use Workers.policy="),
    ({"workers": threads(2, batch="per_worker"), "solver": "lbfgs"}, "use batch='global'"),
    ({"workers": threads(2, local_steps=3)}, "local_steps=3. has no meaning with policy='sync'"),
    ({"workers": threads(2), "sync": "merge"}, "sync='merge' shares weights among threads"),
    ({"workers": 2, "sync": "hogwild"}, "use sync='auto' and more workers"),
    ({"workers": 2, "sync": "map_reduce"}, "use sync='auto' and more workers"),
    ({"workers": Workers(comm="mpi")}, "random_state to be an int"),
    ({"workers": "4"}, "None, an int or fastsgd.Workers"),
    ({"workers": True}, "None, an int or fastsgd.Workers"),
    ({"workers": 0}, "n must be an int >= 1"),
    ({"workers": 2, "pipeline": LayerPipeline(2, 2)}, "set the other to None"),
], ids=str)
def test_what_has_no_meaning_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        FastMLPClassifier(**options).fit(X, Y)


def test_settings_and_models_travel():
    """What ranks unpack is what was packed."""
    model = FastMLPClassifier(**GIVEN | {"solver": "adam", "early_stopping": True}).fit(S, Y)
    told = rank.pack_model(model._parameters, model._states[0])
    parameters, state = rank.unpack_model(told, copy=True)
    assert parameters.digest() == model._parameters.digest()
    assert parameters.first is not model._parameters.first
    for name, value in vars(model._states[0]).items():
        if name not in ("momenta", "iterate"):
            assert getattr(state, name) == value
    assert state.iterate.digest() == model._states[0].iterate.digest()
    assert np.array_equal(state.momenta.last, model._states[0].momenta.last)
    given = settings(output=("logistic", "log_loss"), n_iter_no_change=np.inf)
    assert rank.unpack_settings(rank.pack_settings(given)) == given
    rng = np.random.RandomState(np.random.PCG64(5))
    assert rank.unpack_rng(rank.pack_rng(rng)).rand() == rng.rand()
