"""Penalties alpha R(w), each with R(w) = l2_share * |w|^2 / 2 + l1_share * |w|_1.

alpha lives here alone: what an objective adds to its loss are `l1`, `l2`, `value` and `prox`.
"""

from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np

from fastsgd._registry import Registry


@dataclass(frozen=True)
class Penalty:
    """alpha R(w), with R(w) = l2_share * |w|^2 / 2 + l1_share * |w|_1.

    Attributes
    ----------
    alpha, l1_share, l2_share : float
    l1, l2 : float
        alpha times the shares: the penalty is l2 * |w|^2 / 2 + l1 * |w|_1.
    """

    alpha: float
    l1_share: float
    l2_share: float
    l1: float = field(init=False)
    l2: float = field(init=False)

    def __post_init__(self):
        object.__setattr__(self, "l1", self.alpha * self.l1_share)
        object.__setattr__(self, "l2", self.alpha * self.l2_share)

    def of_alpha(self, alpha):
        """The same penalty with another alpha; with 1 it is R(w)."""
        return replace(self, alpha=alpha)

    def weigh(self, units):
        """alpha times what was counted in units of alpha, as duals count."""
        return self.alpha * units

    def value(self, w):
        """alpha R(w), in float64, for w of shape (n_features,)."""
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
        return self.alpha * total

    def value_of_square(self, square):
        """The part of l2 in `value`, where |w|^2 is known; of several models from an array."""
        return self.l2 * 0.5 * square

    def prox(self, w, step):
        """argmin_u |u - w|^2 / 2 + step * alpha * R(u): soft threshold, then shrink."""
        scaled = step * self.alpha
        soft = np.sign(w) * np.maximum(np.abs(w) - scaled * self.l1_share, 0)
        return soft / (1 + scaled * self.l2_share)


_SHARES: Registry = Registry("penalty", {
    "l2": (0.0, 1.0), "l1": (1.0, 0.0), "elasticnet": None, None: (0.0, 0.0)})
"""(l1_share, l2_share) by name; None: by `l1_ratio`."""

PENALTIES = tuple(_SHARES)


@lru_cache(256)
def make_penalty(name, l1_ratio=0.15, alpha=1.0):
    """The penalty called `name`.

    Parameters
    ----------
    name : {'l2', 'l1', 'elasticnet', None}
    l1_ratio : float
        The L1 share of elasticnet, in [0, 1].
    alpha : float
    """
    l1_share, l2_share = _SHARES[name] or (l1_ratio, 1.0 - l1_ratio)
    return Penalty(alpha, l1_share, l2_share)
