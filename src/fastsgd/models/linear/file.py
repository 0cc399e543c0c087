"""A linear model as header and arrays of a model file (model_file.py), and back."""

import math
from dataclasses import fields

import numpy as np
import scipy.sparse as sp

from fastsgd.data.arrays import check_indices, check_indptr
from fastsgd.data.sparse import checked
from fastsgd.engine.linear.state import LinearState
from fastsgd.models.file_values import (
    MOST,
    decode,
    encode,
    header_of,
    is_count,
    is_curve,
    is_finite,
    is_seed,
    model_of,
    require,
    take_weights,
)
from fastsgd.workers import keeps_own_rows

SCALARS = ("t_", "n_iter_", "n_features_in_", "loss_curve_", "fit_stats_", "_index_base",
           "multilabel_")
STATE_ARRAYS = ("weights", "l1_paid", "average", "dual_coef")
STATE_SCALARS = tuple(f.name for f in fields(LinearState) if f.name not in STATE_ARRAYS)
MOST_WEIGHTS = 1 << 36
"""Weights that a sparsified model may have, zeros too: `densify` gives them all a place."""
LATER = {"gap": None, "merge_halvings": 0}
"""Entries that states of older files lack."""
STATE_TYPES = {"t": int, "epoch": int, "stale": int, "average_from": int, "curve": list,
               "merge_halvings": int}


def take_apart(model):
    """(header, arrays) of a fitted model; the header is made of what JSON has."""
    header = header_of(model, SCALARS)
    arrays = {"intercept": np.asarray(model.intercept_)}
    if hasattr(model, "classes_"):
        counts = getattr(model, "_class_counts", None)
        header["class_counts"] = None if counts is None else counts.tolist()
    header["coef"] = _take_coef(model.coef_, arrays)
    header["states"] = []
    for k, state in enumerate(getattr(model, "_states", [])):
        header["states"].append(
            {name: encode(getattr(state, name), name) for name in STATE_SCALARS})
        for name in STATE_ARRAYS:
            if name == "dual_coef" and keeps_own_rows(model):
                continue  # of this process's rows: no other could go on from them
            if getattr(state, name) is not None:
                arrays[f"state.{k}.{name}"] = getattr(state, name)
    return header, arrays


def _take_coef(coef, arrays):
    """Puts coef_ among the arrays; its memory's order is kept, as BLAS rounds by it."""
    if sp.issparse(coef):
        if coef.format != "csr":
            coef = checked(coef, "coef_").tocsr()
        for name in ("data", "indices", "indptr"):
            arrays[f"coef.{name}"] = getattr(coef, name)
        kind = "csr_array" if isinstance(coef, sp.sparray) else "csr_matrix"
        return {"kind": kind, "shape": list(coef.shape)}
    by_feature = coef.ndim == 2 and not coef.flags.c_contiguous
    arrays["coef"] = coef.T if by_feature else coef
    return {"kind": "by_feature" if by_feature else "by_class"}


def put_together(cls, header, arrays):
    """A model of class `cls` again, from its parts.

    Raises ValueError, TypeError or KeyError if they do not fit.
    """
    model = model_of(cls, header, SCALARS)
    n_models, n_features = 1, model.n_features_in_
    require(isinstance(model.t_, float) and 1 <= model.t_ < MOST, "t_ must be a number >= 1")
    require(is_curve(getattr(model, "loss_curve_", [])), "loss_curve_ must be numbers")
    if cls.classifies:
        n_models = model._n_models
        if header["class_counts"] is not None:
            model._class_counts = np.array(header["class_counts"], dtype=np.int64)
            require(model._class_counts.shape == model.classes_.shape
                    and all(map(is_count, model._class_counts.tolist())),
                    "class_counts must be one a class")
    shape = (n_models, n_features)
    model.coef_ = _put_coef(header["coef"], arrays, shape, not cls.classifies)
    model.intercept_ = take_weights(arrays, "intercept", (n_models,), model.coef_.dtype)
    states = [_put_state(k, state, arrays, n_features, model)
              for k, state in enumerate(header["states"])]
    if states:
        require(len(states) == n_models, f"it must have {n_models} states, has {len(states)}")
        require(len({len(state.dual_coef) for state in states
                      if state.dual_coef is not None}) <= 1, "dual_coef must be of equal lengths")
        model._states = states
    if arrays:
        raise ValueError(f"unknown array {min(arrays)!r}")
    return model


def _put_coef(told, arrays, shape, flat):
    kind = told["kind"]
    if kind in ("csr_array", "csr_matrix"):
        parts = [arrays.pop(f"coef.{name}") for name in ("data", "indices", "indptr")]
        require(parts[0].dtype in (np.float32, np.float64), "coef must be float32 or float64")
        require(parts[1].dtype in (np.int32, np.int64) and parts[1].dtype == parts[2].dtype,
                 "indices of coef must be int32 or int64")
        require(parts[0].shape == parts[1].shape and parts[0].ndim == 1,
                "data and indices of coef must be vectors of one length")
        require(math.prod(shape) < MOST_WEIGHTS, f"coef of shape {shape} is of no real model")
        check_indptr(parts[2], shape[0], len(parts[1]))
        check_indices(parts[1], shape[1])
        require(np.isfinite(parts[0]).all(), "coef must be finite")
        if flat and len(told["shape"]) == 1:
            kind, shape = "csr_array", shape[1:]  # scipy's matrices have two dimensions
        require(tuple(told["shape"]) == shape, f"coef must have shape {shape}")
        return getattr(sp, kind)(tuple(parts), shape=shape)
    require(kind in ("by_class", "by_feature"), f"unknown kind of coef {kind!r}")
    dtype = arrays["coef"].dtype
    require(dtype in (np.float32, np.float64), f"coef must be float32 or float64, is {dtype}")
    if flat:
        return take_weights(arrays, "coef", shape[1:], dtype)
    if kind == "by_feature":
        return take_weights(arrays, "coef", shape[::-1], dtype).T
    return take_weights(arrays, "coef", shape, dtype)


def _put_state(k, told, arrays, n_features, model):
    told = LATER | told
    values = {name: decode(told[name]) for name in STATE_SCALARS}
    for name, value in values.items():
        kind = STATE_TYPES.get(name, float)
        valid = (
            is_count(value) and value >= (name == "t") if kind is int
            else is_curve(value) if kind is list
            else is_seed(value) if name == "seed"
            else value is None or (is_finite(value) and value > 0) if name == "eta0"
            else value is None or isinstance(value, float) if name == "gap"
            else isinstance(value, float) if name == "best" else is_finite(value))
        require(valid, f"{name} of state {k} is {value!r}")
    parts = dict.fromkeys(STATE_ARRAYS)
    for name in STATE_ARRAYS:
        key = f"state.{k}.{name}"
        if key in arrays:
            dtype = np.float64 if name in ("average", "dual_coef") else model.coef_.dtype
            size = arrays[key].size if name == "dual_coef" else n_features
            parts[name] = take_weights(arrays, key, (size,), dtype)
    return LinearState(**values, **parts)
