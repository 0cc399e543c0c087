"""What the linear estimators refuse, what the message says, and what is left afterwards."""

import warnings

import numpy as np
import pytest
from scipy import sparse

from fastsgd import FastSGDClassifier, FastSGDRegressor
from fastsgd.errors import DivergenceError, NotBuiltYetError

rng = np.random.default_rng(0)
X = rng.standard_normal((60, 5))
Y = (X[:, 0] > 0).astype(int)


@pytest.mark.parametrize(("name", "value"), [
    ("device", "cuda"),
    ("multi_class", "multinomial"),
])
def test_reserved_parameters_are_not_built_yet(name, value):
    with pytest.raises(NotBuiltYetError, match=f"{name}='?{value}'? is not built yet"):
        FastSGDClassifier(**{name: value}).fit(X, Y)


@pytest.mark.parametrize(("kwargs", "message"), [
    ({"sync": "bogus"}, "valid names are 'auto', 'serial', 'merge', 'hogwild', 'round_robin'"),
    ({"learning_rate": "bogus"}, "'learning_rate' .* must be a str among .*'optimal'"),
    ({"penalty": "l3"}, "'penalty' .* must be a str among .*'elasticnet'"),
    ({"loss": "l0"}, "'loss' .* must be a str among .*'hinge'"),
    ({"eta0": 0}, r"'eta0' .* in the range \(0.0, inf\)"),
    ({"eta0": np.nan}, r"'eta0' .* in the range \(0.0, inf\)"),
    ({"alpha": -1}, r"'alpha' .* in the range \[0.0, inf\)"),
    ({"C": 0}, r"'C' .* in the range \(0.0, inf\)"),
    ({"n_jobs": 0}, "n_jobs must be a positive number of threads, negative, or None; got 0"),
    ({"average": -1}, "'average' .* in the range"),
    ({"average": 5, "sync": "hogwild"}, "use sync='serial' or 'auto'"),
    ({"learning_rate": "pa1", "loss": "log_loss"}, "only works with loss 'hinge'"),
    ({"penalty": "elasticnet", "l1_ratio": None}, "l1_ratio must be set"),
    ({"alpha": 0}, "alpha must be > 0 since learning_rate is 'optimal'"),
    ({"class_weight": {0: 1, 7: 1}}, "are not in class_weight"),
])
def test_message_says_what_is_allowed(kwargs, message):
    with pytest.raises(ValueError, match=message):
        FastSGDClassifier(**kwargs).fit(X, Y)


@pytest.mark.parametrize(("kwargs", "message"), [
    ({"sync": "map_reduce"}, "use solver='gd'"), ({"n_jobs": 0}, "n_jobs must be"),
    ({"learning_rate": "pa1"}, "only works with loss"),
])
def test_parameters_are_checked_at_every_partial_fit(kwargs, message):
    for model in (FastSGDClassifier(loss="squared_error"), FastSGDRegressor()):
        model.fit(X, Y)
        with pytest.raises(ValueError, match=message):
            model.set_params(**kwargs).partial_fit(X, Y)


def test_no_partial_fit_with_C():
    """C needs the number of rows; scikit-learn wants a method that is refused not to be there."""
    for model in (FastSGDClassifier(), FastSGDRegressor()):
        assert hasattr(model.fit(X, Y), "partial_fit")
        assert not hasattr(model.set_params(C=2.0), "partial_fit")
        with pytest.raises(AttributeError, match=r"C needs .* alpha = 1 / \(n_samples \* C\)"):
            model.partial_fit(X, Y)


def test_partial_fit_after_early_stopping_as_in_scikit_learn():
    with pytest.raises(ValueError, match="early_stopping should be False with partial_fit"):
        FastSGDClassifier(early_stopping=True).partial_fit(X, Y, [0, 1])
    model = FastSGDClassifier(early_stopping=True).fit(X, Y)
    t = model.t_
    assert model.partial_fit(X, Y).t_ == t + 60


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_bad_values_are_refused(bad):
    Z = X.copy()
    Z[3, 2] = bad
    for matrix in (Z, sparse.csr_matrix(Z)):
        with pytest.raises(ValueError, match="Input X contains"):
            FastSGDClassifier().fit(matrix, Y)
    target = Y.astype(float)
    target[0] = bad
    for model in (FastSGDClassifier(), FastSGDRegressor()):
        with pytest.raises(ValueError, match="Input y contains"):
            model.fit(X, target)
    with pytest.raises(ValueError, match="Input sample_weight contains"):
        FastSGDRegressor().fit(X, Y, sample_weight=target)
    with pytest.raises(ValueError, match="at least one non-zero"):
        FastSGDRegressor().fit(X, Y, sample_weight=np.zeros(60))


def test_too_few_of_something():
    with pytest.raises(ValueError, match="0 feature"):
        FastSGDClassifier().fit(X[:, :0], Y)
    with pytest.raises(ValueError, match="0 sample"):
        FastSGDClassifier().fit(X[:0], Y[:0])
    with pytest.raises(ValueError, match="greater than one; got 1 class"):
        FastSGDClassifier().fit(X[:1], Y[:1])
    with pytest.raises(ValueError, match="greater than one; got 1 class"):
        FastSGDClassifier().partial_fit(X, 0 * Y, classes=[0])
    model = FastSGDRegressor(max_iter=5, tol=None).fit(sparse.csr_matrix((60, 5)), Y)
    assert not np.any(model.coef_)
    assert model.intercept_[0] > 0
    assert np.isfinite(FastSGDRegressor().fit(X[:1], Y[:1]).coef_).all()


def test_unseen_labels():
    model = FastSGDClassifier(random_state=0).partial_fit(X, Y, [0, 1])
    before = model.coef_.copy()
    for labels in (Y + 1, np.array(["a", "b"])[Y]):
        with pytest.raises(ValueError, match=r"not among classes \[0 1\]"):
            model.partial_fit(X, labels)
    with pytest.raises(ValueError, match="not the same as on last call"):
        model.partial_fit(X, Y, classes=[0, 1, 2])
    assert np.array_equal(model.coef_, before)
    assert model.t_ == 61


def test_odd_rows_train_the_same():
    kwargs = {"max_iter": 3, "tol": None, "random_state": 0}
    plain = sparse.csr_matrix(X)
    turned = sparse.csr_matrix(
        (X[:, ::-1].ravel(), np.tile(np.arange(5)[::-1], 60), plain.indptr), shape=X.shape)
    doubled = sparse.csr_matrix(
        (np.repeat(plain.data / 2, 2), np.repeat(plain.indices, 2), plain.indptr * 2),
        shape=X.shape)
    padded = sparse.csr_matrix(np.hstack([X, np.ones((60, 1))]))
    padded.data[5::6] = 0  # stored zeros
    wanted = FastSGDClassifier(**kwargs).fit(plain, Y).coef_
    for odd in (turned, doubled):
        assert not odd.has_canonical_format
        np.testing.assert_allclose(FastSGDClassifier(**kwargs).fit(odd, Y).coef_, wanted)
    np.testing.assert_allclose(
        FastSGDClassifier(**kwargs).fit(padded, Y).coef_, np.hstack([wanted, [[0]]]))


DIVERGING = {"loss": "squared_error", "learning_rate": "constant", "eta0": 1e10, "alpha": 0}


@pytest.mark.parametrize("sync", ["serial", "hogwild", "round_robin"])
@pytest.mark.parametrize("kind", ["classifier", "regressor", "classes"])
@pytest.mark.parametrize("average", [False, True])
def test_divergence_is_told_and_leaves_the_last_good_weights(sync, kind, average):
    if average and sync != "serial":
        return
    make = FastSGDRegressor if kind == "regressor" else FastSGDClassifier
    y = np.arange(60) % 3 if kind == "classes" else Y
    kwargs = {"sync": sync, "n_jobs": 2, "average": average, "random_state": 0}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(DivergenceError, match=r"epoch #\d+.*smaller step.*larger alpha") as e:
            make(**DIVERGING, **kwargs, max_iter=1000, tol=None).fit(X * 1e300, y)
        assert isinstance(e.value, ValueError)
        assert isinstance(e.value, FloatingPointError)
    model = make(loss="squared_error", tol=None, max_iter=3, **kwargs).fit(X, y)
    before, t = model.coef_.copy(), model.t_
    model.set_params(**DIVERGING)
    with pytest.raises(DivergenceError):
        model.partial_fit(X * 1e300, y)
    assert np.array_equal(model.coef_, before)
    assert model.t_ == t
    model.set_params(learning_rate="invscaling", eta0=0.01).partial_fit(X, y)
    assert np.isfinite(model.coef_).all()


def test_a_fit_that_diverges_leaves_no_model():
    model = FastSGDRegressor(learning_rate="constant", eta0=1e10)
    with pytest.raises(DivergenceError):
        model.fit(X * 1e300, Y)
    assert not hasattr(model, "coef_")
    assert not hasattr(model, "n_features_in_")
