"""Epochs of one linear model: visiting order, one epoch of the chosen `sync`, stopping.

The spine of fastsgd: estimators/linear -> plan/linear.py -> here -> kernels/sgd.pyx -> epoch.inc.
"""

import time
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from fastsgd.engine.best import Best
from fastsgd.engine.deadline import NEVER
from fastsgd.engine.linear.merge import MergeEpoch
from fastsgd.engine.linear.visiting import block_rows, visiting_order
from fastsgd.engine.team import EPOCHS, Team, serial_chunk
from fastsgd.errors import DivergenceError
from fastsgd.kernels.sgd import Trainer
from fastsgd.losses import Loss
from fastsgd.penalties import Penalty
from fastsgd.schedules import LineSearch


@dataclass(frozen=True)
class Settings:
    """What `train` minimises, and how. Arguments as in FastSGDClassifier, checked there."""

    loss: Loss
    loss_constant: float
    penalty: Penalty
    alpha: float
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


@dataclass
class Epoch:
    """What is told after each epoch: to `on_epoch`, to `verbose`, to the command line."""

    number: int
    objective: float
    mean_loss: float
    state: object
    seconds: float
    score: float | None = None


class Ended(NamedTuple):
    """How a training ended: whole epochs behind the model, at least 1; why; and steps made."""

    n_iter: int
    stopped_by: str
    steps: int


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
    began, n_iter, steps, stopped_by = time.perf_counter(), 0, 0, None
    best = Best() if deadline.limited and sample is not None else None
    first_epoch = state.epoch
    try:
        with Team(settings.n_threads if settings.sync != "serial" else 0,
                          on_interrupt=trainer.stop, deadline=deadline) as team:
            while stopped_by is None:
                trainer.set_order(*visiting_order(
                    settings.shuffle, seed, state.epoch, rows.shape[0], size, subset))
                begun = state.t
                run_epoch(trainer, team, chunk)
                store(trainer, pairs, state, settings)
                steps += state.t - begun
                if state.t - begun < n_visits:  # the clock stopped it
                    stopped_by = "max_time"
                    break
                rows.checked = True
                n_iter += 1
                state.epoch += 1
                check_finite(state, n_iter, settings)
                mean_loss = trainer.loss_sum / max(1, n_visits)
                objective = mean_loss
                if not settings.passive:
                    objective += settings.alpha * settings.penalty.value(state.weights)
                told = Epoch(n_iter, objective, mean_loss, state, time.perf_counter() - began)
                if score is not None:
                    told.score = score(state.weights, state.intercept)
                state.curve.append(objective)
                ended = on_epoch is not None and on_epoch(told)
                no_progress = stalled(state, told, settings, trainer)
                if best is not None:
                    best.keep(state, objective if score is None else -told.score)
                stopped_by = ("callback" if ended else "tol" if no_progress
                              else "max_iter" if n_iter >= settings.max_iter
                              else "max_time" if team.expired() else None)
    except BaseException:  # of Ctrl-C or of a thread: all threads have ended here
        trainer.stop()
        store(trainer, pairs, state, settings)
        raise
    if stopped_by == "max_time":
        if best is not None:
            best.settle(state, comparison(y, settings, score, sample))
        check_finite(state, n_iter + 1, settings)
    return Ended(max(1, state.epoch - first_epoch), stopped_by, steps)


def comparison(y, settings, score, sample):
    """``measure(weights, intercept)``, less is better: of two models that are to be compared."""
    if score is not None:
        return lambda weights, intercept: -score(weights, intercept)
    y = np.ascontiguousarray(y[sample.rows])
    return lambda weights, intercept: sample.objective(weights, intercept, y, settings)


def make_trainer(rows, y, sample_weight, state, settings):
    """The kernel's trainer, and the (weight, paid) pairs it works on with L1 (else None)."""
    l1 = settings.alpha * settings.penalty.l1_share
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
        l1=l1, l2=settings.alpha * settings.penalty.l2_share, schedule=schedule,
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


def check_finite(state, n_iter, settings):
    total = state.intercept + float(state.weights.sum(dtype=np.float64))
    if np.isfinite(total) or (np.isfinite(state.weights).all() and np.isfinite(state.intercept)):
        return
    raise DivergenceError(
        f"Floating-point under-/overflow occurred at epoch #{n_iter}. Scaling input data with "
        "StandardScaler or MinMaxScaler might help; so does a smaller step "
        f"(eta0={settings.schedule['eta0']:g} was used) or a larger alpha."
    )


def stalled(state, told, settings, trainer):
    """Counts epochs without progress as scikit-learn does; True ends the training."""
    now = told.objective if told.score is None else -told.score
    if settings.tol is not None and now > state.best - settings.tol:
        state.stale += 1
    else:
        state.stale = 0
    state.best = min(state.best, now)
    if state.stale < settings.n_iter_no_change:
        return False
    if settings.adaptive and trainer.eta0 > 1e-6:
        trainer.set_eta0(trainer.eta0 / 5)
        state.eta0 = trainer.eta0
        state.stale = 0
        return False
    return True
