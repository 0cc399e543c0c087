"""Networks that the processes of an MPI job train: on every rank the model of one process."""

# ruff: noqa: F811 (a fixture that is imported)

import json
import warnings

import numpy as np
import pytest
from mpi_environment import mpi  # noqa: F401
from scipy import sparse
from sklearn.datasets import make_classification

from fastsgd import FastMLPClassifier, FastMLPRegressor, Workers

X, Y = make_classification(203, 12, n_informative=8, n_classes=3, random_state=0)
X[np.abs(X) < 0.5] = 0
GIVEN = {"hidden_layer_sizes": (9, 5), "random_state": 0, "max_iter": 6, "batch_size": 32,
         "alpha": 0.1, "learning_rate_init": 0.02, "tol": 0, "sync": "serial"}
FITS = {"adam": {}, "sgd": {"solver": "sgd"}, "lbfgs": {"solver": "lbfgs", "max_iter": 10},
        "sparse": {"csr": True}, "dropout": {"dropout": 0.2},
        "held out": {"early_stopping": True, "max_iter": 12, "n_iter_no_change": 3}}
LOCAL = {name: FITS[name] | {"max_iter": 30} for name in ("adam", "sgd", "sparse")}
LOCAL = {f"{name}, local": options for name, options in LOCAL.items()}
WHOLE = {"own, all rows a step": {"batch_size": 203}, "own, lbfgs": FITS["lbfgs"],
         "own, sparse": {"csr": True, "batch_size": 203}}
OWN = {"own": {"max_iter": 30}, "own, csr": {"max_iter": 30, "csr": True},
       "own, dropout": {"max_iter": 30, "dropout": 0.1}, "own, local": {"max_iter": 60}}
"""With minibatches of each rank's own rows."""


def by_class(rank, n):
    """The rows of a rank, where none has all classes but the last, and it but few rows."""
    order = np.argsort(Y, kind="stable")
    cuts = [0, *np.linspace(30, 190, n - 1).astype(int).tolist(), len(Y)]
    return order[cuts[rank]:cuts[rank + 1]]


def fit(options, workers=None, mine=slice(None)):
    """A network of the small problem, of the rows `mine`."""
    made = GIVEN | options
    data = sparse.csr_array(X) if made.pop("csr", False) else X
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return FastMLPClassifier(**made, workers=workers).fit(data[mine], Y[mine])


def refusals(rank, X, y, workers):
    """What is told where processes have X and y that do not go together."""
    told, first = [], rank == 0
    for given in ((X[:, :5] if first else X, y),
                  (X, np.column_stack([y, y]) if first else y.astype(float)),
                  (X.astype(np.float32) if first else X, y)):
        with pytest.raises(ValueError, match="to be alike") as found:
            FastMLPRegressor(**GIVEN, workers=workers).fit(*given)
        told.append(str(found.value))
    with pytest.raises(ValueError, match="is 0 in all rows of all processes"):
        FastMLPRegressor(**GIVEN, workers=workers).fit(X, y, sample_weight=0 * y)
    return told


def told_of(model):
    """What a rank writes of a network."""
    arrays = [*model.coefs_, *model.intercepts_]
    return {"weights": np.concatenate([a.ravel() for a in arrays]).tolist(),
            "curve": [float(loss) for loss in model.loss_curve_],
            "scores": model.validation_scores_, "right": model.score(X, Y),
            "workers": model.fit_stats_.get("workers")}


@pytest.mark.parametrize("n", [2, 4])
def test_the_model_of_one_process(mpi, n, tmp_path):
    """policy="sync" to 1e-8, on every rank; policy="local" as threads are ranks, and learns."""
    job = mpi.run(n, "mpi_mlp_training.py", tmp_path)
    assert (job.code, job.stderr) == (0, "")
    told = [json.loads((tmp_path / f"{rank}.json").read_text()) for rank in range(n)]
    assert all(one == told[0] for one in told)
    assert all(told[0][name]["workers"] == n for name in FITS | LOCAL | WHOLE | OWN)
    for name, options in FITS.items():
        _same(told[0][name], told_of(fit(options)), 1e-8)
    for name, options in WHOLE.items():
        _same(told[0][name], told_of(fit(options)), 1e-8)
        assert told[0][name]["classes"] == [0, 1, 2]
    for name in OWN:
        assert told[0][name]["curve"][-1] < 0.7 * told[0][name]["curve"][0]
        assert told[0][name]["right"] > 0.7, name
    assert "process 0 has 5 features, float64, array, that of process 1 12" in told[0][
        "refusals"][0]
    assert "and y 2 columns" in told[0]["refusals"][1]
    assert "process 0 has 12 features, float32" in told[0]["refusals"][2]
    for name, options in LOCAL.items():
        threads = Workers(n, comm="thread", timeout=60, policy="local", local_steps=2)
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
