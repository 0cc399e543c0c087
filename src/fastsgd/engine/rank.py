"""One rank of a training by several workers: the same solvers, with peers.

No worker process imports scikit-learn: what it is told are arrays and what JSON can hold.
"""

from dataclasses import fields
from functools import partial

import numpy as np
from scipy import sparse

from fastsgd.engine.deadline import Deadline
from fastsgd.engine.linear.gap import GapWatch
from fastsgd.engine.linear.sample import Sample
from fastsgd.engine.linear.sgd import Settings
from fastsgd.engine.linear.solvers import TRAIN, TRAIN_TOGETHER
from fastsgd.engine.linear.state import LinearState
from fastsgd.engine.peers import Peers
from fastsgd.engine.products import products
from fastsgd.engine.scores import SCORES
from fastsgd.engine.shared_arrays import open_array
from fastsgd.engine.teller import Teller
from fastsgd.errors import DivergenceError
from fastsgd.kernels.rows import Rows
from fastsgd.losses import LOSSES
from fastsgd.penalties import Penalty
from fastsgd.schedules import LINE_SEARCHES


def pack_settings(settings):
    """`Settings` as a dict that JSON can hold."""
    told = {field.name: getattr(settings, field.name) for field in fields(settings)}
    told["loss"] = settings.loss.name
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
    return Settings(**told)


def pack_rows(X, shelf):
    """Message to workers about X, a CSR matrix or an array."""
    if not sparse.issparse(X):
        return {"dense": shelf.place(X)[0]}
    data, indices, indptr = shelf.place(X.data, X.indices, X.indptr.astype(np.int64, copy=False))
    return {"data": data, "indices": indices, "indptr": indptr, "shape": list(X.shape)}


def unpack_rows(told):
    """(Rows, ``X()``), the second for those who need a matrix."""
    if "dense" in told:
        X = open_array(told["dense"])
        return Rows(X), lambda: X
    data, indices, indptr = (open_array(told[name]) for name in ("data", "indices", "indptr"))
    shape = tuple(told["shape"])
    return (Rows.of_arrays(data, indices, indptr, shape),
            lambda: sparse.csr_array((data, indices, indptr), shape))


def train_linear(comm, *, data, y, state, settings, seed, max_time=None, compared_rows,
                 held_out=None, score=None, within=None, each=False, looks=False, own=False,
                 dual_coef=None):
    """A task of a pool: trains one linear model on the rows that all ranks see, or on their own.

    Parameters
    ----------
    comm : Communicator
    data : dict
        Of `pack_rows`, with ``sample_weight``, ``subset`` and ``alike`` of the rows, which were
        checked.
    y : float64 array, told by `SharedArrays.place`
    state, settings : dict
        Of a LinearState; of `pack_settings`.
    seed : int
    max_time : float or None
        Seconds.
    compared_rows : int
        Size of the sample on which two models are compared when the time is over.
    held_out : int64 array or None
        Rows to score on, by ``SCORES[score]``.
    within : float or None
        The gap that ends the training, where the solver knows no dual.
    each, looks : bool
        What rank 0 tells of epochs: see Teller.
    own : bool
        Whether the rows are this rank's own, and not all of the training's.
    dual_coef : float64 array of shape (n_rows,) or None
        OUT: with `own`, where the solver finds them, those of this rank's rows, which stay here.

    Returns
    -------
    dict
        ``stats`` of the rank; of rank 0 also ``ended`` and ``state``, or ``diverged``.
    """
    comm.stats.clear()
    peers, settings = Peers(comm, own), unpack_settings(settings)
    y, sample_weight = open_array(y), open_array(data["sample_weight"])
    subset, held_out = open_array(data["subset"]), open_array(held_out)
    rows, matrix = unpack_rows(data)
    rows.checked, rows.alike = True, data["alike"]
    state = LinearState(**state).copy()
    teller = Teller(comm, each, looks)

    def tell(epoch):
        return teller(partial(describe, epoch), partial(_so_far, epoch.state, settings))

    scored = None
    if held_out is not None and peers.rank == 0:
        scored = _score_of(SCORES[score], matrix(), y, sample_weight, held_out)
    elif held_out is not None:
        scored = SCORES[score]  # never called: rank 0 scores
    watch = None
    if within is not None:
        watch = GapWatch(rows, y, sample_weight, state, settings, within, tell)
    deadline = Deadline(max_time)
    sample = None
    if deadline.limited and peers.rank == 0:  # whose state is kept
        sample = Sample(matrix(), sample_weight, subset, compared_rows, seed)
    try:
        train = (TRAIN[settings.solver] if peers.alone
                 else partial(TRAIN_TOGETHER[settings.solver], peers=peers))
        ended = train(rows, y, sample_weight, state, settings, seed, subset=subset, score=scored,
                      on_epoch=watch or tell, deadline=deadline, sample=sample)
    except DivergenceError as error:  # on all ranks at once: the pool lives on
        return {"stats": stats_of(comm), "diverged": str(error)}
    if dual_coef is not None:
        dual_coef[:], state.dual_coef = state.dual_coef, None
    if peers.rank:
        return {"stats": stats_of(comm)}
    if watch is not None:
        ended = watch.settle(ended)
    return {"stats": stats_of(comm), "ended": list(ended[:3]), "state": vars(state)}


def everyone(comm, said):
    """A task of a pool: what each rank says, for all of them."""
    return said


def _score_of(score, X, y, sample_weight, held_out):
    rows, y = Rows(X[held_out]), y[held_out]
    weight = None if sample_weight is None else sample_weight[held_out]
    return lambda weights, intercept: score(
        y, products(rows, weights[:, None])[:, 0] + intercept, weight)


def stats_of(comm):
    """Bytes that a rank has sent in this training, and seconds in collectives."""
    return {"bytes_sent": comm.stats.bytes_sent, "seconds": comm.stats.seconds}


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

