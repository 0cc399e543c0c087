"""Solver "interior-point": hinge and epsilon-insensitive losses on tables of few columns.

An iteration takes one Gram matrix of the columns and some ten passes over X; 10 to 50 of them
reach a gap of 1e-8, whatever the columns' scales and alpha are (docs/solvers.md). Where steps
become short it hands its dual variables to sdca, for which they are a good start.
"""

import time
from dataclasses import replace

import numpy as np

from fastsgd.engine.blas import one_thread_of_blas
from fastsgd.engine.deadline import NEVER
from fastsgd.engine.linear.columns import Columns
from fastsgd.engine.linear.dual_problem import DualProblem, row_weights
from fastsgd.engine.linear.interior_steps import InteriorPoint
from fastsgd.engine.linear.progress import check_finite, make_run
from fastsgd.engine.linear.proof import enough
from fastsgd.engine.linear.sdca import Ascended, train_sdca
from fastsgd.engine.team import Team

SHORT, SHORT_STEPS, MOST = 0.1, 5, 60
"""It gives up after five steps shorter than a tenth, or 60 iterations."""


class Bounds:
    """The best model and the best dual point met so far: f(best) >= f* >= D(dual).

    Parameters
    ----------
    problem : DualProblem
    columns : Columns
        Their sums have the same bits by any number of threads.
    state : LinearState
        To begin with: its weights, and its dual variables where it has some.
    """

    def __init__(self, problem, columns, state):
        self._problem, self._columns, self._dtype = problem, columns, state.weights.dtype
        self._zero = problem.objective_of_none()
        self.objective, self.lower = np.inf, -np.inf
        self.weights, self.intercept = np.zeros(len(state.weights)), 0.0
        self.dual = np.zeros(len(problem.y))
        self.meet_dual(self.dual)
        self.meet_model(state.weights.astype(np.float64), state.intercept)
        if state.dual_coef is not None and len(state.dual_coef) == len(problem.y):
            self.meet_dual(problem.dual_of(state.dual_coef))

    @property
    def gap(self):
        return max(0.0, self.objective - self.lower)

    def enough(self, tol):
        """Gap that is asked for: `tol` of the objective, or what rounding leaves."""
        return enough(tol or 0.0, self.objective, self._zero)

    def meet_model(self, w, b):
        """Takes a model, rounded to the type of the state's weights, if it is better."""
        problem, kind = self._problem, self._dtype.type
        with np.errstate(over="ignore", invalid="ignore"):
            w, b = w.astype(self._dtype).astype(np.float64), float(kind(b))
            objective = problem.objective(problem.margins(w, b), w)
        if objective < self.objective:
            self.objective, self.weights, self.intercept = objective, w, b

    def meet_dual(self, dual, worst=None):
        """Takes the best multiple <= 1 of dual variables if it is better.

        Or, with `worst`, if its value is no less than that. D is linear minus quadratic here.
        """
        problem = self._problem
        beta = problem.balance(dual)
        with np.errstate(over="ignore"):
            linear = -problem.penalty.weigh(problem.conjugates(beta))
            quadratic = problem.penalty.weigh(2 * problem.penalty_dual(
                self._columns.sum_rows(problem.c * beta)))
        part = min(1.0, max(0.0, linear / quadratic)) if quadratic > 0 else 1.0
        value = part * linear - (0.5 * part * part * quadratic if part else 0.0)
        if value > self.lower if worst is None else value >= worst:
            self.lower, self.dual = value, part * beta

    def show(self, state):
        """Gives the state the model and the dual variables."""
        state.weights[:], state.intercept = self.weights, self.intercept
        state.dual_coef, state.gap = self._problem.c * self.dual, self.gap

    def mean_loss(self):
        """The objective of the model without its penalty."""
        return self.objective - self._problem.penalty.value(self.weights)


def train_interior(rows, y, sample_weight, state, settings, seed, *, subset=None, score=None,
                   on_epoch=None, deadline=NEVER, sample=None, go_on=True):
    """Trains one linear model by an interior point method; an epoch is an iteration.

    Parameters
    ----------
    rows, y, sample_weight, seed, subset, score, on_epoch, sample :
        As `train_sdca` takes them.
    state : LinearState
        INOUT: as of `train_sdca`. The model is the best one met, that of the start included;
        `dual_coef` is the best dual point, which proves the gap and of which the model is not
        made.
    settings : Settings
        `loss` is "hinge" or "epsilon_insensitive", the penalty l2 with alpha > 0. Bits do not
        depend on `n_threads`.
    deadline : Deadline
        Looked at between iterations and a few times in each.
    go_on : bool
        Whether sdca goes on from the dual variables where this gives up, for the rest of
        `max_iter`; else the end is "stalled".

    Returns
    -------
    Ascended
        Stopped by "tol" only where gap <= max(tol * f, 1e-12 f(0)) is proven for the weights
        as they are kept.
    """
    n_visits = rows.shape[0] if subset is None else len(subset)
    with Team(settings.n_threads if settings.n_threads > 1 else 0, on_interrupt=lambda: None,
              deadline=deadline) as team, one_thread_of_blas():
        def share(task):
            if team.size:
                team.run(lambda rank: task(rank, team.size))
            else:
                task(0, 1)

        rows.check()
        s = row_weights(y, sample_weight, settings, subset)
        problem = DualProblem(rows, y, s, settings, n_visits, share, check=False)
        columns = Columns(rows, fit_intercept=settings.fit_intercept, share=share, weight=s)
        bounds, gaps = Bounds(problem, columns, state), []
        run = make_run(y, state, settings, score=score, on_epoch=on_epoch)
        slowest = 0.0

        def iteration(point):
            """One step; whether there was one, and its length."""
            nonlocal slowest
            begun = time.perf_counter()
            length = point.step(team.expired)
            if length is None:
                run.cut_short()
                return 0.0
            bounds.meet_model(*columns.weights_of(point.u))
            bounds.meet_dual(point.dual)
            near = bounds.gap <= bounds.enough(settings.tol)
            if near:  # fewer rows support the model, where that proves it too
                bounds.meet_dual(point.rounded_dual,
                                 bounds.objective - bounds.enough(settings.tol))
            bounds.show(state)
            gaps.append(bounds.gap)
            state.t, run.steps = state.t + n_visits, run.steps + n_visits
            slowest = max(slowest, time.perf_counter() - begun)
            run.after(bounds.objective, bounds.mean_loss(), lambda: (
                team.expired() or deadline.left < 1.5 * slowest), judged=False, enough=near)
            return length

        try:
            point, short = InteriorPoint(
                columns, problem.penalty.l2, *half_lines(problem),
                problem.penalty.weigh(problem.c)), 0
            while run.stopped_by is None and short < SHORT_STEPS and run.n_iter < MOST:
                short += iteration(point) < SHORT
        except np.linalg.LinAlgError:  # rounding leaves no step
            pass
        finally:  # Ctrl-C too leaves the best model
            bounds.show(state)
        run.stalled()
    if run.stopped_by == "stalled" and go_on:
        after = replace(settings, max_iter=settings.max_iter - run.n_iter, sync="serial",
                        n_threads=1)
        heard = None if on_epoch is None else lambda epoch: on_epoch(
            replace(epoch, number=epoch.number + run.n_iter))
        ended = train_sdca(rows, y, sample_weight, state, after, seed, subset=subset, score=score,
                           on_epoch=heard, deadline=deadline)
        return joined(bounds, run, ended, state, gaps)
    ended = run.end()
    check_finite(state, run.n_iter, settings)
    return Ascended(*ended[:3], None, bounds.objective, bounds.gap, bounds.dual,
                    state.dual_coef, np.flatnonzero(bounds.dual), gaps, bounds.dual)


def joined(bounds, run, ended, state, gaps):
    """The end of sdca after `run`, with the better model and the better dual point of both."""
    bounds.meet_dual(ended.dual)
    bounds.meet_model(state.weights.astype(np.float64), state.intercept)
    bounds.show(state)
    state.curve[-1] = bounds.objective
    return ended._replace(
        n_iter=ended.n_iter + run.n_iter, steps=ended.steps + run.steps,
        objective=bounds.objective, dual_gap=bounds.gap, dual=bounds.dual,
        dual_coef=state.dual_coef, support=np.flatnonzero(bounds.dual),
        gaps=[*gaps, *ended.gaps[:-1], bounds.gap], best_dual=bounds.dual)


def half_lines(problem):
    """(g, K) of `InteriorPoint`: the pieces of each row's loss."""
    y = problem.y
    if problem.settings.loss.name == "hinge":
        return y[None], np.ones((1, len(y)))
    eps = problem.settings.loss_constant
    return np.stack([np.ones(len(y)), -np.ones(len(y))]), np.stack([y - eps, -y - eps])
