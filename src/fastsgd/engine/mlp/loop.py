"""Epochs of one network: order, one epoch of the chosen `sync`, progress, stopping."""

import time
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from fastsgd.engine.blas import one_thread_of_blas
from fastsgd.engine.deadline import NEVER
from fastsgd.engine.mlp.epochs import choose_epochs
from fastsgd.engine.mlp.minibatch import Bench
from fastsgd.engine.mlp.optimizer import Momenta, Stepper
from fastsgd.engine.mlp.shares import Shares
from fastsgd.engine.mlp.steps import Steps
from fastsgd.engine.peers import ALONE
from fastsgd.engine.team import Team
from fastsgd.errors import DivergenceError

SMALLEST_ETA = 1e-6
"""Below this the adaptive schedule ends the training, as in scikit-learn."""


STREAMS = 1 << 16
"""Of dropout: so many for the threads of each of several workers."""


@dataclass
class Epoch:
    """What is told after each epoch."""

    number: int
    loss: float
    seconds: float
    score: float | None = None


class Ended(NamedTuple):
    """How a training ended: whole epochs of this call; why; rows met; what a pipeline tells."""

    n_iter: int
    stopped_by: str
    rows: int
    pipeline: dict | None = None


class Halt:
    """A flag that asks all threads to end after their minibatch."""

    asked = False

    def ask(self):
        self.asked = True


def train(examples, parameters, state, settings, next_order, *, score=None, on_epoch=None,
          deadline=NEVER, peers=ALONE):
    """Runs epochs until the loss, or the score, stops improving or a limit is reached.

    Parameters
    ----------
    examples : Examples
    parameters : Parameters
        INOUT. With `score` it is in the end the model of the best score.
    state : State
        INOUT.
    settings : Settings
    next_order : callable
        ``next_order()``: the rows of the next epoch, in order.
    score : callable or None
        ``score()`` of `parameters` on rows held out, higher is better.
    on_epoch : callable or None
        Called with an `Epoch` after each; a true result ends the training.
    deadline : Deadline
        When it passes, the training ends after a minibatch.
    peers : Peers
        Those who run this too, with the same arguments; `score` and `on_epoch` are rank 0's.

    Returns
    -------
    Ended
        `stopped_by` is "callback", "tol", "max_iter" or "max_time"; "divergence" where weights are
        no longer finite and those of the best score are returned.

    Raises
    ------
    DivergenceError
        A weight is no longer finite, and there are none of a best score.
    """
    if score is None:
        state.forget_scores()
    else:
        state.begin_scores(parameters)
    n_rows = Shares(peers, examples).n_rows
    settings = settings.of_all(peers.size, n_rows)
    _prepare(parameters, state, settings)
    stream = STREAMS * peers.rank
    bench = Bench(examples, parameters.units, settings.of_one(peers.size), state.seed,
                  stream if peers.own or settings.local_steps is not None else 0,
                  stream if peers.own else 0)
    halt = Halt()
    make_epochs, n_threads = choose_epochs(settings, peers)
    began, n_iter, rows, stopped_by, epochs = time.perf_counter(), 0, 0, None, None
    try:
        with (np.errstate(over="ignore", invalid="ignore", divide="ignore"), one_thread_of_blas(),
              Team(n_threads, on_interrupt=halt.ask, deadline=deadline) as team):
            epochs = make_epochs(bench, parameters, state.momenta, team, halt)
            while stopped_by is None:
                bench.begin(state.epoch)
                tally = epochs.run(next_order(), Steps(settings, state))
                rows += tally.rows
                state.count(tally)
                if not tally.rows:  # the clock was faster than the first minibatch
                    stopped_by = "max_time"
                    break
                if settings.lazy and settings.settles:
                    for each in epochs.replicas:
                        _settle(*each, state, settings, tally.penalties / tally.rows)
                state.loss = _loss(tally, parameters, settings)
                if tally.rows < n_rows:
                    stopped_by = "max_time"
                    break
                n_iter += 1
                state.epoch += 1
                state.curve.append(state.loss)
                told = Epoch(n_iter, state.loss, time.perf_counter() - began)
                if score is None:
                    check_finite(told.loss, parameters, n_iter, settings)
                else:
                    [told.score] = peers.decide(score() if peers.rank == 0 else 0.0)
                    state.scores.append(told.score)
                    if told.score > state.best_score:
                        state.best = parameters.copy()
                no_progress = stalled(state, told, settings)
                ended = on_epoch is not None and on_epoch(told)
                ended, expired = peers.decide(bool(ended), team.expired())
                stopped_by = _why(ended, no_progress, n_iter, settings, expired)
                if not np.isfinite(told.loss) and not parameters.are_finite():
                    stopped_by = "divergence"  # nothing comes back from there
    except BaseException:  # of Ctrl-C, say, within an epoch; all threads have ended here
        if epochs is not None:
            state.count(epochs.take_tally())
        if state.momenta.last is not None:  # a step may have been made and not counted
            state.step = max(state.step, int(state.momenta.last.max()))
        raise
    met = state.loss if rows and state.best is None else 0.0  # max_time may allow no minibatch
    state.end_scores(parameters)
    check_finite(met, parameters, n_iter, settings)
    return Ended(n_iter, stopped_by, rows, epochs.told() if settings.pipeline else None)


def _prepare(parameters, state, settings):
    """The optimizer's state for the steps to come: a new one, or that of the last call."""
    momenta = state.momenta
    if momenta is None or momenta.rule != settings.rule.name:
        state.momenta = Momenta.of(settings.rule, parameters, settings.lazy)
        state.step = 0  # adam corrects the bias of moments that begin now
    elif settings.lazy and momenta.last is None:  # so far X was dense: all rows stand there
        momenta.last = np.full(len(parameters.first), state.step, np.int64)
    elif not settings.lazy and momenta.last is not None:
        _settle(parameters, momenta, state, settings, 1 / settings.batch_size)
        momenta.last = None


def _settle(parameters, momenta, state, settings, share):
    """Brings all rows of the first matrix up to the last step, as dense steps would have.

    `share` is what a step's penalty is of the whole.
    """
    eta, _ = Steps(settings, state).at(0, 0)
    Stepper(settings.rule).settle(
        parameters, momenta, eta=eta, t=state.step + 1, l2=settings.alpha * share)


def _why(ended, no_progress, n_iter, settings, expired):
    return ("callback" if ended else "tol" if no_progress
            else "max_iter" if n_iter >= settings.max_iter
            else "max_time" if expired else None)


def _loss(tally, parameters, settings):
    """Mean loss met in the epoch, with the penalty."""
    loss = tally.loss
    if settings.alpha and not settings.penalty_is_exact:
        loss += 0.5 * settings.alpha * parameters.square() * tally.penalties
    return loss / tally.rows


def check_finite(loss, parameters, n_iter, settings):
    """Raises DivergenceError where the loss or a weight is not finite."""
    if settings.guards and np.isfinite(loss) and np.isfinite(parameters.rest).all():
        return  # nor has anything else been written to the first matrix, which may be large
    with np.errstate(over="ignore"):
        total = parameters.square() + float(parameters.vectors.sum())  # may overflow by itself
    if np.isfinite(loss) and (np.isfinite(total) or parameters.are_finite()):
        return
    raise DivergenceError(
        "Solver produced non-finite parameter weights. The input data may contain large values "
        f"and need to be preprocessed. (After {n_iter} epochs, with a loss of {loss:g}; a smaller "
        f"learning_rate_init helps too, {settings.schedule['eta0']:g} was used.)")


def stalled(state, told, settings):
    """Counts epochs without progress as scikit-learn does; True ends the training."""
    if told.score is None:
        worse = told.loss > state.best_loss - settings.tol
        state.best_loss = min(state.best_loss, told.loss)
    else:
        worse = told.score < state.best_score + settings.tol
        if told.score > state.best_score:
            state.best_score = told.score
    state.stale = state.stale + 1 if worse else 0
    if state.stale <= settings.n_iter_no_change:
        return False
    if has_ended(state, settings):
        return True
    now = settings.schedule["eta0"] if state.eta0 is None else state.eta0
    state.eta0, state.stale = now / 5, 0
    return False


def has_ended(state, settings):
    """Whether `tol` has ended a training."""
    now = settings.schedule["eta0"] if state.eta0 is None else state.eta0
    return state.stale > settings.n_iter_no_change and not (
        settings.adaptive and now > SMALLEST_ETA)
