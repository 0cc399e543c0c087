"""Output layers: what z becomes, the loss of it, and the loss's derivative by z.

A target is the number of the class, (n_rows,), behind softmax; else an array of (n_rows,
n_outputs). Losses are sums over the outputs. scikit-learn's squared loss is their mean, while its
gradient is that of the sum; here both are of the sum.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.special import expit, xlogy

from fastsgd._registry import Registry


class Output(NamedTuple):
    """One kind of output layer.

    Attributes
    ----------
    activation : str
        Name of what z goes through, as in `out_activation_`.
    apply : callable
        ``apply(z)`` in place.
    loss : callable
        ``loss(z, target)``: z (INOUT) becomes d loss / d z; returns the losses, of shape
        (n_rows,), or (n_rows, n_outputs) where each output has its own.
    by_output : bool
        Whether each output has its own.
    """

    activation: str
    apply: Callable
    loss: Callable
    by_output: bool = True


def _identity(_z):
    pass


def _logistic(z):
    expit(z, out=z)


def _exp(z):
    np.exp(z, out=z)


def _softmax(z):
    z -= z.max(axis=1, keepdims=True)
    np.exp(z, out=z)
    z /= z.sum(axis=1, keepdims=True)


def log_probabilities(activation, z):
    """Logarithms of the classes' or labels' probabilities, finite for any finite z.

    Parameters
    ----------
    activation : {"softmax", "logistic"}
    z : ndarray of shape (n_rows, n_outputs)
        Of the output layer.
    """
    z = z.astype(np.float64)
    if activation == "logistic":
        return -np.logaddexp(0, -z)
    z -= z.max(axis=1, keepdims=True)
    return z - np.log(np.exp(z).sum(axis=1, keepdims=True))


def _cross_entropy(z, target):
    """log sum exp z - z_y; its derivative is softmax(z) - [k = y]."""
    each = np.arange(len(z))
    z -= z.max(axis=1, keepdims=True)
    at_target = z[each, target]
    np.exp(z, out=z)
    total = z.sum(axis=1)
    z /= total[:, None]
    z[each, target] -= 1
    return np.log(total) - at_target


def _logits(z, target):
    """log(1 + e^z) - y z; its derivative is sigmoid(z) - y."""
    losses = np.log1p(np.exp(-np.abs(z)))
    losses += np.maximum(z, 0) - z * target
    expit(z, out=z)
    z -= target
    return losses


def _squares(z, target):
    """(z - y)^2 / 2."""
    z -= target
    return 0.5 * z * z


def _deviance(z, target):
    """Half of Poisson's deviance of e^z: y log(y / e^z) - y + e^z; derivative e^z - y."""
    losses = xlogy(target, target) - target * (z + 1)
    np.exp(z, out=z)
    losses += z
    z -= target
    return losses


def _squares_of_logistic(z, target):
    """(p - y)^2 / 2 with p = sigmoid(z); derivative (p - y) p (1 - p)."""
    p = expit(z)
    np.subtract(p, target, out=z)
    losses = 0.5 * z * z
    z *= p * (1 - p)
    return losses


def _squares_of_softmax(z, target):
    """sum_k e_k^2 / 2 with e = p - [k = y]; derivative p_k (e_k - sum_j e_j p_j)."""
    _softmax(z)
    e = z.copy()
    e[np.arange(len(z)), target] -= 1
    losses = 0.5 * np.einsum("ij,ij->i", e, e)
    e -= np.einsum("ij,ij->i", e, z)[:, None]
    z *= e
    return losses


OUTPUTS = Registry("output", {
    ("softmax", "log_loss"): Output("softmax", _softmax, _cross_entropy, by_output=False),
    ("logistic", "log_loss"): Output("logistic", _logistic, _logits),
    ("softmax", "squared_error"): Output(
        "softmax", _softmax, _squares_of_softmax, by_output=False),
    ("logistic", "squared_error"): Output("logistic", _logistic, _squares_of_logistic),
    ("identity", "squared_error"): Output("identity", _identity, _squares),
    ("exp", "poisson"): Output("exp", _exp, _deviance),
})
"""By (out_activation_, loss)."""
