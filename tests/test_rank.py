"""Answers of one rank of a training, and what becomes of the pool: alike in both families."""

import ast
import inspect
from types import SimpleNamespace

import numpy as np
import pytest

from fastsgd import FastMLPClassifier, FastSGDClassifier, Workers
from fastsgd.comm.stats import Stats
from fastsgd.engine.linear import rank_task as linear_task
from fastsgd.engine.mlp import rank_task as mlp_task
from fastsgd.engine.rank import Rank
from fastsgd.engine.run import Ended
from fastsgd.errors import DivergenceError
from fastsgd.models import pools

X = np.random.default_rng(0).normal(size=(40, 3))
Y = (X[:, 0] > 0).astype(int)


class Comm:
    """A communicator that is told things, and sends nothing."""

    def __init__(self, rank=0):
        self.rank, self.world_size, self.stats, self.heard = rank, 2, Stats(), []

    def tell(self, said):
        self.heard.append(said)
        return len(self.heard) > 1


@pytest.mark.parametrize("number", [0, 1])
def test_what_comes_of_a_training(number):
    """The model is rank 0's; each tells what it has sent since the training began."""
    comm = Comm(number)
    comm.stats.add("all_reduce", bytes_sent=99, steps=1)  # by a training before
    rank = Rank(comm, own=True, max_time=5.0)

    def train():
        comm.stats.add("all_reduce", bytes_sent=8, steps=1)
        return Ended(3, "tol", 120)

    found = rank.run(train, lambda: {"weights": 1})
    assert found.pop("stats")["bytes_sent"] == 8
    assert found == ({} if number else {
        "ended": [3, "tol", 120, None, None, None, None], "model": {"weights": 1}})
    assert (rank.peers.own, rank.peers.size, rank.deadline.limited) == (True, 2, True)


@pytest.mark.parametrize("number", [0, 1])
def test_divergence_is_an_answer_and_other_errors_are_not(number):
    rank = Rank(Comm(number))

    def fail(error):
        raise error

    found = rank.run(lambda: fail(DivergenceError("too far")), dict)
    assert found == {"diverged": "too far", "stats": {"bytes_sent": 0, "seconds": 0.0}}
    with pytest.raises(ZeroDivisionError):
        rank.run(lambda: fail(ZeroDivisionError()), dict)


def test_epochs_are_told_with_the_model_where_someone_looks():
    comm = Comm()
    tell = Rank(comm, each=True, looks=True).on_epoch(vars, lambda: "model")
    assert tell(SimpleNamespace(number=1)) is False
    assert tell(SimpleNamespace(number=2)) is True  # whoever hears it asks to end
    assert comm.heard == [{"epoch": {"number": k}, "model": "model"} for k in (1, 2)]


@pytest.mark.parametrize("task", [linear_task.train_linear, mlp_task.train_mlp])
def test_tasks_of_both_families_end_by_the_one_way(task):
    """Neither catches errors by itself, and what each returns is made by `Rank.run`."""
    tree = ast.parse(inspect.getsource(task))
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Try)]
    ends = [node for node in tree.body[0].body if isinstance(node, ast.Return)]
    assert [ast.unparse(node.value.func) for node in ends] == ["rank.run"]


MODELS = {"linear": lambda workers: FastSGDClassifier(
              solver="gd", loss="log_loss", max_iter=2, tol=None, workers=workers),
          "mlp": lambda workers: FastMLPClassifier((2,), max_iter=2, workers=workers)}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("family", MODELS)
def test_an_error_ends_the_pool_of_either_family(family, monkeypatch):
    """Also that of an MPI job, which other estimators would find broken."""
    model = MODELS[family](Workers(2, comm="thread")).fit(X, Y)
    pool, job = pools._POOLS[model][1], {("mpi", 300.0): "a pool that all estimators share"}
    monkeypatch.setattr(pools, "_OF_THE_JOB", job)

    def broken(*args, **more):
        raise ZeroDivisionError("of a rank")

    monkeypatch.setattr("fastsgd.engine.rank.Deadline", broken)
    with pytest.raises(ZeroDivisionError, match="of a rank"):
        model.fit(X, Y)
    assert pool.closed
    assert model not in pools._POOLS
    assert job == {}
