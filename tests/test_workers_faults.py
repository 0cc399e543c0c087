"""Workers are killed and stopped at random moments of a training: the parent says who, and why.

Every fit here would take for ever, and a wait for a dead worker minutes: that a test ends tells
that the parent has noticed. How soon is in docs/workers.md.
"""

# ruff: noqa: F811 (fixtures that are imported)

import gc
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from comm_left import alive, descriptors, gone, no_more_than, shared_memory
from test_cli import folder  # noqa: F401
from test_model_file import labels, rows

import fastsgd
from fastsgd import FastMLPClassifier, FastSGDClassifier, Workers, load_model
from fastsgd.checkpoints import train_in_legs
from fastsgd.errors import CommTimeout, PeerFailed
from fastsgd.models import pools

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="counts descriptors and processes in /proc")

rng = random.Random(0)
FOR_EVER = 100_000_000
LIMIT, NEVER = 100, 300  # seconds: of noticing, and of a timeout that it is not to come to
X, VALUES = rows(n=400)
Y = labels(VALUES, [0, 1])
WAYS = {
    "local": (FastSGDClassifier, {"n_jobs": 1, "tol": None}, "local"),
    "sync": (FastSGDClassifier, {"n_jobs": 1, "tol": None, "loss": "log_loss", "solver": "gd",
                                 "batch_size": 50, "learning_rate": "constant"}, "sync"),
    "mlp": (FastMLPClassifier, {"hidden_layer_sizes": 5, "n_iter_no_change": np.inf}, "sync"),
}


def endless(way, n, timeout=NEVER, max_iter=FOR_EVER):
    kind, params, policy = WAYS[way]
    workers = Workers(n, comm="process", policy=policy, timeout=timeout)
    return kind(**params, max_iter=max_iter, random_state=0, workers=workers)


class Attack(threading.Thread):
    """Sends a signal to one worker of a model, some time after its pool was opened."""

    def __init__(self, model, victim, sign, seconds):
        super().__init__()
        self._model, self._victim, self._sign, self._seconds = model, victim, sign, seconds
        self.pids, self.at = [], None

    def run(self):
        end = time.monotonic() + LIMIT
        while self._model not in pools._POOLS and time.monotonic() < end:
            time.sleep(0.001)
        self.pids = pools._POOLS[self._model][1].pids
        time.sleep(self._seconds)
        self.at = time.monotonic()
        os.kill(self.pids[self._victim], self._sign)


@pytest.fixture
def nothing_left():
    """No process, thread, descriptor or name in /dev/shm is left by the attacked trainings."""
    gc.collect()
    before, attacks = (descriptors(), shared_memory(), threading.active_count()), []

    def attack(*args):
        attacks.append(Attack(*args))
        attacks[-1].start()
        return attacks[-1]

    yield attack
    assert attacks
    assert gone([pid for one in attacks for pid in one.pids])
    assert no_more_than(before) is True


@pytest.mark.parametrize(("way", "n", "kills"), [
    ("local", 2, 16), ("local", 3, 8), ("sync", 2, 16), ("sync", 3, 8), ("mlp", 2, 6)])
def test_a_killed_worker_is_named(nothing_left, way, n, kills):
    """Of every rank, from the first moment of a fit on; 54 kills in all."""
    for _ in range(kills):
        model, victim = endless(way, n), rng.randrange(n)
        attack = nothing_left(model, victim, signal.SIGKILL, rng.choice([0, 0.3]) * rng.random())
        with pytest.raises(PeerFailed) as caught:
            model.fit(X, Y)
        assert time.monotonic() - attack.at < LIMIT
        attack.join()
        assert caught.value.ranks == [victim]
        assert f"rank {victim} died (killed by SIGKILL)" in str(caught.value)
        assert alive(attack.pids) == []
        assert model not in pools._POOLS


@pytest.mark.parametrize("way", ["local", "sync"])
def test_a_stopped_worker_is_named(nothing_left, way):
    """Each rank once; its pool has trained before."""
    timeout = 3.0
    for victim in range(2):
        model = endless(way, 2, timeout, max_iter=1).fit(X, Y).set_params(max_iter=FOR_EVER)
        attack = nothing_left(model, victim, signal.SIGSTOP, 0.05 + 0.2 * rng.random())
        with pytest.raises(CommTimeout) as caught:
            model.fit(X, Y)
        assert timeout / 2 < time.monotonic() - attack.at < LIMIT
        attack.join()
        assert caught.value.ranks == [victim]
        assert f"rank {victim} did not arrive in time" in str(caught.value)


@pytest.mark.parametrize("way", ["local", "sync"])
def test_the_last_checkpoint_goes_on(nothing_left, tmp_path, way):
    """With as many workers, with more, with none; to the model of a training without a fault."""
    path = tmp_path / "checkpoint"
    model, victim = endless(way, 2), rng.randrange(2)

    class AfterACheckpoint(Attack):
        def run(self):
            while not path.exists():
                time.sleep(0.01)
            super().run()

    attack = AfterACheckpoint(model, victim, signal.SIGKILL, 0.2 * rng.random())
    nothing_left(endless(way, 2), 0, 0, 0)._model = model  # a signal that does nothing
    attack.start()
    with pytest.raises(PeerFailed):
        train_in_legs(model, X, Y, path, every=2)
    attack.join()
    assert gone(attack.pids)
    assert os.listdir(tmp_path) == ["checkpoint"]
    behind = load_model(path)._states[0].epoch
    assert behind >= 2
    assert behind % 2 == 0
    whole = endless(way, 2, max_iter=behind + 3).fit(X, Y)
    for workers in (whole.workers, Workers(3, comm="thread", policy=whole.workers.policy), None):
        again = load_model(path).set_params(workers=workers).resume(X, Y, max_iter=behind + 3)
        assert again._states[0].epoch == behind + 3
        if way == "sync" or workers == whole.workers:
            np.testing.assert_allclose(again.coef_, whole.coef_, rtol=1e-6, atol=1e-9)
        del again
    del whole
    gc.collect()



@pytest.mark.parametrize("group", [False, True])
def test_ctrl_c_ends_all(folder, tmp_path, group):
    """Of the parent alone, and of the whole group, as a terminal does; the checkpoint stays."""
    path = tmp_path / "checkpoint"
    home = str(Path(fastsgd.__file__).parent.parent)
    command = [sys.executable, "-m", "fastsgd.cli", "train", folder / "two", "--workers", 2,
               "--epochs", FOR_EVER, "--tol", "none", "--seed", 1, "--checkpoint", path,
               "--save", tmp_path / "model"]
    with subprocess.Popen([str(part) for part in command], stderr=subprocess.PIPE, text=True,
                          stdout=subprocess.PIPE, start_new_session=True,
                          env={**os.environ, "PYTHONPATH": home}) as parent:
        while not path.exists() and parent.poll() is None:
            time.sleep(0.01)
        pids = [pid for thread in Path(f"/proc/{parent.pid}/task").iterdir()
                for pid in map(int, (thread / "children").read_text().split())]
        (os.killpg if group else os.kill)(parent.pid, signal.SIGINT)
        out, err = parent.communicate(timeout=LIMIT)
    assert parent.returncode == 130
    assert out == ""
    assert "Traceback" not in err
    assert len(pids) == 2
    assert gone(pids)
    assert load_model(tmp_path / "model")._states[0].epoch > 0
    assert load_model(path)._states[0].epoch > 0
