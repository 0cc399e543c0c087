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
    """Memory of a rule for each weight; threads may share it, as they share the weights.

    Attributes
    ----------
    rule : str
        Its name.
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
        """Momenta of a training that begins: zeros."""
        slots = [Parameters(parameters.units, parameters.dtype) for _ in range(rule.slots)]
        return cls(slots, np.zeros(len(parameters.first), np.int64) if lazy else None, rule.name)

    def layers(self, begin, end):
        """Momenta of some layers: views."""
        return Momenta([Layers(s, begin, end) for s in self.slots], self.last, self.rule)

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

    def step(self, parameters, gradient, momenta, inputs, *, eta, t, l2, squares=False):
        """One step of all layers.

        Parameters
        ----------
        parameters : Parameters or Layers
            INOUT.
        gradient : Parameters or Layers
            IN. Its first matrix is not used where `inputs` is lazy.
        momenta : Momenta
            INOUT.
        inputs : DenseInput, SparseInput, SumOfRows or None
            The first layer after its backward pass; None: these layers begin above it.
        eta : float
        t : int
            Number of the step, from 1.
        l2 : float
            The gradient of the penalty is this times the weights, but not the intercepts.
        squares : bool
            Whether the change of the sum of squares of the weights is asked for.

        Returns
        -------
        float
            That change, or 0.
        """
        constants = self.constants(eta, t, l2)
        change = 0.0
        if inputs is not None:
            change = self.step_matrix(
                0, slice(0, None), parameters, gradient, momenta, inputs, constants, squares)
        change += optimizers.step(
            self._number, parameters.matrices, gradient.matrices,
            [s.matrices for s in momenta.slots], constants, squares=squares)
        self.step_vectors(parameters, gradient, momenta, constants)
        return change

    def constants(self, eta, t, l2):
        """Constants of a step, for `step_matrix` and `step_vectors`."""
        return {**self._constants, "eta": eta, "t": t, "l2": l2}

    def step_matrix(self, layer, part, parameters, gradient, momenta, inputs, constants, squares):
        """The share of a step that moves some rows of a matrix; the change of its square.

        `part` is a slice of the rows; of a lazy first layer a slice of the touched features.
        """
        if layer == 0 and inputs.lazy:
            return inputs.descend(
                part.start, part.stop, self._number, parameters.first,
                [s.first for s in momenta.slots], constants, momenta.last, squares=squares)
        return optimizers.step(
            self._number, parameters.coefs[layer][part], gradient.coefs[layer][part],
            [s.coefs[layer][part] for s in momenta.slots], constants, squares=squares)

    def step_vectors(self, parameters, gradient, momenta, constants):
        """The share of a step that moves the intercepts, which alpha does not penalise."""
        optimizers.step(self._number, parameters.vectors, gradient.vectors,
                        [s.vectors for s in momenta.slots], {**constants, "l2": 0.0})

    def settle(self, parameters, momenta, *, eta, t, l2, touched=None):
        """Makes up for steps before t that rows of the first matrix were left out of (`lazy`)."""
        constants = {**self._constants, "eta": eta, "t": t, "l2": l2}
        optimizers.settle(self._number, parameters.first, [s.first for s in momenta.slots],
                          constants, momenta.last, touched)


def share(n, rank, size):
    """The part of range(n) that belongs to `rank` of `size`, as a slice."""
    return slice(n * rank // size, n * (rank + 1) // size)
