"""How the threads of one process run one epoch: a pool for one fit, and the epoch of each `sync`.

Threads are Python threads that run nogil kernels. The main thread never computes beside others:
it waits, so that Ctrl-C reaches it, sets the stop flag and ends the fit.
"""

import threading
from queue import Empty, SimpleQueue

from fastsgd._interrupts import whole
from fastsgd.engine.deadline import NEVER

LONGEST_WAIT = 3600.0
"""Seconds; the operating system refuses very long ones."""

TILES_OF_A_CHUNK = 512
VALUES_OF_A_CHUNK = 2_000_000


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
        if self._deadline.limited and not self._stopped and self._deadline.passed:
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
