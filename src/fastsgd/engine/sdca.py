"""Solver "sdca": dual coordinate ascent until the duality gap is small enough, and proven so.

One epoch visits the rows that are awake (include/ascent.h); what it adds up on the way is an
estimate of the gap. Where that is small enough, the model is certified: the dual variables are
balanced, v is summed anew over the rows, and f and D are computed by two passes over the data.
"""

import time
from typing import NamedTuple

import numpy as np

from fastsgd.engine import threads
from fastsgd.engine.deadline import NEVER
from fastsgd.engine.dual_point import DualProblem, row_weights
from fastsgd.engine.loop import Epoch, block_rows, check_finite
from fastsgd.engine.merge import rows_worth_a_merge
from fastsgd.kernels import order, tables
from fastsgd.kernels.ascent import Ascent

GAIN = 0.01
"""Of the bias, as a part of the mean |x|^2 / l2. Measured: 0.01 takes as many epochs as no bias
at all, 0.1 a third more, 1 three times as many."""

DULL = 0.1
"""A row sleeps when its part of the gap is below so much of the mean."""

CAUTION = 0.4
"""Steps on replicas are damped by 1 + CAUTION (threads - 1); by all threads, which is safe for any
data, once the dual objective has fallen, and from the start where no domain bounds the dual."""

SELDOM, SHORTEST = 4, 256
"""Rows between two merges: so many times those that are worth one, and at least 256."""

MERGES = 8
"""Merges of an epoch there must be room for: with fewer one thread is as good."""

PATIENCE = 1.2
"""After a certificate that was not good enough, epochs until the next one: times 1.2."""


class Ascended(NamedTuple):
    """How a training ended, as `loop.Ended`, and what is known of the model.

    Attributes
    ----------
    n_iter, stopped_by, steps :
        As of `loop.Ended`; steps are rows visited.
    objective, dual_gap : float
        f(w, b) of the model in `state`, and what it is above f* at most.
    dual : float64 ndarray of shape (n_rows,)
        beta: minus a slope of each row's loss. sum s beta = 0 if there is a bias.
    dual_coef : float64 ndarray of shape (n_rows,)
        s beta / (alpha n): with l2 alone, w = sum dual_coef x.
    support : int ndarray
        Rows whose beta is not 0.
    gaps : list of float
        Of each epoch, as estimated on the way, or certified where it was.
    """

    n_iter: int
    stopped_by: str
    steps: int
    objective: float
    dual_gap: float
    dual: np.ndarray
    dual_coef: np.ndarray
    support: np.ndarray
    gaps: list


def train_sdca(rows, y, sample_weight, state, settings, seed, *, subset=None, score=None,
               on_epoch=None, deadline=NEVER, dual=None):
    """Trains one linear model by dual coordinate ascent.

    Parameters
    ----------
    rows : Rows
    y : float64 ndarray of shape (n_rows,)
        -1 and +1 for classifiers.
    sample_weight : float64 ndarray of shape (n_rows,) or None
    state : LinearState
        OUT: weights, intercept, curve; `epoch` and `t` go on. The weights it brings do not count:
        a warm start is made by `dual`.
    settings : Settings
        Of engine/loop.py. `tol` bounds the gap: gap <= tol * objective ends the training. `sync`
        is "serial", "merge" (replicas, the same bits for the same `n_threads`) or "hogwild"
        (PASSCoDe: one shared vector, sparse rows only).
    seed : int
    subset : int64 ndarray or None
        The rows to learn from.
    score : callable or None
        ``score(weights, intercept)``, told to `on_epoch`.
    on_epoch : callable or None
        Called with an Epoch; a true result ends the training. The objective it tells is an
        estimate, f <= D(beta) + gap, the weights are those of the epoch's end.
    deadline : Deadline
        The certificate, which takes about as long as an epoch, is made before it passes.
    dual : float64 ndarray of shape (n_rows,) or None
        To begin with; what lies outside the domain is moved to its edge.

    Returns
    -------
    Ascended

    Raises
    ------
    ValueError
        A loss or penalty that sdca cannot take.
    """
    solver = _Solver(rows, y, sample_weight, state, settings, subset, dual)
    began, first, steps, stopped_by = time.perf_counter(), state.epoch, 0, None
    gaps, next_try, slowest, tol = [], 1, 0.0, settings.tol
    try:
        with threads.Team(solver.n_threads if solver.n_threads > 1 else 0,
                          on_interrupt=solver.stop, deadline=deadline) as team:
            solver.team, certified = team, None
            while stopped_by is None:
                begun = time.perf_counter()
                visits, whole = solver.epoch(seed, state.epoch)
                steps, state.t = steps + visits, state.t + visits
                certified = None
                if not whole:
                    stopped_by = "max_time"
                    break
                state.epoch += 1
                n_iter = state.epoch - first
                solver.show(state)
                check_finite(state, n_iter, settings)
                told = Epoch(n_iter, *solver.estimate(), state, 0.0)
                enough = tol is not None and solver.gap <= tol * abs(told.objective)
                if enough and n_iter >= next_try:
                    certified = solver.certify(state)
                    enough = certified[1] <= tol * abs(certified[0])
                    told.objective, next_try = certified[0], int(PATIENCE * n_iter) + 1
                slowest = max(slowest, time.perf_counter() - begun)
                told.seconds = time.perf_counter() - began
                if score is not None:
                    told.score = score(state.weights, state.intercept)
                state.curve.append(told.objective)
                gaps.append(certified[1] if certified else solver.gap)
                ended = on_epoch is not None and on_epoch(told)
                stopped_by = ("callback" if ended else "tol" if certified and enough
                              else "max_iter" if n_iter >= settings.max_iter
                              else "max_time" if team.expired() or deadline.left < 1.5 * slowest
                              else None)
            objective, gap = certified or solver.certify(state)
    except BaseException:  # of Ctrl-C or of a thread: all threads have ended here
        solver.stop()
        solver.settle(state)
        raise
    n_iter, beta = max(1, state.epoch - first), solver.beta.copy()
    check_finite(state, n_iter, settings)
    return Ascended(n_iter, stopped_by, steps, objective, gap, beta, solver.problem.c * beta,
                    np.flatnonzero(beta), gaps)


class _Solver:
    """The dual variables of one training, its epochs and its certificates."""

    def __init__(self, rows, y, sample_weight, state, settings, subset, dual):
        if settings.penalty.l2_share <= 0:
            raise ValueError(
                "solver='sdca' needs penalty='l2' or 'elasticnet': without a part of l2 the dual "
                "does not determine the weights")
        n = rows.shape[0]
        self.n_visits = n if subset is None else len(subset)
        s = row_weights(y, sample_weight, settings, subset)
        self.problem = problem = DualProblem(rows, y, s, settings, self.n_visits, self._share)
        self.settings, self.dtype, self.team = settings, state.weights.dtype, None
        self.block_rows = block_rows(n)
        self.n_blocks = -(-n // self.block_rows)
        self.n_threads, self.share = _threads(rows, settings)
        self.cells, self.v = np.zeros((n, 4)), np.zeros(rows.shape[1])
        self.cells[:, 0], self.cells[:, 1] = problem.y, problem.c
        self.rest = np.zeros((n, 2), np.uint8)
        self.ascent = Ascent(
            rows, self.cells, self.rest, self.v, loss=settings.loss.number,
            loss_constant=settings.loss_constant, l1=problem.l1, l2=problem.l2,
            n_threads=self.n_threads)
        self.gain = 0.0
        if settings.fit_intercept:
            self.gain = self.ascent.gain = GAIN * (self.cells[:, 2].mean() or 1.0) / problem.l2
        bounded = np.isfinite(problem.bound)
        self.caution = 1 + (CAUTION if bounded else 1.0) * (self.n_threads - 1)
        self.awake, self.gap, self.centre, self.excess = 1.0, np.inf, 0.0, 0.0
        self.chunk = max(1, threads.serial_chunk(rows) * tables.TILE // self.block_rows)
        if dual is not None:
            self._begin_at(dual)
        self.conjugates = problem.conjugates(self.beta)
        self.penalty_dual = problem.penalty_dual(self.v)

    @property
    def beta(self):
        """The dual variables: a view."""
        return self.cells[:, 3]

    def _begin_at(self, dual):
        problem = self.problem
        beta = np.clip(np.asarray(dual, np.float64), -problem.bound, problem.bound)
        if self.settings.loss.is_classifier:
            beta = np.where(beta * problem.y > 0, beta, 0.0)
        self.beta[:] = problem.balance(np.where(problem.c > 0, beta, 0.0))
        self.v[:] = problem.sum_rows(self.beta)
        self.centre = problem.best_bias(problem.margins(problem.weights_of(self.v)), 0.0)

    def _share(self, task):
        """Runs ``task(rank, n_threads)`` on the threads of the training."""
        if self.team is None or self.n_threads == 1:
            task(0, 1)
        else:
            self.team.run(lambda rank: task(rank, self.n_threads))

    def stop(self):
        self.ascent.stop()

    def epoch(self, seed, number):
        """One epoch; (rows visited, whether it was a whole one)."""
        ascent, problem = self.ascent, self.problem
        ascent.set_order(order.stratified(seed, number, self.n_blocks)
                         if self.settings.shuffle else None, self.block_rows)
        ascent.b = self.centre + self.gain * self.excess
        before = self._lagrangian()
        if self.n_threads == 1:
            begin = 0
            while begin < self.n_blocks and not self.team.expired():
                begin = ascent.run(begin, begin + self.chunk)
        elif self.settings.sync == "hogwild":
            self.team.run(ascent.run_shared)
        else:
            share = int(self.share / self.block_rows / max(self.awake, 0.01))
            self.team.run(lambda rank: ascent.run_merged(rank, max(1, share), self.caution))
        gap, conjugates, visits = ascent.tally()
        if ascent.stopped:
            return visits, False
        if self.n_threads > 1 and self.settings.sync == "hogwild":  # some additions were lost
            self.v[:] = problem.sum_rows(self.beta)
        self.awake = visits / max(1, self.n_visits)
        self.conjugates += conjugates
        self.penalty_dual = problem.penalty_dual(self.v)
        self.excess = float(problem.c @ self.beta) if self.gain else 0.0
        self.gap = problem.alpha * (gap - ascent.b * self.excess)
        if not self._lagrangian() > before:  # what threads did at once went too far
            self.caution = float(self.n_threads)
        self.centre += self.gain * self.excess  # the multiplier's step
        ascent.dull = DULL * gap / max(1, self.n_visits)
        return visits, True

    def _lagrangian(self):
        """What the steps of an epoch make larger, / alpha."""
        return -(self.conjugates + self.penalty_dual
                 + self.excess * (self.centre + 0.5 * self.gain * self.excess))

    def estimate(self):
        """(f, mean loss) of the model, by D(beta) and the gap that the epoch met."""
        problem = self.problem
        objective = self.gap - problem.alpha * (self.conjugates + self.penalty_dual)
        w = problem.weights_of(self.v)
        return objective, objective - problem.alpha * self.settings.penalty.value(w)

    def show(self, state):
        """The epoch's model."""
        state.weights[:] = self.problem.weights_of(self.v)
        state.intercept = self.ascent.b

    def settle(self, state):
        """The model of the dual variables, after threads have been stopped."""
        self.team = None
        self.v[:] = self.problem.sum_rows(self.beta)
        self.show(state)

    def certify(self, state):
        """Balances the dual, sums v anew and writes the model: (f, f - D(beta))."""
        problem = self.problem
        self.beta[:] = problem.balance(self.beta)
        self.v[:] = problem.sum_rows(self.beta)
        self.excess, self.conjugates = 0.0, problem.conjugates(self.beta)
        self.penalty_dual = problem.penalty_dual(self.v)
        state.weights[:] = problem.weights_of(self.v)
        w = state.weights.astype(np.float64)  # what is certified is what is kept
        z = problem.margins(w)
        state.intercept = problem.best_bias(z, self.centre)
        z += state.intercept
        objective = problem.objective(z, w)
        lower = -problem.alpha * (self.conjugates + self.penalty_dual)
        parts = problem.c * (
            problem.losses(z) + self.beta * z
            + problem.dual.conjugate(self.beta, problem.y, self.settings.loss_constant))
        self.rest[parts > self.ascent.dull] = 0  # these sleep no longer
        return objective, max(0.0, objective - lower)


def _threads(rows, settings):
    """(threads, rows that each visits between two merges)."""
    n_threads = settings.n_threads if settings.sync in ("merge", "hogwild") else 1
    if n_threads < 2 or settings.sync == "hogwild":
        return n_threads, 0
    if settings.merge_every != "auto":
        return n_threads, int(settings.merge_every)
    share = max(SHORTEST, SELDOM * rows_worth_a_merge(rows, n_threads))
    return (1, 0) if share * n_threads * MERGES > rows.shape[0] else (n_threads, share)
