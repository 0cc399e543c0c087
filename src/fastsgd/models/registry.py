"""Classes of models by the names that users and model files know them by.

A model file gives the family's own class, until an estimator has registered itself.
"""

from importlib import import_module

HOMES = {
    "FastSGDClassifier": ("fastsgd.models.linear.classification", "LinearClassifier"),
    "FastSGDRegressor": ("fastsgd.models.linear.regression", "LinearRegressor"),
    "FastMLPClassifier": ("fastsgd.models.mlp.classification", "MLPClassifier"),
    "FastMLPRegressor": ("fastsgd.models.mlp.regression", "MLPRegressor"),
}
"""(module, class) by name; a class is imported when it is asked for."""

_ESTIMATORS: dict = {}


def registered(estimator):
    """Registers an estimator: models of its name are given as such from now on."""
    _ESTIMATORS[estimator.model_name] = estimator
    return estimator


def family_class(name):
    """The class of a family, without scikit-learn."""
    module, attribute = HOMES[name]
    return getattr(import_module(module), attribute)


def class_of(name):
    """The estimator of that name if it is registered, else the family's class."""
    return _ESTIMATORS.get(name) or family_class(name)


def file_parts(cls):
    """The module that takes models of a class apart for a file, and puts them together."""
    return import_module(f"fastsgd.models.{cls.family}.file")
