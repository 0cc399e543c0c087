"""Penalties R(w), each the sum l2_share * |w|^2 / 2 + l1_share * |w|_1 of the objective."""

from dataclasses import dataclass

import numpy as np

from fastsgd._registry import Registry


@dataclass(frozen=True)
class Penalty:
    """R(w) = l2_share * |w|^2 / 2 + l1_share * |w|_1; the objective holds alpha * R(w)."""

    l1_share: float
    l2_share: float

    def value(self, w):
        """R(w), in float64, for w of shape (n_features,)."""
        total = 0.0
        parts = (w,) if len(w) < 65_536 else np.array_split(w, 1 + len(w) // 65_536)
        for part in parts:  # no second array of w's size
            if self.l2_share:
                # not np.dot, which wakes the threads of BLAS (10 ms for 50,000 weights on busy
                # cores); nor einsum: both add up in another order on another CPU
                squares = np.multiply(part, part, dtype=np.float64)
                total += self.l2_share * 0.5 * float(squares.sum())
            if self.l1_share:
                total += self.l1_share * float(np.abs(part).sum(dtype=np.float64))
        return total

    def prox(self, w, step):
        """argmin_u |u - w|^2 / 2 + step * R(u): soft threshold, then shrink."""
        soft = np.sign(w) * np.maximum(np.abs(w) - step * self.l1_share, 0)
        return soft / (1 + step * self.l2_share)


_MAKE = Registry("penalty", {
    "l2": lambda l1_ratio: Penalty(0.0, 1.0),
    "l1": lambda l1_ratio: Penalty(1.0, 0.0),
    "elasticnet": lambda l1_ratio: Penalty(l1_ratio, 1.0 - l1_ratio),
    None: lambda l1_ratio: Penalty(0.0, 0.0),
})

PENALTIES = tuple(_MAKE)


def make_penalty(name, l1_ratio=0.15):
    """The penalty called `name`; `l1_ratio` in [0, 1] is the L1 share of elasticnet."""
    return _MAKE[name](l1_ratio)
