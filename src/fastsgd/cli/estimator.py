"""From options to a model: what each kind takes, checked before data are read."""

import re

import click

from fastsgd.cli.kinds import KINDS, foreign
from fastsgd.cli.workers import (
    SEED_OF_A_JOB,
    is_job,
    own_rows_where_they_can_be,
    workers_from,
)
from fastsgd.losses import REGRESSION_LOSSES
from fastsgd.models.registry import family_class
from fastsgd.plan.threads import count_threads

INSTEAD = {"eta0": "learning_rate_init", "learning_rate_init": "eta0"}
"""Parameters of the other kind that take their place."""

OPTIONS = {"max_iter": "--epochs", "random_state": "--seed", "fit_intercept": "--no-intercept",
           "hidden_layer_sizes": "--hidden"}
"""Options that are not called as the parameter is."""

FREE_ON_RESUME = {"max_iter", "max_time", "tol", "gap", "n_iter_no_change", "n_jobs", "sync"}


def make_model(kind, task, params, workers):
    """The model for these parameters, checked as far as it goes without data.

    `workers` are the arguments of `workers_from`.

    Without `task`, a loss for regression makes a regressor, any other (and none) a classifier.
    """
    kind, loss = kind or "linear", params.get("loss")
    _refuse_foreign(kind, params)
    if task is None:
        task = "regress" if loss in {*REGRESSION_LOSSES, "poisson"} else "classify"
    if task not in ("classify", "regress"):
        raise click.BadParameter(f"must be classify or regress, got {task}", param_hint="--task")
    losses = KINDS[kind].losses[task]
    if loss is not None and loss not in losses:
        raise click.BadParameter(
            f"{loss} is not a loss with which --kind {kind} can {task}; use one of "
            + ", ".join(losses), param_hint="--loss")
    if task == "regress" and "class_weight" in params:
        raise click.BadParameter("is for --task classify", param_hint="--class-weight")
    return checked(family_class(KINDS[kind].names[task])(), params, workers)


def resumed_model(model, kind, params, workers):
    """A loaded model with the parameters that may change between two parts of a training."""
    own = model.family
    if kind not in (None, own):
        raise click.BadParameter(
            f"the model that is resumed is of kind {own}, not {kind}", param_hint="--kind")
    _refuse_foreign(own, params)
    free = FREE_ON_RESUME.difference(foreign(own))
    for name in params:
        if name not in FREE_ON_RESUME:
            raise click.BadParameter(
                "cannot change on --resume, the model has its own; only "
                + ", ".join(sorted(map(option_of, free))) + " can",
                param_hint=option_of(name))
    return checked(model, params, workers)


def _refuse_foreign(kind, params):
    """Options of the other kind are an error of usage that names them all."""
    found = [name for name in foreign(kind) if name in params]
    if not found:
        return
    other = "mlp" if kind == "linear" else "linear"
    instead = "".join(f"; {option_of(INSTEAD[name])} is what it has for {option_of(name)}"
                      for name in found if name in INSTEAD)
    raise click.BadParameter(
        f"for --kind {other} only, and this is --kind {kind}{instead}",
        param_hint=", ".join(map(option_of, found)))


def option_of(name):
    """The option that sets a parameter."""
    return OPTIONS.get(name, "--" + name.replace("_", "-"))


def checked(model, params, workers):
    """Sets parameters; a value that cannot be is an error of usage which names the option."""
    try:
        kind = KINDS[model.family]
        model.set_params(**kind.values(model, params))
        model._validate_params()
        model.workers = workers_from(**workers, solver_steps=kind.steps_by_rows(model))
        if is_job(model) and model.random_state is None:
            model.random_state = SEED_OF_A_JOB
        kind.check(model)
        if workers["rows"] is None:
            own_rows_where_they_can_be(model, kind.check)
        count_threads(model.n_jobs)
    except ValueError as error:
        text = str(error)
        found = re.match(r"The '(\w+)' parameter of \w+ ", text)
        if found is None:
            raise click.BadParameter(text) from None
        raise click.BadParameter(
            text[found.end():], param_hint=option_of(found.group(1))) from None
    return model
