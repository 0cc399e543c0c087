"""Scores of rows held out, as scikit-learn has them, for processes that do not import it."""

import numpy as np

from fastsgd._registry import Registry
from fastsgd.engine.mlp.prediction import predict


def accuracy(said, targets, weight=None):
    """Share of rows of which all is right; `said` are probabilities, `targets` as Examples' are.

    >>> import numpy as np
    >>> accuracy(np.array([[0.2], [0.9], [0.6]]), np.array([[0.0], [1], [0]]), np.array([1, 1, 2]))
    0.5
    """
    if targets.ndim == 1:
        right = said.argmax(axis=1) == targets
    else:
        right = ((said > 0.5) == (targets > 0.5)).all(axis=1)
    return float(np.average(right, weights=weight))


def r2(said, targets, weight=None):
    """Mean over the outputs of 1 - (sum of squared errors) / (sum of squares about the mean).

    >>> import numpy as np
    >>> r2(np.array([[1.0], [2], [2]]), np.array([[1.0], [2], [3]]))
    0.5
    """
    weight = np.ones((len(targets), 1)) if weight is None else weight[:, None]
    mean = np.average(targets, axis=0, weights=weight[:, 0])
    left = (weight * (targets - said) ** 2).sum(axis=0, dtype=np.float64)
    total = (weight * (targets - mean) ** 2).sum(axis=0, dtype=np.float64)
    scores = np.where(left == 0, 1.0, 0.0)  # of an output that is constant
    varies = (total != 0) & (left != 0)
    scores[varies] = 1 - left[varies] / total[varies]
    return float(scores.mean())


SCORES = Registry("score", {"accuracy": accuracy, "r2": r2})


def score_of(name, examples, parameters, settings, held_out):
    """``score()`` of `parameters`, as they are when it is called, on the rows `held_out`.

    It is NaN where outputs are not finite.
    """
    targets, weight = examples.targets[held_out], examples.sample_weight
    weight = None if weight is None else weight[held_out]

    def score():
        said = predict(examples.X, examples.rows, parameters, settings.activation,
                       settings.output, held_out)
        return SCORES[name](said, targets, weight) if np.isfinite(said).all() else float("nan")

    return score
