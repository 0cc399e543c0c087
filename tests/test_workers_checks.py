"""What `Workers` may be, and what they are refused with: before any work starts."""

import json
from importlib import import_module

import numpy as np
import pytest
from kernel_reference import small_problem
from test_workers import threads

from fastsgd import FastSGDClassifier, Workers
from fastsgd.comm import POOLS
from fastsgd.communicators import KINDS, MOST
from fastsgd.errors import NotBuiltYetError
from fastsgd.kernels.exchange import MAX_RANKS


@pytest.mark.parametrize(("options", "message"), [
    ({"workers": threads(2)}, "solver='gd' with a batch_size, or Workers.policy='local'."),
    ({"workers": threads(2, policy="local"), "solver": "lbfgs", "loss": "log_loss"},
     "use Workers.policy='sync'., or solver='sgd'"),
    ({"workers": threads(2, local_steps=5), "solver": "gd"}, "use local_steps=None"),
    ({"workers": 2, "sync": "classes"}, "use sync='auto'"),
    ({"workers": threads(2, batch="per_worker"), "solver": "gd"}, "with a batch_size"),
    ({"workers": Workers(comm="mpi", policy="local")}, "random_state to be an int"),
    ({"workers": "4"}, "None, an int or fastsgd.Workers"),
    ({"workers": True}, "None, an int or fastsgd.Workers"),
    ({"workers": 0}, "n must be an int >= 1"),
], ids=str)
def test_what_has_no_meaning_is_refused(options, message):
    problem = small_problem()
    with pytest.raises(ValueError, match=message):
        FastSGDClassifier(**options).fit(problem.X, problem.y)


@pytest.mark.parametrize(("options", "message"), [
    ({"n": 0}, "n must be an int >= 1"), ({"n": 2.5}, "n must be an int"), ({}, "needs n"),
    ({"n": 2, "comm": "tcp"}, "'process', 'mpi', 'thread'"),
    ({"n": 2, "policy": "bogus"}, "'sync', 'local'"), ({"n": 2, "timeout": 0}, "timeout must be"),
    ({"n": 2, "local_steps": 0}, "local_steps must be"), ({"n": 2, "warm_up": -1}, "warm_up must"),
    ({"n": 2, "timeout": True}, "timeout must"), ({"n": 257}, "'process' has at most 256 workers"),
    ({"n": 300, "comm": "thread"}, "'thread' has at most 256 workers"),
], ids=str)
def test_workers_say_what_is_allowed(options, message):
    with pytest.raises(ValueError, match=message):
        Workers(**options)


@pytest.mark.parametrize("options", [{"policy": "ssp"}, {"policy": "async"}, {"policy": "backup"},
                                     {"compress": "topk"}], ids=str)
def test_what_is_not_built_yet(options):
    with pytest.raises(NotBuiltYetError, match="is not built yet; this release has"):
        Workers(2, **options)


def test_names_of_communicators():
    """One row of capabilities for each kind of pool, which is what the pool itself says."""
    assert set(KINDS) == set(POOLS)
    for kind, able in KINDS.items():
        module, name = POOLS[kind].split(":")
        cls = getattr(import_module(module), name)
        assert cls.kind == kind
        assert cls.capabilities.fget(cls) is able
        assert able.is_job or not able.own_rows  # one program has one X


def test_numbers_may_be_numpys():
    """They go to the processes by message, which holds Python's alone."""
    given = Workers(np.int64(2), timeout=np.float32(30), local_steps=np.int32(9),
                    warm_up=np.float64(2), policy="local")
    assert given == Workers(2, timeout=30, local_steps=9, warm_up=2, policy="local")
    assert json.loads(json.dumps(vars(given)))["timeout"] == 30
    assert Workers(300, comm="mpi").n == 300
    assert MOST == MAX_RANKS
