"""The training of models by workers: the pool that an estimator keeps, and what it is told."""

import os
import weakref
from functools import partial
from types import SimpleNamespace

import numpy as np

from fastsgd import comm
from fastsgd.communicators import KINDS
from fastsgd.engine.linear.state import LinearState
from fastsgd.engine.rank import pack_rows, pack_settings
from fastsgd.engine.run import Ended, Epoch
from fastsgd.engine.shared_arrays import SharedArrays
from fastsgd.errors import DivergenceError
from fastsgd.workers import keeps_own_rows

_POOLS: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()
"""(Workers, Pool) by estimator: not in its attributes, so that it is neither copied nor pickled.

A pool ends with its estimator, or when another is needed; `Pool` itself ends its processes when
nobody has it any more."""

_OF_THE_JOB: dict = {}
"""Pools of the MPI job by kind and timeout, for all estimators: its communicators are few, and all
processes must give one back together, which those of forgotten estimators do not."""


if hasattr(os, "register_at_fork"):
    # a forked process has its parent's pools, but not the say over them: it opens its own
    os.register_at_fork(after_in_child=_POOLS.clear)


def pool_of(estimator, workers):
    """The estimator's open pool: that of its last call, or a new one; MPI has one for all."""
    if KINDS[workers.comm].is_job:
        key = workers.comm, workers.timeout
        if key not in _OF_THE_JOB:
            _OF_THE_JOB[key] = comm.open(workers.comm, workers.n, timeout=workers.timeout)
        return _OF_THE_JOB[key]
    kept = _POOLS.get(estimator)
    if kept is not None and not kept[1].closed and (
            kept[0].n, kept[0].comm, kept[0].timeout) == (
            workers.n, workers.comm, workers.timeout):
        return kept[1]
    close_pool(estimator)
    pool = comm.open(workers.comm, workers.n, timeout=workers.timeout)
    try:
        _POOLS[estimator] = workers, pool
    except BaseException:
        pool.close()
        raise
    return pool


def close_pool(estimator):
    """Ends the workers of an estimator, if it has any."""
    kept = _POOLS.pop(estimator, None)
    if kept is not None:
        kept[1].close()


def of_all(estimator, said):
    """Values that the processes of an MPI job give, where each has own rows; else [said]."""
    if not keeps_own_rows(estimator):
        return [said]
    pool = pool_of(estimator, estimator.workers)
    return pool.run("fastsgd.engine.rank:everyone", {"said": said})


def union(estimator, classes):
    """The classes of the rows of all."""
    told = of_all(estimator, classes.tolist())
    return classes if len(told) == 1 else np.unique(np.concatenate(told))


def count_rows(estimator, X, columns=()):
    """Rows of all; an error unless X is as wide, and of the same kind, with all of them.

    `columns` is y's shape beside the rows, where that must be alike too.
    """
    kind = "array" if isinstance(X, np.ndarray) else "sparse"
    like = f"{X.shape[1]} features, {X.dtype}, {kind}"
    if columns:
        like += f", and y {columns[0]} columns"
    told = of_all(estimator, [X.shape[0], like])
    for rank, (_, its) in enumerate(told):
        if its != told[0][1]:
            raise ValueError(
                "Workers(rows='own') needs X and y of all processes to be alike; X of process 0 "
                f"has {told[0][1]}, that of process {rank} {its}")
    return sum(n for n, _ in told)


def check_any_weight(estimator, sample_weight):
    """Refuses rows that weigh 0 with all processes."""
    weighs = sample_weight is None or bool(np.any(sample_weight > 0))
    if not any(of_all(estimator, weighs)):
        raise ValueError("sample_weight times class_weight is 0 in all rows of all processes")


def train_by_workers(job, todo, report):
    """Trains the models numbered `todo`, one after the other, each by all workers.

    Parameters
    ----------
    job : Job
        Its plan's `workers` are not None.
    todo : list of int
    report : EpochReport

    Returns
    -------
    dict of Ended
        By number.
    """
    ended, states = {}, job.states
    if not todo:  # all have ended in a training before
        return ended
    job.threads = job.settings.n_threads
    job.rows.check()  # here, before work starts: workers take the rows as they are
    try:
        pool = pool_of(job.estimator, job.plan.workers)
        with SharedArrays(direct=pool.capabilities.direct) as shelf:
            data = _pack(job, shelf)
            for k in todo:
                job.models.detach(k)
                report.begin_model(k)
                run = partial(_run, job, pool, data, k, report)
                ended[k] = job.train([states[k]], run, job.settings_of(k), states[k + 1:])
                report.end_model()
    except DivergenceError:  # the pool is well
        raise
    except BaseException:
        close_pool(job.estimator)
        _OF_THE_JOB.clear()
        raise
    return ended


def _pack(job, shelf):
    weight, subset = shelf.place(job.sample_weight, job.subset)
    return {**pack_rows(job.X, shelf), "sample_weight": weight, "subset": subset,
            "alike": job.rows.alike}


def _run(job, pool, data, k, report, settings):
    """Trains model k, whose state follows rank 0's where it tells of it."""
    state, y = job.states[k], np.ascontiguousarray(job.problem.target(k), np.float64)
    deadline, own = job.deadline_of(len(job.states) - k), job.plan.own_rows
    duals = np.empty(len(y)) if own and settings.solver == "sdca" else None

    def listen(said):
        if "model" in said:
            state.become(LinearState(**said["model"]))
        return report.epoch(_epoch(said["epoch"]))

    with SharedArrays(direct=pool.capabilities.direct) as shelf:
        results = pool.run("fastsgd.engine.rank:train_linear", {
            "data": data, "y": shelf.place(y)[0], "state": vars(state),
            "settings": pack_settings(settings), "seed": int(state.seed),
            "max_time": deadline.left if deadline.limited else None,
            "compared_rows": job.compared_rows,
            "held_out": None if job.validation is None else job.validation[1],
            "score": job.score_name, "within": job.plan.stop.within,
            "each": report.listens, "looks": report.looks,
            "own": own, "dual_coef": duals}, listener=listen)
    _count(job, pool, results)
    first = results[0]
    if "diverged" in first:
        raise DivergenceError(first["diverged"])
    state.become(LinearState(**first["state"]))
    if duals is not None:  # of this process's rows; those of the others stay with them
        state.dual_coef = duals
    return Ended(*first["ended"])


def _count(job, pool, results):
    stats, told = [result["stats"] for result in results], job.communication
    told["workers"], told["comm"] = pool.world_size, pool.kind
    told["bytes_sent"] = told.get("bytes_sent", 0) + sum(s["bytes_sent"] for s in stats)
    told["comm_seconds"] = told.get("comm_seconds", 0.0) + max(s["seconds"] for s in stats)


def _epoch(told):
    """An `Epoch` of what rank 0 tells: its state has no weights."""
    state = SimpleNamespace(
        **{name: told[name] for name in ("t", "epoch", "intercept", "norm", "nonzeros")})
    return Epoch(told["number"], told["objective"], told["mean_loss"], state, told["seconds"],
                 told["score"])
