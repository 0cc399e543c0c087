"""The course of one training: what happens after each epoch, and when and why it ends.

Every training loop has a `Run`, tells it of each epoch and goes on until `Run.stopped_by` is set.
"""

import time
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from fastsgd.engine.peers import ALONE

WORST_FIRST = ("max_time", "max_iter", "forecast", "stalled", "callback", "tol")
"""Reasons to stop, the one first that is told where several models had several."""


@dataclass
class Epoch:
    """A finished epoch, as `on_epoch`, `verbose` and the command line hear of it.

    Attributes
    ----------
    number : int
        From 1 on, in this call.
    objective, mean_loss : float
        The loss with the penalty, and without it; networks give the objective for both.
    state : LinearState or State
        INOUT: of the model at the end of the epoch.
    seconds : float
        Since the training began.
    score : float or None
        On rows held out.
    """

    number: int
    objective: float
    mean_loss: float
    state: object
    seconds: float
    score: float | None = None


class Ended(NamedTuple):
    """How a training ended.

    Attributes
    ----------
    n_iter : int
        Whole epochs behind the model, at least 1.
    stopped_by : str
        "callback", "tol", "max_iter" or "max_time"; of solvers that prove their gap also "stalled";
        of solver "sdca" also "forecast", where it was given up; of networks also "max_fun" and
        "divergence".
    steps : int
        Rows visited, those of an epoch cut short included.
    forecast : float or None
        Epochs that `tol` still needs at the rate so far, where a method knows: infinity, never.
    pipeline : dict or None
        What a pipeline of layers measured.
    solver, why : str or None
        Solvers that solver='auto' took, and the reason.
    """

    n_iter: int
    stopped_by: str
    steps: int
    forecast: float | None = None
    pipeline: dict | None = None
    solver: str | None = None
    why: str | None = None

    def proven(self):
        """The same end, by a certificate that the optimum is near enough."""
        return self._replace(stopped_by="tol")


def reason_before(*, converged, diverged=False):
    """Why a training that is to be resumed had ended already."""
    return "divergence" if diverged else "tol" if converged else "max_iter"


class Best:
    """Keeps a copy of the state after the best whole epoch.

    By `keep`, epochs are compared by the mean loss that each met on its way, which costs nothing;
    by `settle`, two models by one measure.
    """

    def __init__(self):
        self._state, self._cost = None, np.inf

    def keep(self, state, cost):
        """Copies `state`, of a whole epoch, if its cost is the least so far."""
        if cost < self._cost:
            self._state, self._cost = state.copy(), cost

    def settle(self, state, measure):
        """Makes `state` the kept one, unless ``measure(weights, b)`` is less for it.

        The models compared are those that `coef_` would show, averages where there are any.
        """
        if self._state is None or self._state.t == state.t:
            return
        now, kept = (_shown(each, measure) for each in (state, self._state))
        if not now < kept:  # also where `now` is nan
            state.become(self._state)


def _shown(state, measure):
    weights = np.empty_like(state.weights)
    intercept = state.show(weights)
    return measure(weights, intercept)


class Run:
    """Counts the epochs of one model, reports them and decides when the training ends.

    Parameters
    ----------
    state : object
        INOUT: `epoch` and `curve`, a list of objectives.
    max_iter : int or inf
    progress : callable
        ``progress(epoch, rate)``: takes note of an `Epoch` and says whether `tol` ends the
        training.
    check : callable
        ``check(n_iter)`` raises DivergenceError where a weight is not finite.
    score : callable or None
        ``score()`` of the model on rows held out, higher is better. Rank 0's counts.
    on_epoch : callable or None
        Called by rank 0 with each `Epoch`; a true result ends the training.
    peers : Peers
    compare : callable or None
        ``compare()`` gives the ``measure(weights, intercept)`` by which, when time is over, the
        last model is compared with the best whole epoch's; None keeps the last.

    Attributes
    ----------
    n_iter : int
        Whole epochs so far.
    steps : int
        Rows visited; the training loop counts them.
    stopped_by : str or None
        Why the training has ended; see `Ended`.
    """

    def __init__(self, state, max_iter, *, progress, check, score=None, on_epoch=None,
                 peers=ALONE, compare=None):
        self.state, self.n_iter, self.steps, self.stopped_by = state, 0, 0, None
        self._max_iter, self._progress, self._check = max_iter, progress, check
        self._score, self._on_epoch, self._peers = score, on_epoch, peers
        self._alone = peers.size == 1
        self._compare, self._best = compare, None if compare is None else Best()
        self._began, self._first, self._enough = time.perf_counter(), state.epoch, False

    def after(self, objective, mean_loss, expired, **how):
        """Ends an epoch; true if it was the last.

        Parameters
        ----------
        objective, mean_loss : float
        expired : callable
            Whether the time is over.
        **how
            As `judge` takes it.
        """
        epoch = self.judge(objective, mean_loss, **how)
        if self._alone:
            return self.decide(self._on_epoch is not None and self._on_epoch(epoch), expired())
        return self.decide(*self._peers.after_epoch(epoch, self._on_epoch, expired))

    def judge(self, objective, mean_loss, *, score=None, rate=None, judged=True, enough=False):
        """Counts an epoch and looks at its progress.

        Parameters
        ----------
        objective, mean_loss : float
        score : float or None
            Found already.
        rate : object with eta0 and set_eta0, or None
            The step size that the adaptive schedule shortens.
        judged : bool
            Whether an end by `tol` is a matter of progress from epoch to epoch.
        enough : bool
            The method's own rule for `tol` is met.

        Returns
        -------
        Epoch
        """
        self.n_iter += 1
        self.state.epoch += 1
        self._check(self.n_iter)
        epoch = Epoch(self.n_iter, float(objective), float(mean_loss), self.state,
                      time.perf_counter() - self._began, score)
        self.state.curve.append(epoch.objective)
        if self._score is not None:
            epoch.score = float(self._score()) if self._alone else self._peers.agree(self._score)
        self._enough = enough or (judged and self._progress(epoch, rate))
        if self._best is not None:
            self._best.keep(self.state, epoch.objective if epoch.score is None else -epoch.score)
        return epoch

    def decide(self, asked, late):
        """Whether the epoch judged last is the last: a callback has asked, or time is over."""
        self.stopped_by = ("callback" if asked else "tol" if self._enough
                           else "max_iter" if self.n_iter >= self._max_iter
                           else "max_time" if late else None)
        return self.stopped_by is not None

    def cut_short(self):
        """Notes that the clock ended an epoch before all its rows were met."""
        self.stopped_by = "max_time"

    def converged(self):
        """Notes that the method has nothing left to do; an end before that stands."""
        self.stopped_by = self.stopped_by or "tol"

    def hopeless(self):
        """Notes that a forecast has ended the training; an end before that stands."""
        self.stopped_by = self.stopped_by or "forecast"

    def stalled(self):
        """Notes that no step goes down any more, without a proof; an end before that stands."""
        self.stopped_by = self.stopped_by or "stalled"

    def exhausted(self, max_iter):
        """Notes that `max_iter` iterations, or else the allowed evaluations, are used up."""
        self.stopped_by = self.stopped_by or ("max_iter" if self.n_iter >= max_iter else "max_fun")

    def diverged(self):
        """Notes that weights are not finite, and those of the best score are taken."""
        self.stopped_by = "divergence"

    def end(self, pipeline=None):
        """Takes the better of the last model and the best where time was over; `Ended`."""
        if self.stopped_by == "max_time" and self._best is not None:
            self._best.settle(self.state, self._compare())
        if self.stopped_by == "max_time" and self.steps:
            self._check(self.n_iter + 1)
        return Ended(max(1, self.state.epoch - self._first), self.stopped_by, self.steps,
                     pipeline=pipeline)
