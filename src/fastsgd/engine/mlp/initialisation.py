"""Where the weights begin: uniform within bounds that keep the size of signals through layers."""

import numpy as np

from fastsgd._registry import Registry

BLOCK = 1 << 20
"""Random numbers drawn at a time; they are float64 whatever the weights are."""


def _glorot(fan_in, fan_out, activation):
    return np.sqrt((2.0 if activation == "logistic" else 6.0) / (fan_in + fan_out))


def _he(fan_in, _fan_out, _activation):
    return np.sqrt(6.0 / fan_in)


INITS = Registry("init", {"glorot": _glorot, "he": _he})
"""Bounds by name: ``bound(fan_in, fan_out, activation)``.

Glorot, Bengio: Understanding the difficulty of training deep feedforward neural networks, 2010,
eq. 16, with scikit-learn's factor for the logistic function. He et al.: Delving deep into
rectifiers, 2015, eq. 10.
"""


def initialise(parameters, init, activation, rng):
    """Fills new `parameters` from `rng`, in scikit-learn's order: the same seed, the same bits."""
    for coef, intercept in zip(parameters.coefs, parameters.intercepts, strict=True):
        bound = INITS[init](*coef.shape, activation)
        flat = coef.reshape(-1)
        for begin in range(0, len(flat), BLOCK):
            part = flat[begin:begin + BLOCK]
            part[:] = rng.uniform(-bound, bound, len(part))
        intercept[:] = rng.uniform(-bound, bound, len(intercept))
