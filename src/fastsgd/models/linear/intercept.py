"""Where the intercept begins on sparse rows.

Its steps are short there (engine/linear/intercept.py), so it has to begin near its place: to
targets with a mean of 100, or to one class in a hundred, it would be many epochs on its way.
"""

import numpy as np

from fastsgd.engine.linear.dual_problem import root
from fastsgd.kernels import order
from fastsgd.models.pools import of_all

HALF = 0.5
"""Classes begin at the constant that is best for all rows where it leaves at most so much of the
loss at 0; else at 0, as scikit-learn does."""

SURELY, FEWEST = 4.0, 10
"""Targets begin there where what it saves, over so many rows at least, is so many times what it
leaves of a row's loss: about two standard errors of a mean."""

OF_CLASSES = {
    "hinge": lambda m: float(np.sign(m)), "log_loss": lambda m: float(np.log((1 + m) / (1 - m))),
    "squared_error": lambda m: m, "squared_hinge": lambda m: m, "modified_huber": lambda m: m}
"""The best constant for classes of -1 and 1 whose mean is m (squared_error: for any targets)."""

SAMPLE, SEED = 10_000, 0xB1A5
"""Rows by which the constant is found where it is no mean."""


def begin_intercepts(job):
    """Sets the intercepts of models at zero weights.

    Parameters
    ----------
    job : Job
        INOUT: its states' intercepts.
    """
    if job.problem.classifies:
        counts = job.problem.counts()
        found = [_of_classes(job, k, counts) for k in range(len(job.states))]
    else:
        found = [_of_numbers(job, k) for k in range(len(job.states))]
    # where each process has rows of its own, all must begin alike
    for state, b in zip(job.states, np.mean(of_all(job.estimator, found), axis=0), strict=True):
        state.intercept = float(b)


def _weights(job, rows):
    return np.ones(len(rows)) if job.sample_weight is None else job.sample_weight[rows]


def _rows(job):
    return np.arange(job.rows.shape[0]) if job.subset is None else job.subset


def _of_classes(job, k, counts):
    """Two weights say all: of the rows of one side and of the other."""
    settings, n = job.settings_of(k), job.rows.shape[0]
    if job.sample_weight is None and job.subset is None:
        positive = float(counts[1 if len(job.states) == 1 else k])
        sides = np.array([n - positive, positive])
    else:
        rows = _rows(job)
        s, positive = _weights(job, rows), job.problem.target(k)[rows] > 0
        sides = np.array([s[~positive].sum(), s[positive].sum()])
    sides *= settings.weight_neg, settings.weight_pos
    b, at_best, at_zero = _best_constant(settings, np.array([-1.0, 1.0]), sides)
    return b if at_best <= HALF * at_zero else 0.0


def _of_numbers(job, k):
    settings, rows, y = job.settings_of(k), _rows(job), job.problem.target(k)
    if settings.loss.name != "squared_error" and len(rows) > SAMPLE:
        rows = rows[order.spread(SEED, len(rows), SAMPLE)]
    s = _weights(job, rows)
    n = np.count_nonzero(s)
    b, at_best, at_zero = _best_constant(settings, y[rows], s)
    return b if n >= FEWEST and n * (at_zero - at_best) > SURELY * at_best else 0.0


def _best_constant(settings, y, s):
    """The constant b of least weighted loss, the mean loss there, and that at 0."""
    loss, constant, total = settings.loss, settings.loss_constant, s.sum()
    if not (np.all(s >= 0) and np.count_nonzero(s) > 1 and np.isfinite(y).all()):
        return 0.0, 0.0, 0.0

    def mean(b):
        return float((s * loss.value(np.full(len(y), b), y, constant)).sum() / total)

    middle = float((s * y).sum() / total)
    if loss.name == "squared_error" or (loss.is_classifier and loss.name in OF_CLASSES):
        b = OF_CLASSES[loss.name](middle)
    else:
        b = root(lambda b: float(
            (s * loss.derivative(np.full(len(y), b), y, constant)).sum()), 0.0)
    return b, mean(b), mean(0.0)
