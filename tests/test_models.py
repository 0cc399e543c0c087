"""Models without scikit-learn: the same bits as the estimators that inherit of them."""

import subprocess
import sys

import numpy as np
import pytest
from scipy import sparse

import fastsgd
from fastsgd import model_file
from fastsgd.errors import NotConvergedWarning, NotFittedError
from fastsgd.models.registry import HOMES, class_of, family_class

rng = np.random.default_rng(0)
X = sparse.csr_array(rng.normal(size=(80, 6)) * (rng.random((80, 6)) < 0.6))
Y = {"two": (X @ np.arange(6) > 0).astype(int), "three": rng.integers(0, 3, 80),
     "labels": sparse.csr_array(rng.random((80, 4)) < 0.4, dtype=np.int8),
     "numbers": X @ rng.normal(size=6)}
FEW = {"max_iter": 3, "random_state": 0}
pytestmark = pytest.mark.filterwarnings("ignore:.*aximum .*iteration")


def targets(cls):
    return ["two", "three", "labels"] if cls.classifies else ["numbers"]


PAIRS = [(name, kind) for name in HOMES for kind in targets(family_class(name))]


def weights(model):
    return [model.coef_, model.intercept_] if model.family == "linear" else [
        *model.coefs_, *model.intercepts_]


def equal(a, b):
    return all(map(np.array_equal, weights(a), weights(b)))


@pytest.mark.parametrize(("name", "kind"), PAIRS)
def test_a_model_is_its_estimator_without_scikit_learn(name, kind):
    model, estimator = family_class(name)(**FEW), getattr(fastsgd, name)(**FEW)
    assert isinstance(estimator, type(model))
    assert model.get_params() == estimator.get_params()
    assert equal(model.fit(X, Y[kind]), estimator.fit(X, Y[kind]))
    assert np.array_equal(model.predict(X), estimator.predict(X))
    assert equal(model.resume(X, Y[kind], max_iter=5), estimator.resume(X, Y[kind], max_iter=5))
    assert equal(model.partial_fit(X, Y[kind]), estimator.partial_fit(X, Y[kind]))


@pytest.mark.parametrize("name", HOMES)
def test_files_give_models_until_an_estimator_is_imported(name, tmp_path):
    y = Y["two"] if family_class(name).classifies else Y["numbers"]
    path = str(tmp_path / "model")
    model_file.save_model(family_class(name)(**FEW).fit(X, y), path)
    code = ("import sys\nfrom fastsgd.model_file import load_model\n"
            "print(type(load_model(sys.argv[1])).__name__, 'sklearn' in sys.modules)\n"
            "import fastsgd\nprint(type(fastsgd.load_model(sys.argv[1])).__name__)\n"
            "print(type(load_model(sys.argv[1])).__name__)")
    told = subprocess.check_output([sys.executable, "-c", code, path], text=True).split()
    assert told == [family_class(name).__name__, "False", name, name]
    assert class_of(name) is getattr(fastsgd, name)


@pytest.mark.parametrize("name", HOMES)
def test_an_error_leaves_a_model_as_it_was(name):
    model = family_class(name)(**FEW)
    y = Y["two"] if model.classifies else Y["numbers"]
    before = dict(vars(model))
    with pytest.raises(ValueError, match=r"X has 80 rows and y 79"):
        model.fit(X, y[:-1])
    assert vars(model) == before
    with pytest.raises(ValueError, match=rf"'alpha' parameter of {name} must be .*Got -1"):
        model.set_params(alpha=-1).fit(X, y)
    with pytest.raises(ValueError, match="Invalid parameter 'beta'"):
        model.set_params(alpha=1e-4, beta=1)
    assert model.alpha == -1
    with pytest.raises(NotFittedError, match=f"This {name} must be fitted before"):
        model.predict(X)


def test_wrong_rows_are_refused():
    model = family_class("FastSGDClassifier")(**FEW).fit(X, Y["two"])
    for wrong, told in ((X[:, :5], "X has 5 features, the model 6"),
                        (np.zeros((2, 6), "U1"), "X must hold numbers"),
                        (np.zeros(6), "X must have rows and features"),
                        (np.zeros((0, 6)), "X must have rows and features")):
        with pytest.raises(ValueError, match=told):
            model.predict(wrong)
    for y, told in ((Y["numbers"], "to learn numbers take a regressor"),
                    (np.zeros(80, int), "number of classes has to be greater than one"),
                    (np.full(80, np.nan), "y holds NaN or infinity")):
        with pytest.raises(ValueError, match=told):
            model.fit(X, y)
    regressor = family_class("FastSGDRegressor")(**FEW)
    with pytest.raises(ValueError, match="y must have one value a row"):
        regressor.fit(X, np.zeros((80, 2)))


@pytest.mark.parametrize(("given", "told"), [
    (np.ones(79), "one number a row, 80"), (np.zeros(80), "at least one non-zero"),
    (np.full(80, np.nan), "NaN or infinity"), (np.full(80, -1.0), "must be >= 0")])
def test_wrong_weights_are_refused(given, told):
    with pytest.raises(ValueError, match=told):
        family_class("FastSGDClassifier")(**FEW).fit(X, Y["two"], sample_weight=given)


def test_one_number_weighs_all_rows():
    model = family_class("FastSGDRegressor")(**FEW)
    once = weights(model.fit(X, Y["numbers"], sample_weight=0.5))[0].copy()
    assert np.array_equal(model.fit(X, Y["numbers"], sample_weight=np.full(80, 0.5)).coef_, once)


def test_the_warning_is_our_own():
    with pytest.warns(NotConvergedWarning, match="Maximum number of iteration"):
        family_class("FastSGDClassifier")(**FEW).fit(X, Y["two"])


@pytest.mark.parametrize(("classes", "told"), [
    (None, "classes must be passed on the first call"),
    ([1, "two"], "all numbers or all text"), ([0], "greater than one")])
def test_first_classes(classes, told):
    with pytest.raises(ValueError, match=told):
        family_class("FastSGDClassifier")().partial_fit(X, Y["two"], classes=classes)
    model = family_class("FastSGDClassifier")().partial_fit(X, Y["two"], classes=[0, 1])
    with pytest.raises(ValueError, match="is not the same as on last call"):
        model.partial_fit(X, Y["two"], classes=[0, 1, 2])
