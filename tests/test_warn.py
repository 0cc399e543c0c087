"""Warnings point at the line of the user who called."""

import inspect
import warnings

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fastsgd import FastMLPClassifier, FastSGDClassifier, FastSGDRegressor

X = np.random.default_rng(0).normal(size=(50, 3))
Y = (X[:, 0] > 0).astype(int)


@pytest.mark.parametrize("model", [
    FastSGDClassifier(max_iter=1), FastSGDRegressor(max_iter=1), FastMLPClassifier(max_iter=1),
    FastMLPClassifier(batch_size=1000, max_iter=1),
    make_pipeline(StandardScaler(), FastSGDClassifier(max_iter=1)),
], ids=repr)
def test_the_line_that_called_fit(model):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        line = inspect.currentframe().f_lineno + 1
        model.fit(X, Y)
    assert caught
    assert {(w.filename, w.lineno) for w in caught} == {(__file__, line)}
