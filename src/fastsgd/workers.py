"""``workers=Workers(...)``: how processes or machines train one model together."""

import os
from dataclasses import dataclass
from numbers import Integral, Real

from fastsgd._integers import check_range
from fastsgd._renamed import renamed_parameters
from fastsgd.communicators import KINDS
from fastsgd.errors import NotBuiltYetError

POLICIES = ("sync", "local")
LATER_POLICIES = ("backup", "ssp", "async")
LOCAL_RANKS = ("OMPI_COMM_WORLD_LOCAL_SIZE", "MPI_LOCALNRANKS", "SLURM_NTASKS_PER_NODE")
BATCHES = ("global", "per_worker")
ROWS = ("all", "own")


@renamed_parameters(sync="policy", removed=("staleness", "backup"))
@dataclass(frozen=True)
class Workers:
    """Workers that share nothing but what they send each other; see docs/workers.md.

    Parameters
    ----------
    n : int or None
        Their number, at most 256 but with MPI. None: all processes of the MPI job.
    comm : {'process', 'mpi', 'thread'}, default='process'
        Processes of this machine; those of an MPI job, each of which calls `fit` with the same
        arguments; threads of this process, for tests.
    policy : {'sync', 'local'}, default='sync'
        'sync': sums over all workers before each step, which gives the model of one process up to
        rounding; for the solvers 'gd', 'lbfgs' and 'newton-cg', and for MLPs. 'local', for 'sgd'
        and for MLPs: each worker goes `local_steps` by itself, then the weights are averaged.
        'sdca' is the same by both: each worker ascends on rows of its own, then the changes are
        added up (CoCoA+).
    local_steps : int or None, default=None
        Rows that each worker visits between two averages (or sums, with 'sdca'); of MLPs
        minibatches. None: 16 averages (or sums) an epoch, where that is 32 rows or more; MLPs: 8
        minibatches. [1, inf).
    batch : {'global', 'per_worker'}, default='global'
        What `batch_size` of solver 'gd' and of MLPs counts. 'global': the rows of a step, of which
        each worker takes its part. 'per_worker': those of each worker, so that minibatches grow
        with the number of workers, and steps by the same factor (linear scaling).
    warm_up : float, default=1
        Epochs in which steps that are scaled grow to their length, from that of one worker.
        [0, inf).
    rows : {'all', 'own'}, default='all'
        With comm='mpi', what X of a process holds. 'all': all rows. 'own': its own, of which
        minibatches and local steps are formed, and whose dual variables 'sdca' keeps; classes are
        those of all processes, alike are n_features and dtype.
    timeout : float, default=300
        Seconds that a worker waits for the others. (0, inf).
    compress : None
        Reserved.

    Examples
    --------
    >>> from fastsgd import FastSGDClassifier, Workers
    >>> import numpy as np
    >>> X = np.array([[-1.0, -1], [-2, -1], [1, 1], [2, 1]])
    >>> clf = FastSGDClassifier(solver="lbfgs", loss="log_loss", workers=Workers(2, comm="thread"))
    >>> print(clf.fit(X, [0, 0, 1, 1]).predict([[3.0, 1.0]]))
    [1]
    """

    n: int | None = None
    comm: str = "process"
    policy: str = "sync"
    local_steps: int | None = None
    batch: str = "global"
    warm_up: float = 1.0
    rows: str = "all"
    timeout: float = 300.0
    compress: object = None

    def __post_init__(self):
        if self.policy in LATER_POLICIES:
            raise NotBuiltYetError(
                f"Workers(policy={self.policy!r}) is not built yet; this release has "
                + " and ".join(map(repr, POLICIES)))
        if self.compress is not None:
            raise NotBuiltYetError(
                f"Workers(compress={self.compress!r}) is not built yet; this release has "
                "compress=None only")
        for name, valid in (("comm", tuple(KINDS)), ("policy", POLICIES), ("batch", BATCHES),
                            ("rows", ROWS)):
            if getattr(self, name) not in valid:
                raise ValueError(f"Workers: {name} must be one of "
                                 f"{', '.join(map(repr, valid))}; got {getattr(self, name)!r}")
        able = KINDS[self.comm]
        if self.rows == "own" and not able.own_rows:
            raise ValueError("Workers: rows='own' is for comm='mpi', where each process has X; "
                             f"got comm={self.comm!r}")
        if self.n is None and not able.is_job:
            raise ValueError(f"Workers: comm={self.comm!r} needs n, the number of workers")
        for name in ("n", "local_steps"):
            value = getattr(self, name)
            if value is not None:  # numpy's have no place in a message
                object.__setattr__(self, name, check_range(f"Workers: {name}", value, 1))
        if able.most is not None and self.n > able.most:
            raise ValueError(f"Workers: comm={self.comm!r} has at most {able.most} workers; got "
                             f"n={self.n}")
        for name, valid, allowed in (
            ("warm_up", lambda v: 0 <= v < float("inf"), ">= 0"),
            ("timeout", lambda v: v > 0, "> 0"),
        ):
            value = getattr(self, name)
            if not isinstance(value, Real) or isinstance(value, bool) or not valid(value):
                raise ValueError(f"Workers: {name} must be a number {allowed}; got {value!r}")
            object.__setattr__(self, name, float(value))


def as_workers(workers, policy="sync"):
    """The `Workers` that the parameter stands for, or None; an int with this `policy`."""
    if workers is None or isinstance(workers, Workers):
        return workers
    if not isinstance(workers, Integral) or isinstance(workers, bool):
        raise ValueError("workers must be None, an int or fastsgd.Workers(...), got "
                         f"{workers!r}")
    return Workers(int(workers), policy=policy)


def keeps_own_rows(params):
    """Whether each process of a job gives the estimator rows of its own."""
    return isinstance(params.workers, Workers) and params.workers.rows == "own"


def alone(said):
    """Values that all processes say, where this one is the only one."""
    return [said]


def workers_here(workers):
    """How many workers this machine has, at least 1; what MPI's launchers tell."""
    if workers is None:
        return 1
    if not KINDS[workers.comm].is_job:
        return workers.n
    for name in LOCAL_RANKS:
        told = os.environ.get(name, "")
        if told.isdigit() and int(told) > 0:
            return int(told)
    return workers.n or 1


def needs_a_seed(workers, params):
    """Whether processes that draw for themselves have no seed in common, and the message."""
    refused = KINDS[workers.comm].is_job and not isinstance(params.random_state, Integral)
    return refused, (
        f"Workers(comm={workers.comm!r}) needs random_state to be an int, since every process of "
        f"the job draws for itself; got {params.random_state!r}")


def needs_all_rows(what):
    """The refusal of what is no use where each process sees rows of its own only."""
    return f"Workers(rows='own') lets no process see all rows, as {what} needs; use rows='all'"


def counts_rows(params):
    """Whether the weights of classes follow from the rows of each, and what that is."""
    weight = getattr(params, "class_weight", None)
    return isinstance(weight, str), f"class_weight={weight!r}, which counts them"
