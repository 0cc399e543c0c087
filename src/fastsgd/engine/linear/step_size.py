"""eta0="auto": a first step size found on a sample of the rows, and backed off on divergence.

After Bottou (Stochastic Gradient Descent Tricks, 2012, section 5.2; determineEta0 of his svmsgd):
one pass over a sample for values of eta0 that go by factors of 2; the one with the least objective
is best for as many steps as the sample has rows. Longer trainings want shorter constant steps,
in proportion to 1 / sqrt(steps): see `shorten`, which is our addition.
"""

from dataclasses import replace

import numpy as np

from fastsgd._warn import warn
from fastsgd.engine.deadline import NEVER
from fastsgd.engine.linear.sample import Sample
from fastsgd.engine.linear.sgd import train
from fastsgd.errors import DivergenceError
from fastsgd.kernels import tables
from fastsgd.kernels.rows import Rows
from fastsgd.schedules import with_eta0

SAMPLE_ROWS = 2000
ORDERS = 3
"""Passes for each value, each in another order; their median counts, since where a pass with a
long step ends depends on its last rows: a9a, log loss, eta 0.07, 0.32 to 0.52 by the order."""

MODELS = 4
"""Classes, of several, that share in the choice."""

HORIZON = 4
"""Epochs within which no step may exceed the best of the sample times sqrt(sample / steps)."""

PATIENCE = 2
"""Values in a row that are hardly better before the search turns: samples are noisy."""

GAIN = 1e-3
"""Gains smaller than this part count as none. Where the model begins at its best, each halving
of the step is a little better, down to steps that do nothing."""

MOST_TRIALS = 40
BACK_OFF = 4.0
MOST_BACK_OFFS = 8


class WeightedSquares:
    """|x|^2 of rows, found once, times weights that differ by model; stands for `Rows` here."""

    def __init__(self, rows):
        self._squares = rows.squares()

    def max_square(self, weight):
        """The largest of a row, times its weight."""
        return float(np.max(self._squares * weight, initial=0.0))

    def mean_square(self, weight):
        """The mean over the rows, each times its weight."""
        return float(np.mean(self._squares * weight))


def longest_step(rows, curvature, *, by_sums, weight=None):
    """1 / (2 L), L the largest curvature of a sample's loss in w, times its weight.

    Steps over 2 / L diverge at the sample that has it; a half of 1 / L keeps the noise of such
    a sample small enough to reach the optimum (measured on data with outliers). Steps by all rows
    at once (`by_sums`) have no such noise, and their curvature is at most the loss's times the
    mean of |x|^2 + 1: 1 / L.

    Parameters
    ----------
    rows : Rows, or WeightedSquares with `weight`
    curvature : float
        Of the loss in its margin.
    by_sums : bool
    weight : float64 ndarray of shape (n_rows,) or None
        Of the rows, their class's weight in it.
    """
    if by_sums:
        mean = rows.mean_square() + 1 if weight is None else (
            rows.mean_square(weight) + float(np.mean(weight)))
        return 1.0 / max(1e-300, curvature * mean)
    largest = rows.max_square() if weight is None else rows.max_square(weight)
    return 1.0 / max(1e-300, 2 * curvature * largest)


def longest_step_of_weights(rows, weight, slope=1.0, *, cut=False):
    """2 / max (s - 1) (|x|^2 + 1) over the rows of weight s > 1, of losses with bounded slopes.

    Divided by the largest slope, where that exceeds 1: modified_huber, whose is 4, ends above the
    zero model otherwise (weights of 1,000: 167 % above the optimum, and 28 % with averaging).

    A schedule's steps are made for rows of weight 1; those of heavier ones move a margin by s
    times as much, and thousands of light rows do not bring it back where one in a thousand weighs
    as much as they. This is our addition: data with 0.1 to 7 % of rows of a class and
    class_weight="balanced" end 1 to 3 times above the optimum, without it up to 1,000 times.
    Weights up to 1 make no step shorter.

    Where heavy rows are cut (heavy_rows.py) it is 1 / max s (|x|^2 + 1): longer steps would put
    averaged models far from the optimum, as the slopes of hinge do not fall towards it.

    Parameters
    ----------
    rows : WeightedSquares
    weight : float64 ndarray of shape (n_rows,)
        Of the rows, their class's weight in it.
    slope : float
        Largest derivative of the loss in its margin.
    cut : bool
        Whether the weights are those of visits, of which heavy rows have several.
    """
    excess = 2 * weight if cut else np.maximum(weight - 1, 0)
    largest = rows.max_square(excess) + np.max(excess, initial=0.0)
    return 2.0 / (largest * max(1.0, slope)) if largest > 0 else np.inf


def with_step(settings, eta0):
    """Settings whose schedule begins at `eta0`."""
    return replace(settings, schedule=with_eta0(settings.schedule, eta0))


def choose_step(X, sample_weight, subset, seed, problems, deadline=NEVER):
    """eta0 for all the models; a pure function of the arguments, if the time suffices.

    Parameters
    ----------
    X : CSR or ndarray
    sample_weight : float64 ndarray or None
    subset : int64 ndarray or None
        The rows to learn from; None means all.
    seed : int
    problems : list of (y, state, settings)
        Of the models whose mean objective is judged, from the weights that their states have.
    deadline : Deadline
        When it passes, the best step so far is taken.

    Returns
    -------
    float
    """
    sample = Sample(X, sample_weight, subset, SAMPLE_ROWS, seed)
    if not len(sample.rows):
        return 1.0
    drawn = Rows(sample.X)
    tried = [_Problem(sample, drawn, *problem) for problem in problems]
    values = sample.X.data if hasattr(sample.X, "indptr") else sample.X
    square = float(np.sum(np.square(values, dtype=np.float64))) / len(sample.rows)
    start = 1.0 / square if square > 0 else 1.0
    eta0 = search(lambda eta: sum(problem.cost(eta) for problem in tried), start,
                  lambda: deadline.passed)
    schedule, steps = problems[0][2].schedule, HORIZON * sample.n_rows
    eta0 = shorten(eta0, schedule, len(sample.rows), steps)
    # the kernels bound each step by eta_max; an eta0 that would stay above it tells nothing
    first, last = _etas(eta0, schedule, [1.0, steps])
    return float(min(eta0, schedule["eta_max"] * first / last))


class _Problem:
    """One model on the sample: what its objective is after one pass with a given eta0."""

    def __init__(self, sample, rows, y, state, settings):
        self._sample, self._rows = sample, rows
        self._y = np.ascontiguousarray(y[sample.rows])
        self._start = state.copy()
        if sample.columns is not None:
            self._start.weights = state.weights[sample.columns]
        self._start.l1_paid = self._start.average = None
        # without eta_max: what is best on the sample is shortened first and bounded then
        self._settings = replace(
            settings, max_iter=1, tol=None, sync="serial", n_threads=1, average_from=0,
            shuffle="rows", schedule=settings.schedule | {"eta_max": np.inf})

    def cost(self, eta0):
        """The median objective of the sample; inf where it is no number."""
        return float(np.median([self._pass(eta0, order) for order in range(ORDERS)]))

    def _pass(self, eta0, order):
        state, settings = self._start.copy(), with_step(self._settings, eta0)
        try:
            train(self._rows, self._y, self._sample.weight, state, settings, order)
        except DivergenceError:
            return np.inf
        cost = self._sample.objective(state.weights, state.intercept, self._y, settings)
        return cost if np.isfinite(cost) else np.inf


def search(cost, start, expired=lambda: False):
    """The eta with the least cost among start * 2^k: upwards until it gets worse, or downwards."""
    best, least = start, cost(start)
    for factor in (2.0, 0.5):
        eta, worse, turn = start, 0, best
        for _ in range(MOST_TRIALS):
            eta *= factor
            now = cost(eta)
            if now < least * (1 - GAIN):
                worse = 0
            elif np.isfinite(now) or factor > 1:  # downwards out of a range where all diverge
                worse += 1
            if now < least:
                best, least = eta, now
            if worse == PATIENCE or expired():
                break
        if best != turn:
            break
    return best


def shorten(eta0, schedule, sample_steps, steps):
    """The largest step up to `eta0` that suits a training of `steps` steps.

    The best constant step for T steps of SGD falls as 1 / sqrt(T). So at each step t up to
    `steps` the schedule must stay below ``eta_m * sqrt(m / t)``, with eta_m the step that the
    schedule from `eta0` has at the end of the sample's m steps. What falls as fast by
    itself is not changed.
    """
    t = np.geomspace(sample_steps, max(steps, sample_steps), 24)
    bound = _etas(eta0, schedule, t[:1]) * np.sqrt(sample_steps / t) * (1 + 1e-9)
    low, high = eta0 * np.sqrt(sample_steps / t[-1]), eta0
    if (_etas(high, schedule, t) <= bound).all():
        return eta0
    for _ in range(12):
        middle = np.sqrt(low * high)
        if (_etas(middle, schedule, t) <= bound).all():
            low = middle
        else:
            high = middle
    return float(low)


def _etas(eta0, schedule, t):
    fields = with_eta0(schedule, eta0) | {"eta_max": np.inf}
    return np.array([tables.etas(fields, step, 1)[0] for step in t])


def train_backing_off(run, states, settings, later=()):
    """``run(settings)``; where it diverges, again from the same start with a quarter of the step.

    Parameters
    ----------
    run : callable
        Trains `states` in place; may raise DivergenceError.
    states : list of LinearState
        INOUT; their `eta0` is what the training took in the end.
    settings : Settings
    later : sequence of LinearState
        INOUT: states that are still to be trained; they get no longer step than was taken here.

    Returns
    -------
    result : object
        Of `run`.
    settings : Settings
        With the step that was taken.
    """
    starts = [state.copy() for state in states]
    for attempt in range(MOST_BACK_OFFS + 1):
        try:
            return run(settings), settings
        except DivergenceError:
            if attempt == MOST_BACK_OFFS:
                raise
            eta0 = settings.schedule["eta0"] / BACK_OFF
            warn(
                f"eta0='auto' took {settings.schedule['eta0']:g}, with which the training "
                f"diverged; it begins again with {eta0:g}.", RuntimeWarning)
            settings = with_step(settings, eta0)
            for state, start in zip(states, starts, strict=True):
                state.become(start)
            for state in [*states, *later]:
                state.eta0 = min(eta0, state.eta0)
    raise AssertionError("unreachable")
