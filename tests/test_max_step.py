"""`max_step`: the bound of a schedule's steps is the user's to set, and to switch off."""

import warnings

import numpy as np
import pytest

from fastsgd import FastSGDClassifier, FastSGDRegressor, load_model, save_model

rng = np.random.default_rng(0)
X = rng.normal(size=(200, 5))
Y = X @ rng.normal(size=5) + 0.1 * rng.normal(size=200)
GIVEN = {"max_iter": 3, "tol": None, "random_state": 0}


@pytest.mark.parametrize("solver", ["sgd", "gd"])
def test_no_step_exceeds_it(solver, tmp_path):
    given = GIVEN | {"solver": solver, "learning_rate": "constant"}
    bounded = FastSGDRegressor(eta0=5.0, max_step=0.01, **given).fit(X, Y)
    same = FastSGDRegressor(eta0=0.01, **given).fit(X, Y)
    np.testing.assert_array_equal(bounded.coef_, same.coef_)
    save_model(bounded, tmp_path / "model")
    assert load_model(tmp_path / "model").max_step == 0.01


@pytest.mark.parametrize("solver", ["sgd", "gd"])
def test_none_switches_it_off(solver):
    """A bound that cuts the schedule is told by gd; without one the steps are those asked for."""
    given = GIVEN | {"solver": solver, "learning_rate": "invscaling", "power_t": 0.0, "eta0": 0.3}
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        cut = FastSGDRegressor(**given).fit(X, Y)
    assert cut.fit_stats_["step_bound"] < 0.3
    assert ("max_step=None turns the bound off" in "".join(str(w.message) for w in told)) == (
        solver == "gd")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        free = FastSGDRegressor(max_step=None, **given | {"max_iter": 1}).fit(X, Y)
    own = FastSGDRegressor(**given | {"max_iter": 1, "learning_rate": "constant"}).fit(X, Y)
    np.testing.assert_allclose(free.coef_, own.coef_)
    assert free.fit_stats_["step_bound"] is None
    assert not np.allclose(cut.coef_, free.coef_)


def test_values_that_are_refused():
    for value in (0.0, -1.0, "none", float("nan")):
        with pytest.raises(ValueError, match="'max_step' parameter"):
            FastSGDClassifier(max_step=value).fit(X, Y > 0)
