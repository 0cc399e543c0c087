"""Activations of the hidden layers by name: each in place, and its derivative from its own value.

`apply(z)` turns z into a = f(z). `back(a, delta, spare)` multiplies delta by f'(z), written as a
function of a; spare is scratch of the same shape. All arrays INOUT, (n_rows, n_units).
"""

from collections.abc import Callable
from typing import NamedTuple

from fastsgd._registry import Registry
from fastsgd.engine.mlp.array_module import special_of, xp_of


class Activation(NamedTuple):
    """One activation."""

    apply: Callable
    back: Callable


def _nothing(*_arrays):
    pass


def _logistic(z):
    special_of(z).expit(z, out=z)


def _logistic_back(a, delta, spare):
    xp_of(a).subtract(1, a, out=spare)  # f' = a (1 - a)
    spare *= a
    delta *= spare


def _tanh(z):
    xp_of(z).tanh(z, out=z)


def _tanh_back(a, delta, spare):
    xp = xp_of(a)
    xp.multiply(a, a, out=spare)  # f' = 1 - a^2
    xp.subtract(1, spare, out=spare)
    delta *= spare


def _relu(z):
    xp_of(z).maximum(z, 0, out=z)


def _relu_back(a, delta, spare):
    xp_of(a).sign(a, out=spare)  # f' = 1 where a > 0, else 0
    delta *= spare


ACTIVATIONS = Registry("activation", {
    "identity": Activation(_nothing, _nothing),
    "logistic": Activation(_logistic, _logistic_back),
    "tanh": Activation(_tanh, _tanh_back),
    "relu": Activation(_relu, _relu_back),
})
