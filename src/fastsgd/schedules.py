"""Step-size schedules: names read from include/schedules.h, and the constants that go with them.

Every schedule gives eta as a function of the step t, which counts samples from 1 (with solver="gd"
steps). A line search finds eta by trials instead.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from fastsgd._registry import Registry
from fastsgd.kernels import tables

SCHEDULES = Registry("learning_rate", tables.schedules())
"""(number, flags) of every schedule by name, in the order of the table in C."""


@dataclass(frozen=True)
class Cosine:
    """Cosine annealing with warm restarts, for ``learning_rate=Cosine(...)``.

    ``eta = eta_min + (eta0 - eta_min) * (1 + cos(pi * T_cur / T_i)) / 2``, where T_cur of the
    cycle's T_i epochs have passed (fractions of epochs count) and eta0 is the estimator's. The
    plain name ``"cosine"`` stands for ``Cosine()``.

    Parameters
    ----------
    T_0 : float, default=10
        Epochs of the first cycle; > 0.
    T_mult : float, default=2
        Each cycle is this many times as long as the one before; >= 1.
    eta_min : float, default=0
        The step at a cycle's end; >= 0.

    References
    ----------
    Loshchilov, Hutter: SGDR, ICLR 2017, eq. 5. (Some lecture notes lack the pi.)

    Examples
    --------
    >>> from fastsgd.schedules import Cosine
    >>> Cosine(T_0=5)
    Cosine(T_0=5, T_mult=2, eta_min=0.0)
    """

    T_0: float = 10
    T_mult: float = 2
    eta_min: float = 0.0

    name = "cosine"

    def __post_init__(self):
        for field, valid, allowed in (
            ("T_0", self.T_0 > 0, "> 0"),
            ("T_mult", self.T_mult >= 1, ">= 1"),
            ("eta_min", self.eta_min >= 0, ">= 0"),
        ):
            if not valid:
                raise ValueError(f"{field} must be {allowed}, got {getattr(self, field)}")


COSINE = Cosine()
"""Stands for the plain name."""


@dataclass(frozen=True)
class LineSearch:
    """A step found by trials on the objective; base of what solver="gd" may do for each step."""

    exact = False


@dataclass(frozen=True)
class Exact(LineSearch):
    """Exact line search, for ``learning_rate=Exact()`` with solver="gd".

    Each step goes where the objective is least along the gradient: ``phi'(eta) = 0``. The plain
    name ``"exact"`` stands for it.

    References
    ----------
    Cauchy 1847; Boyd, Vandenberghe: Convex Optimization, 2004, sec. 9.2.

    Examples
    --------
    >>> from fastsgd.schedules import Exact
    >>> Exact()
    Exact()
    """

    name = "exact"
    exact = True


@dataclass(frozen=True)
class Backtracking(LineSearch):
    """Backtracking line search, for ``learning_rate=Backtracking(...)`` with solver="gd".

    A step is multiplied by `delta` until the objective has fallen by `gamma` of what the slope
    promises, and at least by a half of it: ``phi(eta) <= phi(0) + gamma * eta * phi'(0)``. Steps
    are accelerated (Nesterov 1983); the next one begins with 1.1 times the one taken. The plain
    name ``"backtracking"`` stands for ``Backtracking()``.

    Parameters
    ----------
    gamma : float, default=1e-4
        Share of the promised fall; (0, 1).
    delta : float, default=0.5
        Factor of each trial; (0, 1).

    References
    ----------
    Armijo: Minimization of functions having Lipschitz continuous first partial derivatives, 1966.

    Examples
    --------
    >>> from fastsgd.schedules import Backtracking
    >>> Backtracking(gamma=0.1)
    Backtracking(gamma=0.1, delta=0.5)
    """

    gamma: float = 1e-4
    delta: float = 0.5

    name = "backtracking"

    def __post_init__(self):
        for field in ("gamma", "delta"):
            value = getattr(self, field)
            if not 0 < value < 1:
                raise ValueError(f"{field} must be > 0 and < 1, got {value}")


LINE_SEARCHES = Registry("learning_rate", {kind.name: kind for kind in (Exact, Backtracking)})
"""Classes of the line searches by name."""


RATE_NAMES = (*SCHEDULES, *LINE_SEARCHES)
RATE_KINDS = (Cosine, Exact, Backtracking)
"""Values that `learning_rate` may have: names, and the classes of objects."""


def line_search(learning_rate):
    """The LineSearch that a learning_rate stands for, or None: it is a schedule."""
    if isinstance(learning_rate, LineSearch):
        return learning_rate
    known = isinstance(learning_rate, str) and learning_rate in LINE_SEARCHES
    return LINE_SEARCHES[learning_rate]() if known else None


@lru_cache(64)
def bottou_offset(loss, constant, alpha):
    """t0 of the schedule "optimal", so that the first step is of the size of the weights.

    With the typical weight ``(1 / alpha) ** (1/4)``, the first step is that weight divided by the
    loss's slope there (Bottou, Stochastic Gradient Descent Tricks, 2012; as in scikit-learn).
    """
    typical = np.sqrt(1.0 / np.sqrt(alpha))
    slope = loss.derivative(np.array([-typical]), np.ones(1), constant)[0]
    return max(1.0, slope) / (typical * alpha)


def schedule_fields(learning_rate, *, eta0, power_t, alpha, loss, constant, epoch_steps,
                    eta_max=np.inf):
    """The constants of a schedule as the kernels take them (struct fsgd_schedule).

    Parameters
    ----------
    learning_rate : str or Cosine
    eta0, power_t, alpha : float
    loss : Loss
    constant : float
        The loss's epsilon.
    epoch_steps : int
        Samples of an epoch, which scales the cycles of cosine.
    eta_max : float
        No step is longer.
    """
    name = learning_rate if isinstance(learning_rate, str) else learning_rate.name
    number, flags = SCHEDULES[name]
    cosine = learning_rate if isinstance(learning_rate, Cosine) else COSINE
    needs_alpha = bool(flags & tables.NEEDS_ALPHA)
    return {
        "kind": number,
        "eta0": eta0,
        "alpha": alpha,
        "t0": bottou_offset(loss, constant, alpha) if needs_alpha else 0.0,
        "power_t": power_t,
        "T_0": max(1.0, cosine.T_0 * epoch_steps),
        "T_mult": cosine.T_mult,
        "eta_min": cosine.eta_min,
        "eta_max": eta_max,
    }


def with_eta0(fields, eta0):
    """The constants `fields` with another eta0, at which "optimal" then begins too."""
    begins = {"t0": 1.0 / (eta0 * fields["alpha"])} if fields["t0"] else {}
    return fields | {"eta0": eta0} | begins


def of_one_worker(fields, n, growth):
    """The constants `fields` for each of n workers that share the rows.

    Its step number k stands for k * n rows of all, and is `growth` times as long as the step of
    one process there: eta'(k) = growth * eta(n k).
    """
    if fields["kind"] in (SCHEDULES["pa1"][0], SCHEDULES["pa2"][0]):
        return fields  # eta0 bounds what a row may move
    new = fields | {"eta0": growth * fields["eta0"], "T_0": max(1.0, fields["T_0"] / n),
                    "eta_min": growth * fields["eta_min"]}
    if fields["t0"]:  # 1 / (alpha (t0 + n k - 1)) = (1 / n) / (alpha (t0' + k - 1))
        new |= {"t0": (fields["t0"] - 1) / n + 1, "alpha": fields["alpha"] * n / growth}
    elif fields["kind"] == SCHEDULES["invscaling"][0]:
        new["eta0"] *= float(n) ** -fields["power_t"]
    return new


def has_flag(learning_rate, flag):
    """Whether a schedule (a name or an object) carries a flag of the table."""
    if line_search(learning_rate) is not None:
        return False
    name = learning_rate if isinstance(learning_rate, str) else learning_rate.name
    return bool(SCHEDULES[name][1] & flag)
