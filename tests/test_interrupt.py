"""Ctrl-C during fit: it ends soon, the weights so far are there, no thread is left behind."""

import os
import signal
import threading
import time

import numpy as np
import pytest
from scipy import sparse

from fastsgd import FastSGDClassifier, FastSGDRegressor

SOON = 2.0  # seconds; measured 0.001 to 0.06, but a test must not depend on the machine's load

rng = np.random.default_rng(0)
N, K, D = 20_000, 30, 5_000
SPARSE = sparse.csr_matrix(
    (rng.random(N * K, dtype=np.float32), rng.integers(0, D, N * K), np.arange(N + 1) * K),
    shape=(N, D))
DENSE = rng.random((N, 20), dtype=np.float32)
Y = (DENSE[:, 0] + 0.1 * rng.standard_normal(N) > 0.5).astype(int)


def interrupted(model, X, y, after, at_once=False):
    """Fits, presses Ctrl-C `after` seconds after the end of the first epoch, or `at_once` after
    the beginning; returns the seconds until fit gave way.

    Code that is not ours may swallow an exception that reaches it (once in some thousand fits): so
    the key is pressed again after 5 seconds, and the seconds count from the last time.
    """
    sent, begun, ended = [], threading.Event(), threading.Event()
    model._epoch_hook = lambda k, told: begun.set()

    def press():
        begun.wait()
        wait = after
        while not ended.wait(wait):
            sent.append(time.perf_counter())
            os.kill(os.getpid(), signal.SIGINT)
            wait = 5

    def fit():
        if at_once:  # not before: on a busy machine the key may be pressed within `start`
            begun.set()
        model.fit(X, y)

    presses = threading.Thread(target=press)
    presses.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            fit()
        return time.perf_counter() - sent[-1]
    finally:
        ended.set()
        begun.set()
        presses.join()


@pytest.mark.skipif(threading.current_thread() is not threading.main_thread(),
                    reason="signals reach the main thread only")
@pytest.mark.parametrize("kind", ["sparse", "dense"])
@pytest.mark.parametrize("sync", ["serial", "hogwild", "round_robin", "merge"])
@pytest.mark.parametrize("options", [
    {}, {"penalty": "l1"}, {"shuffle": "rows"}, {"average": True}, {"early_stopping": True},
], ids=str)
def test_ctrl_c_ends_a_fit_soon(kind, sync, options):
    if options.get("average") and sync != "serial":
        pytest.skip("averages are serial")
    model = FastSGDClassifier(
        max_iter=10**8, tol=None, sync=sync, merge_every=64, n_jobs=2, **options)
    if options.get("early_stopping"):
        model.set_params(n_iter_no_change=10**8)
    X = SPARSE if kind == "sparse" else DENSE
    turns = sync == "round_robin"  # whose epochs are long on a busy machine
    delay = interrupted(model, X, Y, after=0.15 * turns + 0.05 * rng.random(), at_once=turns)
    assert delay < SOON
    assert model.coef_.shape == (1, X.shape[1])
    assert np.isfinite(model.coef_).all()
    if not turns:  # whose first may come too late
        assert np.any(model.coef_) or np.any(model.intercept_)
        assert model.t_ > 1
    assert model.predict(X[:5]).shape == (5,)
    assert not [t for t in threading.enumerate() if t.name.startswith("fastsgd")]


@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize("options", [
    {"solver": "gd", "learning_rate": "constant"}, {"solver": "gd", "batch_size": 1000},
    {"solver": "gd", "learning_rate": "backtracking"}, {"solver": "lbfgs"},
    {"solver": "newton-cg"}], ids=str)
def test_ctrl_c_in_sums_over_all_rows(options, n_jobs):
    """The model is that of the last iteration. Many classes: an optimum is found too soon."""
    model = FastSGDClassifier("log_loss", max_iter=10**8, tol=None, n_jobs=n_jobs, **options)
    y = np.arange(N) % 100 if "batch_size" not in options else Y
    delay = interrupted(model, SPARSE, y, after=0.1)
    assert delay < SOON
    assert np.any(model.coef_)
    assert np.isfinite(model.coef_).all()
    assert model.t_ > 1
    assert not [t for t in threading.enumerate() if t.name.startswith("fastsgd")]


def test_ctrl_c_between_classes_leaves_all_models():
    model = FastSGDClassifier(max_iter=10**8, tol=None)
    interrupted(model, SPARSE, np.arange(N) % 3, after=0.1)
    assert model.coef_.shape == (3, D)
    assert np.any(model.coef_[0])
    assert np.isfinite(model.coef_).all()
    model.set_params(max_iter=2).partial_fit(SPARSE, np.arange(N) % 3)
    assert np.any(model.coef_[2])


def test_many_short_epochs_survive_many_interrupts():
    """Every place between two lines of Python is met sooner or later."""
    model = FastSGDRegressor(max_iter=10**8, tol=None, sync="hogwild", n_jobs=2)
    for _ in range(25):
        after = 0.02 + 0.01 * rng.random()
        assert interrupted(model, DENSE[:500], Y[:500], after, at_once=True) < SOON
    assert np.isfinite(model.coef_).all()


def test_ctrl_c_before_the_first_step_changes_nothing(monkeypatch):
    def pressed(*args):
        raise KeyboardInterrupt

    new, old = FastSGDClassifier(), FastSGDClassifier().fit(DENSE[:500], Y[:500])
    for model in (new, old):
        before = set(vars(model))
        with monkeypatch.context() as patch:
            patch.setattr(FastSGDClassifier, "_start", pressed)
            with pytest.raises(KeyboardInterrupt):
                model.fit(SPARSE, np.arange(N) % 3)
        assert set(vars(model)) == before
    assert set(old.predict(DENSE)) <= {0, 1}
    new.partial_fit(DENSE, Y, classes=[0, 1])
