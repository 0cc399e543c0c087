"""Output layers: what z becomes, the loss of it, and the loss's derivative by z.

A target is the number of the class, (n_rows,), behind softmax; else an array of (n_rows,
n_outputs). Losses are sums over the outputs. scikit-learn's squared loss is their mean, while its
gradient is that of the sum; here both are of the sum.
"""

from collections.abc import Callable
from typing import NamedTuple

from fastsgd._registry import Registry
from fastsgd.engine.mlp.array_module import special_of, xp_of


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
    special_of(z).expit(z, out=z)


def _exp(z):
    xp_of(z).exp(z, out=z)


def _softmax(z):
    z -= z.max(axis=1, keepdims=True)
    xp_of(z).exp(z, out=z)
    z /= z.sum(axis=1, keepdims=True)


def _cross_entropy(z, target):
    """log sum exp z - z_y; its derivative is softmax(z) - [k = y]."""
    xp = xp_of(z)
    each = xp.arange(len(z))
    z -= z.max(axis=1, keepdims=True)
    at_target = z[each, target]
    xp.exp(z, out=z)
    total = z.sum(axis=1)
    z /= total[:, None]
    z[each, target] -= 1
    return xp.log(total) - at_target


def _logits(z, target):
    """log(1 + e^z) - y z; its derivative is sigmoid(z) - y."""
    xp = xp_of(z)
    losses = xp.log1p(xp.exp(-xp.abs(z)))
    losses += xp.maximum(z, 0) - z * target
    _logistic(z)
    z -= target
    return losses


def _squares(z, target):
    """(z - y)^2 / 2."""
    z -= target
    return 0.5 * z * z


def _deviance(z, target):
    """Half of Poisson's deviance of e^z: y log(y / e^z) - y + e^z; derivative e^z - y."""
    losses = special_of(z).xlogy(target, target) - target * (z + 1)
    _exp(z)
    losses += z
    z -= target
    return losses


def _squares_of_logistic(z, target):
    """(p - y)^2 / 2 with p = sigmoid(z); derivative (p - y) p (1 - p)."""
    p = special_of(z).expit(z)
    xp_of(z).subtract(p, target, out=z)
    losses = 0.5 * z * z
    z *= p * (1 - p)
    return losses


def _squares_of_softmax(z, target):
    """sum_k e_k^2 / 2 with e = p - [k = y]; derivative p_k (e_k - sum_j e_j p_j)."""
    _softmax(z)
    xp, e = xp_of(z), z.copy()
    e[xp.arange(len(z)), target] -= 1
    losses = 0.5 * xp.einsum("ij,ij->i", e, e)
    e -= xp.einsum("ij,ij->i", e, z)[:, None]
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
