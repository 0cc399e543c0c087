"""The training of a network by workers: what goes with what, and what the pool is told."""

from fastsgd._interrupts import whole
from fastsgd.engine.blas import one_thread_of_blas
from fastsgd.engine.mlp.rank_task import pack_model, pack_rng, pack_settings, unpack_model
from fastsgd.engine.rank import pack_rows
from fastsgd.engine.run import Epoch
from fastsgd.models.pools import PoolTraining
from fastsgd.workers import as_workers, counts_rows, keeps_own_rows, needs_a_seed, needs_all_rows

LOCAL_STEPS = 8
"""Minibatches between two averages, where `local_steps` is not given."""

def check_workers(estimator):
    """Refuses what workers cannot do with an MLP, by name.

    Raises
    ------
    ValueError
    """
    workers, sync = as_workers(estimator.workers), estimator.sync
    if workers is None:
        return
    by_sums = estimator.solver == "lbfgs"
    for refused, message in (
        (by_sums and workers.policy == "local",
         "Workers(policy='local') averages weights after minibatches, and solver='lbfgs' takes "
         "all rows; use Workers(policy='sync'), or a solver that takes minibatches"),
        (by_sums and workers.batch == "per_worker",
         "Workers(batch='per_worker') counts rows of minibatches, and solver='lbfgs' takes all "
         "rows; use batch='global'"),
        (workers.policy == "sync" and workers.local_steps is not None,
         f"Workers(local_steps={workers.local_steps!r}) has no meaning with policy='sync', which "
         "adds up before each step; use local_steps=None, or Workers(policy='local')"),
        (workers.policy == "sync" and not by_sums and sync not in ("auto", "serial"),
         f"each of Workers(policy='sync') finds its part of a gradient by one thread, and "
         f"sync={sync!r} shares weights among threads; use sync='auto' and more workers, or "
         "Workers(policy='local')"),
        needs_a_seed(workers, estimator),
        *((workers.rows == "own" and asked, needs_all_rows(what)) for asked, what in (
            (estimator.early_stopping and not by_sums, "early_stopping=True"),
            counts_rows(estimator))),
    ):
        if refused:
            raise ValueError(message)


class WorkerTraining:
    """The workers of one call, and what they are to do; `train` does it.

    Parameters
    ----------
    estimator : FastMLPClassifier or FastMLPRegressor
    examples : Examples
    rng : RandomState
        INOUT: of the orders to come.
    held_out : int64 ndarray or None
    score : str
        What rows held out are judged by.
    skip : int
        Epochs whose orders were drawn before.

    Attributes
    ----------
    told : dict
        For `fit_stats_`, after `train`.
    """

    def __init__(self, estimator, examples, rng, held_out, score, skip):
        self._estimator, self._examples, self._rng = estimator, examples, rng
        self._about = {
            "max_fun": estimator.max_fun if estimator.solver == "lbfgs" else None,
            "scored": None if held_out is None else {"rows": held_out, "by": score}}
        self._skip, self.told = skip, {}

    def train(self, parameters, state, settings, report, deadline):
        """Trains; weights and state follow rank 0's, and are those of before after an error.

        After Ctrl-C they are the last that were told.

        Returns
        -------
        Ended
        """
        before = []
        training = PoolTraining(
            self._estimator, "fastsgd.engine.mlp.rank_task:train_mlp", report,
            own=keeps_own_rows(self._estimator), stats=self.told)

        def follow(told, last):
            if not (last or before):
                before.extend((parameters.copy(), state.copy(), pack_rng(self._rng)))
            model = unpack_model(told, copy=training.direct and not last)
            self._become(parameters, state, *model, told["rng"])

        def run(shelf):
            # ranks may be threads, which must not set BLAS's threads by turns
            with one_thread_of_blas():
                return training.run({
                    "data": self._pack(shelf), "model": pack_model(parameters, state, shelf.place),
                    "settings": pack_settings(settings),
                    "orders": {"rng": pack_rng(self._rng), "skip": self._skip}, **self._about},
                    deadline, follow=follow, epoch_of=lambda said: Epoch(state=state, **said))

        try:
            return training.open(as_workers(self._estimator.workers), run)
        except Exception:
            if before:
                self._become(parameters, state, *before)
            raise

    def _pack(self, shelf):
        examples = self._examples
        arrays = shelf.place(examples.targets, examples.sample_weight, examples.label_weights,
                             examples.subset)
        names = "targets", "sample_weight", "label_weights", "subset"
        return {**pack_rows(examples.X, shelf), **dict(zip(names, arrays, strict=True))}

    @whole
    def _become(self, parameters, state, new, after, rng):
        """The estimator's own weights, state and random numbers take these values."""
        parameters.become(new)
        vars(state).update(vars(after))
        self._rng.set_state(rng)
