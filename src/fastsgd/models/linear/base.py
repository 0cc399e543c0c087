"""Base of the linear models: from checked arrays to trained weights and attributes."""

import time
from functools import partial
from numbers import Integral, Real

import numpy as np

from fastsgd._constraints import Among, Range
from fastsgd._integers import RANGES
from fastsgd._random import draw_seeds, hold_out
from fastsgd._warn import warn
from fastsgd.data.sparse import without_repeats
from fastsgd.engine.deadline import NEVER, Deadline
from fastsgd.engine.run import WORST_FIRST, reason_before
from fastsgd.kernels import tables
from fastsgd.kernels.rows import Rows
from fastsgd.models.linear.advice import warn_of_end
from fastsgd.models.linear.by_workers import train_by_workers
from fastsgd.models.linear.certify import Certified
from fastsgd.models.linear.intercept import begin_intercepts
from fastsgd.models.linear.models import LinearModels
from fastsgd.models.linear.one_pass import train_in_one_pass
from fastsgd.models.linear.resume import Resumable
from fastsgd.models.linear.sgd_advice import advise_sgd, is_advised
from fastsgd.models.linear.sparse_coef import SparseCoef
from fastsgd.models.linear.training import Job, choose_one_step, train_apart
from fastsgd.models.model import Model
from fastsgd.models.pools import count_rows, of_all
from fastsgd.models.report import EpochReport
from fastsgd.models.validation import check_Xy
from fastsgd.penalties import PENALTIES
from fastsgd.schedules import RATE_KINDS, RATE_NAMES
from fastsgd.solvers import Gap


class LinearModel(Resumable, Certified, SparseCoef, Model):
    """Base of the linear classifier and regressor."""

    family = "linear"

    constraints: dict = {
        "penalty": [Among(tuple(filter(None, PENALTIES))), None],
        "alpha": [Range(Real, 0, None, "left")],
        "C": [Range(Real, 0, None, "neither"), None],
        "l1_ratio": [Range(Real, 0, 1), None],
        "fit_intercept": ["boolean"],
        "max_iter": [Range(Integral, *RANGES["max_iter"])],
        "tol": [Range(Real, 0, None, "left"), Gap, None],
        "shuffle": ["boolean", Among(("rows",))],
        "verbose": ["verbose"],
        "epsilon": [Range(Real, 0, None, "left")],
        "n_jobs": [Range(Integral, *RANGES["n_jobs"]), None],
        "sync": [str],
        "merge_every": [
            Range(Integral, *RANGES["merge_every"]), Among(("auto",))],
        "random_state": ["random_state"],
        "solver": [str],
        "batch_size": [Range(Integral, *RANGES["batch_size"]), None],
        "learning_rate": [Among(tuple(RATE_NAMES)), *RATE_KINDS],
        "eta0": [Range(Real, 0, None, "neither"), Among(("auto",))],
        "max_step": [Range(Real, 0, None, "neither"), Among(("auto",)), None],
        "power_t": [Range(Real, None, None, "neither")],
        "early_stopping": ["boolean"],
        "validation_fraction": [Range(Real, 0, 1, "neither")],
        "n_iter_no_change": [Range(Integral, *RANGES["n_iter_no_change"])],
        "warm_start": ["boolean"],
        "average": [Range(Integral, 1, RANGES["average"][1]), "boolean"],
        "max_time": [Range(Real, 0, None, "neither"), None],
    }

    def _train(self, X, plan, problem, sample_weight, models, *, class_weights=None,
               validation=None):
        """Trains the linear models of a problem and sets the fitted attributes.

        Parameters
        ----------
        X : CSR or ndarray
        plan : Plan
            With ``call="resume"``, models that had stopped stay so.
        problem : Problem
        models : LinearModels
        class_weights : list of (negative, positive) or None
        validation : (train_rows, validation_rows) or None
        """
        resumed, states, stop = plan.call == "resume", models.states, plan.stop
        deadline = NEVER if stop.max_time is None else Deadline(stop.max_time)
        X, rows = _rows_of(X, plan)
        settings = self._settle(plan, rows, X, len(states))
        if any(state.seed is None for state in states):
            for state, seed in zip(states, draw_seeds(self.random_state, len(states)),
                                   strict=True):
                state.seed = seed
        job = Job(X=X, rows=rows, problem=problem, sample_weight=sample_weight, models=models,
                  settings=settings, class_weights=class_weights, validation=validation,
                  score_name=self._score_name, deadline=deadline,
                  epochs_before=[state.epoch if resumed else 0 for state in states],
                  plan=plan, estimator=self)
        if (models.fresh and plan.fit_intercept and plan.solver.one_by_one
                and settings.intercept_decay != 1):  # its steps are short
            begin_intercepts(job)
        if plan.rate.auto and any(state.eta0 is None for state in states):
            choose_one_step(job, lambda: self._class_counts)
        todo = [k for k, state in enumerate(states)
                if not (resumed and (stop.has_converged(state) or state.epoch >= stop.max_iter))]
        for k in todo:
            states[k].gap = None
            if not plan.solver.by_dual:
                states[k].dual_coef = None
        before = [state.epoch for state in states]
        report = EpochReport(self, X, problem.labels, stop.max_iter - min(job.epochs_before),
                             models, one_pass=settings.sync == "classes")
        began = time.perf_counter()
        try:
            ended = (train_by_workers if plan.workers is not None else train_in_one_pass
                     if settings.sync == "classes" else train_apart)(job, todo, report)
            report.close()
        except KeyboardInterrupt:
            self._keep(models)
            raise
        self._keep(models)
        seconds, trained = time.perf_counter() - began, sum(end.steps for end in ended.values())
        stops = {end.stopped_by for end in ended.values()} | {
            reason_before(converged=stop.has_converged(states[k]))
            for k in range(len(states)) if k not in ended}
        self.n_iter_ = max(1, *(state.epoch - epochs * (not resumed)
                                for state, epochs in zip(states, before, strict=True)))
        self.fit_stats_ = {
            "seconds": seconds,
            "rows_per_second": trained / seconds,
            "ns_per_nonzero": 1e9 * seconds / max(1.0, trained * rows.nnz / rows.shape[0]),
            **_told(self, settings, job, list(ended.values())),
            "eta0": None if plan.rate.schedule is None else _first_step(job.settings_of(0)),
            "step_bound": job.step_bound(),
            "alpha": settings.penalty.alpha,
            "stopped_by": next(name for name in WORST_FIRST if name in stops),
            **({"merge_halvings": max(state.merge_halvings for state in states)}
               if settings.sync == "merge" and settings.solver == "sgd" else {}),
            **(_epochs_needed(ended) if plan.solver.by_dual else {}),
            **job.communication,
        }
        self.loss_curve_ = _mean_curve([state.curve for state in states])
        if is_advised(plan, settings):
            advise_sgd(self, job)
        return self

    def _settle(self, plan, rows, X, n_models):
        """The `Settings` of a plan on these rows, with what other processes say of theirs."""
        if not plan.own_rows:
            return plan.settle(rows, X.shape[0], n_models)
        return plan.settle(rows, count_rows(self, X), n_models, partial(of_all, self))

    def _start(self, n_models, n_features, dtype, coef_init, intercept_init):
        """New models, with `warm_start` at the last weights; the count of steps starts again."""
        old = None
        if self.warm_start and getattr(self, "coef_", None) is not None:
            if coef_init is None:
                coef_init, old = self.coef_, getattr(self, "_states", None)
            intercept_init = self.intercept_ if intercept_init is None else intercept_init
        self.t_ = 1.0
        models = LinearModels.start(
            n_models, n_features, dtype, coef_init, intercept_init, int(self.average))
        if old is not None and len(old) == n_models:
            for state, before in zip(models.states, old, strict=True):
                state.dual_coef = before.dual_coef
        return models

    def _resume(self, dtype, anew=True):
        """The models of the last call, for another one."""
        return LinearModels.resume(
            self.coef_, self.intercept_, self.t_, getattr(self, "_states", None), dtype,
            int(self.average), anew=anew)

    def _keep(self, models):
        """Sets the fitted attributes, also when the training was interrupted."""
        t, states = float(max(state.t for state in models.states)), models.settle()
        for name, value in self._shown(models).items():
            setattr(self, name, value)
        self.t_, self._states = t, states

    def _split(self, y, sample_weight, stratify):
        """Rows to learn from and rows held out, for early_stopping; split as scikit-learn does."""
        train_rows, held_out = hold_out(y.shape[0], self.validation_fraction, self.random_state,
                                        y if stratify else None)
        if sample_weight is not None and not np.any(sample_weight[held_out] > 0):
            raise ValueError(
                "The sample weights for validation set are all zero, consider using a different "
                "random state."
            )
        if len(train_rows) == 0 or len(held_out) == 0:
            raise ValueError(
                f"Splitting {y.shape[0]} samples into a train set and a validation set with "
                f"validation_fraction={self.validation_fraction!r} led to an empty set "
                f"({len(train_rows)} and {len(held_out)} samples). Please either change "
                "validation_fraction, increase number of samples, or disable early_stopping."
            )
        return np.sort(train_rows).astype(np.int64), np.sort(held_out)

    def _check_Xy(self, X, y, *, reset, dtype=None):
        return check_Xy(self, X, y, reset=reset, dtype=dtype, classifier=False)

    def _warn_at_end(self, plan):
        warn_of_end(self, plan)
        if self.power_t < 0:
            warn(
                "Negative values for `power_t` are deprecated and make the step grow; use values "
                "in the range [0.0, inf) instead.",
                FutureWarning,
            )


def _rows_of(X, plan):
    """(X, its Rows); a copy without repeats where steps or bounds are made of |x|^2.

    Entries of a row in one column add up, in products by themselves, but not in squares.
    Solver "sdca" sees to it row by row.
    """
    rows = Rows(X)
    if plan.takes_squares and rows.repeats:
        X = without_repeats(X)
        rows = Rows(X)
    return X, rows


def _told(model, settings, job, ended):
    """Threads, sync, solver and the reason for it; of several models each thing once."""
    if settings.solver != "auto":
        why = ("asked for" if model.solver == settings.solver else
               f"{settings.solver}: of 'auto' the only one that takes all parameters")
        return {"threads": job.threads, "sync": settings.sync, "solver": settings.solver,
                "why": why}
    names, whys = (sorted({getattr(end, what) for end in ended}) for what in ("solver", "why"))
    if not names:  # resumed, with nothing left to do
        return {"threads": 1, "sync": "serial", "solver": "auto", "why": "no model was trained"}
    taken = settings.of_choice(names[-1].split(", ")[-1])
    return {"threads": taken.n_threads, "sync": taken.sync, "solver": "; ".join(names),
            "why": "; ".join(whys)}


def _epochs_needed(ended):
    """The most epochs that a model is forecast to need still; None: nothing is known of any."""
    needed = [end.forecast for end in ended.values() if end.forecast is not None]
    return {"epochs_needed": max(needed) if needed else None}


def _first_step(settings):
    """eta of the first step: what `eta0` turned out to be."""
    return float(tables.etas(settings.schedule, 1.0, 1)[0])


def _mean_curve(curves):
    """Objective by epoch, the mean over the models; one that ended early keeps its last value."""
    if len(curves) == 1:
        return list(map(float, curves[0]))
    length = max(map(len, curves))
    full = [curve + curve[-1:] * (length - len(curve)) for curve in curves if curve]
    return [float(value) for value in np.mean(full, axis=0)] if full else []
