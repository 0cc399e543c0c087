"""The work of one call of `fit`, `partial_fit` or `resume`, and the models one by one."""

from dataclasses import dataclass, field, replace
from functools import cached_property, partial

import numpy as np

from fastsgd.data.sparse import without_repeats
from fastsgd.engine.deadline import Deadline
from fastsgd.engine.linear.gap import GapWatch
from fastsgd.engine.linear.heavy_rows import parts_of
from fastsgd.engine.linear.sample import Sample
from fastsgd.engine.linear.sgd import Settings
from fastsgd.engine.linear.solvers import TRAIN
from fastsgd.engine.linear.step_size import (
    MODELS,
    WeightedSquares,
    choose_step,
    train_backing_off,
    with_step,
)
from fastsgd.engine.products import products
from fastsgd.engine.scores import SCORES
from fastsgd.kernels.rows import Rows
from fastsgd.models.linear.models import LinearModels
from fastsgd.models.linear.problem import Problem
from fastsgd.plan.linear import Plan

COMPARED_ROWS = 10_000
"""When `max_time` ends a fit, its last model and its best one are compared on so many rows."""


@dataclass
class Job:
    """The data, the models and their settings.

    Attributes
    ----------
    X : CSR or ndarray
    rows : Rows
        Of X.
    problem : Problem
    sample_weight : float64 ndarray of shape (n_rows,) or None
    models : LinearModels
    settings : Settings
        `max_iter` counts from `epochs_before`. INOUT: the step that eta0="auto" took in the end.
    class_weights : list of (negative, positive) or None
    validation : (train_rows, validation_rows) or None
    score_name : str
        What rows held out are judged by, of engine/scores.py.
    deadline : Deadline
    epochs_before : list of int
        Epochs of each model that `max_iter` counts too.
    plan : Plan
    estimator : object
        Whose pool of workers it is.
    threads : int
        INOUT: those that had work.
    communication : dict
        OUT: what workers have sent, for `fit_stats_`.
    """

    X: object
    rows: Rows
    problem: Problem
    sample_weight: np.ndarray | None
    models: LinearModels
    settings: Settings
    class_weights: list | None
    validation: tuple | None
    score_name: str
    deadline: Deadline
    epochs_before: list
    plan: Plan
    estimator: object = None
    threads: int = 1
    communication: dict = field(default_factory=dict)
    _longest_steps: dict = field(default_factory=dict)
    _parts: dict = field(default_factory=dict)

    compared_rows = COMPARED_ROWS

    def __post_init__(self):
        self._plain = self.sample_weight is None and self.class_weights is None

    @property
    def states(self):
        return self.models.states

    @property
    def subset(self):
        """The rows to learn from; None means all."""
        return None if self.validation is None else self.validation[0]

    @cached_property
    def held_out(self):
        """The rows to score on, and their weights."""
        rows = self.validation[1]
        weight = None if self.sample_weight is None else self.sample_weight[rows]
        return Rows(self.X[rows]), weight

    @cached_property
    def compared(self):
        """Some rows, for two models of which one is to be taken."""
        return Sample(self.X, self.sample_weight, self.subset, COMPARED_ROWS, self.states[0].seed)

    def settings_of(self, k):
        """The settings of model k."""
        weights = (1.0, 1.0) if self._plain else self._class_weights_of(k)
        schedule = self.settings.schedule
        if not self._plain and self.plan.rate.bounded and self._is_weighted(k):
            schedule = schedule | {"eta_max": self._longest_step(k)}
        mine = replace(self.settings, max_iter=self.settings.max_iter - self.epochs_before[k],
                       weight_neg=weights[0], weight_pos=weights[1], schedule=schedule)
        eta0 = self.states[k].eta0 if self.plan.rate.auto else None
        return mine if eta0 is None else with_step(mine, eta0)

    @cached_property
    def _squares(self):
        rows = Rows(without_repeats(self.X)) if self.rows.repeats else self.rows
        return WeightedSquares(rows)

    def _class_weights_of(self, k):
        return (1.0, 1.0) if self.class_weights is None else self.class_weights[k]

    def _is_weighted(self, k):
        return self.sample_weight is not None or tuple(self._class_weights_of(k)) != (1, 1)

    def weight_of(self, k):
        """Weights of the rows in model k, those of its two classes in them; None if all are 1."""
        if not self._is_weighted(k):
            return None
        negative, positive = self._class_weights_of(k)
        weight = np.where(self.problem.target(k) > 0, positive, negative)
        return weight if self.sample_weight is None else weight * self.sample_weight

    def parts(self, k):
        """The visits of model k if its heavy rows come several times in an epoch, or None."""
        if not (self.plan.cuts_heavy_rows and self.settings.sync == "serial"
                and self._is_weighted(k)):
            return None
        if k not in self._parts:
            self._parts[k] = parts_of(self.weight_of(k), self.subset)
        return self._parts[k]

    def weighted_squares(self, weight):
        """Largest and mean s (|x|^2 + 1) over the rows, of weights s."""
        squares = self._squares
        return (squares.max_square(weight) + float(weight.max()),
                squares.mean_square(weight) + float(weight.mean()))

    def _longest_step(self, k):
        """The step that none of model k exceeds, where rows have weights: a power of 2.

        So classes of different weights have the same one often, and can be learnt in one pass.
        """
        if k not in self._longest_steps:
            weight, parts = self.weight_of(k), self.parts(k)
            if parts is not None:
                weight = weight * parts.share
            longest = self.plan.longest_step(self._squares, weight, cut=parts is not None)
            self._longest_steps[k] = (
                longest if longest == np.inf else 2.0 ** np.floor(np.log2(longest)))
        return self._longest_steps[k]

    def step_bound(self):
        """The step that no step of any model exceeds, or None if there is no bound."""
        least = min(self._longest_steps.values(), default=self.settings.schedule["eta_max"])
        return float(least) if least < np.inf else None

    def visits(self, k):
        """(weights, rows) of the visits of model k in an epoch; None means 1, and all rows."""
        parts = None if self._plain else self.parts(k)
        if parts is None:
            return self.sample_weight, self.subset
        weight = parts.share if self.sample_weight is None else parts.share * self.sample_weight
        return weight, parts.rows

    def score_of(self, y):
        """``score(weights, intercept)`` of one model on the rows held out, or None."""
        if self.validation is None:
            return None
        rows, weight = self.held_out
        y, score = y[self.validation[1]], SCORES[self.score_name]
        return lambda weights, intercept: score(
            y, products(rows, weights[:, None])[:, 0] + intercept, weight)

    def watch(self, k, y, on_epoch):
        """Watch that ends the training of model k by its gap, or None."""
        if self.plan.stop.within is None:
            return None
        return GapWatch(self.rows, y, self.sample_weight, self.states[k], self.settings_of(k),
                        self.plan.stop.within, on_epoch)

    def deadline_of(self, n):
        """The deadline of the first of `n` trainings that are left."""
        return self.deadline.share(n) if self.deadline.limited else self.deadline

    def train(self, states, run, settings, later=()):
        """``run(settings)``, which may take shorter steps if they were found on a sample."""
        if not self.plan.rate.auto:
            return run(settings)
        ended, taken = train_backing_off(run, states, settings, later)
        self.settings = replace(self.settings, schedule=taken.schedule)
        return ended


def choose_one_step(job, counts):
    """Sets eta0="auto" of all models: the step that is best for those of the commonest classes.

    Parameters
    ----------
    job : Job
        INOUT: its states' `eta0`, where they have none.
    counts : callable
        ``counts()``: rows of each class.
    """
    states, tuned = job.states, range(len(job.states))
    if len(states) > MODELS:
        tuned = np.argsort(-counts(), kind="stable")[:MODELS].tolist()
    problems = [(job.problem.target(k), states[k], job.settings_of(k)) for k in tuned]
    eta0 = choose_step(
        job.X, job.sample_weight, job.subset, states[0].seed, problems, job.deadline)
    for state in states:
        state.eta0 = eta0 if state.eta0 is None else state.eta0


def train_apart(job, todo, report):
    """Trains the models numbered `todo`, one after the other.

    Parameters
    ----------
    job : Job
    todo : list of int
    report : EpochReport

    Returns
    -------
    dict of Ended
        By number.
    """
    ended, states = {}, job.states
    job.threads = job.settings.n_threads
    for k in todo:
        y = job.problem.target(k)
        job.models.detach(k)
        report.begin_model(k)
        watch = job.watch(k, y, report.epoch)
        weight, visited = job.visits(k)
        run = partial(
            TRAIN[job.settings.solver], job.rows, y, weight, states[k],
            seed=states[k].seed, subset=visited, score=job.score_of(y),
            on_epoch=watch or report.on_epoch, deadline=job.deadline_of(len(states) - k),
            sample=job.compared if job.deadline.limited else None)
        ended[k] = job.train([states[k]], run, job.settings_of(k), states[k + 1:])
        if watch is not None:
            ended[k] = watch.settle(ended[k])
        report.end_model()
    return ended
