"""The parameter `max_step`."""

import numpy as np
import pytest

from fastsgd import FastSGDClassifier, load_model, save_model

X = np.random.default_rng(0).normal(size=(50, 3))
Y = (X[:, 0] > 0).astype(int)


def test_no_step_exceeds_it(tmp_path):
    given = {"learning_rate": "constant", "max_iter": 3, "tol": None, "random_state": 0}
    bounded = FastSGDClassifier(eta0=5.0, max_step=0.01, **given).fit(X, Y)
    same = FastSGDClassifier(eta0=0.01, **given).fit(X, Y)
    np.testing.assert_array_equal(bounded.coef_, same.coef_)
    save_model(bounded, tmp_path / "model")
    assert load_model(tmp_path / "model").max_step == 0.01
    with pytest.raises(ValueError, match="'max_step' parameter"):
        FastSGDClassifier(max_step=0.0).fit(X, Y)
