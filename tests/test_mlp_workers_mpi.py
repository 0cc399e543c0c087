"""Networks that the processes of an MPI job train: on every rank the model of one process."""

# ruff: noqa: F811 (a fixture that is imported)

import json
import warnings

import numpy as np
import pytest
from mpi_environment import mpi  # noqa: F401
from scipy import sparse
from sklearn.datasets import make_classification

from fastsgd import FastMLPClassifier, Workers

X, Y = make_classification(203, 12, n_informative=8, n_classes=3, random_state=0)
X[np.abs(X) < 0.5] = 0
GIVEN = {"hidden_layer_sizes": (9, 5), "random_state": 0, "max_iter": 6, "batch_size": 32,
         "alpha": 0.1, "learning_rate_init": 0.02, "tol": 0, "sync": "serial"}
FITS = {"adam": {}, "sgd": {"solver": "sgd"}, "lbfgs": {"solver": "lbfgs", "max_iter": 10},
        "sparse": {"csr": True}, "dropout": {"dropout": 0.2},
        "held out": {"early_stopping": True, "max_iter": 12, "n_iter_no_change": 3}}
LOCAL = {name: FITS[name] | {"max_iter": 30} for name in ("adam", "sgd", "sparse")}
LOCAL = {f"{name}, local": options for name, options in LOCAL.items()}


def fit(options, workers=None):
    """A network of the small problem."""
    made = GIVEN | options
    data = sparse.csr_array(X) if made.pop("csr", False) else X
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return FastMLPClassifier(**made, workers=workers).fit(data, Y)


def told_of(model):
    """What a rank writes of a network."""
    arrays = [*model.coefs_, *model.intercepts_]
    return {"weights": np.concatenate([a.ravel() for a in arrays]).tolist(),
            "curve": [float(loss) for loss in model.loss_curve_],
            "scores": model.validation_scores_, "right": model.score(X, Y),
            "workers": model.fit_stats_.get("workers")}


@pytest.mark.parametrize("n", [2, 4])
def test_the_model_of_one_process(mpi, n, tmp_path):
    """sync="sync" to 1e-8, on every rank; sync="local" is that of threads as ranks, and learns."""
    job = mpi.run(n, "mpi_mlp_training.py", tmp_path)
    assert (job.code, job.stderr) == (0, "")
    told = [json.loads((tmp_path / f"{rank}.json").read_text()) for rank in range(n)]
    assert all(one == told[0] for one in told)
    assert all(one["workers"] == n for one in told[0].values())
    for name, options in FITS.items():
        _same(told[0][name], told_of(fit(options)), 1e-8)
    for name, options in LOCAL.items():
        threads = Workers(n, comm="thread", timeout=60, sync="local", local_steps=2)
        _same(told[0][name], told_of(fit(options, threads)), 1e-8)
        alone = told_of(fit(options))
        assert told[0][name]["curve"][-1] < 0.7 * told[0][name]["curve"][0]
        assert told[0][name]["right"] > alone["right"] - 0.1
        assert told[0][name]["right"] > 0.7


def _same(by, alone, tol):
    np.testing.assert_allclose(by["weights"], alone["weights"], rtol=0, atol=tol)
    np.testing.assert_allclose(by["curve"], alone["curve"], rtol=tol)
    assert (by["scores"] is None) == (alone["scores"] is None)
    if by["scores"] is not None:
        np.testing.assert_allclose(by["scores"], alone["scores"], atol=1e-12)
