"""What ``sync="auto"`` and ``n_jobs=None`` stand for on this network and data."""

from itertools import pairwise

from fastsgd.engine.mlp.map_reduce import MOST_PARTS, count_parts
from fastsgd.engine.threads import count_threads

SYNCS = ("auto", "serial", "hogwild", "map_reduce", "merge")

MIN_WORK = 8_000_000
"""Multiplications of a minibatch's forward pass from which on threads pay."""


def costs_of(rows, units):
    """Multiplications of each layer in a row's forward pass; the first counts non-zeros."""
    first = rows.nnz / max(1, rows.shape[0]) * units[1]
    return [first, *(a * b for a, b in pairwise(units[1:]))]


def work_of(rows, units, batch_size):
    """Multiplications of a minibatch's forward pass."""
    return batch_size * sum(costs_of(rows, units))


def choose_sync(sync, n_jobs, work, batch_size):
    """(sync, threads). `auto` divides minibatches among threads where they are large enough."""
    if sync == "serial":
        return "serial", 1
    threads = 1 if n_jobs is None and work < MIN_WORK else count_threads(n_jobs)
    if sync == "auto":
        if threads == 1 or work < MIN_WORK or count_parts(batch_size) == 1:
            return "serial", 1
        sync = "map_reduce"
    if sync == "map_reduce":
        threads = min(threads, count_parts(batch_size))
    return sync, threads


def choose_threads(sync, n_jobs, work):
    """Threads of a sum over all rows, where `work` is that of all."""
    if sync == "serial" or (n_jobs is None and work < MIN_WORK):
        return 1
    return min(count_threads(n_jobs), MOST_PARTS)
