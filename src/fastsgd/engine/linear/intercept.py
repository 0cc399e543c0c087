"""How long steps of the intercept are on sparse rows, beside those of a weight.

It moves at every row and a sparse feature at few, so its steps are short, as in scikit-learn.
"""

import numpy as np

from fastsgd.kernels import order

SPARSE_INTERCEPT_DECAY = 0.01
"""Steps of the intercept are this much shorter for sparse X, as in scikit-learn: it moves at
every row, a sparse weight at few."""

SPARSE_INTERCEPT_DECAY_RARE = 0.1
"""The same for one class against many and smooth losses, whose intercept has a long way to go from
0: log loss on 20 newsgroups is 0.11 % above its optimum after 200 epochs at 0.01, below 0.001 % at
0.1. Where slopes jump the intercept jumps too: hinge, 5 epochs, ends at 8.7 % and 10.6 %."""

FULL = 0.5
"""CSR rows that hold so much of their columns are a dense matrix stored as CSR: each weight moves
about as often as the intercept, which then takes the same steps. In emptier rows that of a
regressor takes density / FULL of them, at least 0.01: it has to follow while columns with a mean
are learned. R^2 with columns of mean 5, densities of 0.45, 0.2 and 0.1: 0.9996, 0.9988, 0.9955;
at 0.01 0.6252, 0.9422 and 0.9810; of the same rows dense 0.9990 and more."""

LOOKED, MOST_VALUES, SEED = 1024, 1_000_000, 0xB1A5
"""Rows, and values of them, that are looked at for columns that they name twice; the draw."""


def intercept_decay(rows, loss, n_models, everyone):
    """How long steps of the intercept are on sparse rows, beside those of a weight.

    The same in all processes, also where each has rows of its own: ``everyone(said)`` is what
    each of them says.
    """
    by_density = not loss.is_classifier
    least = SPARSE_INTERCEPT_DECAY_RARE if n_models > 1 and loss.smooth else SPARSE_INTERCEPT_DECAY
    full = _density(rows, least if by_density else 1.0) / FULL
    full = float(np.mean(everyone(full)))
    if full >= 1:
        return 1.0
    return max(full, least) if by_density else least


def _density(rows, least):
    """Share of the rows in which a column has a value, on average; less than `least` is as it is.

    A column that a row names twice counts once: how many do is seen in a sample.
    """
    n, d = rows.shape
    density = rows.nnz / max(1, n * d)
    if density < least * FULL:
        return density
    many = max(1, min(n, LOOKED, MOST_VALUES * n // rows.nnz))
    return rows.take(order.spread(SEED, n, many)).nnz / (many * d)
