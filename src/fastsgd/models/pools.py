"""Pools of workers that estimators keep, what is asked of all, and trainings by them."""

import os
import weakref

import numpy as np

from fastsgd import comm
from fastsgd.communicators import KINDS
from fastsgd.engine.run import Ended
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


class PoolTraining:
    """A training that the workers of an estimator run: whom they tell, and what they have sent.

    Parameters
    ----------
    estimator : object
        Whose pool it is.
    task : str
        What each worker runs, "module:function": it makes a `Rank`.
    report : Report
    own : bool
        Whether each worker has rows of its own.
    stats : dict
        OUT: what workers have sent, for `fit_stats_`; of all models together.
    """

    def __init__(self, estimator, task, report, *, own, stats):
        self._estimator, self._task, self._report = estimator, task, report
        self._own, self._stats = own, stats

    @property
    def direct(self):
        """Whether workers are in this process, and see its arrays as they are."""
        return self._pool.capabilities.direct

    def make_shelf(self):
        """Where arrays lie for the workers, a context."""
        return SharedArrays(direct=self.direct)

    def open(self, workers, work):
        """``work(shelf)``; an error in it but DivergenceError ends the pool.

        Parameters
        ----------
        workers : Workers
        work : callable
        """
        try:
            self._pool = pool_of(self._estimator, workers)
            with self.make_shelf() as shelf:
                return work(shelf)
        except DivergenceError:  # the pool is well
            raise
        except BaseException:
            close_pool(self._estimator)
            _OF_THE_JOB.clear()
            raise

    def run(self, told, deadline, *, follow, epoch_of):
        """Trains one model within `open`.

        Parameters
        ----------
        told : dict
            The task's own arguments; `about` comes from here.
        deadline : Deadline
        follow : callable
            ``follow(model, last)``: the estimator's own model takes the values that rank 0 tells,
            in between or at the end.
        epoch_of : callable
            ``epoch_of(said)``: the `Epoch` of what rank 0 says of one.

        Returns
        -------
        Ended

        Raises
        ------
        DivergenceError
        """
        def listen(said):
            if "model" in said:
                follow(said["model"], last=False)
            return self._report.epoch(epoch_of(said["epoch"]))

        about = {"own": self._own, "max_time": deadline.left if deadline.limited else None,
                 "each": self._report.listens, "looks": self._report.looks}
        results = self._pool.run(self._task, {"about": about, **told}, listener=listen)
        self._count([result["stats"] for result in results])
        first = results[0]
        if "diverged" in first:
            raise DivergenceError(first["diverged"])
        follow(first["model"], last=True)
        return Ended(*first["ended"])

    def _count(self, sent):
        stats = self._stats
        stats["workers"], stats["comm"] = self._pool.world_size, self._pool.kind
        stats["bytes_sent"] = stats.get("bytes_sent", 0) + sum(s["bytes_sent"] for s in sent)
        stats["comm_seconds"] = stats.get("comm_seconds", 0.0) + max(s["seconds"] for s in sent)
