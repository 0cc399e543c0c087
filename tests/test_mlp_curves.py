"""The same seed, the same weights and loss curve as scikit-learn's MLPs, to 1e-6 at float64."""

import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor

from fastsgd import FastMLPClassifier, FastMLPRegressor

DRAW = np.random.RandomState(0)
X = DRAW.randn(230, 12)
CLASSES = DRAW.randint(0, 3, 230)
TARGETS = {
    "classes": CLASSES,
    "strings": np.array(["a", "b"])[CLASSES // 2],
    "labels": (DRAW.rand(230, 4) > 0.5).astype(int),
    "number": X @ DRAW.randn(12),
    "numbers": np.tanh(X @ DRAW.randn(12, 2)),
}
SOLVERS = {
    "sgd": {"solver": "sgd", "momentum": 0, "learning_rate_init": 0.05},
    "momentum": {"solver": "sgd", "nesterovs_momentum": False, "learning_rate_init": 0.02},
    "nesterov": {"solver": "sgd", "learning_rate_init": 0.02},
    "invscaling": {"solver": "sgd", "learning_rate": "invscaling", "power_t": 0.1,
                       "learning_rate_init": 0.05},
    "adaptive": {"solver": "sgd", "learning_rate": "adaptive", "tol": 0.05, "n_iter_no_change": 2},
    "adam": {},
}


def both(kind, **given):
    """(theirs, ours), fitted."""
    y = TARGETS[kind]
    given = {"hidden_layer_sizes": (9, 5), "max_iter": 20, "random_state": 3, "alpha": 0.05,
             "batch_size": 50, **given}
    pair = ((MLPRegressor, FastMLPRegressor) if kind.startswith("number")
            else (MLPClassifier, FastMLPClassifier))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return [cls(**given).fit(X, y) for cls in pair]


def assert_same_weights(theirs, ours, atol):
    for name in ("coefs_", "intercepts_"):
        for a, b in zip(getattr(theirs, name), getattr(ours, name), strict=True):
            np.testing.assert_allclose(b, a, rtol=0, atol=atol)


@pytest.mark.parametrize("kind", TARGETS)
@pytest.mark.parametrize("solver", SOLVERS)
def test_loss_curve(solver, kind):
    if solver == "adaptive" and kind == "numbers":
        pytest.skip("tol judges another loss: see test_several_outputs")
    theirs, ours = both(kind, **SOLVERS[solver])
    assert len(ours.loss_curve_) == theirs.n_iter_ == ours.n_iter_
    assert_same_weights(theirs, ours, 1e-9)
    if kind != "numbers":
        np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=0, atol=1e-6)
        assert ours.best_loss_ == pytest.approx(theirs.best_loss_, abs=1e-6)
    assert (ours.t_, ours.n_layers_, ours.n_outputs_, ours.out_activation_) == (
        theirs.t_, theirs.n_layers_, theirs.n_outputs_, theirs.out_activation_)
    np.testing.assert_array_equal(ours.predict(X) > 0 if kind.startswith("n") else ours.predict(X),
                                  theirs.predict(X) > 0 if kind.startswith("n")
                                  else theirs.predict(X))


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
def test_activations(activation):
    theirs, ours = both("classes", activation=activation)
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=0, atol=1e-6)
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-9)
    np.testing.assert_allclose(ours.predict_log_proba(X), theirs.predict_log_proba(X), atol=1e-7)


def test_several_outputs():
    """Theirs shows half the mean square over the outputs, and follows the gradient of the sum.

    Ours shows the sum: without a penalty twice theirs for two outputs, at the same weights.
    """
    theirs, ours = both("numbers", alpha=0.0)
    assert_same_weights(theirs, ours, 1e-9)
    np.testing.assert_allclose(ours.loss_curve_, 2 * np.array(theirs.loss_curve_), atol=1e-9)


def test_poisson():
    y = np.exp(X[:, 0] / 2)
    pair = [cls(loss="poisson", max_iter=20, random_state=0, tol=0) for cls in (
        MLPRegressor, FastMLPRegressor)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        theirs, ours = [each.fit(X, y) for each in pair]
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=0, atol=1e-6)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=1e-9)


@pytest.mark.parametrize("kind", ["classes", "strings", "labels", "number"])
def test_early_stopping(kind):
    """The same rows are held out, the same scores follow, the best weights come back."""
    theirs, ours = both(kind, early_stopping=True, n_iter_no_change=3, learning_rate_init=0.02,
                        max_iter=60)
    np.testing.assert_allclose(ours.validation_scores_, theirs.validation_scores_, atol=1e-9)
    assert ours.best_validation_score_ == pytest.approx(theirs.best_validation_score_)
    assert ours.n_iter_ == theirs.n_iter_ < 60
    assert ours.best_loss_ is None
    assert_same_weights(theirs, ours, 1e-9)


def test_sample_weight():
    weight = np.linspace(0, 3, len(X))
    for cls, y in ((MLPClassifier, CLASSES), (MLPRegressor, TARGETS["number"])):
        ours = {MLPClassifier: FastMLPClassifier, MLPRegressor: FastMLPRegressor}[cls]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            a, b = [c(max_iter=8, random_state=0).fit(X, y, sample_weight=weight)
                    for c in (cls, ours)]
        np.testing.assert_allclose(b.loss_curve_, a.loss_curve_, rtol=0, atol=1e-6)
        assert_same_weights(a, b, 1e-9)


def test_lbfgs():
    """The same minimum: the path is scipy's, and rounding parts the two late."""
    theirs, ours = both("classes", solver="lbfgs", max_iter=300, alpha=2.0, activation="tanh")
    assert ours.loss_ == pytest.approx(theirs.loss_, rel=1e-4)
    few, ours = both("classes", solver="lbfgs", max_iter=5)
    assert_same_weights(few, ours, 1e-8)
    assert ours.n_iter_ == few.n_iter_ == 5


@pytest.mark.parametrize("solver", ["sgd", "nesterov", "adam"])
def test_csr_by_the_dense_rule(solver):
    """lazy=False on CSR is scikit-learn's rule."""
    S = X * (np.random.RandomState(1).rand(*X.shape) < 0.3)
    given = {"max_iter": 20, "random_state": 0, "alpha": 0.1, "tol": 0, **SOLVERS[solver]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        theirs = MLPClassifier((8,), **given).fit(sparse.csr_matrix(S), CLASSES)
        ours = FastMLPClassifier((8,), lazy=False, **given).fit(sparse.csr_array(S), CLASSES)
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=0, atol=1e-6)
    assert_same_weights(theirs, ours, 1e-9)


def test_float32():
    """Weights in float32 that end near those of float64."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        single, double = [FastMLPClassifier((9,), max_iter=20, random_state=3).fit(
            X.astype(dtype), CLASSES) for dtype in (np.float32, np.float64)]
    assert {a.dtype for a in single.coefs_ + single.intercepts_} == {np.dtype(np.float32)}
    assert single.predict_proba(X).dtype == np.float32
    np.testing.assert_allclose(single.loss_curve_, double.loss_curve_, rtol=1e-4)
