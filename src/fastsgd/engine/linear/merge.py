"""``sync="merge"``: when the threads' replicas are merged, and where that is worth the sweep."""

import numpy as np

from fastsgd._integers import LONGEST_INTERVAL
from fastsgd.engine.linear.curvature import largest_eigenvalue
from fastsgd.engine.team import run_segments
from fastsgd.kernels import tables
from fastsgd.kernels.merge import Replicas

MERGES_OF_AN_EPOCH = 200
SHORTEST_AUTO, LONGEST_AUTO = 256, 4096
"""Rows that a thread visits between two merges: n / 200, between these, once steps are short."""

REACH = 2.0
"""Changes made apart are added whole while threads * rows * eta * curvature is at most this
(measured on RCV1 and the RCV1-shaped data with 2, 8 and 16 threads; see docs/algorithms.md)."""

MEETING_NS = 1000.0
SWEEP_NS = 0.5
WORK_NS = 1.0
"""Nanoseconds of a merge, of it per feature, and of a step per non-zero (measured)."""

SELDOM = 4
"""Where features are very many, intervals are at least so many times those that are worth it."""

WORTHWHILE, WORTHWHILE_IN_ORDER = 1.15, 1.35
"""Speed-ups that merging must promise. At barriers each waits for the slowest: on a machine with
other work a merge in order costs more than its sweep."""

ALONE = 16
"""Tiles that one thread works on between two looks at whether steps are short enough to share."""


def longest_interval(n):
    """Rows between two merges of one thread, over n rows an epoch, once steps are short."""
    return int(min(LONGEST_AUTO, max(SHORTEST_AUTO, n // MERGES_OF_AN_EPOCH)))


def reach(rows, curvature):
    """Bound of threads * rows * eta between two merges on this data.

    Parameters
    ----------
    rows : Rows
    curvature : float
        Of the loss in its margin.
    """
    largest = largest_eigenvalue(rows) * max(curvature, 1.0)
    return REACH / largest if largest > 0 else np.inf


def rows_worth_a_merge(rows, n_threads):
    """Rows that each thread must visit between two merges to be ahead of one thread alone.

    In the time of a merge one thread could visit those of the others: (threads - 1) * rows * work
    = merge.
    """
    work = WORK_NS * max(1, rows.nnz) / max(1, rows.shape[0])
    return (MEETING_NS + SWEEP_NS * rows.shape[1]) / (max(1, n_threads - 1) * work)


def pays(rows, n_threads, loss, schedule, in_order):
    """Whether threads on replicas beat one thread by enough in the second epoch's last step.

    A merge sweeps all features, which must be seldom beside the work; and steps must be short
    enough for such intervals: where many features occur in most rows, they are not.
    """
    if n_threads < 2:
        return False
    n = rows.shape[0]
    worth = rows_worth_a_merge(rows, n_threads)
    if worth > longest_interval(n):
        return False
    eta, bound = tables.etas(schedule, 2.0 * n, 1)[0], reach(rows, loss.curvature)
    if eta > longest_shared_step(bound, n_threads, worth):
        return False
    interval = min(longest_interval(n), bound / (n_threads * eta))
    return n_threads / (1 + (n_threads - 1) * worth / max(1.0, interval)) >= (
        WORTHWHILE_IN_ORDER if in_order else WORTHWHILE)


def longest_shared_step(bound, n_threads, worth):
    """eta up to which threads share the work: intervals are worth a merge, and not damped.

    The changes of even the shortest interval, a tile of each thread, must be added whole: what is
    damped makes less progress an epoch than one thread alone.
    """
    return bound / n_threads / max(worth, tables.TILE)


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
        Rows that a thread visits between two merges; 'auto' is n / 200, between 256 and 4,096,
        less while steps are long; where so few rows would not be worth the merge, or changes of
        32 rows could not be added whole, one thread works alone.
    curvature : float
    state : LinearState
        INOUT: how often the reach was halved, as merged weights met far more loss than replicas
        did: rows of which the sample knew nothing.
    """

    def __init__(self, trainer, rows, n_threads, in_order, merge_every, curvature, state):
        bound, self._longest_step = reach(rows, curvature), np.inf
        self._state, self._halvings = state, state.merge_halvings
        if merge_every == "auto":
            worth = rows_worth_a_merge(rows, n_threads)
            shortest = tables.TILE
            longest = max(longest_interval(rows.shape[0]), int(SELDOM * worth))
            self._longest_step = longest_shared_step(bound, n_threads, worth)
        else:
            shortest = longest = min(int(merge_every), LONGEST_INTERVAL)
        self._replicas = Replicas(
            trainer, n_threads, in_order, shortest=shortest, longest=longest,
            reach=bound * 0.5 ** self._halvings)

    def __call__(self, trainer, team, chunk):
        """One epoch."""
        self._replicas.begin_epoch()

        def segment():
            team.run(self._replicas.run)
            self._replicas.collect()
            self._state.merge_halvings = self._halvings + self._replicas.halvings

        def alone():
            halved = 0.5 ** self._state.merge_halvings
            return ALONE if trainer.next_eta > halved * self._longest_step else 0

        run_segments(trainer, team, chunk, segment, alone)
