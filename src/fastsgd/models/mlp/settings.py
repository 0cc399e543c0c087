"""From an MLP's parameters to what its training is told."""

from dataclasses import fields, replace

from fastsgd._integers import is_seed, plain
from fastsgd._warn import warn
from fastsgd.engine.mlp.activations import ACTIVATIONS
from fastsgd.engine.mlp.costs import work_of
from fastsgd.engine.mlp.lbfgs import PARTS
from fastsgd.engine.mlp.map_reduce import count_parts
from fastsgd.engine.mlp.outputs import OUTPUTS
from fastsgd.engine.mlp.settings import Settings
from fastsgd.kernels import tables
from fastsgd.losses import LOSSES
from fastsgd.models.mlp.checks import check_micro_batches
from fastsgd.models.mlp.training import LOCAL_STEPS
from fastsgd.models.pools import of_all
from fastsgd.optimizers import OPTIMIZERS
from fastsgd.plan.threads import choose_minibatch_sync, threads_of_sums, threads_of_worker
from fastsgd.schedules import has_flag, schedule_fields, with_eta0
from fastsgd.workers import as_workers, workers_here

MERGE_EVERY = 8
"""Minibatches of each thread between two merges, where merge_every is 'auto'."""


def make_settings(estimator, examples, task, max_iter, *, incremental):
    """The `Settings` of a training, with what `sync` and `n_jobs` stand for on this data.

    Parameters
    ----------
    estimator : FastMLPClassifier or FastMLPRegressor
    examples : Examples
    task : Task
    max_iter : int
        Epochs to come, at most.
    incremental : bool
        For `partial_fit`.
    """
    own_rows = task.n_rows > task.X.shape[0]  # then nobody holds rows out
    n = task.n_rows if own_rows else examples.n_rows
    batch_size = min(200, n) if estimator.batch_size == "auto" else int(estimator.batch_size)
    if batch_size > n:
        warn("Got `batch_size` less than 1 or larger than sample size. It is going "
                      "to be clipped")
        batch_size = n
    check_micro_batches(estimator.pipeline, batch_size)
    workers = as_workers(estimator.workers)
    share, n_jobs = 1, plain(estimator.n_jobs)
    if workers is not None:
        share = workers_here(workers)
        n_jobs = threads_of_worker(n_jobs, share)
    own = batch_size if workers is None or workers.batch != "global" else -(-batch_size // share)
    work = work_of(examples.rows, task.units, own if estimator.solver != "lbfgs"
                   else examples.n_rows if own_rows else n // share)
    if estimator.pipeline is not None:
        sync, n_threads = "serial", estimator.pipeline.stages
    elif estimator.solver == "lbfgs":
        sync, n_threads = "map_reduce", threads_of_sums(
            estimator.sync, n_jobs, work=work, parts=PARTS)
    elif workers is not None and workers.policy == "sync":
        sync, n_threads = "serial", 1
    else:
        sync, n_threads = choose_minibatch_sync(
            estimator.sync, n_jobs, work=work, parts=count_parts(own), lazy=task.lazy,
            seeded=is_seed(estimator.random_state))
        if sync in ("hogwild", "merge"):  # more threads than minibatches have nothing to do
            n_threads = min(n_threads, max(2, -(-n // own)))
        if own_rows:  # what suits the rows of one must not differ from what the others do
            sync = of_all(estimator, sync)[0]
    name = getattr(estimator.learning_rate, "name", estimator.learning_rate)
    eta0 = float(estimator.learning_rate_init)
    schedule = schedule_fields(
        estimator.learning_rate, eta0=eta0, power_t=float(estimator.power_t),
        alpha=float(estimator.alpha), loss=LOSSES["log_loss"], constant=0.0, epoch_steps=n)
    return Settings(
        activation=ACTIVATIONS[estimator.activation],
        output=OUTPUTS[estimator.out_activation_, estimator.loss], alpha=float(estimator.alpha),
        rule=rule_of(estimator), schedule=with_eta0(schedule, eta0), by_epoch=name == "invscaling",
        adaptive=has_flag(estimator.learning_rate, tables.ADAPTIVE), batch_size=batch_size,
        max_iter=max_iter, tol=float(estimator.tol),
        n_iter_no_change=plain(estimator.n_iter_no_change),
        shuffle=estimator.shuffle, dropout=task.dropout, lazy=task.lazy, sync=sync,
        n_threads=n_threads,
        merge_every=MERGE_EVERY if estimator.merge_every == "auto" else int(estimator.merge_every),
        settles=not incremental, guards=incremental, pipeline=estimator.pipeline,
        **_of_workers(workers))


def _of_workers(workers):
    if workers is None:
        return {}
    local_steps = None if workers.policy == "sync" else workers.local_steps or LOCAL_STEPS
    return {"local_steps": local_steps,
            "batch_per_worker": workers.batch == "per_worker", "warm_up": float(workers.warm_up)}


def rule_of(estimator):
    """The optimizer with the constants that are parameters here."""
    name = estimator.solver if estimator.solver != "lbfgs" else "sgd"  # which takes none
    if name == "sgd" and estimator.momentum > 0:
        name = "nesterov" if estimator.nesterovs_momentum else "momentum"
    usual = OPTIMIZERS[name]
    return replace(usual, **{each.name: float(getattr(estimator, each.name))
                             for each in fields(usual)})
