"""The training of a network by workers: what the pool is told, and what it tells."""

from fastsgd._interrupts import whole
from fastsgd.engine.blas import one_thread_of_blas
from fastsgd.engine.mlp.rank_task import pack_model, pack_rng, pack_settings, unpack_model
from fastsgd.engine.rank import pack_rows
from fastsgd.engine.run import Ended, Epoch
from fastsgd.engine.shared_arrays import SharedArrays
from fastsgd.errors import DivergenceError
from fastsgd.models.pools import close_pool, pool_of


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
        self._estimator, self._workers = estimator, plan.workers
        self._examples, self._rng = examples, rng
        self._about = {"held_out": held_out, "score": score, "skip": skip,
                       "max_fun": plan.stop.max_fun, "own": plan.own_rows}
        self.told = {}

    def train(self, parameters, state, settings, report, deadline):
        """Trains; weights and state follow rank 0's, and are those of before after an error.

        After Ctrl-C they are the last that were told.

        Returns
        -------
        Ended
        """
        self._before = None
        try:
            pool = pool_of(self._estimator, self._workers)
            # ranks may be threads, which must not set BLAS's threads by turns
            with one_thread_of_blas(), SharedArrays(direct=pool.capabilities.direct) as shelf:
                return self._run(pool, shelf, parameters, state, settings, report, deadline)
        except BaseException as error:
            if self._before is not None and isinstance(error, Exception):
                self._become(parameters, state, *self._before)
            if not isinstance(error, DivergenceError):  # else the pool is well
                close_pool(self._estimator)
            raise

    def _run(self, pool, shelf, parameters, state, settings, report, deadline):
        def listen(said):
            if "model" in said:
                if self._before is None:
                    self._before = parameters.copy(), state.copy(), pack_rng(self._rng)
                self._follow(parameters, state, said["model"], copy=pool.capabilities.direct)
            return report.epoch(Epoch(state=state, **said["epoch"]))

        results = pool.run("fastsgd.engine.mlp.rank_task:train_mlp", {
            "data": self._pack(shelf), "model": pack_model(parameters, state, shelf.place),
            "settings": pack_settings(settings), "rng": pack_rng(self._rng),
            "max_time": deadline.left if deadline.limited else None,
            "each": report.listens, "looks": report.looks, **self._about},
            listener=listen)
        first, stats = results[0], [result["stats"] for result in results]
        self.told = {"workers": pool.world_size, "comm": pool.kind,
                     "bytes_sent": sum(each["bytes_sent"] for each in stats),
                     "comm_seconds": max(each["seconds"] for each in stats)}
        if "diverged" in first:
            raise DivergenceError(first["diverged"])
        self._follow(parameters, state, first["model"])
        return Ended(*first["ended"])

    def _pack(self, shelf):
        examples = self._examples
        arrays = shelf.place(examples.targets, examples.sample_weight, examples.label_weights,
                             examples.subset)
        names = "targets", "sample_weight", "label_weights", "subset"
        return {**pack_rows(examples.X, shelf), **dict(zip(names, arrays, strict=True))}

    def _follow(self, parameters, state, told, copy=False):
        """The estimator's own weights, state and random numbers take rank 0's values."""
        self._become(parameters, state, *unpack_model(told, copy), told["rng"])

    @whole
    def _become(self, parameters, state, new, after, rng):
        parameters.become(new)
        vars(state).update(vars(after))
        self._rng.set_state(rng)
