"""Probabilities of classes: of extreme margins too, and always the largest where `predict` is."""

import numpy as np
import pytest
from scipy.special import log_expit, logsumexp

from fastsgd import FastMLPClassifier, FastSGDClassifier
from fastsgd.losses import LOSSES
from fastsgd.probability import with_highest_at

MARGINS = [-1e300, -900.0, -800.5, -800.0, -40.0, -1.5, -1.0, -1e-20, 0.0, 1e-20, 0.3, 1.0, 1.5,
           40.0, 800.0, 801.0, 1e300]


def margins(n_models, n=400):
    """Rows of margins, among them ties, uniform and extreme ones."""
    draw = np.random.default_rng(n_models)
    Z = draw.choice(MARGINS, size=(n, n_models))
    Z[:len(MARGINS)] = np.array(MARGINS)[:, None]
    Z[50:100] = -800 - 100 * draw.random((50, n_models))
    Z[100:150] = 40 + 10 * draw.random((50, n_models))
    return Z


def model_of(loss, n_models, dtype, multilabel=False):
    """A model whose margins are X itself."""
    y = np.arange(60) % max(2, n_models)
    if multilabel:
        y = np.random.default_rng(0).integers(0, 2, (60, n_models))
    model = FastSGDClassifier(loss, max_iter=1, tol=None, random_state=0).fit(
        np.eye(60, n_models).astype(dtype), y)
    model.coef_ = np.eye(n_models, dtype=dtype)
    model.intercept_ = np.zeros(n_models, dtype)
    return model


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_models", [1, 3, 5])
@pytest.mark.parametrize("loss", [name for name in LOSSES if LOSSES[name].gives_probability])
def test_the_largest_is_predicted(loss, n_models, dtype):
    """Rows sum to 1, and so do those of the logarithms."""
    with np.errstate(over="ignore"):
        X = np.clip(margins(n_models), *np.array([-1e30, 1e30])).astype(dtype)
    model = model_of(loss, n_models, dtype)
    predicted, p, logs = model.predict(X), model.predict_proba(X), model.predict_log_proba(X)
    assert p.dtype == logs.dtype == dtype
    np.testing.assert_array_equal(model.classes_[p.argmax(axis=1)], predicted)
    np.testing.assert_array_equal(model.classes_[logs.argmax(axis=1)], predicted)
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=0, atol=8 * eps)
    assert (p >= 0).all()
    assert (logs <= 0).all()
    np.testing.assert_allclose(np.exp(logs.astype(float)), p, rtol=100 * eps, atol=4 * eps)
    if loss == "log_loss":
        assert np.isfinite(logs).all()
        z = np.column_stack([-X[:, 0], X[:, 0]]) if n_models == 1 else X
        each = log_expit(z.astype(float))
        if n_models > 1:
            each -= each.max(axis=1, keepdims=True)
        known = each if n_models == 1 else each - logsumexp(each, axis=1, keepdims=True)
        np.testing.assert_allclose(logs, known, rtol=20 * eps, atol=4 * eps)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("loss", ["log_loss", "modified_huber"])
def test_labels(loss, dtype):
    """Each label's own; above 1/2 where it is predicted."""
    X = np.clip(margins(4), -1e30, 1e30).astype(dtype)
    model = model_of(loss, 4, dtype, multilabel=True)
    p, logs = model.predict_proba(X), model.predict_log_proba(X)
    np.testing.assert_array_equal(p > 0.5, model.predict(X) == 1)
    np.testing.assert_allclose(np.exp(logs.astype(float)), p, rtol=1e-4, atol=1e-7)
    if loss == "log_loss":
        assert np.isfinite(logs).all()


def test_ratios_of_what_underflows():
    """exp(-800) and exp(-900) are both 0 in floating point; one is e^100 times the other."""
    model = model_of("log_loss", 3, np.float64)
    p = model.predict_proba([[-900.0, -800.0, -801.0]])[0]
    np.testing.assert_allclose(p, [np.exp(-100) / (1 + np.exp(-1)), 1 / (1 + np.exp(-1)),
                                   np.exp(-1) / (1 + np.exp(-1))], rtol=1e-12)
    uniform = model_of("modified_huber", 3, np.float64).predict_proba([[-3.0, -1.5, -2.0]])[0]
    np.testing.assert_allclose(uniform, 1 / 3, rtol=1e-15)
    assert uniform.argmax() == 1


def test_ties():
    """One number above the others, and nothing else is touched."""
    p = np.array([[0.5, 0.5], [0.5, 0.5], [0.2, 0.8]])
    found = with_highest_at(np.array([0, 1, 1]), p.copy())
    np.testing.assert_array_equal(found[[0, 2]], p[[0, 2]])
    np.testing.assert_array_equal(found[1], [0.5, np.nextafter(0.5, 1)])


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", [2, 3, "labels"])
def test_networks(kind, dtype):
    """Logarithms come from the output layer's z, not from probabilities that underflowed."""
    draw = np.random.default_rng(0)
    X = draw.normal(size=(80, 6)).astype(dtype)
    y = draw.integers(0, 2, (80, 3)) if kind == "labels" else np.arange(80) % kind
    model = FastMLPClassifier((5,), "identity", max_iter=3, random_state=0).fit(X, y)
    for coef in model.coefs_:
        coef *= 100
    X *= 100
    p, logs = model.predict_proba(X), model.predict_log_proba(X)
    assert p.dtype == logs.dtype == dtype
    assert (p == 0).any()
    assert np.isfinite(logs).all()
    np.testing.assert_allclose(np.exp(logs.astype(float)), p, rtol=1e-3, atol=1e-6)
    if kind == "labels":
        np.testing.assert_array_equal(p > 0.5, model.predict(X) == 1)
        return
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-5)
    for found in (p, logs):
        np.testing.assert_array_equal(model.classes_[found.argmax(axis=1)], model.predict(X))
