"""Training by sums over many rows: what gd, lbfgs and newton-cg share.

The method is a function of an `Objective` and of the `Iterations`, which know when to end.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from fastsgd.engine.deadline import NEVER
from fastsgd.engine.linear.examples import Examples
from fastsgd.engine.linear.minibatches import Minibatches
from fastsgd.engine.linear.objective import Stopped
from fastsgd.engine.linear.progress import check_finite, make_run
from fastsgd.engine.linear.proof import Proof
from fastsgd.engine.linear.steps import Steps
from fastsgd.engine.peers import ALONE
from fastsgd.errors import DivergenceError


class Iterations:
    """The `Run` of a method whose epochs are its iterations, which bring the state up to date.

    Parameters
    ----------
    f : Objective
    run : Run
    settings : Settings
    steps : Steps
    minibatches : Minibatches or None
    proof : Proof or None

    Attributes
    ----------
    state : LinearState
        INOUT: of the last whole iteration; with minibatches of the last step.
    settings, steps, minibatches, proof :
        As given.
    """

    def __init__(self, f, run, settings, steps, minibatches=None, proof=None):
        self.state, self.settings, self.proof = run.state, settings, proof
        self.steps, self.minibatches = steps, minibatches
        self._f, self._run = f, run
        self._judged = proof is None or not proof.asked or settings.adaptive

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
        return self._run.after(objective, mean_loss, self._f.expired, rate=self.steps,
                               judged=self._judged, enough=enough)

    @property
    def stopped(self):
        """Whether the training has ended."""
        return self._run.stopped_by is not None

    def ended(self, met):
        """Notes that no step goes down any more: `tol` is met, or the method has stalled.

        An end before that stands.
        """
        if not self._run.n_iter and self._run.stopped_by is None:  # the start is good enough
            self.after(self._f.x, self._f.value, self._f.mean_loss, steps=0, enough=met)
        if met:
            self._run.converged()
        self._run.stalled()


@dataclass(frozen=True)
class BatchTraining:
    """The training of one linear model by a method and the objective that it is to minimise.

    Attributes
    ----------
    method : callable
        ``method(f, run)`` with an Objective and Iterations.
    objective : callable
        ``objective(examples, settings, intercept, batch=, deadline=, peers=)``: the Objective;
        `batch` is the number of rows of a minibatch, None without them.
    """

    method: Callable
    objective: Callable

    def __call__(self, rows, y, sample_weight, state, settings, seed, *, subset=None, score=None,
                 on_epoch=None, deadline=NEVER, sample=None, peers=ALONE):
        """Trains; the arguments and the result as `sgd.train`'s.

        Parameters
        ----------
        peers : Peers
            Those who run this too, with the same arguments; `score` and `on_epoch` are rank 0's.

        Raises
        ------
        DivergenceError
            A weight or the objective is no longer finite.
        """
        rows.check()
        examples = Examples(rows, y, sample_weight, subset)
        counts = peers.counts(examples.n_visits)
        workers = peers.size if settings.batch_per_worker else 1
        if workers > 1:
            settings = replace(settings, batch_size=workers * settings.batch_size)
        minibatches, warm_up, batch = None, 0.0, None
        if settings.batch_size is not None:
            minibatches = Minibatches(examples, settings, seed, counts)
            warm_up = settings.warm_up * len(minibatches)
            batch = min(settings.batch_size, minibatches.visits)
        with np.errstate(over="ignore", invalid="ignore"), self.objective(
                examples, settings, state.intercept, batch=batch, deadline=deadline,
                peers=peers) as f:
            run = make_run(y, state, settings, score=score, on_epoch=on_epoch, deadline=deadline,
                           sample=sample, peers=peers)
            steps, proof = Steps(settings, state, workers, warm_up), None
            if minibatches is None:  # with a score `tol` is about that
                proof = Proof(examples, settings, state, f.share, peers,
                              tol=settings.tol if score is None else None)
            if proof is not None and not peers.alone:  # sums of all ranks: now, on all of them
                proof.gather()
            try:
                self.method(f, Iterations(f, run, settings, steps, minibatches, proof))
                if proof is not None and run.stopped_by != "max_time":
                    state.gap = proof.settle(f)
            except Stopped:
                run.cut_short()
            run.steps = f.visits
        return run.end()
