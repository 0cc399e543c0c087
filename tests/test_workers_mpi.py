"""Training by the processes of an MPI job: on every rank the model of ranks that are threads."""

# ruff: noqa: F811 (a fixture that is imported)

import json

import numpy as np
import pytest
from kernel_reference import small_problem
from mpi_environment import mpi  # noqa: F401

from fastsgd import FastSGDClassifier, Workers

FITS = {"gd": {"solver": "gd", "batch_size": 50, "learning_rate": "constant", "max_iter": 5},
        "lbfgs": {"solver": "lbfgs", "max_iter": 10}, "sdca": {"solver": "sdca", "max_iter": 20},
        "sgd": {"max_iter": 10}}


def fit(options, workers):
    """A model of the small problem."""
    problem = small_problem(loss="log_loss")
    made = {"loss": "log_loss", "alpha": 0.01, "tol": None, "random_state": 0} | options
    return FastSGDClassifier(**made, workers=workers).fit(problem.X, problem.y)


@pytest.mark.parametrize("n", [2, 4])
def test_the_model_of_threads(mpi, n, tmp_path):
    job = mpi.run(n, "mpi_training.py", tmp_path)
    assert (job.code, job.stderr) == (0, "")
    told = [json.loads((tmp_path / f"{rank}.json").read_text()) for rank in range(n)]
    assert all(one == told[0] for one in told)
    for name, options in FITS.items():
        model = fit(options, Workers(n, comm="thread", timeout=60, sync=(
            "sync" if "solver" in options else "local")))
        assert told[0][name]["workers"] == n
        np.testing.assert_allclose(told[0][name]["coef"], model.coef_, atol=1e-9)
        np.testing.assert_allclose(told[0][name]["curve"], model.loss_curve_, rtol=1e-9)
