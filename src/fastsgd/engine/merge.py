"""``sync="merge"``: when the threads' replicas are merged, and where that is worth the sweep."""

import numpy as np

from fastsgd.engine import threads
from fastsgd.kernels import tables
from fastsgd.kernels.merge import Replicas

MERGES_OF_AN_EPOCH = 200
SHORTEST_AUTO, LONGEST_AUTO = 256, 4096
"""Rows that a thread visits between two merges: n / 200, between these, once steps are short."""

REACH = 2.0
"""Changes made apart are added whole while threads * rows * eta * curvature is at most this
(measured on RCV1 and the RCV1-shaped data with 2, 8 and 16 threads; see docs/algorithms.md)."""

SAMPLE = 1024
SWEEP_NS = 0.5
ROW_NS = 1.0
"""Nanoseconds of a merge per feature, and of a step per non-zero (measured)."""


def longest_interval(n):
    """Rows between two merges of one thread, over n rows an epoch, once steps are short."""
    return int(min(LONGEST_AUTO, max(SHORTEST_AUTO, n // MERGES_OF_AN_EPOCH)))


def reach(rows, curvature):
    """What threads * rows * eta may be between two merges on this data.

    Parameters
    ----------
    rows : Rows
    curvature : float
        Of the loss in its margin.
    """
    largest = rows.largest_eigenvalue(SAMPLE) * max(curvature, 1.0)
    return REACH / largest if largest > 0 else np.inf


def pays(rows, n_threads, loss, schedule):
    """Whether threads on replicas beat one thread: their merges must be seldom beside the work.

    A merge sweeps all features; that must cost under a quarter of the rows between two merges.
    And steps must be short enough for intervals of more than a tile by the end of the first
    epoch: where many features occur in most rows, they are not.
    """
    n = rows.shape[0]
    work = ROW_NS * longest_interval(n) * rows.nnz / max(1, n)
    if n_threads < 2 or SWEEP_NS * rows.shape[1] > work / 4:
        return False
    eta = tables.etas(schedule, float(n), 1)[0]
    return reach(rows, loss.curvature) > n_threads * tables.TILE * eta


class MergeEpoch:
    """Epochs of a trainer by threads that work on replicas and merge them.

    Parameters
    ----------
    trainer : Trainer
    rows : Rows
    n_threads : int
    in_order : bool
        Merges at barriers in the order of the ranks: the same bits for the same `n_threads`.
    merge_every : int or 'auto'
        Rows that a thread visits between two merges; 'auto' begins with 32 while steps are long
        and goes up to n / 200, between 256 and 4,096.
    curvature : float
    """

    def __init__(self, trainer, rows, n_threads, in_order, merge_every, curvature):
        if merge_every == "auto":
            shortest, longest = tables.TILE, longest_interval(rows.shape[0])
        else:
            shortest = longest = int(merge_every)
        self._replicas = Replicas(
            trainer, n_threads, in_order, shortest=shortest, longest=longest,
            reach=reach(rows, curvature))

    def __call__(self, trainer, team, chunk):
        """One epoch."""
        def segment():
            team.run(self._replicas.run)
            self._replicas.collect()

        threads.run_segments(trainer, team, chunk, segment)
