"""Stages as workers: their errors, Ctrl-C, max_time, and how long they wait."""

import threading
import time
import warnings

import numpy as np
import pytest
from hanging import NEVER_LONG, ended
from sklearn.exceptions import ConvergenceWarning
from test_interrupt import SOON, interrupted
from test_mlp_threads import distance

import fastsgd.engine.mlp.loop as loop
from fastsgd import FastMLPClassifier, FastMLPRegressor, LayerPipeline
from fastsgd.engine.mlp.pipeline.micro_batch import MicroBatches
from fastsgd.engine.mlp.pipeline.schedule import bubble
from fastsgd.engine.mlp.pipeline.transport import LOOK_AROUND, ThreadTransport
from fastsgd.engine.team import Team
from pipeline_bubble import measure

X = np.random.default_rng(0).normal(size=(600, 10))
Y = np.digitize(X[:, 0], [-0.5, 0.5])


class BrokenError(Exception):
    pass


def model(pipeline=None, **given):
    given = {"hidden_layer_sizes": (8, 7, 6), "batch_size": 50, "max_iter": 3, "random_state": 0,
             "shuffle": False, "alpha": 0.1, "pipeline": pipeline or LayerPipeline(4, 6), **given}
    return FastMLPClassifier(**given)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("stage", range(4))
@pytest.mark.parametrize("method", ["begin", "forward", "backward", "step"])
def test_a_stage_that_fails_ends_all(monkeypatch, method, stage, seed):
    """At any micro-batch: the caller gets the error, all end, the estimator is as before."""
    draw, calls = np.random.default_rng(seed), []
    fails_at = draw.integers(1, 150 if method in ("forward", "backward") else 30)
    sound = getattr(MicroBatches, method)

    def broken(self, *args):
        if self.n_units == [8, 7, 6, 3][stage]:
            calls.append(method)
            if len(calls) == fails_at:
                time.sleep(0.01 * draw.random())  # the others get ahead of it, or wait
                raise BrokenError(f"stage {stage}")
        return sound(self, *args)

    fitted = model().set_params(warm_start=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        fitted.fit(X, Y)
        before = [c.copy() for c in fitted.coefs_]
        monkeypatch.setattr(MicroBatches, method, broken)
        error = ended(lambda: fitted.fit(X, Y))
    assert isinstance(error, BrokenError)
    assert str(error) == f"stage {stage}"
    assert len(calls) == fails_at
    for a, b in zip(before, fitted.coefs_, strict=True):
        np.testing.assert_array_equal(a, b)


def test_all_stages_may_fail_at_once(monkeypatch):
    barrier = threading.Barrier(4)

    def broken(self, visits):
        barrier.wait(NEVER_LONG)
        raise BrokenError

    monkeypatch.setattr(MicroBatches, "begin", broken)
    assert isinstance(ended(lambda: model().fit(X, Y)), BrokenError)


def test_a_message_out_of_step_is_an_error(monkeypatch):
    """Stages that are not at the same micro-batch would add up the wrong rows: the shape tells."""
    send, sent = ThreadTransport.send, []

    def cut_short(self, array, rank, to):
        sent.append(rank)
        send(self, array[1:] if len(sent) > 40 and len(array) > 1 else array, rank, to)

    monkeypatch.setattr(ThreadTransport, "send", cut_short)
    error = ended(lambda: model(pipeline=LayerPipeline(2, 2)).fit(X, Y))
    assert isinstance(error, RuntimeError)
    assert "expected (25, 7) from stage 0, got (24, 7)" in str(error)


@pytest.mark.skipif(threading.current_thread() is not threading.main_thread(),
                    reason="signals reach the main thread only")
@pytest.mark.parametrize("again", range(6))
def test_ctrl_c(again):
    """Soon, with whole steps: the weights are usable, no thread is left."""
    endless = model(max_iter=10**8, tol=0, n_iter_no_change=np.inf)
    delay = interrupted(endless, X, Y, after=0.05 + 0.02 * again)
    assert delay < SOON
    assert all(np.isfinite(c).all() for c in endless.coefs_)
    assert endless.predict(X).shape == Y.shape
    assert not [t for t in threading.enumerate() if t.name.startswith("fastsgd")]


@pytest.mark.parametrize("n_told", range(4))
@pytest.mark.parametrize("epoch", [1, 2])
def test_ctrl_c_before_all_stages_were_told(monkeypatch, epoch, n_told):
    """Some have begun, the others never will: nobody waits for them."""
    epochs = iter(range(1, 3))

    class Interrupted(Team):
        def run(self, task):
            if next(epochs) < epoch:
                super().run(task)
                return
            if not self._threads:
                self._start()
            for inbox in self._inboxes[:n_told]:
                inbox.put((task, []))
            time.sleep(2 * LOOK_AROUND)  # they are amid a minibatch
            raise KeyboardInterrupt

    monkeypatch.setattr(loop, "Team", Interrupted)
    assert isinstance(ended(lambda: model().fit(X, Y)), KeyboardInterrupt)


@pytest.mark.parametrize("stage", range(4))
def test_all_stages_end_after_the_same_minibatch(monkeypatch, stage):
    """Asked to end amid an epoch, they leave the weights of a serial run over the rows so far."""
    halts, sound, calls = [], MicroBatches.forward, []

    class Halt(loop.Halt):
        def __init__(self):
            halts.append(self)

    def forward(self, i, fed):
        if self.n_units == [8, 7, 6, 3][stage]:
            calls.append(i)
            if len(calls) == 20:
                halts[-1].ask()
                time.sleep(3 * LOOK_AROUND)  # who waits for this stage must go on waiting
        return sound(self, i, fed)

    monkeypatch.setattr(loop, "Halt", Halt)
    monkeypatch.setattr(MicroBatches, "forward", forward)
    cut = model(max_time=3600.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        assert ended(lambda: cut.fit(X, Y)) is None
    assert cut.fit_stats_["stopped_by"] == "max_time"
    assert cut.t_ == 200  # the 20th micro-batch is of the fourth minibatch
    monkeypatch.undo()
    whole = model(max_iter=1).set_params(pipeline=None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        whole.fit(X[:cut.t_], Y[:cut.t_])
    assert distance(whole, cut) < 1e-9


def test_max_time():
    endless = {"max_iter": 10**8, "tol": 0, "n_iter_no_change": np.inf}
    began, fitted = time.perf_counter(), model(max_time=0.3, **endless)
    with pytest.warns(ConvergenceWarning, match=r"max_time=0\.3 seconds ended"):
        fitted.fit(X, Y)
    assert time.perf_counter() - began < 0.3 + SOON
    assert fitted.fit_stats_["stopped_by"] == "max_time"
    assert fitted.n_iter_ >= 1
    assert fitted.t_ >= 600 * fitted.n_iter_


@pytest.mark.parametrize("given", [
    {}, {"sync": "hogwild", "n_jobs": 2, "pipeline": None},
    {"sync": "merge", "n_jobs": 2, "pipeline": None}], ids=str)
def test_no_time_at_all(given):
    """Where not one minibatch was begun the first weights are there; that is no divergence."""
    made = model(max_time=1e-9).set_params(**given)
    with pytest.warns(ConvergenceWarning, match="max_time"):
        made.fit(X, Y)
    assert made.fit_stats_["stopped_by"] == "max_time"
    assert made.n_iter_ == 0
    assert made.predict(X).shape == Y.shape


@pytest.mark.parametrize(("k", "m"), [(1, 3), (2, 2), (2, 8), (3, 4), (4, 8)])
def test_sleeping_stages_are_idle_as_the_formula_says(k, m):
    """Stages that sleep equally long: the measured share is (k - 1) / (m + k - 1) in each of them.

    More tries with longer sleeps, as a busy machine wakes sleepers late.
    """
    for seconds, n_minibatches in ((0.012, 3), (0.04, 3), (0.1, 2), (0.1, 2)):
        shares = measure(k, m, seconds, n_minibatches)
        if max(abs(share - (k - 1) / (m + k - 1)) for share in shares) <= 0.03:
            break
    assert len(shares) == k
    assert shares == pytest.approx([bubble(k, m)] * k, abs=0.03)


@pytest.mark.parametrize(("given", "message"), [
    ({"pipeline": 2}, r"pipeline must be None or a fastsgd\.LayerPipeline, as .*; got 2"),
    ({"pipeline": (2, 4)}, r"got \(2, 4\)"),
    ({"pipeline": "auto"}, "got 'auto'"),
    ({"pipeline": LayerPipeline}, "pipeline must be None or a fastsgd.LayerPipeline"),
    ({"pipeline": LayerPipeline(5, 2)},
     r"5 stages and the network 4 layers \(3 hidden, and the output\).* take fewer stages"),
    ({"pipeline": LayerPipeline(2, 51)}, "into 51 micro-batches, and it has 50 rows"),
    ({"pipeline": LayerPipeline(2, 201), "batch_size": "auto"},
     "201 micro-batches, and it has 200 r"),
    ({"solver": "lbfgs"}, "solver='lbfgs' takes all rows; use one of 'sgd'.*or pipeline=None"),
    ({"sync": "hogwild"}, "sync='hogwild' share them; use sync='auto' or 'serial'"),
    ({"sync": "map_reduce"}, "sync='map_reduce' share them"),
    ({"sync": "merge"}, "sync='merge' share them"),
    ({"workers": 2}, "pipeline cuts the layers and workers=2 the rows"),
])
@pytest.mark.parametrize("Estimator", [FastMLPClassifier, FastMLPRegressor])
def test_refusals(monkeypatch, Estimator, given, message):
    monkeypatch.setattr(loop, "Team", None)  # no work is begun
    made = Estimator(**{**model(pipeline=LayerPipeline(2, 2)).get_params(), **given}
                     if Estimator is FastMLPClassifier else
                     {"hidden_layer_sizes": (8, 7, 6), "batch_size": 50,
                      "pipeline": LayerPipeline(2, 2), **given})
    with pytest.raises(ValueError, match=message):
        made.fit(X, Y)
    assert not hasattr(made, "coefs_")


def test_more_micro_batches_than_rows():
    """batch_size is at most the rows of X; a call that is refused draws no random numbers."""
    made = FastMLPClassifier((5,), pipeline=LayerPipeline(2, 8), dropout=0.2, random_state=0)
    with pytest.raises(ValueError, match="8 micro-batches, and it has 7 rows"):
        made.fit(X[:7], Y[:7])
    other = FastMLPClassifier((5,), pipeline=LayerPipeline(2, 8), dropout=0.2, random_state=0)
    for each in (made, other):
        each.partial_fit(X[:50], Y[:50], classes=[0, 1, 2])
    with pytest.raises(ValueError, match="8 micro-batches, and it has 3 rows"):
        made.partial_fit(X[:3], Y[:3])
    for each in (made, other):
        each.partial_fit(X[50:], Y[50:])
    assert distance(made, other) == 0
