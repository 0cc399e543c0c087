"""Averaging that is switched on or off between two calls of partial_fit."""

import numpy as np
import pytest

from fastsgd import FastSGDRegressor

X = np.linspace(-1, 1, 64)[:, None]
Y = 3 * X[:, 0] + 1


def steps(first, then, n=200):
    """The model after n epochs with average=first and n with average=then."""
    model = FastSGDRegressor(alpha=0, random_state=0, average=first)
    for _ in range(n):
        model.partial_fit(X, Y)
    model.set_params(average=then)
    for _ in range(n):
        model.partial_fit(X, Y)
    return model


@pytest.mark.parametrize("average", [True, 10])
def test_switched_on_late(average):
    """The average is that of the steps since, not that of all steps."""
    model = steps(False, average)
    np.testing.assert_allclose(model.coef_, [3], rtol=0.02)
    np.testing.assert_allclose(model.intercept_, [1], rtol=0.02)


def test_switched_off():
    """The weights go on from what coef_ showed, and move."""
    before = steps(True, True, n=3)
    shown = before.coef_.copy()
    before.set_params(average=False).partial_fit(X, Y)
    assert abs(before.coef_[0] - 3) < abs(shown[0] - 3)
    np.testing.assert_allclose(steps(True, False).coef_, [3], rtol=0.02)
