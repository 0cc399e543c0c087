"""The command `train`: from options to a fitted, saved and measured model."""

import os
import time
import warnings

import click
import numpy as np

from fastsgd.checkpoints import epochs_behind, train_in_legs
from fastsgd.cli.class_weights import by_label
from fastsgd.cli.data import read_as
from fastsgd.cli.errors import say
from fastsgd.cli.estimator import make_model, resumed_model
from fastsgd.cli.joined import read_pieces
from fastsgd.cli.kinds import kind_of
from fastsgd.cli.measure import measure
from fastsgd.cli.options import check_every
from fastsgd.cli.outputs import STDOUT, output_of, where_to_print
from fastsgd.cli.progress import Progress
from fastsgd.cli.show import show
from fastsgd.cli.targets import answers_after, answers_of, check_kind, measurable
from fastsgd.cli.workers import ALONE, is_job, processes_of
from fastsgd.data.shards import Piece, pieces_of
from fastsgd.errors import CommError, NotConvergedWarning
from fastsgd.model_file import load_model, save_model
from fastsgd.models.pools import close_pool
from fastsgd.output_target import is_replaced
from fastsgd.solvers import Gap

TOLD = ("rows_per_second", "threads", "sync", "workers", "comm", "bytes_sent",
        "solver", "why", "eta0", "lazy", "stopped_by")
"""Entries of fit_stats_ that are shown, where the estimator has them."""


def train(data, *, test, kind, model_path, resume, task, multilabel, dtype, n_features, base,
          as_json, quiet, marker, checkpoint, every, old_options, workers, params):
    """Trains, saves, measures and prints.

    `params` are the estimator's, None where not given; `workers` what `workers_from` takes,
    `old_options` tells of the old names among those given.
    """
    params = {name: value for name, value in params.items() if value is not None}
    if resume is None:
        model = make_model(kind, task, params, workers)
    else:
        for name, value in (("--task", task), ("--dtype", dtype), ("--n-features", n_features)):
            if value is not None:
                raise click.BadParameter("comes from the model that is resumed", param_hint=name)
        model = resumed_model(load_model(resume), kind, params, workers)
        n_features, dtype = model.n_features_in_, kind_of(model).dtype(model)
        base = getattr(model, "_index_base", base) if base is None else base
    several = _several(model, multilabel, resume is not None)
    named = "class_weight" in params and isinstance(model.class_weight, dict)
    check_every(every, checkpoint)
    if checkpoint is not None and model.early_stopping and model.random_state is None:
        raise click.BadParameter("goes on with the rows that --early-stopping holds out, which "
                                 "needs --seed", param_hint="--checkpoint")
    if marker is not None and not is_job(model):
        raise click.BadParameter("is for --comm mpi", param_hint="--marker")
    if is_job(model) and "-" in data:
        raise click.BadParameter("stdin cannot be read by all processes of a job",
                                 param_hint="DATA")
    model_path, checkpoint, marker = _checked_outputs(
        model_path, checkpoint, marker, (*data, test), resume, is_job(model))
    if [*data, test].count("-") > 1:
        raise click.BadParameter("stdin can be read once only", param_hint="DATA, --test")
    for path in (*data, test):
        if path not in (None, "-"):
            os.stat(path)  # a missing file is told before a long reading of the other
    with processes_of(model, marker) as together:
        quiet = quiet or together.rank > 0
        if not quiet:
            old_options.tell()
        own = together.size > 1 and model.workers.rows == "own"
        pieces = (pieces_of(data, together.rank, together.size) if own
                  else [Piece(path) for path in data])
        X, y, base = read_pieces(pieces, together, base=base, n_features=n_features, dtype=dtype,
                                 multilabel=several)
        check_kind(model, y)
        if base is not None:
            model._index_base = base
        held_out = None
        if named or test is not None:
            answers = answers_of(model) if resume is not None else answers_after(model, y)
            if named:
                model.class_weight = by_label(
                    model.class_weight, answers.classes, answers.multilabel)
            if test is not None and not together.rank:
                X_test, y_test = read_as(test, base, X.shape[1], X.dtype, quiet)
                held_out = X_test, measurable(test, X_test, y_test, answers, ALONE, quiet)
        began = time.perf_counter()
        legs = None
        if checkpoint is not None:
            legs = {"path": None if together.rank else checkpoint, "every": every or 1}
        failed = _run(model, X, y, resume is not None, model_path, quiet, together, legs)
        seconds = time.perf_counter() - began
        close_pool(model)
        saved = None if together.rank else model_path
        if saved is not None:
            try:
                save_model(model, saved)
            except OSError as error:  # what was reached is told all the same
                saved, failed = None, failed or error
        measured = {}
        if own or together.rank == 0:
            measured["train"] = measure(model, X, y, together if own else ALONE)
        if together.rank == 0:
            if test is not None:
                measured["test"] = measure(model, *held_out)
            show({**_told(model, X, seconds), **measured, "model": saved}, as_json,
                 where_to_print(model_path))
        if failed is not None:
            raise failed


def _checked_outputs(model_path, checkpoint, marker, read, resume, job):
    """The files to write, none of which is one that is read, but for a model that goes on."""
    for option, path in (("--checkpoint", checkpoint), ("--marker", marker)):
        if path == "-":
            raise click.BadParameter("must be a file, not stdout", param_hint=option)
    model_path = output_of(model_path, "--save", used=read)
    checkpoint = output_of(checkpoint, "--checkpoint", used=read)
    if job and marker is None and model_path is not None and is_replaced(model_path):
        marker = f"{model_path}.done"
    used = (*read, resume, model_path, checkpoint)
    return model_path, checkpoint, output_of(marker, "--marker", used=used, binary=False)


def _several(model, multilabel, resumed):
    """Whether rows have sets of labels; None: as the data say."""
    if not model.classifies:
        if multilabel:
            raise click.BadParameter("is for --task classify", param_hint="--multilabel")
        return False
    if not resumed:
        return multilabel or None
    own = bool(getattr(model, "multilabel_", False))
    if multilabel and not own:
        raise click.BadParameter("the model that is resumed has one class a row",
                                 param_hint="--multilabel")
    return own


def _told(model, X, seconds):
    """Results of a training, as they are shown."""
    result = {"estimator": model.model_name, "loss": model.loss, "features": X.shape[1],
              **kind_of(model).sizes(model)}
    if model.classifies:
        result["classes"] = model.classes_.tolist()
    result |= {"epochs": model.n_iter_, "seconds": seconds}
    result |= {name: model.fit_stats_[name] for name in TOLD if name in model.fit_stats_}
    if hasattr(model, "gap_"):
        result["gap"] = float(np.mean(model.gap_))
    return result


def _run(model, X, y, resumed, model_path, quiet, together, legs):
    """fit or resume, with progress; on Ctrl-C the model so far is saved and the command ends.

    Where a checkpoint cannot be written the training ends: the error is returned, and the model
    is as far as the checkpoint would have been.
    """
    with warnings.catch_warnings(), Progress(
            model, X.shape[0], kind_of(model).n_models(model, y), model.max_iter, quiet,
            behind=getattr(model, "n_iter_", 0) if resumed else 0):
        told = []
        warnings.simplefilter("always")
        warnings.showwarning = lambda message, *args, **kwargs: told.append(message)
        interrupted, before, failed = False, epochs_behind(model), None
        try:
            if legs is not None:
                train_in_legs(model, X, y, resume=resumed, **legs)
            else:
                (model.resume if resumed else model.fit)(X, y)
        except KeyboardInterrupt:
            interrupted = True
        except CommError:
            if legs is not None and legs["path"] and epochs_behind(model) > before:
                say(f"the checkpoint {legs['path']} has {epochs_behind(model)} whole epochs, go "
                    f"on with --resume {legs['path']}")
            raise
        except OSError as error:
            if legs is None or error.filename != legs["path"] or together.size > 1:
                raise  # of a job the others wait for this process
            failed = error
    if interrupted:
        _save_interrupted(model, None if together.rank else model_path, legs)
    for message in () if quiet else _of_last_leg(told):
        if isinstance(message, NotConvergedWarning):
            if getattr(model, "n_iter_no_change", 0) == np.inf:
                continue  # --tol none: it was not to come to rest
            by = model.fit_stats_["stopped_by"]
            if by not in ("max_iter", "max_time"):  # what is told needs no option's name
                say(f"note: {message}")
                continue
            limit = f"{model.n_iter_} epochs (--epochs) were"
            if by == "max_time":
                limit = f"{model.max_time:g} seconds (--max-time) were"
            aim = (f"prove a gap within --gap {model.tol.within:g}" if isinstance(model.tol, Gap)
                   else f"come to rest within --tol {model.tol:g}")
            message = f"{limit} not enough to {aim}"
        say(f"note: {message}")
    return failed


def _of_last_leg(told):
    """Warnings, of those that every leg of a training ends with the last only."""
    ends = [message for message in told if isinstance(message, NotConvergedWarning)]
    return [message for message in told if message not in ends[:-1]]


def _save_interrupted(model, model_path, legs):
    states = getattr(model, "_states", None)
    if states and model.workers is not None and not any(state.epoch for state in states):
        say("interrupted; nothing was saved, since the workers had told of no whole epoch")
    elif model_path is None or not states:
        why = "there is no --save" if states else "no epoch had begun"
        say(f"interrupted; nothing was saved, since {why}")
    else:
        save_model(model, model_path)
        where = "stdout" if model_path == STDOUT else model_path
        say(f"interrupted after {max(state.epoch for state in states)} whole epochs; the model so "
            f"far is in {where}, go on with --resume {'FILE' if where == 'stdout' else where}")
    raise click.exceptions.Exit(130)
