"""Choice of ``solver="auto"``: the first solver by the data's shape, and when another is sooner.

The rule was found on 68 cells of data, loss and alpha, and tried on others (docs/solvers.md). It
goes by kappa = mean |x - m|^2 / (alpha n): how far one row's dual step moves the margins of the
others. Costs are counted in nanoseconds per value, so the choice is the same on every machine.
"""

from typing import NamedTuple

STEP, ROW = 2.0, 20.0
"""A pass of dual steps: nanoseconds a stored value and a row."""

PASS = 1.5
"""A margin or a sum over the rows: nanoseconds a stored value."""

PAIR, DENSE_PAIR, CUBE = 0.7, 0.1, 0.1
"""A Gram matrix: nanoseconds a product of two values of a row, and of dense ones, by BLAS; a
Cholesky factor: nanoseconds times d^3."""

NEWTON, RIDGE, INTERIOR, PRODUCTS = 8, 1, 30, 150
"""Iterations of Newton's method, also on squares, and of the interior point; Hessian products."""

FEW = 2000
"""Features up to which a matrix of all pairs of them is made."""

STEEP, STEEP_SQUARES, STEEP_KINKED, STEEP_WIDE = 3.0, 0.5, 1e3, 1.0
"""kappa above which sdca is not tried first: smooth losses, squares, hinge and epsilon losses; and
squares where features are more than FEW."""

WORTH_TRYING, AT_ONCE = 20, 2e7
"""Sdca is tried first only where Newton costs more than so many of its passes, and so many ns."""


class Choice(NamedTuple):
    """A solver and the reason for it, in words."""

    solver: str
    why: str


def costs(shape, loss):
    """Nanoseconds that each solver may take; sdca: of one pass."""
    gram = shape.pairs * (0.5 * DENSE_PAIR if shape.dense else 0.5 * PAIR)
    factor, one_pass = CUBE * float(shape.d) ** 3, PASS * shape.nnz
    newton = RIDGE if loss.name == "squared_error" else NEWTON
    return {
        "sdca": STEP * shape.nnz + ROW * shape.n,
        "newton-cholesky": newton * (gram + factor + 5 * one_pass),
        "interior-point": INTERIOR * (gram + factor + 8 * one_pass),
        "newton-cg": 2 * PRODUCTS * one_pass,
    }


def kappa(shape, l2):
    """mean |x - m|^2 / (l2 n)."""
    return shape.spread / max(l2 * max(1, shape.n), 1e-300)


def first_choice(names, shape, loss, l2):
    """The solver to begin with.

    Parameters
    ----------
    names : sequence of str
        Those that take all parameters.
    shape : DataShape
    loss : Loss
    l2 : float
        alpha times the share of l2.

    Returns
    -------
    Choice
    """
    small, steep, cost = shape.d <= FEW, kappa(shape, l2), costs(shape, loss)
    squares = loss.name == "squared_error"
    table = (f"{shape.d:,} {'dense' if shape.dense else 'sparse'} features, "
             f"mean |x - mean|^2 / (alpha n) = {steep:.2g}")
    if "sdca" not in names:
        name = "newton-cholesky" if small and "newton-cholesky" in names else names[-1]
        return Choice(name, f"{name}: no dual step for these parameters; {table}")
    if loss.smooth:
        if "newton-cholesky" in names and small:
            limit = STEEP_SQUARES if squares else STEEP
            cheap = cost["newton-cholesky"] <= max(WORTH_TRYING * cost["sdca"], AT_ONCE)
            if (shape.dense or steep > limit) and cheap:
                return Choice("newton-cholesky", f"newton-cholesky: {table}")
        elif "newton-cg" in names and squares and steep > STEEP_WIDE:
            return Choice("newton-cg", f"newton-cg: squares, {table}")
    elif "interior-point" in names and small and shape.dense and steep > STEEP_KINKED:
        return Choice("interior-point", f"interior-point: loss with kinks, {table}")
    return Choice("sdca", f"sdca: {table}")


def other_choice(names, shape, loss):
    """The solver to change to where sdca is too slow, and how many passes of sdca it costs.

    Returns
    -------
    (str, float) or None
    """
    cost, small = costs(shape, loss), shape.d <= FEW
    possible = [name for name in names if name != "sdca"
                and (small or name == "newton-cg")
                and (name == "interior-point") != loss.smooth]
    if not possible:
        return None
    name = min(possible, key=cost.__getitem__)
    return name, cost[name] / max(cost["sdca"], 1.0)
