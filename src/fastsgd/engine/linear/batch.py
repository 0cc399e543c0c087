"""Training by sums over many rows: what gd, lbfgs and newton-cg share.

The method is a function of an `Objective` and of the `Iterations`, which know when to end.
"""

from dataclasses import replace

import numpy as np

from fastsgd.engine.deadline import NEVER
from fastsgd.engine.linear.objective import Objective, Stopped
from fastsgd.engine.linear.progress import check_finite, make_run
from fastsgd.engine.peers import ALONE
from fastsgd.errors import DivergenceError


class Iterations:
    """The `Run` of a method whose epochs are its iterations, which bring the state up to date.

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
    """

    def __init__(self, f, run, settings, *, seed, rows, subset, workers=1, counts=()):
        self.state, self.settings = run.state, settings
        self.seed, self.rows, self.subset = seed, rows, subset
        self.workers, self.counts = workers, counts
        self._f, self._run, self._rate = f, run, None

    def use_steps(self, steps):
        """Progress is judged as in SGD, and the steps may get shorter; returns them."""
        self._rate = steps
        return steps

    def keep(self, x, steps=1):
        """The state goes to x, `steps` steps later."""
        with np.errstate(over="ignore"):  # of a cast to float32; `after` sees it
            self.state.weights[:] = self._f.weights_of(x)
        self.state.intercept = self._f.intercept_of(x)
        self.state.t += steps

    def after(self, x, objective, mean_loss, steps=1, enough=False):
        """An iteration has ended at x; True where it was the last."""
        self.keep(x, steps)
        if not np.isfinite(objective):
            check_finite(self.state, self._run.n_iter + 1, self.settings)
            raise DivergenceError(
                f"The objective is no longer finite after iteration #{self._run.n_iter + 1}. "
                "Scaling input data with StandardScaler or MinMaxScaler might help; so does a "
                "smaller eta0 or a larger alpha.")
        # lbfgs and newton-cg have their own rule, the largest slope
        return self._run.after(objective, mean_loss, self._f.expired, rate=self._rate,
                               judged=self.settings.solver == "gd", enough=enough)

    def converged(self):
        """The method has nothing left to do; an end before that stands."""
        if not self._run.n_iter and self._run.stopped_by is None:  # the start is good enough
            self.after(self._f.x, self._f.value, self._f.mean_loss, steps=0, enough=True)
        self._run.converged()


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
    counts = peers.counts(rows.shape[0] if subset is None else len(subset))
    n_visits = sum(counts)
    workers = peers.size if settings.batch_per_worker else 1
    if workers > 1:
        settings = replace(settings, batch_size=workers * settings.batch_size)
    batch = None if settings.batch_size is None else min(settings.batch_size, n_visits)
    with np.errstate(over="ignore", invalid="ignore"), Objective(
            rows, y, sample_weight, settings, state.intercept, subset=subset, batch=batch,
            deadline=deadline, peers=peers) as f:
        run = make_run(y, state, settings, score=score, on_epoch=on_epoch, deadline=deadline,
                       sample=sample, peers=peers)
        try:
            method(f, Iterations(f, run, settings, seed=seed, rows=rows, subset=subset,
                                 workers=workers, counts=counts))
        except Stopped:
            run.cut_short()
        run.steps = f.visits
    return run.end()
