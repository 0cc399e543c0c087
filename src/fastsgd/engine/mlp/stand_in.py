"""STAND-IN, to be deleted when kernels/sparse_layer.pyx and optimizers.py are merged: plain NumPy.

The same names and arguments as the kernels that take its place.
"""

from typing import NamedTuple

import numpy as np
from scipy import sparse

from fastsgd._registry import Registry


class Rule(NamedTuple):
    name: str
    number: int
    slots: int


OPTIMIZERS = Registry("optimizer", {
    name: Rule(name, number, slots) for number, (name, slots) in enumerate(
        [("sgd", 0), ("momentum", 1), ("nesterov", 1), ("adagrad", 1), ("rmsprop", 1),
         ("adadelta", 2), ("adam", 2)])})


class SparseLayer:
    def __init__(self, rows, n_units):
        data, indptr, indices = rows.keep
        self._X = sparse.csr_array((data, indices, indptr), rows.shape)

    def forward(self, visits, W, out):
        out[:] = self._X[visits] @ W

    def touch(self, visits):
        self._touched = np.unique(self._X[visits].indices).astype(np.int64)
        return self._touched

    def backward(self, visits, delta, gradient):
        gradient[:len(self._touched)] = (self._X[visits].T.tocsr()[self._touched] @ delta)


def step(number, W, G, slots, constants, touched=None):
    name = list(OPTIMIZERS)[number]
    eta, eps, rho, t = (constants[key] for key in ("eta", "epsilon", "rho", "t"))
    at = slice(None) if touched is None else touched
    w, s = W[at], [slot[at] for slot in slots]
    g = G + constants["l2"] * w
    if name == "sgd":
        w = w - eta * g
    elif name in ("momentum", "nesterov"):
        mu = constants["momentum"]
        s[0] = mu * s[0] - eta * g
        w = w + (s[0] if name == "momentum" else mu * s[0] - eta * g)
    elif name == "adagrad":
        s[0] = s[0] + g * g
        w = w - eta * g / (np.sqrt(s[0]) + eps)
    elif name == "rmsprop":
        s[0] = rho * s[0] + (1 - rho) * g * g
        w = w - eta * g / (np.sqrt(s[0]) + eps)
    elif name == "adadelta":
        s[0] = rho * s[0] + (1 - rho) * g * g
        d = np.sqrt((s[1] + eps) / (s[0] + eps)) * g
        s[1] = rho * s[1] + (1 - rho) * d * d
        w = w - eta * d
    else:
        b1, b2 = constants["beta_1"], constants["beta_2"]
        s[0] = b1 * s[0] + (1 - b1) * g
        s[1] = b2 * s[1] + (1 - b2) * g * g
        w = w - eta * np.sqrt(1 - b2**t) / (1 - b1**t) * s[0] / (np.sqrt(s[1]) + eps)
    W[at] = w
    for slot, value in zip(slots, s, strict=True):
        slot[at] = value
