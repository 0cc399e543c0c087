"""The solvers by name: what each can do.

Their trainings are in engine/linear/solvers.py, under the same names.
"""

from dataclasses import dataclass
from numbers import Real

from fastsgd._registry import Registry


@dataclass(frozen=True)
class Gap:
    """Ends a training where f(w, b) - f* is proven to be small, for ``tol=Gap(...)``.

    The proof is a dual point (docs/duality.md), sought after 1, 2, 4, 7, 11, ... epochs, each time
    at the price of a few; solver='sdca' knows one at any time. What was reached is `gap_`.

    Parameters
    ----------
    within : float, default=1e-3
        The gap as a part of the objective; > 0.

    Examples
    --------
    >>> from fastsgd.solvers import Gap
    >>> Gap(1e-4)
    Gap(within=0.0001)
    """

    within: float = 1e-3

    def __post_init__(self):
        if not (isinstance(self.within, Real) and 0 < self.within < float("inf")):
            raise ValueError(f"within must be a number > 0, got {self.within!r}")


SYNCS_OF_SUMS = ("auto", "map_reduce", "serial")


@dataclass(frozen=True)
class Solver:
    """Abilities of a solver.

    Attributes
    ----------
    name : str
    syncs : tuple of str
        The values of `sync` that it has.
    penalties : tuple
        Those that it takes; elasticnet with an l2 part only where "l1" is not among them.
    smooth_only : bool
        Needs a continuous derivative of the loss.
    kinked_only : bool
        Needs a loss of straight pieces, with kinks between them.
    by_dual : bool
        Needs the loss's dual and a penalty.
    takes_steps : bool
        Steps come from `learning_rate`.
    takes_batches : bool
        `batch_size` has a meaning.
    one_by_one : bool
        Makes SGD's steps by single rows: what `partial_fit`, `average` and eta0='auto' rest on.
    stops_early : bool
        `early_stopping` has a meaning.
    takes_workers : bool
        Several processes can share the work.
    most_features : int or inf
        Features that it takes at most.
    """

    name: str
    syncs: tuple = SYNCS_OF_SUMS
    penalties: tuple = ("l2", "l1", "elasticnet", None)
    smooth_only: bool = False
    kinked_only: bool = False
    by_dual: bool = False
    takes_steps: bool = False
    takes_batches: bool = False
    one_by_one: bool = False
    stops_early: bool = False
    takes_workers: bool = True
    most_features: float = float("inf")


SOLVERS = Registry("solver", {solver.name: solver for solver in (
    Solver("sgd", ("auto", "serial", "merge", "hogwild", "round_robin", "classes"),
           takes_steps=True, one_by_one=True, stops_early=True),
    Solver("sdca", ("auto", "serial", "merge", "hogwild"), ("l2", "elasticnet"), by_dual=True),
    Solver("gd", takes_steps=True, takes_batches=True, stops_early=True),
    Solver("lbfgs", penalties=("l2", None), smooth_only=True),
    Solver("newton-cg", penalties=("l2", None), smooth_only=True),
    Solver("interior-point", penalties=("l2",), kinked_only=True, by_dual=True,
           takes_workers=False, most_features=2000),
    Solver("newton-cholesky", penalties=("l2", None), smooth_only=True, takes_workers=False,
           most_features=10_000),
)})
"""Every solver by name."""

BY_DATA = ("sdca", "newton-cholesky", "interior-point", "newton-cg")
"""Solvers among which solver='auto' chooses by the data (engine/linear/choice.py): of those that
take all parameters."""

AUTO = (*BY_DATA, "sgd", "gd")
"""Solvers that solver='auto' asks: where none of the former takes all parameters, the first of the
others that does."""
