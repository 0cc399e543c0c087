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


def data(mine=slice(None)):
    """(X, y) of the small problem, or of some of its rows."""
    problem = small_problem(loss="log_loss")
    return problem.X[mine], problem.y[mine]


def rows_of(rank, n):
    """The rows of a rank, where each has its own: very uneven parts."""
    cuts = [0, *np.linspace(7, 80, n - 1).astype(int).tolist(), None]
    return slice(*cuts[rank:rank + 2])


def fit(options, workers, mine=slice(None)):
    """A model of the small problem."""
    made = {"loss": "log_loss", "alpha": 0.01, "tol": None, "random_state": 0} | options
    return FastSGDClassifier(**made, workers=workers).fit(*data(mine))


@pytest.mark.parametrize("n", [2, 4])
def test_the_model_of_threads(mpi, n, tmp_path):
    job = mpi.run(n, "mpi_training.py", tmp_path)
    assert (job.code, job.stderr) == (0, "")
    told = [json.loads((tmp_path / f"{rank}.json").read_text()) for rank in range(n)]
    parts = np.array([one.pop("part") for one in told])
    assert all(one == told[0] for one in told)
    _check_own(told[0]["own"], parts)
    for name, options in FITS.items():
        model = fit(options, Workers(n, comm="thread", timeout=60, policy=(
            "sync" if "solver" in options else "local")))
        assert told[0][name]["workers"] == n
        np.testing.assert_allclose(told[0][name]["coef"], model.coef_, atol=1e-9)
        np.testing.assert_allclose(told[0][name]["curve"], model.loss_curve_, rtol=1e-9)


def _check_own(told, parts):
    """Dual variables of each process's rows, which add up to the weights; the optimum of one."""
    alone = fit(FITS["sdca"] | {"max_iter": 2000, "tol": 1e-6}, None)
    assert told["gap"] <= 1e-6 * told["curve"][-1]
    assert told["curve"][-1] == pytest.approx(alone.loss_curve_[-1], rel=3e-6)
    assert told["epochs"][1] < told["epochs"][0]
    np.testing.assert_allclose(parts.sum(axis=0), told["coef"], atol=1e-9)
    assert all(np.abs(part).max() > 0 for part in parts)
