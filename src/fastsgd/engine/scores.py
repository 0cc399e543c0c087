"""Scores of rows held out, higher is better, for processes that do not import scikit-learn."""

import numpy as np

from fastsgd._registry import Registry


def accuracy(y, z, weight=None):
    """Share of rows on the right side, for y of -1 and +1 and margins z.

    >>> import numpy as np
    >>> accuracy(np.array([1.0, -1, 1, 1]), np.array([0.5, -2, -1, 3]))
    0.75
    """
    return float(np.average((y > 0) == (z > 0), weights=weight))


def r2(y, z, weight=None):
    """1 - (sum of squared errors) / (sum of squares about the mean of y); as scikit-learn's.

    >>> import numpy as np
    >>> r2(np.array([1.0, 2, 3]), np.array([1.0, 2, 2]))
    0.5
    """
    weight = np.ones(len(y)) if weight is None else weight
    left = float((weight * (y - z) ** 2).sum())
    total = float((weight * (y - np.average(y, weights=weight)) ** 2).sum())
    if total == 0:
        return 1.0 if left == 0 else 0.0
    return 1 - left / total


SCORES = Registry("score", {"accuracy": accuracy, "r2": r2})
