"""Bad input and parameters get a clear error before any work; the estimator stays as it was."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from fastsgd import FastMLPClassifier, FastMLPRegressor
from fastsgd.errors import DivergenceError, NotBuiltYetError

X = np.random.default_rng(0).normal(size=(40, 3))
Y = (X[:, 0] > 0).astype(int)


def with_value(value, csr=False):
    bad = X.copy()
    bad[7, 1] = value
    return sparse.csr_array(bad) if csr else bad


@pytest.mark.parametrize("csr", [False, True], ids=["dense", "csr"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("Estimator", [FastMLPClassifier, FastMLPRegressor])
def test_not_finite(Estimator, value, csr):
    what = "NaN" if np.isnan(value) else "infinity"
    model = Estimator(max_iter=1)
    with pytest.raises(ValueError, match=f"Input X contains {what}: .* in row 7, column 1"):
        model.fit(with_value(value, csr), Y)
    assert not hasattr(model, "coefs_")


@pytest.mark.parametrize(("given", "message"), [
    ({"hidden_layer_sizes": (5, 0)}, r"hidden_layer_sizes must be > 0, got \[5, 0\]"),
    ({"hidden_layer_sizes": (-3,)}, r"hidden_layer_sizes must be > 0, got \[-3\]"),
    ({"hidden_layer_sizes": (2.5,)}, r"hidden_layer_sizes must be whole numbers, got \[2.5\]"),
    ({"hidden_layer_sizes": 0}, "'hidden_layer_sizes' parameter"),
    ({"activation": "swish"}, "'activation' parameter of .*'tanh'"),
    ({"solver": "ftrl"}, "'solver' parameter of .*'adadelta'"),
    ({"loss": "hinge"}, "'loss' parameter of .*'log_loss'"),
    ({"learning_rate": "pa1"}, "'learning_rate' parameter of .*'cosine'"),
    ({"learning_rate": "backtracking"}, "'learning_rate' parameter of .*'cosine'"),
    ({"init": "zeros"}, "'init' parameter of .*'glorot'"),
    ({"sync": "round_robin"}, "'sync' parameter of .*'map_reduce'"),
    ({"learning_rate": "optimal", "alpha": 0}, "needs alpha > 0, got 0"),
    ({"dropout": 1.0}, "'dropout' parameter"),
    ({"dropout": (0.1, 0.2, 0.3)}, "for each of the 1 hidden layers; got 3"),
    ({"dropout": (0.1, 1.5)}, "dropout must be >= 0 and < 1, got 1.5"),
    ({"dropout": 0.2, "solver": "lbfgs"}, "0.2 needs a solver that takes minibatches.*'sgd'"),
    ({"sync": "hogwild", "solver": "lbfgs"}, "use sync='auto', 'map_reduce' or 'serial'"),
    ({"lazy": True}, "lazy=True .* give X as CSR, or lazy='auto'"),
    ({"lazy": np.True_}, "lazy=True .* give X as CSR, or lazy='auto'"),
    ({"class_weight": {0: -1}}, "class_weight must .* >= 0, got -1 for class 0"),
    ({"class_weight": {0: np.nan}}, "class_weight must .* >= 0, got nan for class 0"),
    ({"class_weight": {0: np.inf}}, "class_weight must .* finite .* got inf for class 0"),
    ({"class_weight": {0: 0, 1: 0}}, "class_weight is 0 in all rows$"),
    ({"n_jobs": 0}, "n_jobs must be a positive number of threads"),
    ({"batch_size": 0}, "'batch_size' parameter"),
    ({"learning_rate_init": 0.0}, "'learning_rate_init' parameter"),
    ({"momentum": 1.5}, "'momentum' parameter"),
    ({"class_weight": {0: 1, 7: 2}}, r"\[1\], are not in class_weight"),
])
def test_parameters(given, message):
    model = FastMLPClassifier(**{"hidden_layer_sizes": (4,), **given})
    with pytest.raises(ValueError, match=message):
        model.fit(X, Y)
    assert not hasattr(model, "coefs_")


def test_reserved():
    with pytest.raises(NotBuiltYetError, match=r"device=.* is not built yet"):
        FastMLPRegressor(device="cuda").fit(X, Y)


def test_shapes():
    model = FastMLPClassifier((3,), max_iter=2).fit(X, Y)
    before = model.coefs_
    for act in (lambda: model.predict(X[:, :2]), lambda: model.partial_fit(X[:, :2], Y)):
        with pytest.raises(ValueError, match="X has 2 features, but FastMLPClassifier is exp"):
            act()
    assert model.coefs_ is before
    with pytest.raises(ValueError, match=r"0 sample\(s\)"):
        model.fit(X[:0], Y[:0])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        model.fit(X, Y[:-1])
    assert model.coefs_ is before


def test_classes():
    model = FastMLPClassifier((3,), max_iter=2)
    with pytest.raises(ValueError, match="number of classes has to be greater than one; got 1"):
        model.fit(X, np.ones(40))
    with pytest.raises(ValueError, match="classes must be passed on the first call"):
        model.partial_fit(X, Y)
    model.partial_fit(X, Y, classes=[0, 1])
    with pytest.raises(ValueError, match=r"`y` has classes not in `self\.classes_`"):
        model.partial_fit(X, Y + 1)
    with pytest.raises(ValueError, match=r"not multilabel; got y of shape \(40, 2\)"):
        model.partial_fit(X, np.column_stack([Y, Y]))
    with pytest.raises(ValueError, match="'balanced' is not supported for partial_fit"):
        FastMLPClassifier(class_weight="balanced").partial_fit(X, Y, classes=[0, 1])
    with pytest.raises(ValueError, match="does not support early_stopping"):
        FastMLPClassifier(early_stopping=True).partial_fit(X, Y, classes=[0, 1])
    with pytest.raises(ValueError, match="Unknown label type"):
        FastMLPClassifier().fit(X, X[:, 0])


def test_regression_targets():
    with pytest.raises(ValueError, match=r"y holds 1e\+300, too large for float32.*float64"):
        FastMLPRegressor().fit(X.astype(np.float32), np.full(40, 1e300))
    with pytest.raises(ValueError, match="loss='poisson' needs y >= 0, got -1"):
        FastMLPRegressor(loss="poisson").fit(X, np.full(40, -1.0))
    with pytest.raises(ValueError, match="y must hold numbers"):
        FastMLPRegressor().fit(X, np.array(["a", "b"] * 20))


@pytest.mark.parametrize("given", [{}, {"sync": "hogwild", "n_jobs": 2}], ids=str)
def test_divergence(given):
    """Named with the epoch and the remedy; a warm start keeps the weights that it had."""
    model = FastMLPRegressor(hidden_layer_sizes=(3,), activation="identity", solver="sgd",
                             max_iter=50, batch_size=10, warm_start=True, random_state=0,
                             n_iter_no_change=np.inf, **given)
    model.set_params(learning_rate_init=1e-3).fit(X, X[:, 0])
    kept = [c.copy() for c in model.coefs_]
    model.set_params(learning_rate_init=1e6)
    with pytest.raises(DivergenceError, match=r"non-finite parameter weights.*After \d+ epochs.*"
                                              "1e\\+06"):
        model.fit(X, X[:, 0])
    for a, b in zip(kept, model.coefs_, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("epochs", [1, 3])
def test_divergence_with_early_stopping(epochs):
    """Ends at once: with the weights of the best score and a warning, or an error without any."""
    model = FastMLPRegressor(hidden_layer_sizes=(3,), early_stopping=True, random_state=0,
                             n_iter_no_change=50)

    def spoil(_k, told):
        if told.number == epochs:
            model.coefs_[0][0, 0] = np.nan

    model._epoch_hook = spoil
    with pytest.warns(ConvergenceWarning, match=f"diverged in epoch {epochs + 1}; .* than 0.001"):
        model.fit(X, X[:, 0])
    assert model.n_iter_ == epochs + 1
    assert model.fit_stats_["stopped_by"] == "divergence"
    assert np.isfinite(model.predict(X)).all()
    assert model.best_validation_score_ == np.nanmax(model.validation_scores_)
    with pytest.raises(DivergenceError, match=r"After \d epochs"):
        FastMLPRegressor(hidden_layer_sizes=(3,), early_stopping=True, random_state=0,
                         learning_rate_init=1e200).fit(X, X[:, 0])


@pytest.mark.parametrize(("value", "message"), [
    (-1, "must be >= 0, got -1 in row 7"), (1e300, "too large for float32: up to 1e.300"),
    (1e-300, "0 in all rows as float32")], ids=str)
def test_sample_weight_of_odd_sizes(value, message):
    """Of minibatches that weigh less than nothing, or more than numbers go, none can be learnt."""
    weight = np.full(40, value)
    if value == -1:
        weight[:7] = 3.0
    for model, y in ((FastMLPClassifier(), Y), (FastMLPRegressor(), X[:, 0])):
        with pytest.raises(ValueError, match=message):
            model.fit(X.astype(np.float32), y, sample_weight=weight)
        assert not hasattr(model, "coefs_")


def test_partial_fit_of_rows_whose_class_weighs_nothing():
    """A block of a stream may hold only such rows: nothing is learnt from it."""
    model = FastMLPClassifier((3,), class_weight={0: 0.0}).partial_fit(X, Y, classes=[0, 1])
    before = [c.copy() for c in model.coefs_]
    model.partial_fit(X[Y == 0], Y[Y == 0])
    for a, b in zip(before, model.coefs_, strict=True):
        np.testing.assert_array_equal(a, b)


def test_all_weights_zero():
    with pytest.raises(ValueError, match="weight"):
        FastMLPClassifier().fit(X, Y, sample_weight=np.zeros(40))


def test_rows_of_weight_zero_are_passed_over():
    """A minibatch whose rows all weigh 0 takes no step."""
    weight = np.repeat([1.0, 0.0], 20)
    a = FastMLPClassifier((3,), batch_size=20, shuffle=False, max_iter=3, random_state=0,
                          solver="sgd", momentum=0)
    a.fit(X, Y, sample_weight=weight)
    b = FastMLPClassifier((3,), batch_size=20, shuffle=False, max_iter=3, random_state=0,
                          solver="sgd", momentum=0)
    b.fit(X[:20], Y[:20])
    assert np.isfinite(a.loss_)
    for x, y in zip(a.intercepts_, b.intercepts_, strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-12)


def test_clipped_batch_size_warns():
    with pytest.warns(UserWarning, match="larger than sample size"):
        FastMLPClassifier((3,), batch_size=100, max_iter=1).fit(X, Y)


def test_no_partial_fit_with_lbfgs():
    assert not hasattr(FastMLPClassifier(solver="lbfgs"), "partial_fit")
    assert hasattr(FastMLPClassifier(), "partial_fit")
