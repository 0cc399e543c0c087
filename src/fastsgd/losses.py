"""Losses as Python sees them: read from include/losses.h, with their links to probabilities."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from fastsgd._registry import Registry
from fastsgd.kernels import tables
from fastsgd.probability import log_sigmoid


@dataclass(frozen=True)
class Loss:
    """One row of the loss table.

    Attributes
    ----------
    name : str
    number : int
        The row, which the kernels take.
    flags : int
        Bits of ``tables.SMOOTH``, ``CLASSIFIER``, ``PROBABILITY`` and ``CONSTANT``.
    """

    name: str
    number: int
    flags: int

    @property
    def smooth(self):
        """Whether the derivative is continuous."""
        return bool(self.flags & tables.SMOOTH)

    @property
    def is_classifier(self):
        """Whether the loss is a function of y * z with y in {-1, +1}."""
        return bool(self.flags & tables.CLASSIFIER)

    @property
    def gives_probability(self):
        """Whether `log_probability` is defined."""
        return bool(self.flags & tables.PROBABILITY)

    @cached_property
    def curvature(self):
        """Largest second derivative where the first has no bound; 0 where it has one."""
        if not self.flags & tables.UNBOUNDED:
            return 0.0
        return 1.0 if self.name == "squared_error" else 2.0

    @property
    def has_constant(self):
        """Whether the loss has an epsilon."""
        return bool(self.flags & tables.CONSTANT)

    def slope(self, constant=0.1):
        """Largest absolute first derivative, where it has a bound."""
        far = np.array([-1e30, 1e30])
        return float(np.abs(self.derivative(far, np.ones(2), constant)).max())

    def value(self, z, y, constant=0.1):
        """loss(z, y) for margins z and targets y, float64 arrays of equal shape (n,)."""
        return self._map(z, y, constant, 0)

    def derivative(self, z, y, constant=0.1):
        """d loss / d z for margins z and targets y, float64 arrays of equal shape (n,)."""
        return self._map(z, y, constant, 1)

    def second_derivative(self, z, y, constant=0.1):
        """d2 loss / d z2 for margins z and targets y, float64 arrays of equal shape (n,).

        Where two pieces of a smooth loss meet, that of one of them; 0 for losses with jumps of
        the derivative.
        """
        return self._map(z, y, constant, 2)

    def _map(self, z, y, constant, order):
        z = np.ascontiguousarray(z, dtype=np.float64)
        y = np.ascontiguousarray(y, dtype=np.float64)
        if z.shape != y.shape:
            raise ValueError(f"z has shape {z.shape} and y {y.shape}; they must be equal")
        return tables.loss_values(self.number, z, y, constant, order)

    def log_probability(self, z):
        """log P(y = +1 | x) for margins z of any shape, in float64.

        log_loss: P = 1 / (1 + exp(-z)). modified_huber: P = (clip(z, -1, 1) + 1) / 2 (Zhang 2004,
        app. B), which may be 0.
        """
        if self.name == "log_loss":
            return log_sigmoid(z)
        if self.name == "modified_huber":
            return np.log((np.clip(np.asarray(z, np.float64), -1, 1) + 1) / 2)
        raise ValueError(f"loss={self.name!r} gives no probabilities; log_loss does")


LOSSES = Registry("loss", {n: Loss(n, *row) for n, row in tables.losses().items()})
"""Every loss by name, in the order of the table in C."""

REGRESSION_LOSSES = tuple(n for n, loss in LOSSES.items() if not loss.is_classifier)
