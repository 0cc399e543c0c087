"""The command `train`: from options to a fitted, saved and measured model."""

import os
import re
import time
import warnings

import numpy as np
import typer
from sklearn.base import is_classifier
from sklearn.exceptions import ConvergenceWarning

from fastsgd import load_model, save_model
from fastsgd._validation import check_combinations
from fastsgd.cli.data import read, read_as
from fastsgd.cli.errors import check_writable, say
from fastsgd.cli.measure import measure, show
from fastsgd.cli.progress import Progress
from fastsgd.engine.threads import count_threads
from fastsgd.estimators.linear import FastSGDClassifier
from fastsgd.estimators.regressor import FastSGDRegressor
from fastsgd.losses import LOSSES, REGRESSION_LOSSES
from fastsgd.solvers import Gap

OPTIONS = {"max_iter": "--epochs", "random_state": "--seed", "fit_intercept": "--no-intercept"}
"""Options that are not called as the parameter is."""

FREE_ON_RESUME = {"max_iter", "max_time", "tol", "gap", "n_iter_no_change", "n_jobs", "sync"}
SHUFFLES = {"blocks": True, "rows": "rows", "none": False}


def train(data, *, test, model_path, resume, task, dtype, n_features, base, as_json, quiet,
          params):
    """Trains, saves, measures and prints; `params` are the estimator's, None where not given."""
    params = {name: value for name, value in params.items() if value is not None}
    if resume is None:
        model = make_model(task, params)
    else:
        for name, value in (("--task", task), ("--dtype", dtype), ("--n-features", n_features)):
            if value is not None:
                raise typer.BadParameter("comes from the model that is resumed", param_hint=name)
        model = resumed_model(load_model(resume), params)
        n_features, dtype = model.n_features_in_, model.coef_.dtype
        base = getattr(model, "_index_base", base) if base is None else base
    check_writable(model_path)
    for path in (data, test):
        if path not in (None, "-"):
            os.stat(path)  # a missing file is told before a long reading of the other
    X, y, base = read(data, base=base, n_features=n_features, dtype=dtype or np.float64)
    model._index_base = base
    if test is not None:
        held_out = read_as(test, base, X.shape[1], X.dtype, quiet)
    began = time.perf_counter()
    _run(model, X, y, resume is not None, model_path, quiet)
    seconds = time.perf_counter() - began
    if model_path is not None:
        save_model(model, model_path)
    result = {"estimator": type(model).__name__, "loss": model.loss, "features": X.shape[1]}
    if is_classifier(model):
        result["classes"] = model.classes_.tolist()
    result |= {"epochs": model.n_iter_, "seconds": seconds}
    result |= {name: model.fit_stats_[name] for name in (
        "rows_per_second", "threads", "sync", "solver", "eta0", "stopped_by")}
    if hasattr(model, "gap_"):
        result["gap"] = float(np.mean(model.gap_))
    result["train"] = measure(model, X, y)
    if test is not None:
        result["test"] = measure(model, *held_out)
    result["model"] = model_path
    show(result, as_json)


def make_model(task, params):
    """The estimator for these parameters, checked as far as it goes without data.

    Without `task`, a loss for regression makes a regressor, any other (and none) a classifier.
    """
    loss = params.get("loss")
    if task is None:
        task = "regress" if loss in REGRESSION_LOSSES else "classify"
    if task not in ("classify", "regress"):
        raise typer.BadParameter(f"must be classify or regress, got {task}", param_hint="--task")
    if task == "regress" and loss in LOSSES and loss not in REGRESSION_LOSSES:
        raise typer.BadParameter(
            f"{loss} is for classes; for --task regress there are {', '.join(REGRESSION_LOSSES)}",
            param_hint="--loss")
    if task == "regress" and "class_weight" in params:
        raise typer.BadParameter("is for --task classify", param_hint="--class-weight")
    return checked((FastSGDClassifier if task == "classify" else FastSGDRegressor)(), params)


def resumed_model(model, params):
    """A loaded model with the parameters that may change between two parts of a training."""
    for name in params:
        if name not in FREE_ON_RESUME:
            raise typer.BadParameter(
                "cannot change on --resume, the model has its own; only "
                + ", ".join(sorted(map(_option, FREE_ON_RESUME))) + " can",
                param_hint=_option(name))
    return checked(model, params)


def checked(model, params):
    """Sets parameters; a value that cannot be is an error of usage which names the option."""
    try:
        if "shuffle" in params:
            if params["shuffle"] not in SHUFFLES:
                raise ValueError(
                    f"The 'shuffle' parameter of it must be one of {', '.join(SHUFFLES)}")
            params = params | {"shuffle": SHUFFLES[params["shuffle"]]}
        if "gap" in params:
            if "tol" in params:
                raise ValueError("give --tol or --gap, not both: each says when to end")
            params = params | {"gap": Gap(params["gap"])}
        nones = {name: None for name in ("penalty", "tol", "max_time")
                 if params.get(name) == "none"}
        names = {"gap": "tol"}
        model.set_params(**{names.get(name, name): value
                            for name, value in (params | nones).items()})
        for name in ("tol", "max_time", "eta0"):
            if name in params and name not in nones and params[name] != "auto":
                setattr(model, name, _number(params[name], name))
        if "class_weight" in params:
            model.class_weight = _class_weight(params["class_weight"])
        model._validate_params()
        check_combinations(model, classifier=is_classifier(model), for_partial_fit=False)
        count_threads(model.n_jobs)
    except ValueError as error:
        text = str(error)
        found = re.match(r"The '(\w+)' parameter of \w+ ", text)
        if found is None:
            raise typer.BadParameter(text) from None
        raise typer.BadParameter(
            text[found.end():], param_hint=_option(found.group(1))) from None
    return model


def _option(name):
    return OPTIONS.get(name, "--" + name.replace("_", "-"))


def _number(text, name):
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"The '{name}' parameter of it must be a number, got {text!r}") from None


def _class_weight(text):
    """'balanced', 'balanced_running', or LABEL=WEIGHT,LABEL=WEIGHT as a dict."""
    if "=" not in text:
        return text
    weights = {}
    for pair in text.split(","):
        label, _, weight = pair.partition("=")
        weights[_number(label, "class_weight")] = _number(weight, "class_weight")
    return weights


def _run(model, X, y, resumed, model_path, quiet):
    """fit or resume, with progress; on Ctrl-C the model so far is saved and the command ends."""
    n_classes = len(np.unique(y)) if is_classifier(model) else 2
    with warnings.catch_warnings(), Progress(
            model, X.shape[0], 1 if n_classes == 2 else n_classes, model.max_iter, quiet):
        told = []
        warnings.simplefilter("always")
        warnings.showwarning = lambda message, *args, **kwargs: told.append(message)
        interrupted = False
        try:
            (model.resume if resumed else model.fit)(X, y)
        except KeyboardInterrupt:
            interrupted = True
    if interrupted:
        _save_interrupted(model, model_path)
    for message in () if quiet else told:
        if isinstance(message, ConvergenceWarning):
            limit = f"{model.n_iter_} epochs (--epochs) were"
            if model.fit_stats_["stopped_by"] == "max_time":
                limit = f"{model.max_time:g} seconds (--max-time) were"
            aim = (f"prove a gap within --gap {model.tol.within:g}" if isinstance(model.tol, Gap)
                   else f"come to rest within --tol {model.tol:g}")
            message = f"{limit} not enough to {aim}"
        say(f"note: {message}")


def _save_interrupted(model, model_path):
    states = getattr(model, "_states", None)
    if model_path is None or not states:
        why = "there is no --model" if states else "no epoch had begun"
        say(f"interrupted; nothing was saved, since {why}")
    else:
        save_model(model, model_path)
        say(f"interrupted after {max(state.epoch for state in states)} whole epochs; the model so "
            f"far is in {model_path}, go on with --resume {model_path}")
    raise typer.Exit(130)
