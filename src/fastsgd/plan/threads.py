"""How many threads work, and how they share a model: what ``n_jobs`` and ``sync`` stand for.

Pure functions of numbers, except `count_threads` and `threads_of_worker`, which ask the machine.
"""

import os
import sys
import threading

from fastsgd._cores import count_cores
from fastsgd._integers import MOST_THREADS, check_range
from fastsgd.kernels.gradient import count_shards

MIN_NONZEROS_FOR_THREADS = 600_000
"""Non-zeros of an epoch below which threads cost more than they bring (measured)."""

MIN_NONZEROS_FOR_ASCENT = 10_000_000
MIN_NONZEROS_WHERE_ROWS_REST = 20_000_000
"""The same for solver "sdca" under sync="auto"; the second for losses with flat parts, where most
visits are sweeps over few busy rows, by one thread (measured: benchmarks/sdca_threads.py)."""

MIN_FEATURES_FOR_HOGWILD = 1_000_000
"""Features above which two threads on one shared vector beat one (measured)."""

MIN_ONE_PASS = 20_000
"""Non-zeros of an epoch times classes below which one pass is no faster than a pass for each class
(measured: 150 rows of 4 features and 3 classes take 1.5 times as long)."""

CLASSES_AT_ONCE = 16
"""Classes that cost little more than one: a cache line of float32 weights."""

WORK_FOR_PRODUCTS = 1 << 22
"""Products of a value and a weight below which threads cost more than they bring (measured)."""

MIN_WORK = 8_000_000
MIN_WORK_LAZY = 1_000_000
MIN_WORK_HOGWILD = 500_000
"""Multiplications of a minibatch's forward pass from which on two threads are faster than one:
for "map_reduce"; where the first layer is lazy, whose steps take as long as its products; for
"hogwild", whose threads never meet (measured: benchmarks/mlp_threads.py)."""


def count_threads(n_jobs):
    """Threads that `n_jobs` stands for in this process, at least 1.

    None and -1 are the cores this process may use, but at most OMP_NUM_THREADS and what the
    joblib context allows (1 inside a parallel loop of threads); -2 is one less, and so on.
    """
    if n_jobs == 0:
        raise ValueError("n_jobs must be a positive number of threads, negative, or None; got 0")
    if n_jobs is not None:
        n_jobs = check_range("n_jobs", n_jobs, -MOST_THREADS, MOST_THREADS)
        if n_jobs > 0:
            return n_jobs
    limit = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    in_thread = threading.current_thread() is not threading.main_thread()
    if _is_within_joblib() and (in_thread or not limit):
        return 1  # loky tells its processes their share by OMP_NUM_THREADS, the others do not
    threads = count_cores() + 1 + (-1 if n_jobs is None else n_jobs)
    if limit.isdigit() and int(limit) > 0:
        threads = min(threads, int(limit))
    return max(1, threads)


def _is_within_joblib():
    """Whether a parallel loop of joblib runs this; one that was never imported runs nothing."""
    parallel = sys.modules.get("joblib.parallel")
    return parallel is not None and bool(parallel.get_active_backend()[0].nesting_level)


def threads_of_worker(n_jobs, workers):
    """`n_jobs` of each of `workers` processes of this machine: None shares its cores out.

    Cores that a job's launcher has bound a process to are its own.
    """
    if n_jobs is not None or workers == 1:
        return n_jobs
    bound = hasattr(os, "sched_getaffinity") and (
        len(os.sched_getaffinity(0)) < (os.cpu_count() or 1))
    return n_jobs if bound else max(1, count_threads(None) // workers)


def choose_sync(sync, n_jobs, *, nnz, n_features, averaged, seeded, merge_pays, one_pass=0):
    """Choose (sync, threads) where ``sync="auto"`` or ``n_jobs=None`` leave it to this data.

    ``auto`` learns several models in one pass where it may: `one_pass` is their number, 0: none.
    Else it merges replicas where that pays; ``merge_pays(threads)`` is asked only if need be. Else
    it is lock-free where that pays and nobody asked for the same bits again: threads that share
    one vector gain when its lines are rarely shared, that is for many features. Else one thread.
    """
    small = nnz < MIN_NONZEROS_FOR_THREADS
    if one_pass and (sync == "classes" or (sync == "auto" and nnz * one_pass >= MIN_ONE_PASS)):
        small = nnz * max(1, one_pass / CLASSES_AT_ONCE) < MIN_NONZEROS_FOR_THREADS
        return "classes", 1 if n_jobs is None and small else count_threads(n_jobs)
    if sync == "classes":  # one model
        return "serial", 1
    if sync == "serial" or averaged:
        return "serial", 1
    if sync == "auto":
        if small:
            return "serial", 1
        threads = count_threads(n_jobs)
        if threads > 1 and merge_pays(threads):
            return "merge", threads
        if threads == 1 or seeded or n_features < MIN_FEATURES_FOR_HOGWILD:
            return "serial", 1
        return "hogwild", threads
    threads = 1 if n_jobs is None and small else count_threads(n_jobs)
    if sync == "merge" and threads == 1:
        return "serial", 1  # one replica would be merged with nobody's
    return sync, threads


def choose_map_reduce(sync, n_jobs, *, n_rows, nnz, n_features, batch_size=None):
    """(sync, threads) of a solver that sums over rows: no more threads than there are shards."""
    if sync == "serial":
        return "map_reduce", 1
    threads = 1 if n_jobs is None and nnz < MIN_NONZEROS_FOR_THREADS else count_threads(n_jobs)
    rows = n_rows if batch_size is None else min(batch_size, n_rows)
    values = nnz * rows // max(1, n_rows)
    return "map_reduce", min(threads, count_shards(rows, values, n_features))


def choose_dual_sync(sync, n_jobs, *, nnz, dense, rows_rest, has_room):
    """(sync, threads) of solver "sdca".

    ``auto`` merges replicas on large data, which are larger where `rows_rest`: where the loss has
    flat parts. It and "merge" do so only where an epoch has room for the merges, asked by
    ``has_room(threads)``: else one thread is as good. "hogwild" was slower wherever it was
    measured (docs/duality.md).

    Raises
    ------
    ValueError
        sync='hogwild' on dense rows.
    """
    if sync == "hogwild" and dense:
        raise ValueError("sync='hogwild' with solver='sdca' takes sparse rows only, as each step "
                         "on a dense row writes all weights; use sync='auto' or 'merge'")
    least = MIN_NONZEROS_FOR_THREADS
    if sync == "auto":
        least = MIN_NONZEROS_WHERE_ROWS_REST if rows_rest else MIN_NONZEROS_FOR_ASCENT
    small = nnz < least and (n_jobs is None or sync == "auto")
    threads = 1 if sync == "serial" or small else count_threads(n_jobs)
    if threads == 1 or (sync != "hogwild" and not has_room(threads)):
        return "serial", 1
    return "hogwild" if sync == "hogwild" else "merge", threads


def choose_minibatch_sync(sync, n_jobs, *, work, parts, lazy, seeded):
    """(sync, threads) of minibatches; `auto` takes threads where these are large enough.

    It is lock-free on sparse rows, where threads seldom meet in a weight, if nobody asked for the
    same bits again (`seeded`); else threads share each minibatch, which is cut into `parts`. The
    multiplications of its forward pass are `work`.
    """
    if sync == "serial":
        return "serial", 1
    wanted = sync
    if sync == "auto":
        wanted = "hogwild" if lazy and not seeded else "map_reduce"
    least = (MIN_WORK_HOGWILD if wanted != "map_reduce" else MIN_WORK_LAZY if lazy else MIN_WORK)
    threads = 1 if n_jobs is None and work < least else count_threads(n_jobs)
    if wanted == "map_reduce":
        threads = min(threads, parts)
    if sync == "auto" and (threads == 1 or work < least):
        return "serial", 1
    return wanted, threads


def threads_of_sums(sync, n_jobs, *, work, parts):
    """Threads of a network's sum over all rows in `parts`, where `work` is that of all."""
    if sync == "serial" or (n_jobs is None and work < MIN_WORK):
        return 1
    return min(count_threads(n_jobs), parts)


def threads_of_products(n_jobs, work):
    """Threads of the product of rows with weights, of `work` values times models."""
    return 1 if work < WORK_FOR_PRODUCTS else count_threads(n_jobs)
