"""Duals of the losses as Python sees them: read from include/duals.h."""

from dataclasses import dataclass

import numpy as np

from fastsgd.kernels import tables
from fastsgd.losses import LOSSES, Loss


@dataclass(frozen=True)
class Dual:
    """One row of the table of duals. Arguments are float64 arrays of equal shape (n,).

    Attributes
    ----------
    loss : Loss
    """

    loss: Loss

    def bound(self, constant=0.1):
        """The largest dual variable, in absolute value; may be infinite."""
        return tables.dual_bound(self.loss.number, constant)

    def conjugate(self, beta, y, constant=0.1):
        """loss*(-beta), the largest value of -beta z - loss(z); infinite outside the domain."""
        return tables.conjugates(self.loss.number, *_checked(beta, y), constant)

    def ascend(self, z, y, beta, q, constant=0.1):
        """The exact step of dual coordinate ascent from `beta` at the margin z.

        Parameters
        ----------
        q : float or ndarray
            What the margin moves by for each unit of beta; with beta = 0 the width by which
            minus the loss's slope is smoothed.
        """
        z, y, beta, q = np.broadcast_arrays(z, y, beta, q)
        return tables.ascents(self.loss.number, *_checked(z, y, beta, q), constant)


def _checked(*arrays):
    arrays = [np.ascontiguousarray(a, np.float64) for a in arrays]
    if len({a.shape for a in arrays}) > 1:
        raise ValueError(f"arrays must be of one shape, got {[a.shape for a in arrays]}")
    return arrays


DUALS = {name: Dual(loss) for name, loss in LOSSES.items()
         if not np.isnan(tables.dual_bound(loss.number, 0.1))}
"""The dual of every loss that has one, by the loss's name."""


def dual_of(loss):
    """The `Dual` of a Loss; ValueError, which lists those that have one, where there is none."""
    if loss.name not in DUALS:
        raise ValueError(
            f"loss={loss.name!r} has no dual here; solver='sdca' and certificates take "
            + ", ".join(repr(name) for name in DUALS))
    return DUALS[loss.name]
