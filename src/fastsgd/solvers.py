"""The solvers by name: what each can do, and what it is told where it cannot.

Their trainings are in engine/solvers.py, under the same names.
"""

from dataclasses import dataclass

from fastsgd._registry import Registry
from fastsgd.kernels import tables
from fastsgd.losses import LOSSES
from fastsgd.schedules import has_flag, line_search


@dataclass(frozen=True)
class Solver:
    """What an algorithm can do.

    Attributes
    ----------
    name : str
    smooth_only : bool
        Needs a continuous derivative of the loss.
    takes_l1 : bool
    takes_steps : bool
        Steps come from `learning_rate`.
    takes_batches : bool
        `batch_size` has a meaning.
    one_by_one : bool
        Visits rows one by one: what `partial_fit`, `average` and eta0='auto' rest on, and the
        values of `sync` that share a model. The others sum over rows, by sync='map_reduce'.
    stops_early : bool
        `early_stopping` has a meaning.
    """

    name: str
    smooth_only: bool = False
    takes_l1: bool = True
    takes_steps: bool = True
    takes_batches: bool = False
    one_by_one: bool = False
    stops_early: bool = True


SOLVERS = Registry("solver", {solver.name: solver for solver in (
    Solver("sgd", one_by_one=True),
    Solver("gd", takes_batches=True),
    Solver("lbfgs", smooth_only=True, takes_l1=False, takes_steps=False, stops_early=False),
    Solver("newton-cg", smooth_only=True, takes_l1=False, takes_steps=False, stops_early=False),
)})
"""Every solver by name."""

SYNCS_OF_SUMS = ("auto", "map_reduce", "serial")


def _names(holds):
    return " or ".join(f"solver={name!r}" for name, solver in SOLVERS.items() if holds(solver))


class OneByOneOnly:
    """A method of an estimator that it has only with a solver that visits rows one by one.

    Else it is no attribute, as scikit-learn wants it, and the error tells why.
    """

    def __init__(self, method):
        self._method = method
        self.__doc__ = method.__doc__

    def __get__(self, estimator, owner=None):
        if estimator is None:
            return self._method
        if estimator.solver in SOLVERS and not SOLVERS[estimator.solver].one_by_one:
            raise AttributeError(
                f"{self._method.__name__} makes an epoch of steps by single rows, which "
                f"solver={estimator.solver!r} has not; use {_names(lambda s: s.one_by_one)}, or "
                "fit with warm_start=True")
        return self._method.__get__(estimator, owner)


def check_solver(estimator):
    """Refuses what the estimator's solver cannot do, by name.

    Raises
    ------
    ValueError
    """
    solver, search = SOLVERS[estimator.solver], line_search(estimator.learning_rate)
    mine, has_l1 = f"solver={solver.name!r}", _has_l1(estimator)
    for refused, message in (
        (estimator.batch_size is not None and not solver.takes_batches,
         f"batch_size={estimator.batch_size!r} is not available with {mine}; "
         f"use {_names(lambda s: s.takes_batches)}, or batch_size=None"),
        (solver.smooth_only and not LOSSES[estimator.loss].smooth,
         f"{mine} needs a loss whose derivative has no jumps, and loss={estimator.loss!r} has; "
         f"use {_names(lambda s: not s.smooth_only)}, or one of these losses: "
         f"{_smooth_losses(estimator)}"),
        (has_l1 and not solver.takes_l1,
         f"penalty={estimator.penalty!r} has a kink at 0, which {mine} cannot pass; "
         f"use {_names(lambda s: s.takes_l1)}, or penalty='l2'"),
        (estimator.early_stopping and not solver.stops_early,
         f"early_stopping=True is not available with {mine}, which goes to the optimum; "
         f"use {_names(lambda s: s.stops_early)}, or early_stopping=False"),
        (estimator.average and not solver.one_by_one,
         f"average={estimator.average!r} is not available with {mine}; "
         f"use {_names(lambda s: s.one_by_one)}, or average=False"),
    ):
        if refused:
            raise ValueError(message)
    if solver.takes_steps:
        _check_steps(estimator, solver, search, has_l1)
    _check_sync(estimator, solver)


def _has_l1(estimator):
    return estimator.penalty == "l1" or (
        estimator.penalty == "elasticnet" and bool(estimator.l1_ratio))


def _smooth_losses(estimator):
    return ", ".join(repr(n) for n, loss in estimator.loss_functions.items() if loss.smooth)


def _check_steps(estimator, solver, search, has_l1):
    """Refuses a learning_rate or eta0 that the solver cannot follow."""
    rate, mine = estimator.learning_rate, f"solver={solver.name!r}"
    if solver.one_by_one:
        if search is not None:
            raise ValueError(
                f"learning_rate={rate!r} searches along the gradient of all rows, which {mine} "
                f"does not know; use {_names(lambda s: s.takes_steps and not s.one_by_one)}, or a "
                "schedule such as 'optimal'")
        return
    if has_flag(rate, tables.PASSIVE_AGGRESSIVE):
        raise ValueError(
            f"learning_rate={rate!r} finds its step from a single row, which {mine} does not "
            f"visit; use {_names(lambda s: s.one_by_one)}, or learning_rate='backtracking'")
    if isinstance(estimator.eta0, str):
        raise ValueError(
            f"eta0='auto' tries steps by single rows, which {mine} does not make; give eta0 as a "
            "number > 0, or let learning_rate='backtracking' find each step")
    if search is None:
        return
    if not LOSSES[estimator.loss].smooth:
        raise ValueError(
            f"learning_rate={rate!r} needs a loss whose derivative has no jumps, and "
            f"loss={estimator.loss!r} has: a search along a subgradient may stop anywhere; use a "
            f"schedule such as 'optimal', or one of these losses: {_smooth_losses(estimator)}")
    if search.exact and has_l1:
        raise ValueError(
            f"learning_rate={rate!r} goes along a straight line, and with "
            f"penalty={estimator.penalty!r} steps do not; use learning_rate='backtracking', or "
            "penalty='l2'")
    if estimator.batch_size is not None:
        raise ValueError(
            f"learning_rate={rate!r} with batch_size={estimator.batch_size} would follow each "
            "minibatch to its own optimum; use a schedule such as 'optimal', or batch_size=None")


def _check_sync(estimator, solver):
    if solver.one_by_one and estimator.sync == "map_reduce":
        raise ValueError(
            f"sync='map_reduce' sums over all rows before a step, which solver={solver.name!r} "
            f"does not; use {_names(lambda s: not s.one_by_one)}, or sync='merge' for threads")
    if not solver.one_by_one and estimator.sync not in SYNCS_OF_SUMS:
        raise ValueError(
            f"sync={estimator.sync!r} is not available with solver={solver.name!r}, whose threads "
            f"sum over rows; the valid names are {', '.join(map(repr, SYNCS_OF_SUMS))}")
