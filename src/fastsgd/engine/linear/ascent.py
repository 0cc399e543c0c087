"""The dual variables of one training by solver "sdca": an epoch of steps, and a certificate.

The free bias is the multiplier of sum c beta = 0 in an augmented Lagrangian: within an epoch it
moves with every step, by `gain` times what the step adds to that sum; after each epoch the
multiplier takes over what is left of the sum (Hestenes 1969, Powell 1969; docs/duality.md).
"""

import numpy as np

from fastsgd._integers import LONGEST_INTERVAL
from fastsgd.engine.linear.certificate import certify
from fastsgd.engine.linear.dual_problem import DualProblem, row_weights
from fastsgd.engine.linear.merge import rows_worth_a_merge
from fastsgd.engine.linear.visiting import block_rows
from fastsgd.engine.peers import ALONE
from fastsgd.engine.team import serial_chunk
from fastsgd.kernels import order, tables
from fastsgd.kernels.ascent import Ascent

GAIN, GAIN_LOG = 0.03, 0.1
"""Gain of the bias, as a part of the mean |x|^2 / l2; the second of the log loss, whose slope in b
changes but a quarter as much (docs/duality.md)."""

LEAST_GAIN = 3.0
"""Least gain of the bias, divided by sum c. Where |x|^2 / l2 is small beside alpha, the multiplier
would take thousands of steps."""

DULL = 0.5
"""A row sleeps when its part of the gap is below so much of the mean of the last epoch."""

CAUTION = 0.4
"""Steps on replicas are damped by 1 + CAUTION (threads - 1); by all threads, which is safe for any
data, once the dual objective has fallen, and from the start where no domain bounds the dual."""

BUSY, FEW = 10, 0.25
"""Visits that busy rows get after an epoch, by one thread: so many times the epoch's, if they are
at most so large a part of all rows."""

SELDOM, SHORTEST = 4, 256
"""Rows between two merges: so many times those that are worth one, and at least 256."""

MERGES = 8
"""Merges of an epoch there must be room for: with fewer one thread is as good."""


class DualAscent:
    """The dual variables of one training, its epochs and its certificates."""

    def __init__(self, rows, y, sample_weight, state, settings, subset, peers=ALONE):
        if settings.penalty.l2_share <= 0:
            raise ValueError(
                "solver='sdca' needs penalty='l2' or 'elasticnet': without a part of l2 the dual "
                "does not determine the weights")
        n = rows.shape[0]
        self.own_visits = n if subset is None else len(subset)
        self.n_visits = sum(peers.counts(self.own_visits))
        s = row_weights(y, sample_weight, settings, subset)
        self.problem = problem = DualProblem(rows, y, s, settings, self.n_visits, self._share,
                                              check=False, peers=peers)
        self.peers = peers
        self.settings, self.dtype, self.team = settings, state.weights.dtype, None
        self.block_rows = block_rows(rows, settings.shuffle)
        self.n_blocks = -(-n // self.block_rows)
        self.n_threads = settings.n_threads if settings.sync in ("merge", "hogwild") else 1
        self.share = rows_between_merges(rows, self.n_threads, settings.merge_every)
        if settings.sync == "merge" and not self.share:
            self.n_threads = 1
        self.cells, self.v = np.zeros((n, 4)), np.zeros(rows.shape[1])
        self.cells[:, 0], self.cells[:, 1] = problem.y, problem.c
        self.rest = np.zeros((n, 2), np.uint8)
        self.ascent = Ascent(
            rows, self.cells, self.rest, self.v, loss=settings.loss.number,
            loss_constant=settings.loss_constant, l1=problem.l1, l2=problem.l2,
            n_threads=self.n_threads)
        self.gain = 0.0
        bounded = np.isfinite(problem.bound)
        self.caution = 1 + (CAUTION if bounded else 1.0) * (self.n_threads - 1)
        self.rows_rest = has_flat_parts(settings.loss, settings.loss_constant)
        self.awake, self.gap, self.centre, self.excess = 1.0, np.inf, 0.0, 0.0
        self.chunk = max(1, serial_chunk(rows) * tables.TILE // self.block_rows)

    def begin(self, team, state):
        """Measures the rows, by all threads, and takes the dual variables to begin with.

        They are those that the state kept, or made of the slopes at its weights.
        """
        self.team, problem = team, self.problem
        self._measure()
        problem.rows.checked = True
        if self.settings.fit_intercept:
            gain = GAIN_LOG if self.settings.loss.name == "log_loss" else GAIN
            gain *= self._mean_square() / problem.l2
            least = LEAST_GAIN / max(problem.total_weight(), np.finfo(float).tiny)
            self.gain = self.ascent.gain = max(gain, least)
        if self._all_keep(state.dual_coef):
            self._begin_at(problem.dual_of(state.dual_coef))
        elif np.any(state.weights) or state.intercept:
            self._begin_at(certify(problem, state.weights, state.intercept).dual)
        elif not self.settings.loss.is_classifier:  # a large mean of y would take many steps
            self.centre = problem.best_bias(np.zeros(len(self.cells)), 0.0)
        self.conjugates = problem.conjugates(self.beta)
        self.penalty_dual = problem.penalty_dual(self.v)

    def _measure(self):
        n = self.problem.rows.shape[0]
        self._share(lambda rank, n_threads: self.ascent.measure(
            n * rank // n_threads, n * (rank + 1) // n_threads))

    def _mean_square(self):
        """The mean |x|^2."""
        return self.cells[:, 2].mean()

    def _all_keep(self, dual_coef):
        """Whether there are dual variables of an earlier training, of as many rows."""
        return dual_coef is not None and len(dual_coef) == len(self.cells)

    @property
    def beta(self):
        """The dual variables: a view."""
        return self.cells[:, 3]

    def _begin_at(self, beta):
        problem = self.problem
        self.beta[:] = beta
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
        self.ascent.b = self.centre + self.gain * self.excess
        before = self._lagrangian()
        gap, conjugates, visits, stopped = self._visit(seed, number)
        if stopped:
            return visits, False
        return self._end_epoch(before, gap, conjugates, visits)

    def _order(self, seed, number, n_blocks):
        """The order of `n_blocks` blocks, or None: as they lie."""
        shuffled = order.permutation if self.block_rows == 1 else order.stratified
        return shuffled(seed, number, n_blocks) if self.settings.shuffle else None

    def _visit(self, seed, number):
        """The steps of an epoch: (gap met, change of the conjugates, visits, stopped)."""
        ascent = self.ascent
        ascent.set_order(self._order(seed, number, self.n_blocks), self.block_rows)
        self._run()
        if self.n_threads > 1 and self.settings.sync == "hogwild" and not ascent.stopped:
            self.v[:] = self.problem.sum_rows(self.beta)  # some additions were lost
        if self.rows_rest and ascent.dull > 0:
            self.centre = ascent.run_busy(
                seed, number, centre=self.centre, few=int(FEW * self.n_visits),
                most=BUSY * ascent.tally()[2])
        return (*ascent.tally(), ascent.stopped)

    def _run(self):
        """Visits the blocks of the order, by all threads."""
        ascent, begin, end = self.ascent, 0, self.ascent.n_blocks
        if self.n_threads == 1:
            while begin < end and not self.team.expired():
                begin = ascent.run(begin, begin + self.chunk)
        elif self.settings.sync == "hogwild":
            self.team.run(ascent.run_shared)
        else:
            share = max(1, self.share // self.block_rows)
            self.team.run(lambda rank: ascent.run_merged(rank, share, self.caution))

    @np.errstate(over="ignore", invalid="ignore")
    def _end_epoch(self, before, gap, conjugates, visits):
        problem = self.problem
        self.awake = visits / max(1, self.n_visits)
        self.conjugates += conjugates
        self.penalty_dual = problem.penalty_dual(self.v)
        self.excess = self._sum_duals() if self.gain else 0.0
        self.gap = problem.penalty.weigh(gap - self.ascent.b * self.excess)
        if not self._lagrangian() > before:  # what was done at once went too far
            self._be_cautious()
        self.centre += self.gain * self.excess  # the multiplier's step
        self.ascent.dull = DULL * gap / max(1, self.n_visits)
        return visits, True

    def _sum_duals(self):
        """sum c beta."""
        return float(np.einsum("i,i->", self.problem.c, self.beta))

    def _be_cautious(self):
        self.caution = float(self.n_threads)

    @np.errstate(over="ignore", invalid="ignore")
    def _lagrangian(self):
        """The augmented Lagrangian, divided by alpha: the steps of an epoch make it larger."""
        return -(self.conjugates + self.penalty_dual
                 + self.excess * (self.centre + 0.5 * self.gain * self.excess))

    @np.errstate(over="ignore", invalid="ignore")
    def estimate(self):
        """(f, mean loss) of the model, by D(beta) and the gap that the epoch met."""
        problem = self.problem
        objective = self.gap - problem.penalty.weigh(self.conjugates + self.penalty_dual)
        w = problem.weights_of(self.v)
        return objective, objective - problem.penalty.value(w)

    def show(self, state):
        """The epoch's model."""
        state.weights[:] = self.problem.weights_of(self.v)
        state.intercept = self.ascent.b

    def settle(self, state):
        """The model of the dual variables, after threads have been stopped."""
        self.team = None
        if self.problem.rows.checked:
            self.v[:] = self.problem.sum_rows(self.beta)
            self.show(state)
            state.dual_coef = self.problem.c * self.beta

    @np.errstate(over="ignore", invalid="ignore")  # of hopeless models
    def certify(self, state):
        """Balances the dual, sums v anew and writes the model: (f, D(beta))."""
        problem = self.problem
        beta = problem.balance(self.beta)
        self.beta[:] = beta
        self.v[:] = problem.sum_rows(beta)
        self.excess, self.penalty_dual = 0.0, problem.penalty_dual(self.v)
        state.weights[:] = problem.weights_of(self.v)
        w = state.weights.astype(np.float64)  # what is certified is what is kept
        z, size = problem.margins(w), self.estimate()[0]
        enough = 0.01 * (self.settings.tol or 0.0) * size if np.isfinite(size) else 0.0
        state.intercept = float(self.dtype.type(problem.best_bias(z, self.centre, enough)))
        z += state.intercept
        losses, self.conjugates = problem.gap_terms(z, beta, self.ascent.dull, self.rest)
        objective = problem.penalty.weigh(losses + problem.unit.value(w))
        lower = -problem.penalty.weigh(self.conjugates + self.penalty_dual)
        return objective, lower


def has_flat_parts(loss, constant):
    """Whether rows come to rest: far on one side or the other the loss is straight."""
    ends = loss.second_derivative(np.array([-30.0, 30.0]), np.ones(2), constant)
    return bool((ends == 0).any())


def rows_between_merges(rows, n_threads, merge_every):
    """Rows of each thread between two merges; 0: there is no room for merges in an epoch."""
    if n_threads < 2:
        return 0
    if merge_every != "auto":
        return min(int(merge_every), LONGEST_INTERVAL)
    share = max(SHORTEST, SELDOM * rows_worth_a_merge(rows, n_threads))
    return share if share * n_threads * MERGES <= rows.shape[0] else 0
