"""Optimizers: rows read from include/optimizers.h, with their constants and their state.

Rules, lazy rules and sources: docs/optimizers.md.
"""

import math
from dataclasses import dataclass, fields

import numpy as np

from fastsgd._registry import Registry
from fastsgd.kernels import optimizers as kernel

_TABLE = kernel.optimizers()
SMALLEST_SCALE = {np.dtype(np.float32): 1e-12, np.dtype(np.float64): 1e-100}


@dataclass(frozen=True)
class Optimizer:
    """One row of the table of optimizers, with its constants.

    Attributes
    ----------
    name : str
    number : int
        The row, which the kernels take.
    slots : int
        Numbers that are kept for each weight.
    adds : bool
        Whether changes that replicas made of weights and state add up; else replicas are
        averaged.
    linear : bool
        Whether the rule is linear in weights and gradient, so that L2 may be a scale of all
        weights.
    """

    name = ""

    @property
    def number(self):
        return _TABLE[self.name][0]

    @property
    def slots(self):
        return _TABLE[self.name][1]

    @property
    def adds(self):
        return bool(_TABLE[self.name][2] & kernel.ADDS)

    @property
    def linear(self):
        return bool(_TABLE[self.name][2] & kernel.LINEAR)

    def state(self, W):
        """Slots for weights: zeros of W's shape and dtype."""
        return [np.zeros_like(W) for _ in range(self.slots)]

    def constants(self, *, eta, t=1, l2=0.0, scale=1.0):
        """Constants that the kernels take (struct fsgd_constants).

        Parameters
        ----------
        eta : float
            The learning rate.
        t : int, default=1
            Number of the step, from 1.
        l2 : float, default=0
            What the gradient gets of each weight: alpha / n for a minibatch of n rows.
        scale : float, default=1
            Weights and state are this times what is stored; for linear rules, where l2 is 0.
        """
        own = {field.name: getattr(self, field.name) for field in fields(self)}
        return _OTHERS | own | {"eta": eta, "t": t, "l2": l2, "scale": scale}

    def shrink(self, scale, eta, l2):
        """The scale after one step of L2: scale * max(0, 1 - eta l2 / (1 - momentum)).

        For linear rules. Momentum repeats each pull of L2 1 / (1 - momentum) times; here it comes
        at once.
        """
        if not self.linear:
            raise ValueError(f"optimizer={self.name!r} is not linear: L2 is part of its gradient")
        return scale * max(0.0, 1 - eta * l2 / max(1 - getattr(self, "momentum", 0.0), 1e-3))

    def fold(self, scale, W, state):
        """Multiplies stored weights and state by the scale, in place; returns the new scale, 1.

        Needed before the scale falls below ``SMALLEST_SCALE[W.dtype]``, and at the end.
        """
        for array in (W, *state):
            array *= scale
        return 1.0

    def __post_init__(self):
        for field in fields(self):
            value, (low, high) = getattr(self, field.name), _RANGES[field.name]
            if not low <= value < high:
                to = "" if math.isinf(high) else f" and < {high}"
                raise ValueError(f"{field.name} must be >= {low}{to}, got {value}")


@dataclass(frozen=True)
class SGD(Optimizer):
    """w <- w - eta g (Robbins, Monro 1951).

    Examples
    --------
    >>> from fastsgd.optimizers import SGD
    >>> SGD().constants(eta=0.1)["eta"]
    0.1
    """

    name = "sgd"


@dataclass(frozen=True)
class Momentum(Optimizer):
    """u <- momentum u - eta g, w <- w + u (Polyak 1964).

    Parameters
    ----------
    momentum : float, default=0.9
        [0, 1).
    """

    momentum: float = 0.9
    name = "momentum"


@dataclass(frozen=True)
class Nesterov(Optimizer):
    """u <- momentum u - eta g, w <- w + momentum u - eta g (Sutskever et al. 2013, as rewritten
    by scikit-learn for gradients at w).

    Parameters
    ----------
    momentum : float, default=0.9
        [0, 1).
    """

    momentum: float = 0.9
    name = "nesterov"


@dataclass(frozen=True)
class AdaGrad(Optimizer):
    """G <- G + g^2, w <- w - eta g / (sqrt(G) + epsilon) (Duchi, Hazan, Singer 2011).

    Parameters
    ----------
    epsilon : float, default=1e-8
        >= 0.
    """

    epsilon: float = 1e-8
    name = "adagrad"


@dataclass(frozen=True)
class RMSprop(Optimizer):
    """E <- rho E + (1 - rho) g^2, w <- w - eta g / (sqrt(E) + epsilon) (Tieleman, Hinton 2012).

    Parameters
    ----------
    rho : float, default=0.9
        [0, 1).
    epsilon : float, default=1e-8
        >= 0.
    """

    rho: float = 0.9
    epsilon: float = 1e-8
    name = "rmsprop"


@dataclass(frozen=True)
class AdaDelta(Optimizer):
    """E <- rho E + (1 - rho) g^2, d = -sqrt(D + epsilon) / sqrt(E + epsilon) g,
    D <- rho D + (1 - rho) d^2, w <- w + eta d (Zeiler 2012, where eta is 1).

    Parameters
    ----------
    rho : float, default=0.95
        [0, 1).
    epsilon : float, default=1e-6
        >= 0; with 0 no step would ever be made.
    """

    rho: float = 0.95
    epsilon: float = 1e-6
    name = "adadelta"


@dataclass(frozen=True)
class Adam(Optimizer):
    """m <- beta_1 m + (1 - beta_1) g, v <- beta_2 v + (1 - beta_2) g^2,
    w <- w - eta_t m / (sqrt(v) + epsilon) with
    eta_t = eta sqrt(1 - beta_2^t) / (1 - beta_1^t) (Kingma, Ba 2015, end of section 2).

    Parameters
    ----------
    beta_1, beta_2 : float, default=0.9 and 0.999
        [0, 1).
    epsilon : float, default=1e-8
        >= 0.

    Examples
    --------
    >>> from fastsgd.optimizers import Adam
    >>> Adam(beta_1=0.8)
    Adam(beta_1=0.8, beta_2=0.999, epsilon=1e-08)
    """

    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8
    name = "adam"


_RANGES = {"epsilon": (0, np.inf), "momentum": (0, 1), "rho": (0, 1), "beta_1": (0, 1),
           "beta_2": (0, 1)}
_OTHERS = {"momentum": 0.0, "beta_1": 0.0, "beta_2": 0.0, "rho": 0.0, "epsilon": 0.0}
KINDS = (SGD, Momentum, Nesterov, AdaGrad, RMSprop, AdaDelta, Adam)
_BY_NAME = {kind.name: kind for kind in KINDS}

OPTIMIZERS = Registry("optimizer", {name: _BY_NAME[name]() for name in _TABLE})
"""Every optimizer by name with its usual constants, in the order of the table in C."""


def make_optimizer(optimizer):
    """The `Optimizer` that a name or an object stands for."""
    return optimizer if isinstance(optimizer, Optimizer) else OPTIMIZERS[optimizer]
