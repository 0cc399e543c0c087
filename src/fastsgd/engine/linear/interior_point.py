"""Solver "interior-point": hinge and epsilon_insensitive on few features, whatever their scales.

Each iteration bounds the gap: its multipliers are dual variables, balanced for the free bias and
multiplied by the best number of [0, 1]. The best model and the best bound are kept apart. Where the
steps get short, as on one-hot features some of which are rare, coordinate ascent goes on from the
dual point that was reached (sdca.py): near the optimum it is at home.
"""

from dataclasses import replace

import numpy as np

from fastsgd.engine.deadline import NEVER
from fastsgd.engine.linear.columns import Columns
from fastsgd.engine.linear.dual_problem import DualProblem, row_weights
from fastsgd.engine.linear.primal_dual import PrimalDual
from fastsgd.engine.linear.progress import check_finite, make_run
from fastsgd.engine.linear.proof import enough
from fastsgd.engine.linear.sdca import Ascended, train_sdca
from fastsgd.engine.team import Team

MOST_FEATURES = 10_000
"""More would need a matrix of more than 800 MB."""

MOST_STEPS, SHORT, OFTEN = 60, 0.1, 5
"""Coordinate ascent goes on after so many iterations, or so many steps in a row so short."""


def train_interior_point(rows, y, sample_weight, state, settings, seed, *, subset=None,
                         score=None, on_epoch=None, deadline=NEVER, sample=None):
    """Trains one linear model; the arguments and the result as `train_sdca`'s.

    An iteration is an epoch. It begins at the zero model, whatever `state` holds.

    Raises
    ------
    ValueError
        There are more than 10,000 features, or no l2 penalty.
    """
    rows.check()
    if rows.shape[1] > MOST_FEATURES:
        raise ValueError(
            f"solver='interior-point' makes a matrix of all pairs of features: at most "
            f"{MOST_FEATURES:,} features; got {rows.shape[1]:,}. Use solver='sdca' or 'auto'")
    run = make_run(y, state, settings, score=score, on_epoch=on_epoch)
    threads = settings.n_threads if settings.n_threads > 1 else 0
    with Team(threads, on_interrupt=lambda: None, deadline=deadline) as team:
        def share(task):
            if threads:
                team.run(lambda rank: task(rank, threads))
            else:
                task(0, 1)

        path = _Path(rows, y, sample_weight, state, settings, subset, share)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore"):
            went_on = path.run(run, team)
    run.steps, state.t = run.n_iter * path.n_visits, state.t + run.n_iter * path.n_visits
    if went_on:
        rest = replace(settings, solver="sdca", sync="serial", n_threads=1,
                       max_iter=max(1, settings.max_iter - run.n_iter))
        told = on_epoch if on_epoch is None else lambda epoch: on_epoch(
            replace(epoch, number=epoch.number + run.n_iter))
        ended = train_sdca(rows, y, sample_weight, state, rest, seed, subset=subset, score=score,
                           on_epoch=told, deadline=deadline, sample=sample)
        return ended._replace(n_iter=ended.n_iter + run.n_iter, steps=ended.steps + run.steps,
                              gaps=path.gaps + ended.gaps)
    check_finite(state, run.n_iter, settings)
    return Ascended(*run.end()[:3], None, path.objective, state.gap, path.beta, state.dual_coef,
                    np.flatnonzero(path.beta), path.gaps, path.beta)


class _Path:
    """The central path of one problem, with the best model and the best bound on it."""

    def __init__(self, rows, y, sample_weight, state, settings, subset, share):
        s = row_weights(y, sample_weight, settings, subset)
        self.n_visits = rows.shape[0] if subset is None else len(subset)
        self._state, self._settings = state, settings
        self._problem = problem = DualProblem(rows, y, s, settings, self.n_visits, share,
                                              check=False)
        self._columns = Columns(rows, fit_intercept=settings.fit_intercept, share=share)
        self._C = s / max(1, self.n_visits)
        y = problem.y
        if settings.loss.is_classifier:
            sigma, k, start = y[None, :], np.ones((1, len(y))), 1.0
        else:
            epsilon = settings.loss_constant
            sigma = np.stack([np.ones(len(y)), -np.ones(len(y))])
            k, start = np.stack([y - epsilon, -y - epsilon]), float(np.std(y)) or 1.0
        self._point = PrimalDual(self._columns, sigma, k, self._C,
                                 self._columns.penalty(settings.penalty.l2), start)
        self._zero, self._lower = problem.objective_of_none(), -np.inf
        self.objective, self.beta, self.gaps = np.inf, np.zeros(len(y)), []

    def run(self, run, team):
        """Goes along the path; true where coordinate ascent is to go on."""
        point, tol, short = self._point, self._settings.tol, 0
        bias = self._problem.best_bias(np.zeros(len(self.beta)), 0.0)
        self._keep(np.zeros(self._columns.d), bias)
        while run.stopped_by is None:
            moves = run.n_iter < MOST_STEPS and short < OFTEN and point.step()
            if not moves:
                self._settle()
                return True
            short = short + 1 if point.length < SHORT else 0
            self._keep(*self._columns.weights_of(point.u))
            self._bound()
            gap = max(0.0, self.objective - self._lower)
            self.gaps.append(gap)
            near = tol is not None and gap <= enough(tol, self.objective, self._zero)
            run.after(self.objective, self._mean_loss, team.expired, judged=False, enough=near)
        self._settle()
        return False

    def _keep(self, w, b):
        """Takes a model if it is the best so far, as its weights are kept."""
        state, problem = self._state, self._problem
        with np.errstate(over="ignore"):
            kept = w.astype(state.weights.dtype)
            b = float(state.weights.dtype.type(b))
        wide = kept.astype(np.float64)
        objective = problem.objective(problem.margins(wide, b), wide)
        if objective < self.objective:
            self.objective = objective
            self._mean_loss = objective - self._settings.penalty.value(wide)
            state.weights[:], state.intercept = kept, b

    def _bound(self):
        """Raises the lower bound by the multipliers, as dual variables."""
        problem = self._problem
        beta = self._point.signed / np.where(self._C > 0, self._C, 1.0)
        beta = problem.inside(beta)
        v = problem.sum_rows(beta)
        straight = -problem.penalty.weigh(problem.conjugates(beta))  # linear in a multiple
        square = 2 * problem.penalty.weigh(problem.penalty_dual(v))
        theta = min(1.0, max(0.0, straight / square)) if square > 0 else 1.0
        lower = theta * straight - 0.5 * theta * theta * square
        if lower > self._lower:
            self._lower, self.beta = lower, theta * beta

    def _settle(self):
        state = self._state
        state.gap = max(0.0, self.objective - self._lower)
        state.dual_coef = self._problem.c * self.beta
