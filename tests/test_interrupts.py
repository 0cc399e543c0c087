"""Any number of interrupts at any moment: nothing is left behind, and none is lost."""

import gc
import signal
import sys
import threading
import time
import warnings

import numpy as np
import pytest
from comm_left import gone
from sklearn import get_config

import fastsgd.comm
import interrupts
from fastsgd import FastMLPClassifier, FastSGDClassifier, FastSGDRegressor, Workers, _interrupts
from fastsgd._interrupts import forgotten, is_asked, orderly, whole
from fastsgd.models import pools

pytestmark = [
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts what /proc tells of"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")]

X, Y = interrupts.X[:200], interrupts.Y[:200]


def press(number=signal.SIGINT):
    signal.raise_signal(number)


@pytest.fixture(autouse=True)
def handlers():
    """Every test ends with the handlers that it began with."""
    before = {number: signal.getsignal(number) for number in _interrupts.SIGNALS}
    yield
    after = {number: signal.getsignal(number) for number in _interrupts.SIGNALS}
    for number, handler in before.items():
        signal.signal(number, handler)
    assert after == before
    assert _interrupts._current is None


def test_a_whole_function_ends_first():
    done = []

    @whole
    def both():
        press()
        done.append(is_asked())
        press()
        done.append("end")

    with pytest.raises(KeyboardInterrupt):
        both()
    assert done == [True, "end"]
    assert not is_asked()
    with pytest.raises(KeyboardInterrupt):
        press()


def test_what_is_handled_is_not_interrupted():
    done = []

    @orderly
    def work():
        try:
            press()
        finally:
            press()
            done.append("put back")
            press()

    with pytest.raises(KeyboardInterrupt) as caught:
        work()
    assert done == ["put back"]
    assert caught.value.__context__ is None  # one exception, however often the key was pressed


def test_an_error_on_its_way_lets_what_is_whole_end():
    """The interrupt comes with the error as its context."""
    done = []

    class Put:
        def __enter__(self):
            pass

        @whole
        def __exit__(self, *error):
            press()
            done.append("back")

    @orderly
    def work():
        with Put():
            raise ValueError("first")

    with pytest.raises(KeyboardInterrupt) as caught:
        work()
    assert done == ["back"]
    assert str(caught.value.__context__) == "first"


def test_an_interrupt_that_somebody_has_caught_stops_no_other():
    """A callback may catch it; code that is not ours may swallow it."""
    done = []

    @orderly
    def work():
        for _ in range(3):
            try:
                press()
            except KeyboardInterrupt:
                done.append("caught")
        whole(press)()

    with pytest.raises(KeyboardInterrupt):
        work()
    assert done == 3 * ["caught"]


class Told(BaseException):
    pass


def test_other_signals_and_handlers():
    """SIGTERM between two Ctrl-C; handlers that raise nothing; those that are ignored."""
    seen = []

    def terminate(number, frame):
        seen.append(number)
        raise Told

    signal.signal(signal.SIGTERM, terminate)
    signal.signal(signal.SIGUSR1, lambda number, frame: seen.append(number))
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        @orderly
        def work():
            press(signal.SIGUSR1)
            assert seen == [signal.SIGUSR1]
            press(signal.SIGHUP)
            try:
                press()
            finally:
                press(signal.SIGTERM)
                press(signal.SIGUSR1)
                press()
                seen.append("end")

        with pytest.raises(Told) as caught:
            work()
        assert isinstance(caught.value.__context__, KeyboardInterrupt)
        assert seen[:2] == [signal.SIGUSR1, "end"]
        assert sorted(seen[2:]) == sorted([signal.SIGTERM, signal.SIGUSR1])
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGUSR1, signal.SIG_DFL)
        signal.signal(signal.SIGHUP, before)  # nohup ignores it


def test_a_handler_that_is_set_meanwhile_stays():
    before = signal.getsignal(signal.SIGUSR2)

    def own(*_):
        pass

    try:
        orderly(lambda: signal.signal(signal.SIGUSR1, own))()
        assert signal.getsignal(signal.SIGUSR1) is own
        kept = orderly(lambda: signal.getsignal(signal.SIGINT))()
        signal.signal(signal.SIGINT, kept)  # ours, long after
        with pytest.raises(KeyboardInterrupt):
            press()
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGUSR1, before)


def test_nobody_is_locked_out(monkeypatch):
    """What never ends can be interrupted, in the end."""
    monkeypatch.setattr(_interrupts, "PATIENCE", 0.05)
    pressed = []

    @whole
    def endless():
        while True:
            pressed.append(press())
            time.sleep(0.01)

    with pytest.raises(KeyboardInterrupt):
        endless()
    assert len(pressed) > 1


def test_other_threads_are_left_alone():
    found = []

    @orderly
    @whole
    def look():
        found.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert found == [signal.default_int_handler]


def test_what_a_garbage_collector_calls_loses_none():
    class Thing:
        @forgotten
        def __del__(self):
            press()
            done.append("whole")

    done, thing = [], Thing()
    try:
        del thing
        while True:
            time.sleep(0.01)
    except KeyboardInterrupt:
        assert done == ["whole"]


def at_event(call, number):
    """Makes the call, with an interrupt at its `number`-th event of a profile.

    Returns the count of events, and whether it ended of itself.
    """
    count = 0

    def look(*_):
        nonlocal count
        count += 1
        if count == number:
            press()

    try:
        sys.setprofile(look)
        call()
        return count, True
    except (ValueError, TypeError):
        return count, True
    except KeyboardInterrupt:
        return count, False
    finally:
        sys.setprofile(None)


def in_pool(task):
    with fastsgd.comm.open("process", 2) as pool:
        pool.run(task)


def fit(kind, **params):
    return lambda: kind(random_state=0, **params).fit(X, Y)


CALLS = {
    "hogwild": (fit(FastSGDClassifier, sync="hogwild", n_jobs=2, max_iter=2), 12),
    "sums": (fit(FastSGDClassifier, loss="log_loss", solver="lbfgs", n_jobs=2, max_iter=2), 12),
    "mlp": (fit(FastMLPClassifier, hidden_layer_sizes=3, sync="map_reduce", n_jobs=2,
                max_iter=2), 12),
    "comm of threads": (fit(FastSGDClassifier, n_jobs=1, max_iter=2, workers=Workers(
        2, comm="thread", policy="local")), 12),
    "an error": (fit(FastSGDRegressor, sync="hogwild", n_jobs=2, max_iter=50,
                     learning_rate="constant", eta0=1e30), 12),
    "an error of ranks": (lambda: fastsgd.comm.open("thread", 2).run("math:sqrt"), 12),
    "pool": (lambda: in_pool("fastsgd.comm:count_ranks"), 3),
    "error in a pool": (lambda: in_pool("math:sqrt"), 3),
    "workers": (fit(FastSGDClassifier, n_jobs=1, max_iter=2, workers=2), 3),
}
"""What is interrupted, and at how many places, evenly from its begin to its end."""


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("name", CALLS)
def test_one_interrupt_at_places_all_over(name, tmp_path):
    call, places = CALLS[name]
    at_event(call, -1)  # what is imported or looked up once
    events, _ = at_event(call, -1)
    gc.collect()
    before, settings = interrupts.present(tmp_path), get_config()
    for number in np.linspace(1, events, places).astype(int):
        try:
            at_event(call, number)
            gc.collect()
        except KeyboardInterrupt:  # of a garbage collection: given again
            pass
        assert interrupts.left(before, tmp_path) == {}, f"event {number} of {events}"
        assert get_config() == settings, f"event {number} of {events}"


@pytest.mark.parametrize(("kind", "rounds", "presses"), [
    ("threads", 8, 2), ("threads", 4, 3), ("pools", 2, 2), ("pools", 2, 3)])
def test_several_interrupts_at_random(kind, rounds, presses, monkeypatch):
    """A part of benchmarks/interrupts.py."""
    monkeypatch.setattr(interrupts, "fits_with_threads", lambda: few("threads"))
    monkeypatch.setattr(interrupts, "fits_with_pools", lambda: few("pools"))
    got = interrupts.attack(kind, rounds, presses, seed=0)
    assert got["left"] == []
    assert got["interrupted"] > 0


def few(kind):
    """Short fits."""
    if kind == "threads":
        return {"hogwild": FastSGDClassifier(sync="hogwild", max_iter=50, tol=None, n_jobs=2),
                "mlp": FastMLPClassifier(hidden_layer_sizes=8, max_iter=5, n_jobs=2,
                                         sync="map_reduce")}
    return {"local": FastSGDClassifier(tol=None, max_iter=50, n_jobs=1, workers=2)}


def test_an_estimator_is_put_back_whole(monkeypatch):
    """An interrupt comes while an error is, and one while the weights are shown."""
    model = FastSGDClassifier(max_iter=2, tol=None).fit(X, Y)
    before = dict(vars(model))

    class Pressing(dict):
        def clear(self):
            super().clear()
            press()

    def fails(*_):
        model.__dict__ = Pressing(vars(model))
        raise ValueError("no")

    with monkeypatch.context() as patch:
        patch.setattr(FastSGDClassifier, "_start", fails)
        with pytest.raises(KeyboardInterrupt) as caught:
            model.fit(X, Y)
    assert isinstance(caught.value.__context__, ValueError)
    assert vars(model) == before

    shown = FastSGDClassifier._shown
    with monkeypatch.context() as patch:
        patch.setattr(FastSGDClassifier, "_shown", lambda *a: [shown(*a), press()][0])
        with pytest.raises(KeyboardInterrupt):
            model.fit(X, 1 - Y)
    assert vars(model) == before


def test_a_model_with_a_closed_pool_opens_another():
    model = FastSGDClassifier(workers=2, n_jobs=1, max_iter=2, tol=None).fit(X, Y)
    pools._POOLS[model][1].close()
    model.fit(X, Y)
    pools.close_pool(model)


def test_a_pool_whose_end_was_never_called(tmp_path):
    """As after an exception that comes before the first line of what a garbage collector calls."""
    interrupts_before = interrupts.present(tmp_path)
    pool = fastsgd.comm.open("process", 2)
    pids = pool.pids
    pool._finalizer.detach()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        del pool
        gc.collect()
    assert interrupts.left(interrupts_before, tmp_path) == {}
    assert gone(pids)


def test_settings_of_scikit_learn_are_put_back():
    """An interrupt between its line that skips checks of parameters and the one that ends that."""
    before, places = get_config(), []

    def look(frame, event, arg):
        if event == "return" and frame.f_code.co_name == "set_config" and not places:
            places.append(frame)
            press()

    sys.setprofile(look)
    try:
        with pytest.raises(KeyboardInterrupt):
            FastSGDClassifier(max_iter=2, tol=None).fit(X, Y)
    finally:
        sys.setprofile(None)
    assert places
    assert get_config() == before
