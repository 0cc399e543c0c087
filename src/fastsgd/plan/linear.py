"""The meaning of a linear model's parameters in one call, decided once: `Plan`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastsgd._integers import is_seed, plain
from fastsgd.duals import DUALS
from fastsgd.engine.linear import ascent, merge
from fastsgd.engine.linear.data_shape import DataShape
from fastsgd.engine.linear.intercept import intercept_decay
from fastsgd.engine.linear.sgd import Settings
from fastsgd.engine.linear.step_size import longest_step, longest_step_of_weights
from fastsgd.kernels import tables
from fastsgd.losses import LOSSES, Loss
from fastsgd.penalties import Penalty, make_penalty
from fastsgd.plan.linear_check import Asked, check
from fastsgd.plan.linear_parts import Rate, Stop, Threads
from fastsgd.plan.linear_rules import obstacle_to_one_pass, too_many_features
from fastsgd.plan.threads import (
    choose_dual_sync,
    choose_map_reduce,
    choose_sync,
    threads_of_worker,
)
from fastsgd.schedules import Cosine, schedule_fields
from fastsgd.solvers import SOLVERS, Gap, Solver
from fastsgd.workers import Workers, alone, workers_here


@dataclass(frozen=True)
class Plan:
    """The parameters of one call, checked, and what they stand for.

    Attributes
    ----------
    call : {'fit', 'partial_fit', 'resume', 'certify'}
    solver : Solver
    choices : tuple of str
        Solvers among which solver='auto' chooses by the data; `solver` is the first.
    loss : Loss
    loss_constant : float
        Its epsilon.
    penalty : Penalty
    alpha, C : float or None
        C, where it is given, counts instead of alpha.
    rate : Rate
    stop : Stop
    threads : Threads
    workers : Workers or None
    own_rows : bool
        Whether each process of a job has rows of its own.
    takes_squares : bool
        Whether a step, its bound or a scale of the weights is made of |x|^2 of all rows.
    batch_size : int or None
    average_from : int
        The first step that counts in the average; 0 without averaging.
    fit_intercept : bool
    shuffle : bool or 'rows'
    """

    call: str
    solver: Solver
    choices: tuple
    loss: Loss
    loss_constant: float
    penalty: Penalty
    C: float | None
    rate: Rate
    stop: Stop
    threads: Threads
    workers: Workers | None
    own_rows: bool
    takes_squares: bool
    batch_size: int | None
    average_from: int
    fit_intercept: bool
    shuffle: bool | str

    @classmethod
    def of(cls, params, call="fit", *, first=True, max_iter=None):
        """The plan of a call, or an error.

        Parameters
        ----------
        params : object
            Has the parameters as attributes: an estimator or a namespace. A classifier's have
            `class_weight`.
        call : {'fit', 'partial_fit', 'resume', 'certify'}
        first : bool
            Whether no call of `partial_fit` came before.
        max_iter : int or None
            Of 'resume': epochs in total.

        Raises
        ------
        ValueError
            A combination of parameters has no meaning (linear_rules.py).
        """
        asked = Asked(params, call, first)
        check(asked)
        solver, loss, workers = asked.solver, LOSSES[params.loss], asked.workers
        rate, one_pass = _rate(asked, loss), obstacle_to_one_pass(asked) is None
        return cls(
            call=call, solver=solver, choices=asked.choices, loss=loss,
            loss_constant=float(params.epsilon),
            penalty=make_penalty(params.penalty, params.l1_ratio, float(params.alpha)),
            C=params.C, rate=rate,
            stop=_stop(params, solver, {
                "fit": params.max_iter, "resume": max_iter}.get(call, 1)),
            threads=Threads(params.sync, params.n_jobs, plain(params.merge_every),
                            is_seed(params.random_state), one_pass),
            workers=workers, own_rows=workers is not None and workers.rows == "own",
            takes_squares=(rate.passive or (rate.bounded and loss.curvature > 0)
                           if solver.one_by_one
                           else not solver.by_dual or len(asked.choices) > 1),
            batch_size=plain(params.batch_size),
            average_from=int(params.average), fit_intercept=params.fit_intercept,
            shuffle=params.shuffle)

    def settle(self, rows, n_rows, n_models, everyone: Callable = alone):
        """The `Settings` of a training on these rows.

        Parameters
        ----------
        rows : Rows
            INOUT: remembers what it was asked.
        n_rows : int
            Rows of all processes.
        n_models : int
            Classes or labels.
        everyone : callable
            ``everyone(said)``: what each process of the job says.

        Raises
        ------
        ValueError
            The solver does not take so many features.
        """
        if len(self.choices) < 2 and rows.shape[1] > self.solver.most_features:
            raise too_many_features(self.solver, rows.shape[1])
        stop, rate, workers = self.stop, self.rate, self.workers
        of_workers: dict[str, Any] = {} if workers is None else {
            "local_steps": workers.local_steps, "warm_up": workers.warm_up,
            "batch_per_worker": workers.batch == "per_worker"}
        penalty = self.penalty if self.C is None else self.penalty.of_alpha(
            float(1.0 / (n_rows * self.C)))
        visits = n_rows - (int(np.ceil(n_rows * stop.held_out)) if stop.held_out else 0)
        if not self.solver.one_by_one:  # steps, not rows
            visits = -(-visits // min(visits, self.batch_size or visits))
        schedule = schedule_fields(
            rate.schedule or "constant", eta0=rate.eta0, power_t=rate.power_t,
            alpha=penalty.alpha,
            loss=self.loss, constant=self.loss_constant, epoch_steps=visits,
            eta_max=self.longest_step(rows))
        sync, n_threads = ("serial", 1) if self.call == "certify" else self._choose_threads(
            self.solver, rows, schedule, n_models)
        name, of_choice = self.solver.name, {}
        if len(self.choices) > 1 and self.call != "certify":
            rows.check()
            name = "auto"
            of_choice = {"choices": self._choices(rows, schedule, n_models),
                         "shape": DataShape.of(rows)}
        return Settings(
            loss=self.loss, loss_constant=self.loss_constant, penalty=penalty,
            schedule=schedule, adaptive=rate.adaptive, passive=rate.passive,
            fit_intercept=self.fit_intercept,
            intercept_decay=1.0 if rows.is_dense else intercept_decay(
                rows, self.loss, n_models, everyone),
            average_from=self.average_from, max_iter=stop.max_iter, tol=stop.tol,
            n_iter_no_change=stop.n_iter_no_change, shuffle=self.shuffle, sync=sync,
            n_threads=n_threads, merge_every=self.threads.merge_every,
            merge_in_order=self.threads.seeded, solver=name,
            batch_size=self.batch_size, search=rate.search, accelerated=rate.accelerated,
            **of_workers, **of_choice)

    def longest_step(self, rows, weight=None, *, cut=False):
        """The step that no step exceeds, where steps are bounded; else infinity.

        Parameters
        ----------
        rows : Rows, or WeightedSquares with `weight`
        weight : float64 ndarray of shape (n_rows,) or None
            Of the rows, their class's weight in it.
        cut : bool
            Whether they are those of visits, of which heavy rows have several.
        """
        one_by_one = self.solver.one_by_one
        if not self.rate.bounded:
            return self.rate.most
        if self.loss.curvature > 0:
            return longest_step(rows, self.loss.curvature, weight=weight,
                                by_sums=not one_by_one and self.batch_size is None)
        if weight is None or not one_by_one:
            return np.inf
        return longest_step_of_weights(rows, weight, self.loss.slope(self.loss_constant), cut=cut)

    @property
    def cuts_heavy_rows(self):
        """Whether rows of large weight are visited in parts: only where weights are averaged.

        A call of `partial_fit` does not see all weights; a cosine counts the visits of its epochs.
        """
        return (self.solver.name == "sgd" and bool(self.average_from) and self.rate.bounded
                and self.workers is None and self.call in ("fit", "resume")
                and not isinstance(self.rate.schedule, Cosine))

    def _choices(self, rows, schedule, n_models):
        """(solver, sync, threads) of each that solver='auto' may take."""
        return tuple((name, *self._choose_threads(SOLVERS[name], rows, schedule, n_models))
                     for name in self.choices)

    def _choose_threads(self, solver, rows, schedule, n_models):
        """Work of the threads of this process, or of each worker: (sync, threads)."""
        asked = self.threads
        share = 1 if self.workers is None else workers_here(self.workers)
        n_jobs = threads_of_worker(asked.n_jobs, share)
        if self.own_rows:
            share = 1
        nnz = rows.nnz // share
        if "merge" in solver.syncs and solver.by_dual:
            return choose_dual_sync(
                asked.sync, n_jobs, nnz=nnz, dense=rows.is_dense,
                rows_rest=ascent.has_flat_parts(self.loss, self.loss_constant),
                has_room=lambda threads: ascent.rows_between_merges(
                    rows, threads, asked.merge_every) > 0)
        if not solver.one_by_one:
            return choose_map_reduce(
                asked.sync, n_jobs, n_rows=rows.shape[0] // share, nnz=nnz,
                n_features=rows.shape[1], batch_size=self.batch_size)
        return choose_sync(
            asked.sync, n_jobs, nnz=nnz, n_features=rows.shape[1],
            averaged=bool(self.average_from), seeded=asked.seeded,
            one_pass=n_models if self.workers is None and n_models > 1 and asked.one_pass else 0,
            merge_pays=lambda threads: merge.pays(
                rows, threads, self.loss, schedule, asked.seeded))


def _rate(asked, loss):
    params = asked.params
    accelerated = (asked.takes_steps and not asked.solver.one_by_one
                   and params.learning_rate == "optimal" and params.batch_size is None
                   and (loss.smooth or (loss.name in DUALS and (asked.has_l1 or asked.has_l2))))
    schedule = params.learning_rate if (
        asked.takes_steps and asked.search is None and not accelerated) else None
    flags = 0 if schedule is None else asked.flags
    auto = isinstance(params.eta0, str) and asked.solver.one_by_one
    own = params.learning_rate == "constant" and not auto
    most = getattr(params, "max_step", "auto")
    by_rows = most == "auto" and not own and schedule is not None
    return Rate(
        schedule=schedule, search=asked.search, accelerated=accelerated, auto=auto,
        eta0=1.0 if isinstance(params.eta0, str) else float(params.eta0),
        power_t=float(params.power_t), adaptive=bool(flags & tables.ADAPTIVE),
        passive=bool(flags & tables.PASSIVE_AGGRESSIVE),
        most=np.inf if most in ("auto", None) else float(most),
        bounded=by_rows and not flags & tables.PASSIVE_AGGRESSIVE)


def _stop(params, solver, max_iter):
    tol, within, by_gap = params.tol, None, solver.by_dual or not (
        solver.one_by_one or params.batch_size is not None or params.early_stopping)
    if isinstance(tol, Gap):
        tol, within, by_gap = (tol.within, None, True) if by_gap else (None, tol.within, True)
    return Stop(
        max_iter=int(max_iter), max_time=params.max_time, tol=tol, within=within,
        by_gap=by_gap,
        n_iter_no_change=int(params.n_iter_no_change),
        held_out=params.validation_fraction if params.early_stopping else 0.0)
