"""The cells of auto.py: one data set, loss, alpha, number of threads and dtype each.

All combinations would be thousands; these cover every pair of levels of any two factors.
"""

from itertools import combinations, product
from typing import NamedTuple

import numpy as np

LOSSES = ("hinge", "squared_hinge", "log_loss", "squared_error")
ALPHAS = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8)
THREADS = (1, 2)
DTYPES = ("float64", "float32")


class Cell(NamedTuple):
    """One problem and how it is solved."""

    data: str
    loss: str
    alpha: float
    threads: int
    dtype: str

    @property
    def key(self):
        """Name of the cell in result files."""
        return f"{self.data} {self.loss} {self.alpha:g} {self.threads} {self.dtype}"


def cells(names, at_least=200, seed=0):
    """Cells that cover all pairs of levels, the same ones every time.

    Parameters
    ----------
    names : sequence of str
        The data sets.
    at_least : int, default=200
        If the pairs are covered by fewer, others are added, drawn at random.
    seed : int, default=0

    Returns
    -------
    list of Cell
    """
    design = covering((names, LOSSES, ALPHAS, THREADS, DTYPES), at_least, seed)
    missing = uncovered(design, (names, LOSSES, ALPHAS, THREADS, DTYPES))
    assert not missing, f"pairs that no cell has: {sorted(missing)[:5]}"
    return [Cell(*row) for row in design]


def covering(factors, at_least=0, seed=0):
    """Rows, one level of each factor, that cover all pairs of levels: greedy, ties by chance."""
    rows = list(product(*factors))
    rows = [rows[k] for k in np.random.default_rng(seed).permutation(len(rows))]
    number = {pair: k for k, pair in enumerate(_all_pairs(factors))}
    pairs = np.array([[number[pair] for pair in _pairs(row)] for row in rows])
    wanted, taken = np.ones(len(number), bool), []
    while wanted.any():
        best = int(np.argmax(wanted[pairs].sum(axis=1)))
        taken.append(best)
        wanted[pairs[best]] = False
    others = [k for k in range(len(rows)) if k not in set(taken)]
    taken += others[:max(0, at_least - len(taken))]
    return [rows[k] for k in taken]


def uncovered(design, factors):
    """Pairs of levels, ((factor, level), (factor, level)), that no row of the design has."""
    return set(_all_pairs(factors)) - {pair for row in design for pair in _pairs(row)}


def _pairs(row):
    return list(combinations(enumerate(row), 2))


def _all_pairs(factors):
    return [((i, a), (j, b)) for (i, first), (j, second) in combinations(enumerate(factors), 2)
            for a in first for b in second]
