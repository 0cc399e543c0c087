"""The loops of gd, lbfgs and newton-cg minimise whatever objective they are given."""

import inspect
import re
import subprocess
import sys
from functools import partial

import numpy as np
import pytest
from kernel_reference import small_problem
from numpy_objective import NumPyObjective
from test_solvers import model_for

from fastsgd.engine.linear import (
    accelerated,
    attempts,
    batch,
    lbfgs,
    newton,
    scheduled,
    steepest,
)
from fastsgd.engine.linear.batch import BatchTraining
from fastsgd.engine.linear.objective import Objective
from fastsgd.engine.linear.solvers import TRAIN
from fastsgd.engine.linear.state import LinearState
from fastsgd.kernels.rows import Rows
from fastsgd.plan.linear import Plan

CASES = {
    "lbfgs": {"solver": "lbfgs"}, "newton-cg": {"solver": "newton-cg"},
    "exact": {"solver": "gd", "learning_rate": "exact"},
    "backtracking": {"solver": "gd", "learning_rate": "backtracking"},
    "proximal": {"solver": "gd", "learning_rate": "backtracking", "penalty": "l1"},
    "steps": {"solver": "gd", "learning_rate": "constant", "penalty": "elasticnet"},
    "minibatches": {"solver": "gd", "learning_rate": "invscaling", "batch_size": 32},
}


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("case", CASES)
def test_an_objective_in_plain_numpy(case, fit_intercept):
    """The same optimum, or where a schedule says how far, the same steps."""
    problem = small_problem(loss="log_loss")
    X, options = problem.X.toarray(), CASES[case]
    limits = {"max_iter": 3000, "tol": 1e-9} if options["solver"] != "gd" else {
        "max_iter": 40, "tol": None}
    rows = Rows(X)
    rows.check()
    settings = Plan.of(model_for("log_loss", fit_intercept=fit_intercept, **limits, **options)
                       ).settle(rows, len(X), 1)
    found = {}
    for name, train in (("sums", TRAIN[settings.solver]), ("numpy", BatchTraining(
            TRAIN[settings.solver].method, partial(NumPyObjective, X)))):
        state = LinearState(np.zeros(X.shape[1]), intercept=0.2)
        ended = train(rows, problem.y, None, state, settings, 3)
        found[name] = state, ended
    (mine, its_end), (theirs, end) = found["sums"], found["numpy"]
    assert end.stopped_by == its_end.stopped_by
    assert theirs.curve[-1] == pytest.approx(mine.curve[-1], rel=1e-12)
    np.testing.assert_allclose(theirs.weights, mine.weights, rtol=1e-6, atol=1e-9)
    assert theirs.intercept == pytest.approx(mine.intercept, rel=1e-6, abs=1e-9)
    assert fit_intercept or theirs.intercept == 0.2
    assert theirs.curve[-1] < theirs.curve[0] or len(theirs.curve) == 1


def test_an_objective_that_lacks_something_is_not_made():
    """What the loops may ask for is what the class names."""
    class Half(NumPyObjective):
        product = Objective.product

    with pytest.raises(TypeError, match="product"):
        Half(np.ones((2, 1)), None, None, 0.0, batch=None, deadline=None, peers=None)


@pytest.mark.parametrize("module", [
    accelerated, attempts, batch, lbfgs, newton, scheduled, steepest], ids=lambda m: m.__name__)
def test_loops_ask_what_the_class_names(module):
    """Methods, and the attributes of its docstring."""
    asked = set(re.findall(r"\b(?:self\.)?_?f\.([a-z_]+)\b", inspect.getsource(module)))
    named = re.findall(r"^    ([a-z_, ]+) : ", Objective.__doc__, re.MULTILINE)
    assert asked
    assert asked <= set(dir(Objective)) | set(", ".join(named).split(", "))


@pytest.mark.parametrize("name", ["objective", "descent", "lbfgs", "newton", "line_search"])
def test_loops_load_no_kernel(name):
    """Neither they nor what they import: another device needs none of them."""
    code = (f"import sys, fastsgd.engine.linear.{name}; "
            "print(*[m for m in sys.modules if m.startswith('fastsgd.kernels')])")
    assert subprocess.check_output([sys.executable, "-c", code], text=True).split() == []
