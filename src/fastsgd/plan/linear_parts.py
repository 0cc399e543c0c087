"""Parts of a linear model's `Plan`: its steps, its end and its threads."""

from dataclasses import dataclass

from fastsgd.schedules import Cosine, LineSearch


@dataclass(frozen=True)
class Rate:
    """The step sizes.

    Attributes
    ----------
    schedule : str or Cosine or None
        The `learning_rate` that steps follow; None where they are found.
    search : LineSearch or None
        Finds each step.
    accelerated : bool
        Whether steps are found on the way, with momentum: gd's on all rows.
    auto : bool
        Whether eta0 is found on a sample of the rows.
    eta0, power_t : float
    adaptive, passive : bool
        What the schedule is.
    most : float
        The user's own bound of a step; infinity without.
    bounded : bool
        Whether no step may exceed what the rows allow, where the user gives no bound; a constant
        one is the user's own, and a passive-aggressive one is what its row allows.
    """

    schedule: str | Cosine | None
    search: LineSearch | None
    accelerated: bool
    auto: bool
    eta0: float
    power_t: float
    adaptive: bool
    passive: bool
    most: float
    bounded: bool


@dataclass(frozen=True)
class Stop:
    """Conditions that end a training.

    Attributes
    ----------
    max_iter : int
        Epochs, with ``call="resume"`` those of earlier calls included.
    max_time : float or None
        Seconds.
    tol : float or None
        What the solver itself looks at.
    within : float or None
        The gap of ``tol=Gap(within)``, where the solver does not look at it itself.
    by_gap : bool
        Whether a gap tells that a model has converged, or else epochs without progress.
    n_iter_no_change : int
    held_out : float
        Share of the rows that `early_stopping` holds out; 0 without.
    """

    max_iter: int
    max_time: float | None
    tol: float | None
    within: float | None
    by_gap: bool
    n_iter_no_change: int
    held_out: float

    def has_converged(self, state):
        """Whether `tol` ended this model's training, or would end it now."""
        if not self.by_gap:
            return self.tol is not None and state.stale >= self.n_iter_no_change
        most = self.tol if self.within is None else self.within
        return (most is not None and state.gap is not None and bool(state.curve)
                and state.gap <= most * abs(state.curve[-1]))


@dataclass(frozen=True)
class Threads:
    """How threads are to share the work, as far as it is known before the rows are.

    Attributes
    ----------
    sync, n_jobs, merge_every :
        The parameters.
    seeded : bool
        Whether the user asked for the same bits again.
    one_pass : bool
        Whether all classes may be learnt in one pass.
    """

    sync: str
    n_jobs: int | None
    merge_every: int | str
    seeded: bool
    one_pass: bool
