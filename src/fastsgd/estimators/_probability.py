"""From margins to probabilities of classes, also where each of them is too small for a float."""

import numpy as np

from fastsgd.engine.mlp.outputs import log_probabilities


def one_against_rest(loss, z):
    """Probabilities of the classes, which sum to 1, from the margins of one model for each.

    Parameters
    ----------
    loss : Loss
    z : ndarray of shape (n_rows, n_classes)

    Returns
    -------
    ndarray of shape (n_rows, n_classes), of z's dtype
        Of log_loss the ratio of two is that of their sigmoids even where these underflow. Where
        modified_huber gives 0 to all classes, uniform.
    """
    p = loss.probability(z)
    total = p.sum(axis=1, keepdims=True)
    tiny = total[:, 0] < np.sqrt(np.finfo(p.dtype).tiny)
    p /= np.where(tiny[:, None], 1, total)
    if tiny.any():
        p[tiny] = (np.exp(log_one_against_rest(loss, z[tiny])) if loss.name == "log_loss"
                   else 1 / z.shape[1])
    return p


def log_one_against_rest(loss, z):
    """Logarithms of `one_against_rest`, of z's dtype; finite with log_loss."""
    if loss.name == "log_loss":
        each = log_probabilities("logistic", z)
        each[np.isneginf(each).all(axis=1)] = 0  # margins of -inf
        return log_probabilities("softmax", each).astype(z.dtype)
    with np.errstate(divide="ignore"):
        return np.log(one_against_rest(loss, z))


def two_classes(loss, z):
    """Probabilities of both classes, from the margins z of the second."""
    return np.column_stack([loss.probability(-z), loss.probability(z)])


def log_two_classes(loss, z):
    """Logarithms of `two_classes`; finite with log_loss."""
    if loss.name == "log_loss":
        return log_probabilities("logistic", np.column_stack([-z, z]))
    with np.errstate(divide="ignore"):
        return np.log(two_classes(loss, z))


def break_ties(p, best):
    """Lets the class that is predicted be the first of the largest in each row.

    Where margins differ, their probabilities may round to the same number; then that of column
    `best` is raised to the next one above.

    Parameters
    ----------
    p : ndarray of shape (n_rows, n_classes)
        INOUT. Probabilities or their logarithms.
    best : int ndarray of shape (n_rows,)
    """
    rows = np.flatnonzero(p.argmax(axis=1) != best)
    p[rows, best[rows]] = np.nextafter(p[rows].max(axis=1), np.inf, dtype=p.dtype)
    return p
