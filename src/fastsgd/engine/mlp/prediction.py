"""The output layer's values for many rows, block by block."""

from typing import NamedTuple

import numpy as np

from fastsgd.engine.mlp.array_module import xp_of
from fastsgd.engine.mlp.inputs import DenseInput, SparseInput
from fastsgd.engine.mlp.network import Pass

ROWS, VALUES = 1024, 1 << 22
"""Rows of a block, and values of its widest layer, at most."""


class ShownWeights(NamedTuple):
    """The weights that a fitted model shows, as far as the forward pass asks: not copied."""

    units: tuple
    coefs: list
    intercepts: list

    @classmethod
    def of(cls, coefs, intercepts, dtype):
        rows = [np.ascontiguousarray(c, dtype) for c in coefs]  # as the kernels want them
        return cls((len(coefs[0]), *(c.shape[1] for c in coefs)), rows, intercepts)


def predict(X, rows, parameters, activation, output, visits=None):
    """Outputs of the network for the rows `visits`, or for all.

    Parameters
    ----------
    X : CSR or ndarray
        Of the weights' dtype.
    rows : Rows
        Of X, checked.
    parameters : Parameters or ShownWeights
    activation : Activation
    output : Output
    visits : int64 ndarray of shape (n,) or None

    Returns
    -------
    ndarray of shape (n, n_outputs)
    """
    visits = np.arange(rows.shape[0], dtype=np.int64) if visits is None else visits
    units, like = parameters.units, parameters.coefs[0]
    widest = max(units if rows.is_dense else units[1:])
    size = max(1, min(len(visits), ROWS, VALUES // widest))
    inputs = DenseInput(X, size, None) if rows.is_dense else SparseInput(rows, units[1], False)
    one = Pass(inputs, units, like, activation, output, size)
    out = xp_of(like).empty((len(visits), units[-1]), like.dtype)
    with np.errstate(over="ignore", invalid="ignore"):
        for begin in range(0, len(visits), size):
            out[begin:begin + size] = one.predict(parameters, visits[begin:begin + size])
    return out
