"""`load_model` as users know it: it gives estimators."""

import fastsgd.estimators.linear.classifier
import fastsgd.estimators.linear.regressor
import fastsgd.estimators.mlp.classifier
import fastsgd.estimators.mlp.regressor  # noqa: F401 (each registers itself)
from fastsgd.model_file import load_model

__all__ = ["load_model"]
