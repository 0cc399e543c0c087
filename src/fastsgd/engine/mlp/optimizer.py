"""One step of all layers by the rule that `solver` names."""

from dataclasses import dataclass

import numpy as np

from fastsgd._registry import Registry
from fastsgd.engine.mlp.parameters import Layers, Parameters
from fastsgd.kernels import optimizers

OPTIMIZERS = Registry("optimizer", optimizers.optimizers())
"""(number, slots, flags) of every optimizer by name."""


@dataclass
class Momenta:
    """What a rule remembers of each weight; threads may share it, as they share the weights.

    Attributes
    ----------
    slots : list of Parameters
    last : int64 ndarray of shape (n_features,) or None
        With `lazy`: the step at which the state of each row of the first matrix stands, 0 before
        its first.
    rule : str
        Name of the rule.
    """

    slots: list
    last: np.ndarray | None = None
    rule: str = ""

    @classmethod
    def of(cls, rule, parameters, lazy):
        """Those of a training that begins: zeros."""
        slots = [Parameters(parameters.units, parameters.dtype) for _ in range(rule.slots)]
        return cls(slots, np.zeros(len(parameters.first), np.int64) if lazy else None, rule.name)

    def layers(self, begin, end):
        """Those of some layers: views."""
        return Momenta([Layers(slot, begin, end) for slot in self.slots], self.last)

    def copy(self):
        last = None if self.last is None else self.last.copy()
        return Momenta([slot.copy() for slot in self.slots], last, self.rule)


class Stepper:
    """Takes steps of all layers.

    Parameters
    ----------
    rule : fastsgd.optimizers.Optimizer
    """

    def __init__(self, rule):
        self._number, self._constants = rule.number, rule.constants(eta=0.0)

    def step(self, parameters, gradient, momenta, inputs, *, eta, t, l2, rank=0, size=1,
             cut=None, squares=False):
        """One step, or the share of it that thread `rank` of `size` takes.

        Parameters
        ----------
        parameters : Parameters or Layers
            INOUT.
        gradient : Parameters or Layers
            IN. Its first matrix is not used where `inputs` is lazy.
        momenta : Momenta
            INOUT.
        inputs : DenseInput, SparseInput or None
            The first layer after its backward pass; None: these layers begin above it.
        eta : float
        t : int
            Number of the step, from 1.
        l2 : float
            The gradient of the penalty is this times the weights, but not the intercepts.
        cut : int64 ndarray of shape (size + 1,) or None
            With `lazy` and several threads: where the touched features are cut.
        squares : bool
            Whether the change of the sum of squares of the weights is asked for.

        Returns
        -------
        float
            That change, or 0.
        """
        number, slots, change = self._number, momenta.slots, 0.0
        constants = {**self._constants, "eta": eta, "t": t, "l2": l2}
        if inputs is None:
            pass
        elif inputs.lazy:
            begin, end = (0, None) if cut is None else (cut[rank], cut[rank + 1])
            change = inputs.layer.descend(
                inputs.delta, number, parameters.first, [s.first for s in slots], constants,
                momenta.last, begin, end, squares=squares)
        else:
            rows = share(len(parameters.first), rank, size)
            change = optimizers.step(
                number, parameters.first[rows], gradient.first[rows],
                [s.first[rows] for s in slots], constants, squares=squares)
        part = share(len(parameters.matrices), rank, size)
        change += optimizers.step(
            number, parameters.matrices[part], gradient.matrices[part],
            [s.matrices[part] for s in slots], constants, squares=squares)
        constants["l2"] = 0.0
        part = share(len(parameters.vectors), rank, size)
        optimizers.step(number, parameters.vectors[part], gradient.vectors[part],
                        [s.vectors[part] for s in slots], constants)
        return change

    def settle(self, parameters, momenta, *, eta, t, l2, touched=None):
        """Makes up for steps before t that rows of the first matrix were left out of (`lazy`)."""
        constants = {**self._constants, "eta": eta, "t": t, "l2": l2}
        optimizers.settle(self._number, parameters.first, [s.first for s in momenta.slots],
                          constants, momenta.last, touched)


def share(n, rank, size):
    """The part of range(n) that belongs to `rank` of `size`, as a slice."""
    return slice(n * rank // size, n * (rank + 1) // size)
