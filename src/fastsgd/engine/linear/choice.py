"""Choice of ``solver="auto"``: the first solver by the data's shape, and when another is sooner.

It goes by kappa = mean |x - m|^2 / (l2 n): how far one row's dual step moves the margins of the
others, so how many passes dual ascent needs. Costs are counted in nanoseconds per value, not
timed: the choice is the same on every machine. The numbers are fitted to 200 problems of data,
loss and alpha (benchmarks/auto.py, docs/solvers.md).
"""

from typing import NamedTuple

import numpy as np

STEP, ROW, EPOCH = 2.0, 20.0, 1e5
"""A pass of dual steps: nanoseconds a stored value, a row, and in any case."""

PASS, ITERATION = 1.5, 1e6
"""A margin or a sum over the rows: nanoseconds a stored value. Of an iteration in any case."""

PAIR, DENSE_PAIR, CUBE = 0.35, 0.05, 0.1
"""A Gram matrix: nanoseconds a product of two values of a row, and of dense ones, by BLAS; a
Cholesky factor: nanoseconds times d^3."""

NEWTON, RIDGE, INTERIOR = 8, 1, 30
"""Iterations of Newton's method, also on squares, and of the interior point."""

PRODUCTS = 150.0
"""Products with the Hessian that newton-cg needs where kappa is at most 1."""

PASSES, STEEP, STEEP_SQUARES, STEEP_KINKED = 10.0, 1.0, 2.0, 0.1
"""Passes of dual ascent: so many, and so many times kappa: of smooth losses, of squares, of losses
with kinks."""

FEW = 2000
"""Features up to which a matrix of all pairs of them is made."""


class Choice(NamedTuple):
    """A solver and the reason for it, in words."""

    solver: str
    why: str


def kappa(shape, l2):
    """mean |x - m|^2 / (l2 n)."""
    return shape.spread / max(l2 * max(1, shape.n), 1e-300)


def costs(names, shape, loss, l2):
    """Nanoseconds that solvers may take to a gap of 1e-3, by name; of sdca in all.

    Those that the data or the loss rule out are left out.
    """
    gram = shape.pairs * (DENSE_PAIR if shape.dense else PAIR)
    matrix, one_pass = gram + CUBE * float(shape.d) ** 3 + ITERATION, PASS * shape.nnz
    steep, squares = kappa(shape, l2), loss.name == "squared_error"
    slope = STEEP_SQUARES if squares else STEEP if loss.smooth else STEEP_KINKED
    products = PRODUCTS * (1 + 0.25 * np.log10(max(steep, 1.0)) ** 2)
    found = {
        "sdca": (PASSES + slope * steep) * epoch(shape),
        "newton-cg": products * 2 * one_pass + NEWTON * ITERATION,
    }
    if shape.d <= FEW:
        found["newton-cholesky"] = (RIDGE if squares else NEWTON) * (matrix + 5 * one_pass)
        found["interior-point"] = INTERIOR * (matrix + 8 * one_pass)
    return {name: found[name] for name in names if name in found and (
        name == "sdca" or (name == "interior-point") != loss.smooth)}


def epoch(shape):
    """Nanoseconds of a pass of dual steps."""
    return STEP * shape.nnz + ROW * shape.n + EPOCH


def first_choice(names, shape, loss, l2):
    """The solver to begin with.

    Parameters
    ----------
    names : sequence of str
        Those that take all parameters.
    shape : DataShape
    loss : Loss
    l2 : float
        alpha times the share of l2, by the mean weight of a row.

    Returns
    -------
    Choice
    """
    cost = costs(names, shape, loss, l2)
    if not shape.dense:  # rare columns are not for it, but where sdca fails
        cost.pop("interior-point", None)
    name = min(cost, key=cost.__getitem__) if cost else names[-1]
    kind = "" if loss.smooth else " with kinks"
    return Choice(name, (
        f"{name}: {loss.name}{kind}, {shape.d:,} {'dense' if shape.dense else 'sparse'} features, "
        f"mean |x - mean|^2 / (alpha n) = {kappa(shape, l2):.2g}"))


def other_choice(names, shape, loss, l2):
    """The solver to change to where sdca is too slow, and how many passes of sdca it costs.

    Returns
    -------
    (str, float) or None
    """
    cost = costs([name for name in names if name != "sdca"], shape, loss, l2)
    if not cost:
        return None
    name = min(cost, key=cost.__getitem__)
    return name, cost[name] / epoch(shape)
