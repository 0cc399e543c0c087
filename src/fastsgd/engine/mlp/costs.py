"""What ``sync="auto"`` and ``n_jobs=None`` stand for on this network and data."""

from itertools import pairwise

from fastsgd.engine.mlp.map_reduce import count_parts
from fastsgd.engine.team import count_threads

SYNCS = ("auto", "serial", "hogwild", "map_reduce", "merge")

MIN_WORK = 8_000_000
MIN_WORK_LAZY = 1_000_000
MIN_WORK_HOGWILD = 500_000
"""Multiplications of a minibatch's forward pass from which on two threads are faster than one:
for "map_reduce"; where the first layer is lazy, whose steps take as long as its products; for
"hogwild", whose threads never meet (measured: benchmarks/mlp_threads.py)."""


def costs_of(rows, units):
    """Multiplications of each layer in a row's forward pass; the first counts non-zeros."""
    first = rows.nnz / max(1, rows.shape[0]) * units[1]
    return [first, *(a * b for a, b in pairwise(units[1:]))]


def work_of(rows, units, batch_size):
    """Multiplications of a minibatch's forward pass."""
    return batch_size * sum(costs_of(rows, units))


def choose_sync(sync, n_jobs, work, batch_size, *, lazy, seeded):
    """(sync, threads). `auto` takes threads where minibatches are large enough.

    It is lock-free on sparse rows, where threads seldom meet in a weight, if nobody asked for the
    same bits again (`seeded`); else threads share each minibatch.
    """
    if sync == "serial":
        return "serial", 1
    wanted = sync
    if sync == "auto":
        wanted = "hogwild" if lazy and not seeded else "map_reduce"
    least = (MIN_WORK_HOGWILD if wanted != "map_reduce" else MIN_WORK_LAZY if lazy else MIN_WORK)
    threads = 1 if n_jobs is None and work < least else count_threads(n_jobs)
    if wanted == "map_reduce":
        threads = min(threads, count_parts(batch_size))
    if sync == "auto" and (threads == 1 or work < least):
        return "serial", 1
    return wanted, threads


def choose_threads(sync, n_jobs, work, most):
    """Threads of a sum over all rows in `most` parts, where `work` is that of all."""
    if sync == "serial" or (n_jobs is None and work < MIN_WORK):
        return 1
    return min(count_threads(n_jobs), most)
