"""Scales do not count: a problem in other units takes the same iterations."""

import warnings

import numpy as np
import pytest
import scipy.sparse as sp

from fastsgd import FastSGDClassifier, FastSGDRegressor

SOLVERS = ["gd", "lbfgs", "newton-cg", "sdca"]
POWERS = [2.0**-20, 2.0**20]
TENS = [1e-6, 1e6]

R = np.random.default_rng(0)
X = sp.random(300, 40, 0.2, format="csr", random_state=0, dtype=np.float64)
X.data = R.normal(size=X.nnz)
Z = X @ R.normal(size=40) + 0.3 * R.normal(size=300)


def iterations(cls, loss, solver, X, y, alpha, **more):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = cls(loss, solver=solver, alpha=alpha, tol=1e-5, max_iter=500, random_state=0,
                    n_jobs=1, **more).fit(X, y)
    return model.n_iter_


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("k", POWERS + TENS)
def test_scale_of_the_features(solver, k):
    y = (Z > 0).astype(int)
    base = iterations(FastSGDClassifier, "log_loss", solver, X, y, 1e-3)
    scaled = iterations(FastSGDClassifier, "log_loss", solver, X * k, y, 1e-3 * k * k)
    assert abs(scaled - base) <= (k in TENS), (base, scaled)
    assert base > 1


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("k", POWERS + TENS)
def test_scale_of_the_targets(solver, k):
    base = iterations(FastSGDRegressor, "squared_error", solver, X, Z, 1e-3)
    scaled = iterations(FastSGDRegressor, "squared_error", solver, X, Z * k, 1e-3)
    assert abs(scaled - base) <= (k in TENS), (base, scaled)


@pytest.mark.parametrize("k", POWERS)
def test_scale_with_l1(k):
    """alpha R(w) of l1 alone is homogeneous: X * k goes with alpha * k."""
    y, more = (Z > 0).astype(int), {"penalty": "l1"}
    base = iterations(FastSGDClassifier, "log_loss", "gd", X, y, 1e-3, **more)
    assert iterations(FastSGDClassifier, "log_loss", "gd", X * k, y, 1e-3 * k, **more) == base


@pytest.mark.parametrize("k", POWERS)
def test_scale_with_a_loss_with_kinks(k):
    y = (Z > 0).astype(int)
    base = iterations(FastSGDClassifier, "hinge", "gd", X, y, 1e-3)
    assert iterations(FastSGDClassifier, "hinge", "gd", X * k, y, 1e-3 * k * k) == base
