"""Epochs of one network: order, one epoch of the chosen `sync`, progress, stopping."""

import numpy as np

from fastsgd.engine.blas import one_thread_of_blas
from fastsgd.engine.deadline import NEVER
from fastsgd.engine.mlp.epochs import choose_epochs
from fastsgd.engine.mlp.minibatch import PassFactory
from fastsgd.engine.mlp.optimizer import Momenta, Stepper
from fastsgd.engine.mlp.progress import check_finite, has_stalled, note_score
from fastsgd.engine.mlp.shares import Shares
from fastsgd.engine.mlp.steps import Steps
from fastsgd.engine.peers import ALONE
from fastsgd.engine.run import Run
from fastsgd.engine.team import Team

STREAMS = 1 << 16
"""Streams of random numbers for dropout that each of several workers has for its threads."""


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
    bench = PassFactory(examples, parameters.units, settings.of_one(peers.size), state.seed,
                  stream if peers.own or settings.local_steps is not None else 0,
                  stream if peers.own else 0)
    halt = Halt()
    make_epochs, n_threads = choose_epochs(settings, peers)
    epochs = None

    def progress(epoch, rate):
        note_score(state, epoch, parameters)
        return has_stalled(state, epoch, settings)

    def check(n_iter):
        if score is None:  # else those of the best score are taken
            check_finite(state.loss, parameters, n_iter, settings)

    run = Run(state, settings.max_iter, progress=progress, check=check, score=score,
              on_epoch=on_epoch, peers=peers)
    try:
        with (np.errstate(over="ignore", invalid="ignore", divide="ignore"), one_thread_of_blas(),
              Team(n_threads, on_interrupt=halt.ask, deadline=deadline) as team):
            epochs = make_epochs(bench, parameters, state.momenta, team, halt)
            while run.stopped_by is None:
                bench.begin(state.epoch)
                tally = epochs.run(next_order(), Steps(settings, state))
                run.steps += tally.rows
                state.count(tally)
                if not tally.rows:  # the clock was faster than the first minibatch
                    run.cut_short()
                    break
                if settings.lazy and settings.settles:
                    for each in epochs.replicas:
                        _settle(*each, state, settings, tally.penalties / tally.rows)
                state.loss = _loss(tally, parameters, settings)
                if tally.rows < n_rows:
                    run.cut_short()
                    break
                run.after(state.loss, state.loss, team.expired)
                if not np.isfinite(state.loss) and not parameters.are_finite():
                    run.diverged()  # nothing comes back from there
    except BaseException:  # of Ctrl-C, say, within an epoch; all threads have ended here
        if epochs is not None:
            state.count(epochs.take_tally())
        if state.momenta.last is not None:  # a step may have been made and not counted
            state.step = max(state.step, int(state.momenta.last.max()))
        raise
    met = state.loss if run.steps and state.best is None else 0.0  # max_time: no minibatch
    state.end_scores(parameters)
    check_finite(met, parameters, run.n_iter, settings)
    return run.end(epochs.told() if settings.pipeline else None)


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
        parameters, momenta, eta=eta, t=state.step + 1, l2=settings.penalty.l2 * share)


def _loss(tally, parameters, settings):
    """Mean loss met in the epoch, with the penalty."""
    loss = tally.loss
    if settings.penalty.l2 and not settings.penalty_is_exact:
        loss += settings.penalty.value_of_square(parameters.square()) * tally.penalties
    return loss / tally.rows
