"""scikit-learn's own tests of its SGD estimators, run on ours.

The installed file is read and executed here with its two SGD estimators replaced by ours; its
tests of SGDOneClassSVM, which fastsgd does not offer, are left out (see conftest.py). What fails
is listed below with the reason, and must go on failing: a test that passes comes off the list.
"""

import importlib.util
import re
import sys
from types import SimpleNamespace

import pytest
from sklearn import linear_model

import fastsgd

SIGN_OF_ZERO = (
    "the optimum's margin at the tested point is 0 (5e-6 by LinearSVC), so the seed decides; over "
    "12 seeds scikit-learn's own class gives both signs as often as ours"
)
INTERCEPT = (
    "on sparse rows and with smooth losses the intercept of one class against many takes steps of "
    "0.1, not 0.01 of a weight's (see SPARSE_INTERCEPT_DECAY_RARE)"
)
DENSITY = (
    "expects steps of the intercept of 0.01 on sparse rows; ours go by the rows' density for "
    "losses of regression, and these are full: with 0.01 the intercept lags behind (_intercept.py)"
)
EXPECTED_SKLEARN_FAILURES = {
    "test_late_onset_averaging_reached[SparseSGDClassifier]": DENSITY,
    "test_late_onset_averaging_reached[SparseSGDRegressor]": DENSITY,
    "test_average_binary_computed_correctly[SparseSGDClassifier]": DENSITY,
    "test_sgd_averaged_computed_correctly[SparseSGDRegressor]": DENSITY,
    "test_sgd_averaged_partial_fit[SparseSGDRegressor]": DENSITY,
    "test_average_sparse[SparseSGDRegressor]": DENSITY,
    "test_sgd_multiclass_average[SparseSGDClassifier]": INTERCEPT,
    "test_underflow_or_overflow": (
        "expects features of 1e300 to overflow; ours bounds the steps of squared losses and "
        "returns a finite model"
    ),
    "test_plain_has_no_average_attr": "private attributes; ours keeps one state a model",
    "test_validation_mask_correctly_subsets": "replaces a private class of theirs by a mock",
    "test_loss_function_epsilon": "a private layout of loss_functions; ours holds Loss objects",
    "test_class_weights": SIGN_OF_ZERO,
    "test_sample_weights": SIGN_OF_ZERO,
}


@pytest.fixture
def global_random_seed():
    return 42


def _load():
    spec = importlib.util.find_spec("sklearn.linear_model.tests.test_sgd")
    if spec is None:
        return {}
    with open(spec.origin, encoding="utf-8") as file:
        source = file.read()
    names = {k: getattr(linear_model, k) for k in dir(linear_model) if not k.startswith("__")}
    ours = SimpleNamespace(**{
        **names,
        "SGDClassifier": fastsgd.FastSGDClassifier,
        "SGDRegressor": fastsgd.FastSGDRegressor,
    })
    source = source.replace("from sklearn import datasets, linear_model, metrics",
                            "from sklearn import datasets, metrics")
    module = importlib.util.module_from_spec(
        importlib.util.spec_from_loader("sklearn_test_sgd_on_fastsgd", loader=None))
    module.__file__ = spec.origin
    module.linear_model = ours
    sys.modules[module.__name__] = module
    exec(compile(source, spec.origin, "exec"), module.__dict__)
    return module.__dict__


def _is_ours(function):
    """Whether a test concerns the two estimators: not one-class, not private C classes."""
    return not re.search("one_?class|ocsvm", function.__name__)


for _name, _value in list(_load().items()):
    if _name.startswith("test_") and callable(_value) and _is_ours(_value):
        globals()[_name] = _value
