"""Epochs of one linear model: visiting order, one epoch of the chosen `sync`, stopping.

The spine of fastsgd: estimators/linear.py -> here -> kernels/sgd.pyx -> include/epoch.inc.
"""

import time
from dataclasses import dataclass

import numpy as np

from fastsgd.engine import threads
from fastsgd.errors import DivergenceError
from fastsgd.kernels import order, tables
from fastsgd.kernels.sgd import Trainer
from fastsgd.losses import Loss
from fastsgd.penalties import Penalty

MIN_BLOCKS = 2048
"""An epoch is cut into at least so many blocks: fewer do not mix rows that are sorted by label."""


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
    sync: str
    n_threads: int
    weight_pos: float = 1.0
    weight_neg: float = 1.0


@dataclass
class Epoch:
    """What is told after each epoch: to `on_epoch`, to `verbose`, to the command line."""

    number: int
    objective: float
    mean_loss: float
    state: object
    seconds: float
    score: float | None = None


def block_rows(n):
    """Rows of a block: 32, or fewer so that there are at least MIN_BLOCKS blocks."""
    size = tables.TILE
    while size > 1 and n < size * MIN_BLOCKS:
        size //= 2
    return size


def visiting_order(shuffle, seed, epoch, n, subset=None):
    """The order of one epoch over n rows, or over the rows of `subset`: (blocks, row).

    One of the two is given to `Trainer.set_order`; both None visit the rows as they lie. A pure
    function of its arguments.
    """
    n = n if subset is None else len(subset)
    if not shuffle:
        return None, subset
    size = block_rows(n)
    if shuffle == "rows" or size == 1:
        row = order.permutation(seed, epoch, n)
    else:
        blocks = order.stratified(seed, epoch, -(-n // size))
        if size == tables.TILE and subset is None:
            return blocks, None
        row = order.expand(blocks, size, n)
    return None, row if subset is None else subset[row]


def train(rows, y, sample_weight, state, settings, seed, *, subset=None, score=None,
          on_epoch=None):
    """Runs epochs of SGD on one linear model until it stops improving or `max_iter` is reached.

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

    Returns
    -------
    int
        Epochs run in this call.

    Raises
    ------
    DivergenceError
        A weight is no longer finite.
    """
    trainer, pairs = _make_trainer(rows, y, sample_weight, state, settings)
    chunk = threads.serial_chunk(rows)
    n_visits = rows.shape[0] if subset is None else len(subset)
    began, n_iter = time.perf_counter(), 0
    try:
        with threads.Team(settings.n_threads if settings.sync != "serial" else 0,
                          on_interrupt=trainer.stop) as team:
            while n_iter < settings.max_iter:
                trainer.set_order(*visiting_order(
                    settings.shuffle, seed, state.epoch, rows.shape[0], subset))
                if settings.sync == "serial":
                    threads.run_serial(trainer, chunk)
                else:
                    threads.EPOCHS[settings.sync](trainer, team, chunk)
                _store(trainer, pairs, state)
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
                if stalled(state, told, settings, trainer) or ended:
                    break
    except BaseException:  # of Ctrl-C or of a thread: all threads have ended here
        trainer.stop()
        _store(trainer, pairs, state)
        raise
    return n_iter


def _make_trainer(rows, y, sample_weight, state, settings):
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


def _store(trainer, pairs, state):
    trainer.finish()
    if pairs is not None:
        state.weights[:] = pairs[:, 0]
        state.l1_paid = pairs[:, 1]
    state.intercept = trainer.intercept
    state.t = int(trainer.t)
    state.l1_total = trainer.l1_total
    state.intercept_sum = trainer.intercept_sum
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
