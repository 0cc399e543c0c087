"""Ranks that each have rows of their own: the engine over threads as ranks."""

from itertools import pairwise

import numpy as np
import pytest
from kernel_reference import small_problem
from test_solvers import model_for

from fastsgd import comm
from fastsgd.engine.linear.rank_task import pack_settings
from fastsgd.engine.linear.state import LinearState
from fastsgd.engine.peers import Peers
from fastsgd.engine.rank import pack_rows
from fastsgd.engine.run import Ended
from fastsgd.engine.shared_arrays import SharedArrays
from fastsgd.solvers import Gap
from fastsgd.workers import Workers

CUTS = {1: [], 2: [11], 3: [1, 90], 4: [3, 5, 60]}
"""Where rows are cut for so many ranks: shares are very uneven, one of a single row."""


@pytest.fixture
def by_own_rows(monkeypatch):
    """Fits go to ranks that are threads, each with its part of the rows."""
    def train(job, todo, report):
        ended, n = {}, job.plan.workers.n
        edges = [0, *CUTS[n], job.X.shape[0]]
        with comm.open("thread", n, timeout=30) as pool:
            for k in todo:
                job.models.detach(k)
                y, state = job.problem.target(k), job.states[k]
                job.rows.check()
                per_rank = []
                for begin, end in pairwise(edges):
                    weight = None if job.sample_weight is None else job.sample_weight[begin:end]
                    per_rank.append({"data": {
                        **pack_rows(job.X[begin:end], SharedArrays(direct=True)), "subset": None,
                        "y": y[begin:end], "sample_weight": weight, "alike": None,
                        "compared_rows": 10}})
                results = pool.run("fastsgd.engine.linear.rank_task:train_linear", {
                    "model": vars(state), "settings": pack_settings(job.settings_of(k)),
                    "about": {"own": True}}, per_rank)
                state.become(LinearState(**results[0]["model"]))
                ended[k] = Ended(*results[0]["ended"])
        return ended

    monkeypatch.setattr("fastsgd.models.linear.base.train_by_workers", train)


WHOLE = [{"solver": "lbfgs", "max_iter": 60, "tol": 1e-8},
         {"solver": "newton-cg", "max_iter": 30, "tol": 1e-8},
         {"solver": "gd", "learning_rate": "exact", "max_iter": 20, "tol": None},
         {"solver": "gd", "learning_rate": "constant", "max_iter": 20, "tol": None}]


@pytest.mark.parametrize("n", [2, 3, 4])
@pytest.mark.parametrize("options", WHOLE, ids=str)
def test_sums_over_all_rows_give_the_model_of_one_process(by_own_rows, options, n):
    problem = small_problem(loss="log_loss")
    weight = np.linspace(0.5, 2, len(problem.y))
    one = model_for("log_loss", **options).fit(problem.X, problem.y, sample_weight=weight)
    own = model_for("log_loss", **options, workers=Workers(n, comm="thread")).fit(
        problem.X, problem.y, sample_weight=weight)
    np.testing.assert_allclose(own.coef_, one.coef_, rtol=1e-6, atol=1e-9)
    assert own.n_iter_ == one.n_iter_


@pytest.mark.parametrize("n", [1, 2, 3, 4])
@pytest.mark.parametrize("options", [
    {"solver": "gd", "learning_rate": "constant", "batch_size": 16, "eta0": 0.3},
    {"solver": "gd", "learning_rate": "constant", "batch_size": 1000, "eta0": 0.3},
    {"solver": "sgd"}, {"solver": "sgd", "average": True, "shuffle": "rows"},
], ids=str)
def test_minibatches_and_local_steps_of_own_rows_learn(by_own_rows, options, n):
    """Uneven shares end together: a rank of one row is there in every step."""
    problem = small_problem(loss="log_loss")
    options = {"max_iter": 30, "tol": None} | options
    workers = Workers(n, comm="thread", policy="local" if options["solver"] == "sgd" else "sync")
    one = model_for("log_loss", **options).fit(problem.X, problem.y)
    own = model_for("log_loss", **options, workers=workers).fit(problem.X, problem.y)
    # both are near the same optimum; with one rank they are the same
    assert own.loss_curve_[-1] < one.loss_curve_[-1] + 0.05
    assert own.loss_curve_[-1] < own.loss_curve_[0]
    assert own.t_ == one.t_
    if n == 1:
        assert own.coef_.tobytes() == one.coef_.tobytes()


def test_a_minibatch_weighs_each_row_once(by_own_rows):
    """A step of a minibatch of all rows is a step of gradient descent."""
    problem = small_problem(loss="log_loss")
    options = {"solver": "gd", "learning_rate": "constant", "max_iter": 7, "tol": None}
    n = problem.X.shape[0]
    one = model_for("log_loss", **options, batch_size=n).fit(problem.X, problem.y)
    own = model_for("log_loss", **options, batch_size=n, workers=Workers(3, comm="thread")).fit(
        problem.X, problem.y)
    np.testing.assert_allclose(own.coef_, one.coef_, rtol=1e-9, atol=1e-12)
    assert own.loss_curve_ == pytest.approx(one.loss_curve_, rel=1e-12)


@pytest.mark.parametrize(("options", "words"), [
    ({"tol": Gap(0.1)}, r"tol=Gap\(within=0.1\) with solver='sgd'"),
    ({"early_stopping": True}, "early_stopping=True"),
    ({"eta0": "auto"}, "eta0='auto'"), ({"class_weight": "balanced"}, "class_weight='balanced'"),
])
def test_what_needs_all_rows_is_refused_by_name(options, words):
    problem = small_problem(loss="log_loss")
    workers = Workers(comm="mpi", policy="local", rows="own")
    model = model_for("log_loss", **options, random_state=0, workers=workers)
    with pytest.raises(ValueError, match=rf"rows='own'\) lets no process .* {words}"):
        model.fit(problem.X, problem.y)
    with pytest.raises(ValueError, match="rows='own' is for comm='mpi'"):
        Workers(2, rows="own")


def test_alone_there_is_nothing_to_count():
    assert Peers(own=True).counts(7) == [7]
