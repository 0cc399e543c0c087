"""One step of all layers by the rule that `solver` names."""

from fastsgd.engine.mlp.parameters import Parameters
from fastsgd.engine.mlp.stand_in import OPTIMIZERS, step


class Optimizer:
    """A rule with its constants; the state it needs lies in slots, which may be shared.

    Parameters
    ----------
    rule : str
    constants : dict
        momentum, beta_1, beta_2, epsilon, rho.
    """

    def __init__(self, rule, constants):
        self._rule, self._constants = OPTIMIZERS[rule], constants

    def slots(self, parameters):
        """New slots for these weights: zeros."""
        return [Parameters(parameters.units, parameters.dtype) for _ in range(self._rule.slots)]

    def step(self, parameters, gradient, slots, *, eta, t, l2, touched=None, rank=0, size=1):
        """One step, or the share of it that thread `rank` of `size` takes.

        Parameters
        ----------
        parameters : Parameters
            INOUT.
        gradient : Parameters
            IN. Of the first matrix only the rows `touched`, if that is given.
        slots : list of Parameters
            INOUT.
        eta : float
        t : int
            Number of the step, from 1.
        l2 : float
            The gradient of the penalty is this times the weights, but not the intercepts.
        touched : int64 ndarray or None
        """
        number = self._rule.number
        constants = {**self._constants, "eta": eta, "t": t, "l2": l2}

        if touched is None:
            rows = share(len(parameters.first), rank, size)
            step(number, parameters.first[rows], gradient.first[rows],
                 [s.first[rows] for s in slots], constants)
        elif len(touched):
            rows = share(len(touched), rank, size)
            step(number, parameters.first, gradient.first[rows], [s.first for s in slots],
                 constants, touched[rows])
        for name, factor in (("matrices", l2), ("vectors", 0.0)):
            flat = getattr(parameters, name)
            part = share(len(flat), rank, size)
            if part.stop > part.start:
                constants["l2"] = factor
                step(number, flat[None, part], getattr(gradient, name)[None, part],
                     [getattr(s, name)[None, part] for s in slots], constants)


def share(n, rank, size):
    """The part of range(n) that belongs to `rank` of `size`, as a slice."""
    return slice(n * rank // size, n * (rank + 1) // size)
