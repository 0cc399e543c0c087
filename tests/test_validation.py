"""Starts given by the user or left by an earlier fit."""

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from fastsgd import FastSGDClassifier, FastSGDRegressor


@pytest.mark.filterwarnings(f"ignore::{ConvergenceWarning.__module__}.ConvergenceWarning")
@pytest.mark.parametrize("make", [FastSGDClassifier, FastSGDRegressor])
def test_warm_start_after_sparsify(make):
    """A sparse coef_ is as good a start as the dense one."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(50, 4)), rng.integers(0, 2, 50)
    models = [make(warm_start=True, max_iter=2, tol=None, random_state=0).fit(X, y)
              for _ in range(2)]
    models[1].sparsify()
    np.testing.assert_array_equal(models[0].fit(X, y).coef_, models[1].fit(X, y).coef_)
