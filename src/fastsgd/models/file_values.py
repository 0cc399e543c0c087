"""Values of a model file's header: what JSON lacks, and checks of all that is read."""

import math
from dataclasses import asdict
from numbers import Integral, Real

import numpy as np

from fastsgd._renamed import current_names
from fastsgd.pipeline import LayerPipeline
from fastsgd.schedules import RATE_KINDS
from fastsgd.solvers import Gap
from fastsgd.workers import Workers

MOST = 1 << 60
"""Counts of rows, steps and epochs are below: the kernels count in 64 bits, and add."""

LABEL_BYTES = 1 << 26
"""Labels may take so much memory, or what their characters need."""

OBJECTS = {kind.__name__: kind for kind in (*RATE_KINDS, Gap, LayerPipeline, Workers)}

NEW_NAMES = {"Pipeline": "LayerPipeline"}
"""Objects that files of earlier releases call by their old names; read without a warning."""


def header_of(model, scalars):
    """Parameters, those of the attributes `scalars` that there are, classes, names of features."""
    model._check_fitted()
    header = {
        "params": {
            name: encode(_storable(value), name)
            for name, value in model.get_params(deep=False).items()
        },
        "scalars": {
            name: encode(getattr(model, name), name) for name in scalars if hasattr(model, name)
        },
    }
    if hasattr(model, "classes_"):
        header["classes"] = encode_labels(model.classes_, "classes_")
    if hasattr(model, "feature_names_in_"):
        header["feature_names"] = encode_labels(model.feature_names_in_, "feature_names_in_")
    return header


def _storable(value):
    """A RandomState's seeds are in the states already; itself it is not kept."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    return None if isinstance(value, np.random.RandomState) else value


def model_of(cls, header, scalars):
    """The inverse of `header_of`; what every estimator has is checked."""
    model = _make(cls, header["params"])
    for key, value in header["scalars"].items():
        if key not in scalars:
            raise ValueError(f"unknown attribute {key!r}")
        setattr(model, key, decode(value))
    n_features = model.n_features_in_
    require(is_count(n_features) and n_features > 0, "n_features_in_ must be a positive int")
    told = getattr(model, "fit_stats_", {})
    require(isinstance(told, dict) and all(
        told.get(name) is None or is_finite(told[name]) for name in ("alpha", "eta0")),
        "fit_stats_ must be a dict with numbers")
    require(is_count(getattr(model, "n_iter_", 0)), "n_iter_ must be an int")
    require(getattr(model, "_index_base", 0) in (0, 1), "_index_base must be 0 or 1")
    if model.classifies:
        model.classes_ = decode_labels(header["classes"], "classes_")
        n_classes = len(model.classes_)
        require(n_classes >= 2 and len(np.unique(model.classes_)) == n_classes,
                "classes_ must be two or more different labels")
        require(np.array_equal(np.unique(model.classes_), model.classes_),
                "classes_ must rise")
        require(isinstance(getattr(model, "multilabel_", False), bool),
                "multilabel_ must be a bool")
    if "feature_names" in header:
        model.feature_names_in_ = decode_labels(header["feature_names"], "feature_names_in_")
        require(len(model.feature_names_in_) == n_features, "feature_names_in_ must be one each")
        require(model.feature_names_in_.dtype.kind in "UO", "feature_names_in_ must be strings")
    return model


def _make(cls, params):
    params = {name: decode(value) for name, value in params.items()}
    for name, value in params.items():
        _check_numbers(name, value)
    unknown = set(params) - set(cls().get_params(deep=False))
    if unknown:
        raise ValueError(f"unknown parameter {min(unknown)!r}")
    model = cls(**params)
    model._validate_params()
    return model


def _check_numbers(name, value):
    """Refuses whole numbers out of range, and weights of classes that are no numbers."""
    if isinstance(value, (list, tuple)):
        for item in value:
            _check_numbers(name, item)
    elif isinstance(value, dict):
        for weight in value.values():
            require(isinstance(weight, (int, float)) and math.isfinite(weight),
                    f"{name} must be numbers, got {weight!r}")
    elif isinstance(value, int):
        require(abs(value) < MOST, f"{name} is out of range: {value}")


def take_array(arrays, name, shape, dtype):
    """Takes an array of that shape and type out of `arrays`."""
    array = arrays.pop(name)
    require(array.shape == shape, f"{name} must have shape {shape}, has {array.shape}")
    require(array.dtype == dtype, f"{name} must be {np.dtype(dtype)}, is {array.dtype}")
    return np.array(array)


def take_weights(arrays, name, shape, dtype):
    """The same of weights that a model predicts by: finite ones."""
    array = take_array(arrays, name, shape, dtype)
    require(np.isfinite(array).all(), f"{name} must be finite")
    return array


def require(valid, message):
    if not valid:
        raise ValueError(message)


def is_count(value, end=MOST):
    """Whether it is a whole number from 0 to end - 1."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < end


def is_seed(value):
    """Whether it is a seed or None."""
    return value is None or is_count(value, 1 << 64)


def is_finite(value):
    """Whether it is a finite float."""
    return isinstance(value, float) and math.isfinite(value)


def is_curve(value):
    return isinstance(value, list) and all(isinstance(v, float) for v in value)


def encode(value, name):
    """A value in terms of JSON; what JSON lacks is a dict with one key that says what it is."""
    if value is None or isinstance(value, (bool, str)):
        return str(value) if isinstance(value, str) else value
    if isinstance(value, np.bool_):
        return bool(value)
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        value = float(value)
        return value if math.isfinite(value) else {"float": str(value)}
    if isinstance(value, list):
        return [encode(item, name) for item in value]
    if isinstance(value, tuple):
        return {"tuple": [encode(item, name) for item in value]}
    kind = type(value).__name__
    if kind in OBJECTS and isinstance(value, OBJECTS[kind]):
        return {kind: {key: encode(item, name) for key, item in asdict(value).items()}}
    if isinstance(value, dict):
        return {"dict": [[encode(k, name), encode(v, name)] for k, v in value.items()]}
    raise TypeError(f"{name}={value!r} cannot be stored in a model file")


def decode(value):
    if isinstance(value, list):
        return [decode(item) for item in value]
    if not isinstance(value, dict):
        return value
    (kind, content), = value.items()
    if kind == "float" and content in ("inf", "-inf", "nan"):
        return float(content)
    made = OBJECTS.get(NEW_NAMES.get(kind, kind))
    if made is not None:
        given = {key: decode(item) for key, item in content.items()}
        return made(**current_names(made, given))
    if kind == "tuple":
        return tuple(map(decode, content))
    if kind == "dict":
        return {decode(k): decode(v) for k, v in content}
    raise ValueError(f"unknown kind of value {kind!r}")


LABEL_KINDS = {"b": bool, "i": int, "u": int, "f": float, "U": str}


def encode_labels(labels, name):
    """An array of numbers, bools or strings as JSON."""
    labels = np.asarray(labels)
    kind = LABEL_KINDS.get(labels.dtype.kind)
    if labels.dtype.kind == "O" and all(isinstance(label, str) for label in labels):
        kind = str
    if kind is None or (kind is float and labels.dtype.itemsize > 8):
        raise TypeError(
            f"{name} of type {labels.dtype} cannot be stored in a model file; numbers, bools and "
            "strings can")
    return {"dtype": labels.dtype.str, "values": [encode(v, name) for v in labels.tolist()]}


def decode_labels(told, name):
    require(isinstance(told["dtype"], str), f"{name} must have a dtype")
    dtype = np.dtype(told["dtype"])
    kind = str if dtype.kind == "O" else LABEL_KINDS.get(dtype.kind)
    values = decode(told["values"])
    require(kind is not None and isinstance(values, list)
             and set(map(type, values)) <= {kind},
             f"{name} must be labels of type {told['dtype']!r}")
    needed = max((len(value) for value in values), default=0) if dtype.kind == "U" else 0
    require(dtype.itemsize * len(values) <= max(LABEL_BYTES, 4 * needed * len(values)),
            f"{name} of type {told['dtype']!r} takes {dtype.itemsize} bytes each")
    labels = np.array(values, dtype=dtype)
    require(kind is not float or np.isfinite(labels).all(), f"{name} must be finite")
    return labels
