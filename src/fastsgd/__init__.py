"""fastsgd: lock-free stochastic gradient descent for large sparse data.

Names are imported on first use, so that ``import fastsgd`` costs next to nothing and a worker
process never imports scikit-learn.
"""

import sys
from importlib import import_module

import fastsgd._start  # noqa: F401 (it is to see the folder of this moment)
from fastsgd._renamed import renamed_attribute

__version__ = "0.2.0"

_HOME = {
    "FastSGDClassifier": "fastsgd.estimators.linear.classifier",
    "FastSGDRegressor": "fastsgd.estimators.linear.regressor",
    "FastMLPClassifier": "fastsgd.estimators.mlp.classifier",
    "FastMLPRegressor": "fastsgd.estimators.mlp.regressor",
    "LayerPipeline": "fastsgd.pipeline",
    "Workers": "fastsgd.workers",
    "load": "fastsgd.data.formats",
    "load_svmlight": "fastsgd.data.svmlight",
    "save_model": "fastsgd.model_file",
    "load_model": "fastsgd.estimators.loading",
}

_NEW_NAMES = {"Pipeline": "LayerPipeline"}

__all__ = [*_HOME, "__version__"]


def __getattr__(name):
    if name in _HOME:
        value = getattr(import_module(_HOME[name]), name)
        globals()[name] = value
        return value
    if name in _NEW_NAMES:
        return renamed_attribute(sys.modules[__name__], name, _NEW_NAMES)
    raise AttributeError(f"module 'fastsgd' has no attribute {name!r}; it has {', '.join(_HOME)}")


def __dir__():
    return sorted(__all__)
