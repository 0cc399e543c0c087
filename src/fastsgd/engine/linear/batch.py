"""Training by sums over many rows: what gd, lbfgs and newton-cg share.

The method is a function of an `Objective` and of the `Iterations`, which know when to end.
"""

import time
from dataclasses import replace

import numpy as np

from fastsgd.engine.best import Best
from fastsgd.engine.deadline import NEVER
from fastsgd.engine.linear.objective import Objective, Stopped
from fastsgd.engine.linear.sgd import Ended, Epoch, check_finite, comparison, stalled
from fastsgd.engine.peers import ALONE
from fastsgd.errors import DivergenceError


class Iterations:
    """What happens after each iteration: the state is brought up to date, and others are told.

    Attributes
    ----------
    state : LinearState
        INOUT: of the last whole iteration; with minibatches of the last step.
    settings : Settings
    seed, rows, subset :
        Of the visiting order.
    workers : int
        Whose own minibatches are one, with steps as many times as long.
    counts : list of int
        Rows of an epoch; of each rank, where ranks have their own.
    n_iter : int
    stopped_by : str or None
    """

    def __init__(self, f, state, settings, *, seed, rows, subset, score, on_epoch, best,
                 peers=ALONE, workers=1, counts=()):
        self.state, self.settings = state, settings
        self.seed, self.rows, self.subset = seed, rows, subset
        self.n_iter, self.stopped_by = 0, None
        self._f, self._score, self._on_epoch, self._best = f, score, on_epoch, best
        self._peers, self.workers, self.counts = peers, workers, counts
        self._began, self._steps = time.perf_counter(), None

    def use_steps(self, steps):
        """Progress is judged as in SGD, and the steps may get shorter; returns them."""
        self._steps = steps
        return steps

    def keep(self, x, steps=1):
        """The state goes to x, `steps` steps later."""
        with np.errstate(over="ignore"):  # of a cast to float32; `after` sees it
            self.state.weights[:] = self._f.weights_of(x)
        self.state.intercept = self._f.intercept_of(x)
        self.state.t += steps

    def after(self, x, objective, mean_loss, steps=1):
        """An iteration has ended at x; True where it was the last."""
        state, settings = self.state, self.settings
        self.keep(x, steps)
        self.n_iter += 1
        state.epoch += 1
        check_finite(state, self.n_iter, settings)
        if not np.isfinite(objective):
            raise DivergenceError(
                f"The objective is no longer finite after iteration #{self.n_iter}. Scaling input "
                "data with StandardScaler or MinMaxScaler might help; so does a smaller eta0 or "
                "a larger alpha.")
        told = Epoch(self.n_iter, float(objective), float(mean_loss), state,
                     time.perf_counter() - self._began)
        state.curve.append(told.objective)
        ended, expired = self._peers.after_epoch(
            told, self._score, self._on_epoch, self._f.expired)
        # lbfgs and newton-cg have their own rule, the largest slope
        judged = settings.solver == "gd"
        no_progress = judged and stalled(state, told, settings, self._steps)
        if self._best is not None:
            self._best.keep(state, told.objective if told.score is None else -told.score)
        self.stopped_by = ("callback" if ended else "tol" if no_progress
                           else "max_iter" if self.n_iter >= settings.max_iter
                           else "max_time" if expired else None)
        return self.stopped_by is not None

    def end(self, reason):
        """The method has nothing left to do; an end that was told before stands."""
        if self.stopped_by is None:
            self.stopped_by = reason
            if not self.n_iter:  # the start was as good as asked for
                self.after(self._f.x, self._f.value, self._f.mean_loss, steps=0)
                self.stopped_by = reason


def train_batch(method, rows, y, sample_weight, state, settings, seed, *, subset=None, score=None,
                on_epoch=None, deadline=NEVER, sample=None, peers=ALONE):
    """Runs a method on one linear model; the other arguments and the result as `sgd.train`'s.

    Parameters
    ----------
    method : callable
        ``method(f, run)`` with an Objective and Iterations.
    peers : Peers
        Those who run this too, with the same arguments; `score` and `on_epoch` are rank 0's.

    Raises
    ------
    DivergenceError
        A weight or the objective is no longer finite.
    """
    rows.check()
    best = Best() if deadline.limited and sample is not None else None
    first_epoch = state.epoch
    counts = peers.counts(rows.shape[0] if subset is None else len(subset))
    n_visits = sum(counts)
    workers = peers.size if settings.batch_per_worker else 1
    if workers > 1:
        settings = replace(settings, batch_size=workers * settings.batch_size)
    batch = None if settings.batch_size is None else min(settings.batch_size, n_visits)
    with np.errstate(over="ignore", invalid="ignore"), Objective(
            rows, y, sample_weight, settings, state.intercept, subset=subset, batch=batch,
            deadline=deadline, peers=peers) as f:
        run = Iterations(f, state, settings, seed=seed, rows=rows, subset=subset, score=score,
                         on_epoch=on_epoch, best=best, peers=peers, workers=workers,
                         counts=counts)
        try:
            method(f, run)
        except Stopped:
            run.stopped_by = "max_time"
    if run.stopped_by == "max_time" and best is not None:
        best.settle(state, comparison(y, settings, score, sample))
    return Ended(max(1, state.epoch - first_epoch), run.stopped_by, f.visits)
