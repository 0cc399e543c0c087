"""One rank of a linear model's training by several workers: the same solvers, with peers."""

from dataclasses import fields
from functools import partial

import numpy as np

from fastsgd.engine.linear.data_shape import DataShape
from fastsgd.engine.linear.gap import GapWatch
from fastsgd.engine.linear.sample import Sample
from fastsgd.engine.linear.sgd import Settings
from fastsgd.engine.linear.solvers import TRAIN, TRAIN_TOGETHER
from fastsgd.engine.linear.state import LinearState
from fastsgd.engine.products import products
from fastsgd.engine.rank import Rank, unpack_rows
from fastsgd.engine.scores import SCORES
from fastsgd.engine.shared_arrays import open_array
from fastsgd.kernels.rows import Rows
from fastsgd.losses import LOSSES
from fastsgd.penalties import Penalty
from fastsgd.schedules import LINE_SEARCHES


def pack_settings(settings):
    """`Settings` as a dict that JSON can hold."""
    told = {field.name: getattr(settings, field.name) for field in fields(settings)}
    told["loss"] = settings.loss.name
    told["choices"], told["shape"] = [list(choice) for choice in settings.choices], (
        None if settings.shape is None else list(settings.shape))
    told["penalty"] = [
        settings.penalty.alpha, settings.penalty.l1_share, settings.penalty.l2_share]
    if settings.search is not None:
        told["search"] = {"name": settings.search.name, **vars(settings.search)}
    return told


def unpack_settings(told):
    """The `Settings` of `pack_settings`."""
    told = dict(told)
    told["loss"] = LOSSES[told["loss"]]
    told["penalty"] = Penalty(*told["penalty"])
    if told["search"] is not None:
        search = dict(told["search"])
        told["search"] = LINE_SEARCHES[search.pop("name")](**search)
    told["choices"] = tuple(map(tuple, told["choices"]))
    if told["shape"] is not None:
        told["shape"] = DataShape(*told["shape"])
    return Settings(**told)


def train_linear(comm, *, about, data, model, settings, scored=None, within=None, dual_coef=None):
    """A task of a pool: trains one linear model on the rows that all ranks see, or on their own.

    Parameters
    ----------
    comm : Communicator
    about : dict
        Of `Rank`.
    data : dict
        Of `pack_rows`, with ``y``, ``sample_weight``, ``subset`` and ``alike`` of the rows, which
        were checked; ``compared_rows`` is the size of the sample on which two models are compared
        when the time is over.
    model, settings : dict
        Of a LinearState; of `pack_settings`.
    scored : dict or None
        ``rows`` to score on, by ``SCORES[by]``.
    within : float or None
        The gap that ends the training, where the solver knows no dual.
    dual_coef : float64 array of shape (n_rows,) or None
        OUT: where ranks have rows of their own and the solver finds them, those of this rank's
        rows, which stay here.

    Returns
    -------
    dict
        As `Rank.run`.
    """
    rank, settings = Rank(comm, **about), unpack_settings(settings)
    y, sample_weight, subset = (
        open_array(data[name]) for name in ("y", "sample_weight", "subset"))
    rows, matrix = unpack_rows(data)
    rows.alike = data["alike"]
    state = LinearState(**model).copy()
    seed = int(state.seed)
    tell, watch, sample = rank.on_epoch(describe, partial(_so_far, state, settings)), None, None
    if within is not None:
        watch = GapWatch(rows, y, sample_weight, state, settings, within, tell)
    if rank.deadline.limited and rank.first:  # whose state is kept
        sample = Sample(matrix(), sample_weight, subset, data["compared_rows"], seed)
    solver = (TRAIN[settings.solver] if rank.peers.alone
              else partial(TRAIN_TOGETHER[settings.solver], peers=rank.peers))
    score = None if scored is None else _score_of(rank, scored, matrix, y, sample_weight)

    def train():
        ended = solver(rows, y, sample_weight, state, settings, seed, subset=subset, score=score,
                       on_epoch=watch or tell, deadline=rank.deadline, sample=sample)
        if dual_coef is not None:
            dual_coef[:], state.dual_coef = state.dual_coef, None
        return watch.settle(ended) if watch is not None and rank.first else ended

    return rank.run(train, lambda: vars(state))


def _score_of(rank, scored, matrix, y, sample_weight):
    """``score(weights, intercept)`` of rank 0; that of others is never called."""
    score, held_out = SCORES[scored["by"]], open_array(scored["rows"])
    if not rank.first:
        return score
    rows, y = Rows(matrix()[held_out]), y[held_out]
    weight = None if sample_weight is None else sample_weight[held_out]
    return lambda weights, intercept: score(
        y, products(rows, weights[:, None])[:, 0] + intercept, weight)


def describe(told):
    """An `Epoch` for those who hear of it later: numbers alone."""
    state = told.state
    return {"number": told.number, "objective": told.objective, "mean_loss": told.mean_loss,
            "seconds": told.seconds, "score": told.score, "t": int(state.t),
            "epoch": int(state.epoch), "intercept": float(state.intercept),
            "norm": float(np.linalg.norm(state.weights)),
            "nonzeros": int(np.count_nonzero(state.weights))}


def _so_far(state, settings):
    """A LinearState in training, as a dict."""
    told = dict(vars(state))
    if settings.solver == "sdca":  # those of the training before; their rows' are elsewhere
        told["dual_coef"] = None
    return told
