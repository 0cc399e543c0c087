"""The meaning of a multilayer perceptron's parameters in one call, decided once: `Plan`."""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

from fastsgd._integers import is_seed, plain
from fastsgd._warn import warn
from fastsgd.engine.mlp.activations import ACTIVATIONS
from fastsgd.engine.mlp.costs import work_of
from fastsgd.engine.mlp.lbfgs import PARTS
from fastsgd.engine.mlp.map_reduce import count_parts
from fastsgd.engine.mlp.settings import Settings
from fastsgd.kernels import tables
from fastsgd.losses import LOSSES
from fastsgd.optimizers import OPTIMIZERS, Optimizer
from fastsgd.pipeline import LayerPipeline
from fastsgd.plan.mlp_rules import RULES, Asked, too_many_micro_batches
from fastsgd.plan.rules import refuse
from fastsgd.plan.threads import choose_minibatch_sync, threads_of_sums, threads_of_worker
from fastsgd.schedules import Cosine, has_flag, schedule_fields, with_eta0
from fastsgd.workers import Workers, alone, workers_here

BATCH_SIZE = 200
"""Rows of a minibatch, where `batch_size` is "auto" and there are as many."""

MERGE_EVERY = 8
"""Minibatches of each thread between two merges, where `merge_every` is "auto"."""

LOCAL_STEPS = 8
"""Minibatches between two averages of workers, where `local_steps` is not given."""


@dataclass(frozen=True)
class Rate:
    """The step sizes.

    Attributes
    ----------
    schedule : str or Cosine
    eta0, power_t : float
    by_epoch : bool
        Whether the step stays the same within an epoch.
    adaptive : bool
        Whether it is shortened when progress ends.
    """

    schedule: str | Cosine
    eta0: float
    power_t: float
    by_epoch: bool
    adaptive: bool


@dataclass(frozen=True)
class Stop:
    """Conditions that end a training.

    Attributes
    ----------
    max_iter : int
        Epochs, with ``call="resume"`` those since the last `fit` began included.
    max_time : float or None
        Seconds.
    tol : float
    n_iter_no_change : int or float
        inf: `tol` ends nothing.
    max_fun : int or None
        Evaluations of the sum over all rows; None: the solver takes minibatches.
    held_out : float or None
        Share of the rows that `early_stopping` holds out; None: nothing is held out.
    """

    max_iter: int
    max_time: float | None
    tol: float
    n_iter_no_change: float
    max_fun: int | None
    held_out: float | None


@dataclass(frozen=True)
class Threads:
    """How threads are to share the work, as far as it is known before the rows are.

    Attributes
    ----------
    sync, n_jobs :
        The parameters.
    merge_every : int
        Minibatches of each thread between two merges.
    seeded : bool
        Whether the user asked for the same bits again.
    """

    sync: str
    n_jobs: int | None
    merge_every: int
    seeded: bool


@dataclass(frozen=True)
class Plan:
    """The parameters of one call, checked, and what they stand for.

    Attributes
    ----------
    call : {'fit', 'partial_fit', 'resume'}
    continues : bool
        Whether the training begins at the weights of the last call, where there was one.
    solver : str
    by_sums : bool
        Whether a step takes the sum over all rows, or else a minibatch.
    rule : Optimizer
        The rule of steps by minibatches, with its constants.
    hidden : tuple of int
        Units of each hidden layer.
    activation, init, loss : str
    alpha : float
    dropout : tuple of float
        Rates of the input and of each hidden layer.
    class_weight : dict or str or None
    rate : Rate
    stop : Stop
    threads : Threads
    workers : Workers or None
    pipeline : LayerPipeline or None
    batch_size : int or None
        None: what suits the number of rows.
    lazy : bool or 'auto'
    shuffle : bool
    """

    call: str
    continues: bool
    solver: str
    by_sums: bool
    rule: Optimizer
    hidden: tuple
    activation: str
    init: str
    loss: str
    alpha: float
    dropout: tuple
    class_weight: dict | str | None
    rate: Rate
    stop: Stop
    threads: Threads
    workers: Workers | None
    pipeline: LayerPipeline | None
    batch_size: int | None
    lazy: bool | str
    shuffle: bool

    @classmethod
    def of(cls, params, call="fit", *, max_iter=None):
        """The plan of a call, or an error.

        Parameters
        ----------
        params : object
            Has the parameters as attributes: an estimator or a namespace. A classifier's have
            `class_weight`.
        call : {'fit', 'partial_fit', 'resume'}
        max_iter : int or None
            Of 'resume': epochs in total.

        Raises
        ------
        ValueError
            A combination of parameters has no meaning (mlp_rules.py).
        """
        asked = Asked(params, call)
        refuse(asked, RULES)
        return cls(
            call=call, continues=call != "fit" or bool(params.warm_start), solver=params.solver,
            by_sums=asked.by_sums, rule=_rule(asked), hidden=tuple(map(int, asked.sizes)),
            activation=params.activation, init=params.init, loss=params.loss,
            alpha=float(params.alpha), dropout=tuple(map(float, asked.rates)),
            class_weight=getattr(params, "class_weight", None), rate=_rate(params),
            stop=_stop(asked, {"fit": params.max_iter, "resume": max_iter}.get(call, 1)),
            threads=Threads(
                params.sync, plain(params.n_jobs),
                MERGE_EVERY if params.merge_every == "auto" else int(params.merge_every),
                is_seed(params.random_state)),
            workers=asked.workers, pipeline=params.pipeline,
            batch_size=None if params.batch_size == "auto" else int(params.batch_size),
            lazy=params.lazy, shuffle=params.shuffle)

    @property
    def incremental(self):
        """Whether the call is one of `partial_fit`."""
        return self.call == "partial_fit"

    @property
    def own_rows(self):
        """Whether each process of a job has rows of its own."""
        return self.workers is not None and self.workers.rows == "own"

    @property
    def holds_out(self):
        """Whether rows are held out, and the weights of the best score on them kept."""
        return self.stop.held_out is not None

    def settle(self, examples, units, output, *, n_rows, lazy, behind=0,
               everyone: Callable = alone):
        """The `Settings` of a training on these rows.

        Parameters
        ----------
        examples : Examples
            Those of this process.
        units : sequence of int
            Of the input and of each layer.
        output : Output
        n_rows : int
            Rows of all processes.
        lazy : bool
            What `lazy` stands for on X.
        behind : int
            Epochs of earlier calls, of those that `stop` allows.
        everyone : callable
            ``everyone(said)``: what each process of the job says.
        """
        n = n_rows if self.own_rows else examples.n_rows
        batch_size = self._fit_batch(n)
        sync, n_threads = self._choose_threads(examples, units, n, batch_size, lazy, everyone)
        schedule = schedule_fields(
            self.rate.schedule, eta0=self.rate.eta0, power_t=self.rate.power_t, alpha=self.alpha,
            loss=LOSSES["log_loss"], constant=0.0, epoch_steps=n)
        return Settings(
            activation=ACTIVATIONS[self.activation], output=output, alpha=self.alpha,
            rule=self.rule, schedule=with_eta0(schedule, self.rate.eta0),
            by_epoch=self.rate.by_epoch, adaptive=self.rate.adaptive, batch_size=batch_size,
            max_iter=self.stop.max_iter - behind, tol=self.stop.tol,
            n_iter_no_change=self.stop.n_iter_no_change, shuffle=self.shuffle,
            dropout=self.dropout, lazy=lazy, sync=sync, n_threads=n_threads,
            merge_every=self.threads.merge_every, settles=not self.incremental,
            guards=self.incremental, pipeline=self.pipeline, **_of_workers(self.workers))

    def _fit_batch(self, n):
        """Rows of a minibatch, at most n."""
        batch_size = min(BATCH_SIZE, n) if self.batch_size is None else self.batch_size
        if batch_size > n:
            warn("Got `batch_size` less than 1 or larger than sample size. It is going "
                 "to be clipped")
            batch_size = n
        told = self.pipeline and too_many_micro_batches(self.pipeline, batch_size)
        if told:
            raise ValueError(told)
        return batch_size

    def _choose_threads(self, examples, units, n, batch_size, lazy, everyone):
        """Work of the threads of this process, or of each worker: (sync, threads)."""
        asked, workers, rows = self.threads, self.workers, examples.rows
        share = 1 if workers is None else workers_here(workers)
        n_jobs = threads_of_worker(asked.n_jobs, share)
        if self.pipeline is not None:
            return "serial", self.pipeline.stages
        if self.by_sums:
            mine = examples.n_rows if self.own_rows else n // share
            return "map_reduce", threads_of_sums(
                asked.sync, n_jobs, work=work_of(rows, units, mine), parts=PARTS)
        if workers is not None and workers.policy == "sync":
            return "serial", 1
        per_worker = workers is not None and workers.batch == "per_worker"
        own = batch_size if per_worker else -(-batch_size // share)
        sync, n_threads = choose_minibatch_sync(
            asked.sync, n_jobs, work=work_of(rows, units, own), parts=count_parts(own), lazy=lazy,
            seeded=asked.seeded)
        if sync in ("hogwild", "merge"):  # more threads than minibatches have nothing to do
            n_threads = min(n_threads, max(2, -(-n // own)))
        # what suits the rows of one process must not differ from what the others do
        return everyone(sync)[0], n_threads


def _of_workers(workers) -> dict[str, Any]:
    if workers is None:
        return {}
    local_steps = None if workers.policy == "sync" else workers.local_steps or LOCAL_STEPS
    return {"local_steps": local_steps, "batch_per_worker": workers.batch == "per_worker",
            "warm_up": workers.warm_up}


def _rule(asked):
    """The optimizer with the constants that are parameters here."""
    params = asked.params
    name = "sgd" if asked.by_sums else params.solver  # sums are not stepped along by a rule
    if name == "sgd" and params.momentum > 0:
        name = "nesterov" if params.nesterovs_momentum else "momentum"
    usual = OPTIMIZERS[name]
    return replace(usual, **{each.name: float(getattr(params, each.name))
                             for each in fields(usual)})


def _rate(params):
    rate = params.learning_rate
    return Rate(
        schedule=rate, eta0=float(params.learning_rate_init), power_t=float(params.power_t),
        by_epoch=getattr(rate, "name", rate) == "invscaling",
        adaptive=has_flag(rate, tables.ADAPTIVE))


def _stop(asked, max_iter):
    params = asked.params
    return Stop(
        max_iter=int(max_iter), max_time=params.max_time, tol=float(params.tol),
        n_iter_no_change=plain(params.n_iter_no_change),
        max_fun=int(params.max_fun) if asked.by_sums else None,
        held_out=(params.validation_fraction if params.early_stopping and not asked.by_sums
                  else None))
