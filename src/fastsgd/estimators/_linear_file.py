"""A linear model as header and arrays of a model file (model_file.py), and back."""

import math
from dataclasses import asdict, fields
from numbers import Integral, Real

import numpy as np
import scipy.sparse as sp
from sklearn.utils.validation import check_is_fitted

from fastsgd.engine.state import LinearState
from fastsgd.estimators.linear import FastSGDClassifier
from fastsgd.estimators.regressor import FastSGDRegressor
from fastsgd.schedules import RATE_KINDS
from fastsgd.solvers import Gap

ESTIMATORS = {"FastSGDClassifier": FastSGDClassifier, "FastSGDRegressor": FastSGDRegressor}
SCALARS = ("t_", "n_iter_", "n_features_in_", "loss_curve_", "fit_stats_", "_index_base",
           "multilabel_")
STATE_ARRAYS = ("weights", "l1_paid", "average", "dual_coef")
STATE_SCALARS = tuple(f.name for f in fields(LinearState) if f.name not in STATE_ARRAYS)
OBJECTS = {kind.__name__: kind for kind in (*RATE_KINDS, Gap)}
LATER = {"gap": None}
"""What states of older files lack."""
STATE_TYPES = {"t": int, "epoch": int, "stale": int, "average_from": int, "curve": list}


def take_apart(model):
    """(header, arrays) of a fitted model; the header is made of what JSON has."""
    check_is_fitted(model)
    header = {
        "params": {
            name: _encode(_storable(value), name)
            for name, value in model.get_params(deep=False).items()
        },
        "scalars": {
            name: _encode(getattr(model, name), name) for name in SCALARS if hasattr(model, name)
        },
    }
    arrays = {"intercept": np.asarray(model.intercept_)}
    if hasattr(model, "classes_"):
        header["classes"] = _encode_labels(model.classes_, "classes_")
        counts = getattr(model, "_class_counts", None)
        header["class_counts"] = None if counts is None else counts.tolist()
    if hasattr(model, "feature_names_in_"):
        header["feature_names"] = _encode_labels(model.feature_names_in_, "feature_names_in_")
    header["coef"] = _take_coef(model.coef_, arrays)
    header["states"] = []
    for k, state in enumerate(getattr(model, "_states", [])):
        header["states"].append(
            {name: _encode(getattr(state, name), name) for name in STATE_SCALARS})
        for name in STATE_ARRAYS:
            if getattr(state, name) is not None:
                arrays[f"state.{k}.{name}"] = getattr(state, name)
    return header, arrays


def _storable(value):
    """A RandomState's seeds are in the states already; itself it is not kept."""
    return None if isinstance(value, np.random.RandomState) else value


def _take_coef(coef, arrays):
    """Puts coef_ among the arrays; its memory's order is kept, as BLAS rounds by it."""
    if sp.issparse(coef):
        coef = coef.tocsr()
        for name in ("data", "indices", "indptr"):
            arrays[f"coef.{name}"] = getattr(coef, name)
        kind = "csr_array" if isinstance(coef, sp.sparray) else "csr_matrix"
        return {"kind": kind, "shape": list(coef.shape)}
    by_feature = coef.ndim == 2 and not coef.flags.c_contiguous
    arrays["coef"] = coef.T if by_feature else coef
    return {"kind": "by_feature" if by_feature else "by_class"}


def put_together(name, header, arrays):
    """The model again. Raises ValueError, TypeError or KeyError if the parts do not fit."""
    model = _make(ESTIMATORS[name], header["params"])
    for key, value in header["scalars"].items():
        if key not in SCALARS:
            raise ValueError(f"unknown attribute {key!r}")
        setattr(model, key, _decode(value))
    n_features = model.n_features_in_
    _require(_is_count(n_features) and n_features > 0, "n_features_in_ must be a positive int")
    _require(isinstance(model.t_, float) and model.t_ >= 1, "t_ must be a number >= 1")
    _require(isinstance(getattr(model, "fit_stats_", {}), dict), "fit_stats_ must be a dict")
    _require(_is_curve(getattr(model, "loss_curve_", [])), "loss_curve_ must be numbers")
    _require(_is_count(getattr(model, "n_iter_", 0)), "n_iter_ must be an int")
    _require(getattr(model, "_index_base", 0) in (0, 1), "_index_base must be 0 or 1")
    n_models = 1
    if name == "FastSGDClassifier":
        model.classes_ = _decode_labels(header["classes"], "classes_")
        n_classes = len(model.classes_)
        _require(n_classes >= 2 and len(np.unique(model.classes_)) == n_classes,
                 "classes_ must be two or more different labels")
        _require(isinstance(getattr(model, "multilabel_", False), bool),
                 "multilabel_ must be a bool")
        n_models = model._n_models
        if header["class_counts"] is not None:
            model._class_counts = np.array(header["class_counts"], dtype=np.int64)
            _require(model._class_counts.shape == (n_classes,), "class_counts must be one a class")
    if "feature_names" in header:
        model.feature_names_in_ = _decode_labels(header["feature_names"], "feature_names_in_")
        _require(len(model.feature_names_in_) == n_features, "feature_names_in_ must be one each")
    shape = (n_models, n_features)
    model.coef_ = _put_coef(header["coef"], arrays, shape, name == "FastSGDRegressor")
    model.intercept_ = _array(arrays, "intercept", (n_models,), model.coef_.dtype)
    states = [_put_state(k, state, arrays, n_features, model)
              for k, state in enumerate(header["states"])]
    if states:
        _require(len(states) == n_models, f"it must have {n_models} states, has {len(states)}")
        _require(len({len(state.dual_coef) for state in states
                      if state.dual_coef is not None}) <= 1, "dual_coef must be of equal lengths")
        model._states = states
    if arrays:
        raise ValueError(f"unknown array {min(arrays)!r}")
    return model


def _make(cls, params):
    params = {name: _decode(value) for name, value in params.items()}
    unknown = set(params) - set(cls().get_params(deep=False))
    if unknown:
        raise ValueError(f"unknown parameter {min(unknown)!r}")
    model = cls(**params)
    model._validate_params()
    return model


def _put_coef(told, arrays, shape, flat):
    kind = told["kind"]
    if kind in ("csr_array", "csr_matrix"):
        parts = [arrays.pop(f"coef.{name}") for name in ("data", "indices", "indptr")]
        _require(parts[0].dtype in (np.float32, np.float64), "coef must be float32 or float64")
        _require(parts[1].dtype in (np.int32, np.int64) and parts[1].dtype == parts[2].dtype,
                 "indices of coef must be int32 or int64")
        if flat and len(told["shape"]) == 1:  # sparsify of scikit-learn 1.9 gives a vector
            shape = shape[1:]
        _require(tuple(told["shape"]) == shape, f"coef must have shape {shape}")
        coef = sp.csr_array(tuple(parts), shape=shape)
        coef.check_format(full_check=True)
        return getattr(sp, kind)(coef)
    _require(kind in ("by_class", "by_feature"), f"unknown kind of coef {kind!r}")
    dtype = arrays["coef"].dtype
    _require(dtype in (np.float32, np.float64), f"coef must be float32 or float64, is {dtype}")
    if flat:
        return _array(arrays, "coef", shape[1:], dtype)
    if kind == "by_feature":
        return _array(arrays, "coef", shape[::-1], dtype).T
    return _array(arrays, "coef", shape, dtype)


def _put_state(k, told, arrays, n_features, model):
    told = LATER | told
    values = {name: _decode(told[name]) for name in STATE_SCALARS}
    for name, value in values.items():
        kind = STATE_TYPES.get(name, float)
        valid = (
            _is_count(value) if kind is int
            else _is_curve(value) if kind is list
            else value is None or _is_count(value) if name == "seed"
            else isinstance(value, float) or (value is None and name in ("eta0", "gap")))
        _require(valid, f"{name} of state {k} is {value!r}")
    parts = dict.fromkeys(STATE_ARRAYS)
    for name in STATE_ARRAYS:
        key = f"state.{k}.{name}"
        if key in arrays:
            dtype = np.float64 if name in ("average", "dual_coef") else model.coef_.dtype
            size = arrays[key].size if name == "dual_coef" else n_features
            parts[name] = _array(arrays, key, (size,), dtype)
    return LinearState(**values, **parts)


def _array(arrays, name, shape, dtype):
    """Takes an array of that shape and type out of `arrays`."""
    array = arrays.pop(name)
    _require(array.shape == shape, f"{name} must have shape {shape}, has {array.shape}")
    _require(array.dtype == dtype, f"{name} must be {dtype}, is {array.dtype}")
    return np.array(array)


def _require(valid, message):
    if not valid:
        raise ValueError(message)


def _is_count(value):
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_curve(value):
    return isinstance(value, list) and all(isinstance(v, float) for v in value)


def _encode(value, name):
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
        return [_encode(item, name) for item in value]
    kind = type(value).__name__
    if kind in OBJECTS and isinstance(value, OBJECTS[kind]):
        return {kind: {key: _encode(item, name) for key, item in asdict(value).items()}}
    if isinstance(value, dict):
        return {"dict": [[_encode(k, name), _encode(v, name)] for k, v in value.items()]}
    raise TypeError(f"{name}={value!r} cannot be stored in a model file")


def _decode(value):
    if isinstance(value, list):
        return [_decode(item) for item in value]
    if not isinstance(value, dict):
        return value
    (kind, content), = value.items()
    if kind == "float" and content in ("inf", "-inf", "nan"):
        return float(content)
    if kind in OBJECTS:
        return OBJECTS[kind](**{key: _decode(item) for key, item in content.items()})
    if kind == "dict":
        return {_decode(k): _decode(v) for k, v in content}
    raise ValueError(f"unknown kind of value {kind!r}")


LABEL_KINDS = {"b": bool, "i": int, "u": int, "f": float, "U": str}


def _encode_labels(labels, name):
    """An array of numbers, bools or strings as JSON."""
    labels = np.asarray(labels)
    kind = LABEL_KINDS.get(labels.dtype.kind)
    if labels.dtype.kind == "O" and all(isinstance(label, str) for label in labels):
        kind = str
    if kind is None or (kind is float and labels.dtype.itemsize > 8):
        raise TypeError(
            f"{name} of type {labels.dtype} cannot be stored in a model file; numbers, bools and "
            "strings can")
    return {"dtype": labels.dtype.str, "values": [_encode(v, name) for v in labels.tolist()]}


def _decode_labels(told, name):
    dtype = np.dtype(told["dtype"])
    kind = str if dtype.kind == "O" else LABEL_KINDS.get(dtype.kind)
    values = _decode(told["values"])
    _require(kind is not None and isinstance(values, list)
             and set(map(type, values)) <= {kind},
             f"{name} must be labels of type {told['dtype']!r}")
    return np.array(values, dtype=dtype)
