"""Activations of the hidden layers by name: each in place, and its derivative from its own value.

`apply(z)` turns z into a = f(z). `back(a, delta, spare)` multiplies delta by f'(z), written as a
function of a; spare is scratch of the same shape. All arrays INOUT, (n_rows, n_units).
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.special import expit

from fastsgd._registry import Registry


class Activation(NamedTuple):
    """One activation."""

    apply: Callable
    back: Callable


def _nothing(*_arrays):
    pass


def _logistic_back(a, delta, spare):
    np.subtract(1, a, out=spare)  # f' = a (1 - a)
    spare *= a
    delta *= spare


def _tanh_back(a, delta, spare):
    np.multiply(a, a, out=spare)  # f' = 1 - a^2
    np.subtract(1, spare, out=spare)
    delta *= spare


def _relu_back(a, delta, spare):
    np.sign(a, out=spare)  # f' = 1 where a > 0, else 0
    delta *= spare


ACTIVATIONS = Registry("activation", {
    "identity": Activation(_nothing, _nothing),
    "logistic": Activation(lambda z: expit(z, out=z), _logistic_back),
    "tanh": Activation(lambda z: np.tanh(z, out=z), _tanh_back),
    "relu": Activation(lambda z: np.maximum(z, 0, out=z), _relu_back),
})
