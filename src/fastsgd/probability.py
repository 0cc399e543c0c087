"""Probabilities of scores, by their logarithms: exp(-800) and exp(-900) are 0, their ratio is not.

Everything is computed in float64 and given in the type of the scores.
"""

import numpy as np


def log_sigmoid(z):
    """log(1 / (1 + exp(-z))) for scores of any shape, exact however large they are."""
    z = np.asarray(z, np.float64)
    return np.minimum(z, 0) - np.log1p(np.exp(-np.abs(z)))


def log_softmax(scores):
    """log(exp(s_k) / sum_j exp(s_j)) along the last axis; where all scores are -inf, uniform."""
    scores = np.asarray(scores, np.float64)
    top = scores.max(axis=-1, keepdims=True)
    below = np.where(np.isneginf(top), 0.0, scores - np.where(np.isfinite(top), top, 0.0))
    return below - np.log(np.exp(below).sum(axis=-1, keepdims=True))


def log_probabilities(loss, scores):
    """Logarithms of the probabilities of labels that exclude each other.

    Two classes: P(y = +1 | x) of the one score and its complement. More: the one-against-rest
    probabilities, divided by their sum (Zadrozny, Elkan, KDD 2002); where all are 0, uniform.

    Parameters
    ----------
    loss : Loss
        One that gives probabilities.
    scores : ndarray of shape (n,) or (n, n_classes)

    Returns
    -------
    ndarray of shape (n, n_classes), of the scores' dtype
    """
    with np.errstate(divide="ignore"):
        if scores.ndim == 1:
            logs = np.column_stack([loss.log_probability(-scores), loss.log_probability(scores)])
        else:
            logs = log_softmax(loss.log_probability(scores))
    return with_highest_at(_predicted(scores), logs.astype(scores.dtype, copy=False))


def probabilities(loss, scores):
    """exp of `log_probabilities`, whose largest is that of the class that is predicted."""
    return with_highest_at(_predicted(scores), np.exp(log_probabilities(loss, scores)))


def label_probabilities(loss, scores):
    """P(label | x) of each score: above 1/2 where the label is predicted, else at most 1/2."""
    with np.errstate(divide="ignore"):
        p = np.exp(loss.log_probability(scores)).astype(scores.dtype, copy=False)
    half = scores.dtype.type(0.5)
    return np.where(scores > 0, np.maximum(p, np.nextafter(half, half + 1)), np.minimum(p, half))


def _predicted(scores):
    """Column of the class that the scores predict, as `predict` takes it."""
    return (scores > 0).astype(np.intp) if scores.ndim == 1 else scores.argmax(axis=1)


def with_highest_at(columns, values):
    """The values, that of each row's column made its first maximum, in place.

    Scores may differ by less than probabilities can show; what it takes is the next number.
    """
    rows = np.flatnonzero(values.argmax(axis=1) != columns)
    if len(rows):
        values[rows, columns[rows]] = np.nextafter(values[rows].max(axis=1), np.inf)
    return values
