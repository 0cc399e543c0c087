"""Layers of a network take their functions from the module of their arrays, and from nowhere else.

The arrays here are none of numpy's: numpy refuses them, and what they have is counted.
"""

import sys
from collections import Counter
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from mlp_problem import FEATURES, HIDDEN, K, N, targets_of
from scipy import special

from fastsgd.engine.mlp import array_module
from fastsgd.engine.mlp.activations import ACTIVATIONS
from fastsgd.engine.mlp.array_module import special_of, xp_of
from fastsgd.engine.mlp.inputs import DenseInput
from fastsgd.engine.mlp.network import Pass
from fastsgd.engine.mlp.outputs import OUTPUTS
from fastsgd.engine.mlp.parameters import Parameters

UNITS = (FEATURES, *HIDDEN, K)
CALLS: Counter = Counter()


def refused(*_args, **_kwargs):
    raise AssertionError("numpy was asked for an array of another module")


def bare(value):
    """The numpy array within; tuples of them too."""
    if isinstance(value, tuple):
        return tuple(map(bare, value))
    return value.inner if isinstance(value, Elsewhere) else value


def wrapped(value):
    return Elsewhere(value) if isinstance(value, np.ndarray) else value


class Elsewhere:
    """An array whose numbers numpy cannot reach."""

    __array_ufunc__ = None
    __array__ = __array_function__ = refused

    def __init__(self, inner):
        self.inner = inner

    def __array_namespace__(self):
        return COUNTED

    def __len__(self):
        return len(self.inner)

    def __getitem__(self, key):
        return wrapped(self.inner[bare(key)])

    def __setitem__(self, key, value):
        self.inner[bare(key)] = bare(value)

    def __getattr__(self, name):
        if name not in ("T", "shape", "ndim", "dtype", "sum", "max", "copy"):
            raise AttributeError(name)
        found = getattr(self.inner, name)
        if not callable(found) or name == "dtype":
            return wrapped(found)
        return lambda *args, **kwargs: wrapped(
            found(*args, **{key: bare(value) for key, value in kwargs.items()}))


def operator(name):
    def apply(self, *others):
        found = getattr(self.inner, name)(*map(bare, others))
        return self if found is self.inner else wrapped(found)

    return apply


for name in ("add", "sub", "mul", "truediv"):
    for kind in ("", "r", "i"):
        setattr(Elsewhere, f"__{kind}{name}__", operator(f"__{kind}{name}__"))
Elsewhere.__neg__ = operator("__neg__")


def counting(name, functions):
    """A module that counts the calls of functions of numpy's or scipy's."""

    def look_up(function):
        if function.startswith("__"):
            raise AttributeError(function)

        def call(*args, **kwargs):
            CALLS[function] += 1
            out = kwargs.get("out")
            found = getattr(functions, function)(
                *map(bare, args), **{key: bare(value) for key, value in kwargs.items()})
            return wrapped(found) if out is None else out

        return call

    module = ModuleType(name)
    module.__getattr__ = look_up
    return module


COUNTED = counting("counted", np)


@pytest.fixture(autouse=True)
def counted(monkeypatch):
    """The calls of a test, by function."""
    monkeypatch.setitem(sys.modules, "counted.special", counting("counted.special", special))
    monkeypatch.setitem(array_module.SPECIAL, "counted", "counted.special")
    CALLS.clear()
    return CALLS


def of_module(parameters, wrap):
    """Weights, or room for a gradient, whose arrays were wrapped."""
    return SimpleNamespace(
        coefs=list(map(wrap, parameters.coefs)), first=wrap(parameters.first),
        intercepts=list(map(wrap, parameters.intercepts)))


def gradient_of(activation, output, wrap, weight=None, mask=None):
    """(loss, gradient, outputs) of all rows, by arrays of the module that ``wrap`` brings."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N, FEATURES))
    parameters = Parameters(UNITS, np.float64)
    parameters.unpack(rng.normal(size=parameters.size))
    found = Parameters(UNITS, np.float64)
    masks = None if mask is None else SimpleNamespace(
        draw=lambda layer, n: wrap(mask[:n, :UNITS[layer]]) if layer else None)
    one = Pass(DenseInput(wrap(X), N, None), UNITS, wrap(X), ACTIVATIONS[activation],
               OUTPUTS[output], N, masks)
    visits = np.arange(N, dtype=np.int64)
    one.inputs.begin(visits)
    weights, room = of_module(parameters, wrap), of_module(found, wrap)
    loss = one.gradient(weights, wrap(targets_of(output)), None if weight is None else
                        wrap(weight), float(N), room)
    one.weigh(1, slice(0, 2), N, room)
    return loss, found.pack(), bare(one.predict(weights, visits)).copy()


@pytest.mark.parametrize("output", OUTPUTS, ids=str)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize(("weighs", "drops"), [(False, False), (True, True)])
def test_forward_and_backward_stay_in_the_module_of_the_arrays(
        counted, activation, output, weighs, drops):
    weight = np.arange(1.0, N + 1)[:, None] if weighs else None
    mask = np.random.default_rng(5).integers(0, 2, (N, max(UNITS))) * 2.0 if drops else None
    wanted = gradient_of(activation, output, lambda array: array, weight, mask)
    assert not counted
    found = gradient_of(activation, output, Elsewhere, weight, mask)
    for mine, theirs in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    layers = len(UNITS) - 1
    assert counted["matmul"] == 2 * layers + (2 * layers - 1) + 1  # forward twice, back, weigh
    assert (counted["take"], counted["multiply"] >= 2 * drops) == (2, True)
    assert counted["empty"] >= 2 * layers
    assert (counted["expit"] > 0) == ("logistic" in (activation, output[0]))


def test_modules_of_arrays(monkeypatch):
    """numpy's own, subclasses as memmaps too; what an array names; the package of its type."""
    assert xp_of(np.zeros(3)) is xp_of(np.zeros(3).view(np.recarray)) is np
    assert special_of(np.zeros(3)) is special
    assert xp_of(Elsewhere(np.zeros(3))) is COUNTED
    package = ModuleType("elsewhere")
    monkeypatch.setitem(sys.modules, "elsewhere", package)
    kind = type("Old", (), {"__module__": "elsewhere.core"})
    assert xp_of(kind()) is package
    with pytest.raises(ValueError, match=r"unknown array module 'elsewhere'.*'cupy'"):
        special_of(kind())


def test_numpy_cannot_reach_these_arrays():
    """Else the test above would prove nothing."""
    array = Elsewhere(np.ones((2, 2)))
    for attempt in (lambda: np.matmul(array, array), lambda: np.exp(array),
                    lambda: np.take(array, [0]), lambda: special.expit(array),
                    lambda: np.einsum("ij,ij->i", array, array), lambda: np.asarray(array)):
        with pytest.raises((AssertionError, TypeError)):
            attempt()
