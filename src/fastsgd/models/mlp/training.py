"""The training of a network by workers: what the pool is told, and what it tells."""

from fastsgd._interrupts import whole
from fastsgd.engine.blas import one_thread_of_blas
from fastsgd.engine.mlp.rank_task import pack_model, pack_rng, pack_settings, unpack_model
from fastsgd.engine.rank import pack_rows
from fastsgd.engine.run import Epoch
from fastsgd.models.pools import PoolTraining


class WorkerTraining:
    """The workers of one call, and what they are to do; `train` does it.

    Parameters
    ----------
    estimator : FastMLPClassifier or FastMLPRegressor
        Keeps the pool.
    plan : Plan
        Its `workers` are not None.
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

    def __init__(self, estimator, plan, examples, rng, held_out, score, skip):
        self._estimator, self._plan = estimator, plan
        self._examples, self._rng = examples, rng
        self._about = {
            "max_fun": plan.stop.max_fun,
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
            own=self._plan.own_rows, stats=self.told)

        def follow(told, last):
            if not (last or before):
                before.extend((parameters.copy(), state.copy(), pack_rng(self._rng)))
            model = unpack_model(told, copy=training.direct and not last)
            self._become(parameters, state, *model, told["rng"])

        def run(shelf):
            # ranks may be threads, which must not set BLAS's threads by turns
            with one_thread_of_blas():
                return training.run({
                    "data": self._pack_examples(shelf),
                    "model": pack_model(parameters, state, shelf.place),
                    "settings": pack_settings(settings),
                    "orders": {"rng": pack_rng(self._rng), "skip": self._skip}, **self._about},
                    deadline, follow=follow, epoch_of=lambda said: Epoch(state=state, **said))

        try:
            return training.open(self._plan.workers, run)
        except Exception:
            if before:
                self._become(parameters, state, *before)
            raise

    def _pack_examples(self, shelf):
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
