"""How the threads of one process run one epoch: a pool for one fit, and the epoch of each `sync`.

Threads are Python threads that run nogil kernels. The main thread never computes beside others:
it waits, so that Ctrl-C reaches it, sets the stop flag and ends the fit.
"""

import os
import threading
from queue import Empty, SimpleQueue

from fastsgd._integers import MOST_THREADS, check_range
from fastsgd._interrupts import whole
from fastsgd.engine.deadline import NEVER
from fastsgd.kernels.gradient import count_shards

MIN_NONZEROS_FOR_THREADS = 600_000
"""Non-zeros of an epoch below which threads cost more than they bring (measured)."""

MIN_FEATURES_FOR_HOGWILD = 1_000_000
"""Features above which two threads on one shared vector beat one (measured)."""

LONGEST_WAIT = 3600.0
"""Seconds; the operating system refuses very long ones."""

MIN_ONE_PASS = 20_000
"""Non-zeros of an epoch times classes below which one pass is no faster than a pass for each class
(measured: 150 rows of 4 features and 3 classes take 1.5 times as long)."""

CLASSES_AT_ONCE = 16
"""Classes that cost little more than one: a cache line of float32 weights."""

TILES_OF_A_CHUNK = 512
VALUES_OF_A_CHUNK = 2_000_000


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
    import joblib  # here: workers, who are told a number, start without it
    from joblib.parallel import get_active_backend

    backend, _ = get_active_backend()
    limit = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    in_thread = threading.current_thread() is not threading.main_thread()
    if backend.nesting_level and (in_thread or not limit):
        return 1  # loky tells its processes their share by OMP_NUM_THREADS, the others do not
    threads = joblib.effective_n_jobs(-1 if n_jobs is None else n_jobs)
    if limit.isdigit() and int(limit) > 0:
        threads = min(threads, int(limit))
    return max(1, threads)


def threads_of_worker(n_jobs, workers):
    """`n_jobs` of each of `workers` processes of this machine: None shares its cores out.

    Cores that a job's launcher has bound a process to are its own.
    """
    bound = hasattr(os, "sched_getaffinity") and (
        len(os.sched_getaffinity(0)) < (os.cpu_count() or 1))
    if n_jobs is not None or workers == 1 or bound:
        return n_jobs
    return max(1, count_threads(None) // workers)


def choose_sync(sync, n_jobs, *, nnz, n_features, averaged, seeded, merge_pays, one_pass=0):
    """What ``sync="auto"`` and ``n_jobs=None`` stand for on this data: (sync, threads).

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


class Team:
    """`size` threads that run one task at a time, made for one fit, with its first task.

    Parameters
    ----------
    size : int
    on_interrupt : callable
        Called when a task or the `with` block raises; it must make the tasks return soon.
    deadline : Deadline
        When it passes, the same is called, once.
    """

    def __init__(self, size, on_interrupt, deadline=NEVER):
        self.size = size
        self._on_interrupt = on_interrupt
        self._deadline, self._stopped = deadline, False
        self._wake = SimpleQueue()
        self._inboxes, self._threads = [], []

    @whole
    def _start(self):
        """Starts the threads, of which `__exit__` ends those that there are."""
        for rank in range(self.size):
            inbox = SimpleQueue()
            thread = threading.Thread(
                target=self._work, args=(inbox, rank), name=f"fastsgd-{rank}", daemon=True)
            thread.start()
            self._inboxes.append(inbox)
            self._threads.append(thread)

    def _work(self, inbox, rank):
        while (order := inbox.get()) is not None:
            task, ended = order
            try:
                task(rank)
                error = None
            except BaseException as caught:  # raised by the main thread; others may wait
                error = caught
                self._on_interrupt()
            ended.append(error)
            self._wake.put(None)

    def run(self, task):
        """Runs ``task(rank)`` on every thread; returns when all have ended, or raises an error.

        A KeyboardInterrupt leaves at once, and may take a wake-up with it: so the ends are counted
        in a list. Leaving the `with` block then stops the threads.
        """
        ended = []
        if not self._threads:
            self._start()
        for inbox in self._inboxes:
            inbox.put((task, ended))
        while len(ended) < self.size:
            try:
                self._wake.get(timeout=None if self._stopped or not self._deadline.limited
                               else min(self._deadline.left, LONGEST_WAIT))
            except Empty:
                self.expired()
        for error in ended:
            if error is not None:
                raise error

    def expired(self):
        """Whether the deadline has passed; then all work has been asked to end."""
        if not self._stopped and self._deadline.passed:
            self._stopped = True
            self._on_interrupt()
        return self._stopped

    def __enter__(self):
        return self

    @whole
    def __exit__(self, kind, *exc):
        if kind is not None:
            self._on_interrupt()
        for inbox in self._inboxes:
            inbox.put(None)
        for thread in self._threads:
            thread.join()


def serial_chunk(rows):
    """Tiles between two looks at the signals: a few milliseconds of work."""
    per_tile = max(1.0, 32 * rows.nnz / max(1, rows.shape[0]))
    return int(max(1, min(TILES_OF_A_CHUNK, VALUES_OF_A_CHUNK / per_tile)))


def run_serial(trainer, team, chunk):
    """One epoch in this thread."""
    run_tiles(trainer, team, chunk, 0, trainer.n_tiles)


def run_tiles(trainer, team, chunk, begin, end):
    """Tiles begin..end in this thread; ends after a chunk when the team's deadline has passed."""
    while begin < end:
        begin = trainer.run_serial(begin, min(end, begin + chunk))
        if team.expired():
            break


def run_segments(trainer, team, chunk, run_segment, alone=lambda: 0):
    """Cuts the epoch where the weights must be folded; a tile too steep to share runs serially.

    So do the next ``alone()`` tiles, asked before each segment.
    """
    begin = 0
    while begin < trainer.n_tiles:
        serial = alone()
        end = begin if serial else trainer.plan(begin)
        if end > begin:
            run_segment()
        else:
            end = min(begin + max(1, serial), trainer.n_tiles)
            run_tiles(trainer, team, chunk, begin, end)
        begin = end
        if team.expired():
            break


def run_hogwild(trainer, team, chunk):
    """One lock-free epoch (Niu et al. 2011): all threads write the shared weights."""
    run_segments(trainer, team, chunk, lambda: team.run(lambda rank: trainer.run_hogwild()))


def run_round_robin(trainer, team, chunk):
    """One epoch whose steps are written in turn (Langford et al. 2009): HOGWILD!'s rival."""
    run_segments(
        trainer, team, chunk,
        lambda: team.run(lambda rank: trainer.run_round_robin(rank, team.size)))


EPOCHS = {"serial": run_serial, "hogwild": run_hogwild, "round_robin": run_round_robin}
