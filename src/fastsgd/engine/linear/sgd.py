"""Epochs of one linear model: visiting order, one epoch of the chosen `sync`, stopping.

The spine of fastsgd: estimators/linear -> plan/linear.py -> here -> kernels/sgd.pyx -> epoch.inc.
"""

from dataclasses import dataclass, replace

import numpy as np

from fastsgd.engine.deadline import NEVER
from fastsgd.engine.linear.data_shape import DataShape
from fastsgd.engine.linear.merge import MergeEpoch
from fastsgd.engine.linear.progress import make_run, objective_of
from fastsgd.engine.linear.visiting import block_rows, visiting_order
from fastsgd.engine.team import EPOCHS, Team, serial_chunk
from fastsgd.kernels.sgd import Trainer
from fastsgd.losses import Loss
from fastsgd.penalties import Penalty
from fastsgd.schedules import LineSearch


@dataclass(frozen=True)
class Settings:
    """Objective of a training, and how it is minimised: checked parameters of an estimator."""

    loss: Loss
    loss_constant: float
    penalty: Penalty
    schedule: dict
    adaptive: bool
    passive: bool
    fit_intercept: bool
    intercept_decay: float
    average_from: int
    max_iter: int
    tol: float | None
    n_iter_no_change: int
    shuffle: bool | str
    sync: str = "serial"
    n_threads: int = 1
    merge_every: int | str = "auto"
    merge_in_order: bool = True
    weight_pos: float = 1.0
    weight_neg: float = 1.0
    solver: str = "sgd"
    batch_size: int | None = None
    search: LineSearch | None = None
    local_steps: int | None = None
    warm_up: float = 0.0
    batch_per_worker: bool = False
    accelerated: bool = False
    choices: tuple = ()
    shape: DataShape | None = None

    def of_choice(self, name, done=0):
        """The settings of a solver that "auto" takes, after `done` epochs of another."""
        sync, n_threads = next(rest for each, *rest in self.choices if each == name)
        return replace(self, solver=name, sync=sync, n_threads=n_threads,
                       max_iter=self.max_iter - done, choices=(), shape=None)


def train(rows, y, sample_weight, state, settings, seed, *, subset=None, score=None,
          on_epoch=None, deadline=NEVER, sample=None):
    """Runs epochs of SGD on one linear model until it stops improving or a limit is reached.

    Parameters
    ----------
    rows : Rows
    y : float64 ndarray of shape (n_rows,)
        -1 and +1 for classifiers.
    sample_weight : float64 ndarray of shape (n_rows,) or None
    state : LinearState
        INOUT: brought to the end of the last epoch, also when an exception ends the training.
    settings : Settings
    seed : int
    subset : int64 ndarray or None
        The rows to learn from; None means all.
    score : callable or None
        ``score(weights, intercept)`` on held-out rows, higher is better; None judges progress by
        the objective.
    on_epoch : callable or None
        Called with an `Epoch` after each; a true result ends the training.
    deadline : Deadline
        When it passes, also within an epoch, the training ends with the best model so far. If that
        is the one in the middle of an epoch, `state.epoch` does not count it.
    sample : Sample or None
        The rows on which that one and the best of the whole epochs are compared, by `score` if
        there is one; None takes the model as it is.

    Returns
    -------
    Ended
        `stopped_by` is "callback", "tol", "max_iter" or "max_time".

    Raises
    ------
    DivergenceError
        A weight is no longer finite.
    """
    if subset is not None:  # the others are for scores
        rows.check()
    trainer, pairs = make_trainer(rows, y, sample_weight, state, settings)
    run_epoch = make_epoch(trainer, rows, settings, state)
    chunk, size = serial_chunk(rows), block_rows(rows, settings.shuffle)
    n_visits = rows.shape[0] if subset is None else len(subset)
    run = make_run(y, state, settings, score=score, on_epoch=on_epoch, deadline=deadline,
                   sample=sample)
    try:
        with Team(settings.n_threads if settings.sync != "serial" else 0,
                  on_interrupt=trainer.stop, deadline=deadline) as team:
            while run.stopped_by is None:
                trainer.set_order(*visiting_order(
                    settings.shuffle, seed, state.epoch, rows.shape[0], size, subset))
                begun = state.t
                run_epoch(trainer, team, chunk)
                store(trainer, pairs, state, settings)
                run.steps += state.t - begun
                if state.t - begun < n_visits:
                    run.cut_short()
                    break
                rows.checked = True
                run.after(*objective_of(state, trainer.loss_sum, n_visits, settings),
                          team.expired, rate=trainer)
    except BaseException:  # of Ctrl-C or of a thread: all threads have ended here
        trainer.stop()
        store(trainer, pairs, state, settings)
        raise
    return run.end()


def make_trainer(rows, y, sample_weight, state, settings):
    """The kernel's trainer, and the (weight, paid) pairs it works on with L1 (else None)."""
    l1, l2 = settings.penalty.l1, settings.penalty.l2
    pairs, weights = None, state.weights
    if l1 > 0:
        pairs = weights = np.zeros((len(state.weights), 2), state.weights.dtype)
        pairs[:, 0] = state.weights
        if state.l1_paid is not None:
            pairs[:, 1] = state.l1_paid
    state.begin_average(settings.average_from)
    schedule = dict(settings.schedule)
    if settings.adaptive and state.eta0 is not None:
        schedule["eta0"] = state.eta0
    trainer = Trainer(
        rows, y, sample_weight, weights, state.average,
        loss=settings.loss.number, loss_constant=settings.loss_constant,
        l1=l1, l2=l2, schedule=schedule,
        intercept=state.intercept,
        intercept_decay=settings.intercept_decay if settings.fit_intercept else 0.0,
        weight_pos=settings.weight_pos, weight_neg=settings.weight_neg,
        average_from=state.average_from, intercept_sum=state.intercept_sum,
        t=state.t, l1_total=state.l1_total,
    )
    return trainer, pairs


def make_epoch(trainer, rows, settings, state):
    """``epoch(trainer, team, chunk)`` of the way in which threads share the model.

    `state` is told what the threads find out about the data.
    """
    if settings.sync != "merge":
        return EPOCHS[settings.sync]
    return MergeEpoch(trainer, rows, settings.n_threads, settings.merge_in_order,
                      settings.merge_every, settings.loss.curvature, state)


def store(trainer, pairs, state, settings):
    trainer.finish()
    if pairs is not None:
        state.weights[:] = pairs[:, 0]
        state.l1_paid = pairs[:, 1]
    state.intercept = trainer.intercept
    state.t = int(trainer.t)
    state.l1_total = trainer.l1_total
    state.intercept_sum = trainer.intercept_sum
    if settings.adaptive:
        state.eta0 = trainer.eta0
