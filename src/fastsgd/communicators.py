"""Kinds of communicators, and what the workers of each can do; `fastsgd.comm` has their code."""

from dataclasses import dataclass

from fastsgd._registry import Registry

MOST = 256
"""Workers of one machine: the ranks that a segment of shared memory has room for."""


@dataclass(frozen=True)
class Capabilities:
    """Abilities of a communicator that code for workers has to know.

    Attributes
    ----------
    is_job : bool
        The workers are all processes of a job, each of which runs the whole program: who starts
        the job says how many they are, and each of them draws random numbers for itself.
    own_rows : bool
        Each worker can have rows of its own (``Workers(rows="own")``).
    direct : bool
        A task gets its arguments where they lie in memory; else they are sent as messages, and
        large arrays are best placed in shared memory before.
    most : int or None
        The largest number of workers; None: no limit of ours.
    """

    is_job: bool = False
    own_rows: bool = False
    direct: bool = False
    most: int | None = None


KINDS = Registry("communicator", {
    "process": Capabilities(most=MOST),
    "mpi": Capabilities(is_job=True, own_rows=True, direct=True),
    "thread": Capabilities(direct=True, most=MOST),
})
