"""A multilayer perceptron as header and arrays of a model file (model_file.py), and back."""

from dataclasses import fields, replace
from itertools import pairwise

import numpy as np

from fastsgd.engine.mlp.optimizer import Momenta
from fastsgd.engine.mlp.outputs import OUTPUTS
from fastsgd.engine.mlp.parameters import Parameters
from fastsgd.engine.mlp.settings import State
from fastsgd.models.file_values import (
    decode,
    encode,
    header_of,
    is_count,
    is_curve,
    is_finite,
    is_seed,
    model_of,
    require,
    take_array,
    take_weights,
)
from fastsgd.models.mlp.resume import Stream
from fastsgd.optimizers import OPTIMIZERS

SCALARS = ("n_iter_", "t_", "n_features_in_", "n_outputs_", "out_activation_", "loss_",
           "best_loss_", "best_validation_score_", "fit_stats_", "multilabel_", "_index_base")
NETWORKS = ("best", "iterate")
"""Entries of the state that are other weights of the same shapes."""
STATE_SCALARS = tuple(f.name for f in fields(State)
                      if f.name not in (*NETWORKS, "momenta", "shown"))
COUNTS = ("step", "samples", "epoch", "begun", "stale")
CURVES = ("curve", "scores")
KEY = 624
"""Words of a Mersenne Twister's state (MT19937), which is what a RandomState has."""


def take_apart(model):
    """(header, arrays) of a fitted model; the header is made of what JSON has."""
    header, arrays = header_of(model, SCALARS), {}
    state, parameters = model._states[0], model._own_parameters()
    for i, (coef, intercept) in enumerate(
            zip(parameters.coefs, parameters.intercepts, strict=True)):
        arrays[f"coefs.{i}"], arrays[f"intercepts.{i}"] = coef, intercept
    header["scored"] = model.validation_scores_ is not None
    if state.iterate is not None and state.shown != parameters.digest():  # see begin_scores
        state = replace(state, iterate=None, best_score=-np.inf)
    header["state"] = {name: encode(getattr(state, name), name) for name in STATE_SCALARS}
    networks = {name: getattr(state, name) for name in NETWORKS}
    header["momenta"] = None
    if state.momenta is not None:
        header["momenta"] = state.momenta.rule
        networks |= {f"slots.{k}": slot for k, slot in enumerate(state.momenta.slots)}
        if state.momenta.last is not None:
            arrays["last"] = state.momenta.last
    for name, network in networks.items():
        if network is not None:
            arrays[f"{name}.first"], arrays[f"{name}.rest"] = network.first, network.rest
    header["rng"] = _take_numbers(model._rng, "rng", arrays)
    header["stream"], stream = None, model._stream
    if stream is not None:
        header["stream"] = {
            "rng": _take_numbers(stream.rng, "stream", arrays), "epoch": stream.epoch,
            "n_rows": stream.n_rows, "held_out": stream.held_out}
    return header, arrays


def put_together(cls, header, arrays):
    """A model of class `cls` again, from its parts.

    Raises ValueError, TypeError or KeyError if they do not fit.
    """
    model = model_of(cls, header, SCALARS)
    parameters = _put_weights(model, arrays)
    _check_output(model)
    for key, kinds in (("loss_", float), ("best_loss_", float | None), ("t_", int),
                       ("best_validation_score_", float | None)):
        require(isinstance(getattr(model, key), kinds), f"{key} is {getattr(model, key)!r}")
    state = _put_state(header["state"], parameters, arrays)
    state.momenta = _put_momenta(header["momenta"], parameters, state.step, arrays)
    if state.iterate is not None:
        state.shown = parameters.digest()
    model._rng = _put_numbers(header["rng"], "rng", arrays)
    model._stream = _put_stream(header["stream"], state, arrays)
    if arrays:
        raise ValueError(f"unknown array {min(arrays)!r}")
    model._states, model._parameters = [state], parameters
    model.coefs_, model.intercepts_ = parameters.coefs, parameters.intercepts
    model.n_layers_ = len(parameters.units)
    model.loss_curve_ = state.curve
    model.validation_scores_ = state.scores if header["scored"] else None
    return model


def _put_weights(model, arrays):
    """The weights of all layers, whose shapes fit each other, the inputs and the outputs."""
    n_layers = sum(key.startswith("coefs.") for key in arrays)
    shapes = [arrays[f"coefs.{i}"].shape for i in range(n_layers)]
    require(shapes and all(len(shape) == 2 and min(shape) > 0 for shape in shapes),
            "it must have coefs of two dimensions, none of them 0")
    units = (shapes[0][0], *(shape[1] for shape in shapes))
    require(list(pairwise(units)) == shapes, f"coefs of shapes {shapes} do not follow each other")
    require(units[0] == model.n_features_in_,
            f"coefs.0 has {units[0]} rows for {model.n_features_in_} features")
    require(units[-1] == model.n_outputs_ and is_count(model.n_outputs_),
            f"coefs.{n_layers - 1} has {units[-1]} columns for {model.n_outputs_} outputs")
    dtype = arrays["coefs.0"].dtype
    require(dtype in (np.float32, np.float64), f"coefs must be float32 or float64, are {dtype}")
    coefs = [take_weights(arrays, f"coefs.{i}", shape, dtype) for i, shape in enumerate(shapes)]
    intercepts = [take_weights(arrays, f"intercepts.{i}", (u,), dtype)
                  for i, u in enumerate(units[1:])]
    return Parameters.of(coefs, intercepts)


def _check_output(model):
    """Whether classes, outputs, their activation and the loss go together."""
    n, activation = model.n_outputs_, model.out_activation_
    require(isinstance(activation, str) and (activation, model.loss) in OUTPUTS,
            f"out_activation_={activation!r} does not go with loss={model.loss!r}")
    if not model.classifies:
        return
    n_classes, labels = len(model.classes_), model.multilabel_
    expected = (("logistic", n_classes) if labels else ("logistic", 1) if n_classes == 2
                else ("softmax", n_classes))
    require((activation, n) == expected,
            f"{n_classes} {'labels' if labels else 'classes'} need {expected[1]} outputs behind "
            f"{expected[0]!r}, it has {n} behind {activation!r}")


def _put_network(name, parameters, arrays):
    """Other weights of the same shapes, or None where the file has none."""
    if f"{name}.first" not in arrays:
        return None
    first = take_array(arrays, f"{name}.first", parameters.first.shape, parameters.dtype)
    network = Parameters(parameters.units, parameters.dtype, first)
    network.rest[:] = take_array(
        arrays, f"{name}.rest", parameters.rest.shape, parameters.dtype)
    return network


def _put_state(told, parameters, arrays):
    values = {name: decode(told[name]) for name in STATE_SCALARS}
    for name, value in values.items():
        valid = (is_count(value) if name in COUNTS
                 else is_curve(value) if name in CURVES
                 else is_seed(value) if name == "seed"
                 else value is None or (is_finite(value) and value > 0)
                 if name == "eta0" else isinstance(value, float))
        require(valid, f"{name} of the state is {value!r}")
    state = State(**values, **{name: _put_network(name, parameters, arrays) for name in NETWORKS})
    require(state.begun <= state.epoch <= len(state.curve) + 1,
            f"epochs of the state are {state.begun} and {state.epoch}, with a curve of "
            f"{len(state.curve)}")
    return state


def _put_momenta(rule, parameters, step, arrays):
    if rule is None:
        return None
    require(isinstance(rule, str) and rule in OPTIMIZERS, f"unknown optimizer {rule!r}")
    slots = [_put_network(f"slots.{k}", parameters, arrays)
             for k in range(OPTIMIZERS[rule].slots)]
    require(None not in slots, f"{rule} needs {len(slots)} slots")
    last = None
    if "last" in arrays:
        last = take_array(arrays, "last", parameters.first.shape[:1], np.int64)
        require(last.min() >= 0 and last.max() <= step,
                f"last must be within 0 and the step {step}")
    return Momenta(slots, last, rule)


def _take_numbers(rng, name, arrays):
    """Where a RandomState stands: its key goes to the arrays."""
    state = rng.get_state(legacy=False)
    if state["bit_generator"] != "MT19937":
        raise TypeError(
            f"random_state draws from {state['bit_generator']}, which cannot be stored in a model "
            "file; a RandomState made from an int can")
    arrays[f"{name}.key"] = state["state"]["key"]
    return {"pos": int(state["state"]["pos"]), "has_gauss": int(state["has_gauss"]),
            "gauss": encode(state["gauss"], "gauss")}


def _put_numbers(told, name, arrays):
    key = take_array(arrays, f"{name}.key", (KEY,), np.uint32)
    pos, has_gauss, gauss = (decode(told[each]) for each in ("pos", "has_gauss", "gauss"))
    require(is_count(pos) and pos <= KEY, f"pos of {name} is {pos!r}")
    require(is_count(has_gauss) and has_gauss <= 1 and isinstance(gauss, float),
            f"the normal number of {name} is {gauss!r}")
    rng = np.random.RandomState(0)
    rng.set_state(("MT19937", key, pos, has_gauss, gauss))
    return rng


def _put_stream(told, state, arrays):
    if told is None:
        return None
    epoch, n_rows, held_out = (told[each] for each in ("epoch", "n_rows", "held_out"))
    require(is_count(epoch) and epoch <= state.epoch, f"epoch of the stream is {epoch!r}")
    require(is_count(n_rows) and n_rows > 0, f"n_rows of the stream is {n_rows!r}")
    require(isinstance(held_out, bool), f"held_out of the stream is {held_out!r}")
    return Stream(_put_numbers(told["rng"], "stream", arrays), epoch, n_rows, held_out)
