"""Probabilities: what they are, at scores of any size, and that they agree with `predict`."""

import numpy as np
import pytest
from scipy.special import expit, log_expit
from scipy.special import log_softmax as scipys_log_softmax

from fastsgd import FastSGDClassifier
from fastsgd.losses import LOSSES
from fastsgd.probability import (
    label_probabilities,
    log_probabilities,
    log_sigmoid,
    log_softmax,
    probabilities,
)

LOSSES_WITH = ["log_loss", "modified_huber"]


def scores(size, dtype, n=400, n_classes=4, seed=0):
    """Rows of every kind: spread, nearly equal, equal, all negative, all positive."""
    z = np.random.default_rng(seed).normal(size=(n, n_classes)) * size
    z[::5] -= 3 * size
    z[1::5] += 3 * size
    z[2::5] = z[2::5, :1] * (1 + 1e-16 * np.arange(n_classes))
    z[3::25] = 0
    z[4::25, 1:] = z[4::25, :1]
    return z.astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [1e-25, 1e-8, 1e-3, 1.0, 30.0, 1e3, 1e30])
@pytest.mark.parametrize("loss", LOSSES_WITH)
def test_largest_is_that_of_the_predicted_class(loss, size, dtype):
    z = scores(size, dtype)
    for given, best in ((z, z.argmax(axis=1)), (z[:, 0], (z[:, 0] > 0).astype(int))):
        p, logs = probabilities(LOSSES[loss], given), log_probabilities(LOSSES[loss], given)
        assert p.dtype == logs.dtype == dtype
        np.testing.assert_array_equal(p.argmax(axis=1), best)
        np.testing.assert_array_equal(logs.argmax(axis=1), best)
        np.testing.assert_allclose(p.sum(axis=1), 1, rtol=4 * np.finfo(dtype).eps)
        assert np.all((p >= 0) & (p <= 1))
        assert np.isfinite(logs).all() or loss == "modified_huber"
    labels = label_probabilities(LOSSES[loss], z)
    np.testing.assert_array_equal(labels > 0.5, z > 0)


def test_ratios_of_what_underflows():
    """exp(-800) and exp(-900): the odds are exp(100)."""
    logs = log_probabilities(LOSSES["log_loss"], np.array([[-900.0, -800.0, -1500.0]]))
    np.testing.assert_allclose(logs, [[-100, 0, -700]], atol=1e-12)


def test_uniform_where_all_are_zero():
    p = probabilities(LOSSES["modified_huber"], np.array([[-3.0, -2.0, -5.0]]))
    np.testing.assert_allclose(p, [[1 / 3] * 3], rtol=1e-15)
    assert p.argmax() == 1


@pytest.mark.parametrize("size", [1e-8, 1.0, 30.0, 1e3])
def test_logarithms_equal_scipys(size):
    z = scores(size, np.float64)
    np.testing.assert_allclose(log_sigmoid(z), log_expit(z), rtol=1e-14)
    np.testing.assert_allclose(log_softmax(z), scipys_log_softmax(z, axis=1), rtol=1e-13,
                               atol=1e-15)


def test_one_against_rest_in_plain_numpy():
    z = scores(2.0, np.float64)
    p = expit(z)
    np.testing.assert_allclose(probabilities(LOSSES["log_loss"], z),
                               p / p.sum(axis=1, keepdims=True), rtol=1e-13)
    p = (np.clip(z, -1, 1) + 1) / 2
    some = p.sum(axis=1) > 0
    np.testing.assert_allclose(probabilities(LOSSES["modified_huber"], z)[some],
                               p[some] / p[some].sum(axis=1, keepdims=True), rtol=1e-13)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("loss", LOSSES_WITH)
def test_classifiers_on_unscaled_rows(loss, n_classes, dtype):
    rng = np.random.default_rng(0)
    X = (1000 * rng.normal(size=(200, 10))).astype(dtype)
    y = (X @ rng.normal(size=(10, n_classes))).argmax(axis=1)
    model = FastSGDClassifier(loss, random_state=0, max_iter=20, tol=None).fit(X, y)
    predicted = model.predict(X)
    for values in (model.predict_proba(X), model.predict_log_proba(X)):
        np.testing.assert_array_equal(model.classes_[values.argmax(axis=1)], predicted)
    np.testing.assert_allclose(np.exp(model.predict_log_proba(X)), model.predict_proba(X),
                               rtol=1e-5 if dtype == np.float32 else 1e-13)
