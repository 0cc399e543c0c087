"""From options to an estimator: what each kind of model takes, checked before data are read."""

import re

import numpy as np
import typer

from fastsgd.cli.class_weights import parse_class_weight
from fastsgd.cli.data import is_mlp
from fastsgd.cli.workers import (
    SEED_OF_A_JOB,
    is_job,
    own_rows_where_they_can_be,
    workers_from,
)
from fastsgd.losses import LOSSES, REGRESSION_LOSSES
from fastsgd.models.registry import family_class
from fastsgd.plan import linear, mlp
from fastsgd.plan.linear_check import solver_of
from fastsgd.plan.threads import count_threads
from fastsgd.solvers import Gap

NAMES = {
    ("linear", "classify"): "FastSGDClassifier", ("linear", "regress"): "FastSGDRegressor",
    ("mlp", "classify"): "FastMLPClassifier", ("mlp", "regress"): "FastMLPRegressor",
}
LOSSES_OF = {
    ("linear", "classify"): tuple(LOSSES), ("linear", "regress"): tuple(REGRESSION_LOSSES),
    ("mlp", "classify"): ("log_loss", "squared_error"),
    ("mlp", "regress"): ("squared_error", "poisson"),
}
ONLY = {
    "linear": ("penalty", "C", "l1_ratio", "epsilon", "fit_intercept", "gap", "eta0", "average"),
    "mlp": ("hidden_layer_sizes", "activation", "learning_rate_init", "momentum", "dropout",
            "lazy", "init"),
}
"""Options that only one kind of model has."""

INSTEAD = {"eta0": "learning_rate_init", "learning_rate_init": "eta0"}
"""Parameters of the other kind that take their place."""

OPTIONS = {"max_iter": "--epochs", "random_state": "--seed", "fit_intercept": "--no-intercept",
           "hidden_layer_sizes": "--hidden"}
"""Options that are not called as the parameter is."""

FREE_ON_RESUME = {"max_iter", "max_time", "tol", "gap", "n_iter_no_change", "n_jobs", "sync"}
SHUFFLES = {"linear": {"blocks": True, "rows": "rows", "none": False},
            "mlp": {"rows": True, "none": False}}
LAZY = {"auto": "auto", "yes": True, "no": False}


def make_model(kind, task, params, workers):
    """The estimator for these parameters, checked as far as it goes without data.

    `workers` are the arguments of `workers_from`.

    Without `task`, a loss for regression makes a regressor, any other (and none) a classifier.
    """
    kind, loss = kind or "linear", params.get("loss")
    _refuse_foreign(kind, params)
    if task is None:
        task = "regress" if loss in {*REGRESSION_LOSSES, "poisson"} else "classify"
    if task not in ("classify", "regress"):
        raise typer.BadParameter(f"must be classify or regress, got {task}", param_hint="--task")
    losses = LOSSES_OF[kind, task]
    if loss is not None and loss not in losses:
        raise typer.BadParameter(
            f"{loss} is none of those there are to {task} with --kind {kind}: "
            + ", ".join(losses), param_hint="--loss")
    if task == "regress" and "class_weight" in params:
        raise typer.BadParameter("is for --task classify", param_hint="--class-weight")
    return checked(family_class(NAMES[kind, task])(), params, workers)


def resumed_model(model, kind, params, workers):
    """A loaded model with the parameters that may change between two parts of a training."""
    own = kind_of(model)
    if kind not in (None, own):
        raise typer.BadParameter(
            f"the model that is resumed is of kind {own}, not {kind}", param_hint="--kind")
    _refuse_foreign(own, params)
    for name in params:
        if name not in FREE_ON_RESUME:
            raise typer.BadParameter(
                "cannot change on --resume, the model has its own; only "
                + ", ".join(sorted(map(option_of, FREE_ON_RESUME - _foreign(own)))) + " can",
                param_hint=option_of(name))
    return checked(model, params, workers)


def kind_of(model):
    return "mlp" if is_mlp(model) else "linear"


def _foreign(kind):
    return {name for other, names in ONLY.items() if other != kind for name in names}


def _refuse_foreign(kind, params):
    """Options of the other kind are an error of usage that names them all."""
    found = [name for name in params if name in _foreign(kind)]
    if not found:
        return
    other = "mlp" if kind == "linear" else "linear"
    instead = "".join(f"; {option_of(INSTEAD[name])} is what it has for {option_of(name)}"
                      for name in found if name in INSTEAD)
    raise typer.BadParameter(
        f"for --kind {other} only, and this is --kind {kind}{instead}",
        param_hint=", ".join(map(option_of, found)))


def option_of(name):
    """The option that sets a parameter."""
    return OPTIONS.get(name, "--" + name.replace("_", "-"))


def checked(model, params, workers):
    """Sets parameters; a value that cannot be is an error of usage which names the option."""
    try:
        if is_mlp(model):
            model.set_params(**_mlp_values(model, params))
        else:
            model.set_params(**_linear_values(params))
        model._validate_params()

        def check():
            (mlp if is_mlp(model) else linear).Plan.of(model, "fit")

        model.workers = workers_from(
            **workers, solver_steps=not is_mlp(model) and solver_of(model).one_by_one)
        if is_job(model) and model.random_state is None:
            model.random_state = SEED_OF_A_JOB
        check()
        if workers["rows"] is None:
            own_rows_where_they_can_be(model, check)
        count_threads(model.n_jobs)
    except ValueError as error:
        text = str(error)
        found = re.match(r"The '(\w+)' parameter of \w+ ", text)
        if found is None:
            raise typer.BadParameter(text) from None
        raise typer.BadParameter(
            text[found.end():], param_hint=option_of(found.group(1))) from None
    return model


def _linear_values(params):
    """Parameters of a linear estimator from what its options say."""
    values = _common_values("linear", params)
    for name in ("penalty", "tol"):
        if params.get(name) == "none":
            values[name] = None
    if "gap" in params:
        if "tol" in params:
            raise ValueError("give --tol or --gap, not both: each says when to end")
        values["tol"] = Gap(values.pop("gap"))
    if params.get("eta0", "auto") != "auto":
        values["eta0"] = _number(params["eta0"], "eta0")
    return values


def _mlp_values(model, params):
    """Parameters of a multilayer perceptron from what its options say."""
    values = _common_values("mlp", params)
    if params.get("tol") == "none":  # which the estimators do not have
        values |= {"tol": 0.0, "n_iter_no_change": np.inf}
    elif "tol" in params and model.n_iter_no_change == np.inf:
        values.setdefault("n_iter_no_change", type(model)().n_iter_no_change)
    if "hidden_layer_sizes" in params:
        values["hidden_layer_sizes"] = _layers(params["hidden_layer_sizes"])
    if "dropout" in params:
        rates = [_number(rate, "dropout") for rate in params["dropout"].split(",")]
        values["dropout"] = rates[0] if len(rates) == 1 else rates
    if "lazy" in params:
        values["lazy"] = _one_of(LAZY, params["lazy"], "lazy")
    return values


def _common_values(kind, params):
    values = dict(params)
    if "shuffle" in params:
        values["shuffle"] = _one_of(SHUFFLES[kind], params["shuffle"], "shuffle")
    if params.get("tol", "none") != "none":
        values["tol"] = _number(params["tol"], "tol")
    if "max_time" in params:
        values["max_time"] = (
            None if params["max_time"] == "none" else _number(params["max_time"], "max_time"))
    if "class_weight" in params:
        values["class_weight"] = parse_class_weight(params["class_weight"])
    return values


def _one_of(values, text, name):
    if text not in values:
        raise ValueError(f"The '{name}' parameter of it must be one of {', '.join(values)}, "
                         f"got {text!r}")
    return values[text]


def _number(text, name):
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"The '{name}' parameter of it must be a number, got {text!r}") from None


def _layers(text):
    """(128, 64) of "128,64"; () of "none"."""
    parts = [] if text == "none" else text.split(",")
    if not all(part.strip().isdecimal() and int(part) > 0 for part in parts):
        raise ValueError("The 'hidden_layer_sizes' parameter of it must be whole numbers > 0, as "
                         f"128,64, or none; got {text!r}")
    return tuple(int(part) for part in parts)
