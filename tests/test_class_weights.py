"""Weights of classes and of rows: what they mean, and what they may be."""

import numpy as np
import pytest
from scipy import sparse

from fastsgd import FastMLPClassifier, FastSGDClassifier, FastSGDRegressor, load_model, save_model

rng = np.random.default_rng(0)
X = rng.normal(size=(150, 5))
Y = np.digitize(X[:, 0] + 0.3 * rng.normal(size=150), [-0.5, 0.5])
WEIGHT = rng.uniform(0.2, 2, 150)
BY_CLASS = {0: 3.0, 2: 0.25}
FEW = {"random_state": 0, "max_iter": 5, "tol": None}


@pytest.mark.parametrize("sync", ["serial", "classes"])
@pytest.mark.parametrize("kind", ["dense", "csr"])
def test_one_against_the_rest_weighs_a_class_on_its_own_side(kind, sync):
    """Reference: three fits of two classes, each with the weights of its own rows multiplied."""
    Z = X if kind == "dense" else sparse.csr_array(X)
    model = FastSGDClassifier(class_weight=BY_CLASS, sync=sync, shuffle=False, **FEW)
    model.fit(Z, Y, sample_weight=WEIGHT)
    for k in range(3):
        own = np.where(k == Y, BY_CLASS.get(k, 1.0), 1.0)
        alone = FastSGDClassifier(shuffle=False, **FEW).fit(Z, k == Y, sample_weight=WEIGHT * own)
        np.testing.assert_allclose(model.coef_[k], alone.coef_[0], rtol=1e-9)
        np.testing.assert_allclose(model.intercept_[k], alone.intercept_[0], rtol=1e-9)


@pytest.mark.parametrize(("make", "y"), [
    (FastSGDClassifier, Y > 0), (FastMLPClassifier, Y > 0), (FastMLPClassifier, Y)])
def test_two_classes_and_networks_multiply(make, y):
    by_class = {0: 3.0} if y.dtype == int else {False: 3.0}
    own = np.where(y == 0, 3.0, 1.0)
    how = {"random_state": 0, "max_iter": 5}
    a = make(class_weight=by_class, **how).fit(X, y, sample_weight=WEIGHT)
    b = make(**how).fit(X, y, sample_weight=WEIGHT * own)
    name = "coef_" if hasattr(a, "coef_") else "coefs_"
    np.testing.assert_array_equal(np.ravel(getattr(a, name)[0]), np.ravel(getattr(b, name)[0]))


@pytest.mark.parametrize("make", [FastSGDClassifier, FastMLPClassifier])
def test_labels_of_digits_are_texts(make, tmp_path):
    """scikit-learn looks for the number in their place, so both are taken."""
    texts = np.array(["01", "2", "spam"])[Y]
    how = {"random_state": 0, "max_iter": 5}
    expected = make(class_weight={0: 3.0, 1: 0.5}, **how).fit(X, Y)
    name = "coef_" if hasattr(expected, "coef_") else "coefs_"
    for weights in ({"01": 3.0, "2": 0.5}, {1: 3.0, 2: 0.5}, {"01": 3.0, "2": 0.5, "spam": 1.0}):
        model = make(class_weight=weights, **how).fit(X, texts)
        np.testing.assert_array_equal(getattr(model, name)[0], getattr(expected, name)[0])
        save_model(model, tmp_path / "m")
        assert load_model(tmp_path / "m").class_weight == weights
    with pytest.raises(ValueError, match=r"classes, \['2', 'spam'\], are not in class_weight"):
        make(class_weight={"01": 2.0, "ham": 1.0}).fit(X, texts)


@pytest.mark.parametrize("way", ["fit", "partial_fit"])
@pytest.mark.parametrize("make", [FastSGDClassifier, FastMLPClassifier])
@pytest.mark.parametrize("bad", [-1.0, -1e-300, np.nan, np.inf, -np.inf, "3", None, 1j, 10**309],
                         ids=lambda bad: f"{bad!r:.9}")
def test_class_weights_that_are_none(bad, make, way):
    """The class and its value are told, and the model is as it was."""
    model = make(class_weight={0: 1.0, 1: bad, 2: 1.0})
    more = {"classes": [0, 1, 2]} if way == "partial_fit" else {}
    with pytest.raises(ValueError, match=r"finite number >= 0, got .* for class 1; 0 leaves") as e:
        getattr(model, way)(X, Y, **more)
    assert repr(bad) in str(e.value)
    assert not hasattr(model, "coef_")
    assert not hasattr(model, "coefs_")


@pytest.mark.parametrize("make", [FastSGDClassifier, FastMLPClassifier])
@pytest.mark.parametrize("zero", [0, 0.0, False, np.float32(0)])
def test_a_class_may_weigh_nothing(make, zero):
    """Its rows teach nothing: two classes, one of weight 0, end with the other everywhere."""
    model = make(class_weight={0: zero}, random_state=0).fit(X, Y > 0)
    assert set(model.predict(X)) == {True}


@pytest.mark.parametrize("make", [FastSGDClassifier, FastSGDRegressor, FastMLPClassifier])
@pytest.mark.parametrize(("bad", "message"), [
    (-1.0, r"must be >= 0, got -1 in row 7"), (np.nan, "NaN"), (np.inf, "infinity")])
def test_weights_of_rows_that_are_none(bad, message, make):
    weight = np.ones(150)
    weight[7] = bad
    for way in ("fit", "partial_fit"):
        model = make()
        more = {"classes": [0, 1, 2]} if make is not FastSGDRegressor and way != "fit" else {}
        with pytest.raises(ValueError, match=message):
            getattr(model, way)(X, Y, sample_weight=weight, **more)
        assert not hasattr(model, "coef_")
