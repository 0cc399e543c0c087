"""`train_in_legs`: a training in stretches of some epochs, with a model file after each."""

import time

from fastsgd._integers import check_range
from fastsgd.model_file import save_model
from fastsgd.output_target import check_output

ADDED = ("seconds", "bytes_sent", "comm_seconds")
"""Entries of fit_stats_ that are added up over the legs."""


def train_in_legs(model, X, y, path, *, every, resume=False, sample_weight=None):
    """Calls `fit` and then `resume`, `every` epochs at a time, and saves the model after each.

    The file is a whole model: it is written under another name, flushed to the disk and renamed,
    and ``load_model(path).resume(X, y)`` goes on from it, also with other workers or none. As many
    epochs give the bits that `fit` alone gives where `resume` does: see there.

    Parameters
    ----------
    model : FastSGDClassifier, FastSGDRegressor, FastMLPClassifier or FastMLPRegressor
        INOUT. With `early_stopping` its `random_state` must be an int.
    X, y :
        As `fit` takes them.
    path : str, bytes, path-like or None
        None saves nothing: for the processes of an MPI job other than rank 0.
    every : int
        Epochs between two checkpoints (iterations of solvers that make no epochs; 'lbfgs' and
        'newton-cg' begin anew at each). [1, inf).
    resume : bool, default=False
        Whether the model goes on from its last training at once.
    sample_weight : array-like of shape (n_samples,), default=None

    Returns
    -------
    The model. Its `fit_stats_` are those of all legs.

    Raises
    ------
    OSError
        `path` cannot be written, which is told before the training where it can be; else the
        model is as far as the file would have been.
    CommError
        Of workers; the file is that of the last whole leg, and so is the model.

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np
    >>> from fastsgd import FastSGDRegressor, load_model
    >>> from fastsgd.checkpoints import train_in_legs
    >>> X = np.linspace(-1, 1, 50)[:, None]
    >>> model = FastSGDRegressor(max_iter=10, tol=None, random_state=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "checkpoint")
    ...     _ = train_in_legs(model, X, X[:, 0], path, every=4)
    ...     print(load_model(path).n_iter_)
    10
    """
    every = check_range("every", every, 1)
    if path is not None:
        check_output(path)
    limit, max_time = model.max_iter, model.max_time
    end, stats, began = epochs_behind(model) if resume else 0, [], time.monotonic()
    weights = {} if sample_weight is None else {"sample_weight": sample_weight}
    try:
        while True:
            end = min(limit, end + every)
            if resume:
                model.resume(X, y, max_iter=end, **weights)
            else:
                model.max_iter = end
                model.fit(X, y, **weights)
            resume = True
            model.max_iter, model.max_time = limit, max_time  # as the file shall have them
            stats.append(model.fit_stats_)
            if path is not None:
                _save(model, path, stats)
            if end >= limit or model.fit_stats_["stopped_by"] != "max_iter":
                break
            if max_time is not None:  # the leg decides whether it is over: one clock for all ranks
                model.max_time = max(1e-3, max_time - (time.monotonic() - began))
    finally:
        model.max_iter, model.max_time = limit, max_time
    model.fit_stats_ = _together(stats)
    return model


def _save(model, path, stats):
    try:
        save_model(model, path)
    except OSError:
        model.fit_stats_ = _together(stats)
        raise


def epochs_behind(model):
    """Epochs of the training so far, of the model that has least of them."""
    return min((state.epoch for state in getattr(model, "_states", None) or ()), default=0)


def _together(stats):
    """The last leg's, with what all of them have done."""
    told = dict(stats[-1])
    told |= {name: sum(leg[name] for leg in stats) for name in ADDED if name in told}
    rows = sum(leg["rows_per_second"] * leg["seconds"] for leg in stats)
    if told["seconds"] > 0:
        told["rows_per_second"] = rows / told["seconds"]
    return told
