"""The solvers by name: what each can do, and what it is told where it cannot.

Their trainings are in engine/solvers.py, under the same names.
"""

from dataclasses import dataclass
from numbers import Real

from fastsgd._registry import Registry
from fastsgd.duals import DUALS
from fastsgd.kernels import tables
from fastsgd.losses import LOSSES
from fastsgd.schedules import has_flag, line_search
from fastsgd.workers import check_workers


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
    """What an algorithm can do.

    Attributes
    ----------
    name : str
    syncs : tuple of str
        The values of `sync` that it has.
    penalties : tuple
        Those that it takes; elasticnet with an l2 part only where "l1" is not among them.
    smooth_only : bool
        Needs a continuous derivative of the loss.
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
    """

    name: str
    syncs: tuple = SYNCS_OF_SUMS
    penalties: tuple = ("l2", "l1", "elasticnet", None)
    smooth_only: bool = False
    by_dual: bool = False
    takes_steps: bool = False
    takes_batches: bool = False
    one_by_one: bool = False
    stops_early: bool = False

    @property
    def takes_l1(self):
        return "l1" in self.penalties


SOLVERS = Registry("solver", {solver.name: solver for solver in (
    Solver("sgd", ("auto", "serial", "merge", "hogwild", "round_robin", "classes"),
           takes_steps=True, one_by_one=True, stops_early=True),
    Solver("sdca", ("auto", "serial", "merge", "hogwild"), ("l2", "elasticnet"), by_dual=True),
    Solver("gd", takes_steps=True, takes_batches=True, stops_early=True),
    Solver("lbfgs", penalties=("l2", None), smooth_only=True),
    Solver("newton-cg", penalties=("l2", None), smooth_only=True),
)})
"""Every solver by name."""

AUTO = ("sdca", "newton-cg", "sgd", "gd")
"""What solver='auto' tries in turn: the first that takes all parameters."""


def solver_of(estimator):
    """The `Solver` that an estimator's parameters stand for."""
    if estimator.solver not in ("auto", *SOLVERS):
        raise ValueError(f"unknown solver {estimator.solver!r}; the valid names are 'auto', "
                         + ", ".join(map(repr, SOLVERS)))
    if estimator.solver != "auto":
        return SOLVERS[estimator.solver]
    stepping = (estimator.sync == "hogwild"  # names of algorithms with steps
                or line_search(estimator.learning_rate) is not None
                or has_flag(estimator.learning_rate, tables.PASSIVE_AGGRESSIVE))
    for name in AUTO:
        if stepping and not SOLVERS[name].takes_steps:
            continue
        try:
            _check(estimator, SOLVERS[name])
        except ValueError:
            continue
        return SOLVERS[name]
    return SOLVERS["sgd"]  # whose refusal is told


def _names(holds):
    return " or ".join(f"solver={name!r}" for name, solver in SOLVERS.items() if holds(solver))


class OneByOneOnly:
    """A method of an estimator that it has only with a solver that visits rows one by one.

    Nor has it with `C`, which needs the number of all rows. Else it is no attribute, as
    scikit-learn wants it, and the error tells why.
    """

    def __init__(self, method):
        self._method = method
        self.__doc__ = method.__doc__

    def __get__(self, estimator, owner=None):
        if estimator is None:
            return self._method
        try:
            solver = solver_of(estimator)
        except ValueError:  # told when the method is called
            solver = None
        if solver is not None and not solver.one_by_one:
            mine = f"solver={estimator.solver!r}"
            if estimator.solver == "auto":
                mine += f", here {solver.name!r},"
            raise AttributeError(
                f"{self._method.__name__} makes an epoch of steps by single rows, which {mine} "
                f"has not; use {_names(lambda s: s.one_by_one)}, or fit with warm_start=True")
        if estimator.C is not None:
            raise AttributeError(
                f"C needs the number of rows, which {self._method.__name__} does not know; give "
                "alpha = 1 / (n_samples * C) instead")
        return self._method.__get__(estimator, owner)


def check_solver(estimator):
    """Refuses what the estimator's solver cannot do, by name.

    Raises
    ------
    ValueError
    """
    solver = solver_of(estimator)
    try:
        _check(estimator, solver)
    except ValueError as error:
        if estimator.solver != "auto":
            raise
        raise ValueError("solver='auto' finds none that takes all parameters; what "
                         f"{solver.name!r} says: {error}") from None
    if isinstance(estimator.tol, Gap):
        _check_gap(estimator)


def _check(estimator, solver):
    mine, search = f"solver={solver.name!r}", line_search(estimator.learning_rate)
    for refused, message in (
        (estimator.batch_size is not None and not solver.takes_batches,
         f"batch_size={estimator.batch_size!r} is not available with {mine}; "
         f"use {_names(lambda s: s.takes_batches)}, or batch_size=None"),
        (solver.smooth_only and not LOSSES[estimator.loss].smooth,
         f"{mine} needs a loss whose derivative has no jumps, and loss={estimator.loss!r} has; "
         f"use {_names(lambda s: not s.smooth_only)}, or one of these losses: "
         f"{_losses(estimator, lambda loss: loss.smooth)}"),
        (solver.by_dual and estimator.loss not in DUALS,
         f"{mine} needs a loss with a dual, which loss={estimator.loss!r} has not; "
         f"use {_names(lambda s: not s.smooth_only and not s.by_dual)}, or one of these losses: "
         f"{_losses(estimator, lambda loss: loss.name in DUALS)}"),
        (solver.by_dual and not _l2_part(estimator),
         f"{mine} needs a penalty with a part of l2, which makes weights of dual variables; got "
         f"{_penalty(estimator)}; use {_names(lambda s: s.takes_l1)}, or penalty='l2'"),
        (_has_l1(estimator) and not solver.takes_l1 and not solver.by_dual,
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
        _check_steps(estimator, solver, search, _has_l1(estimator))
    _check_sync(estimator, solver)
    check_workers(estimator, solver)


def _check_gap(estimator):
    """Refuses tol=Gap where no dual point can prove anything."""
    tol = f"tol={estimator.tol!r}"
    for refused, message in (
        (estimator.loss not in DUALS,
         f"{tol} needs a loss with a dual, which loss={estimator.loss!r} has not; use a number, "
         f"or one of these losses: {_losses(estimator, lambda loss: loss.name in DUALS)}"),
        (estimator.penalty is None or (estimator.C is None and estimator.alpha == 0),
         f"{tol} needs a penalty, without which the dual bounds nothing; got "
         f"{_penalty(estimator)}; use a number, or alpha > 0"),
        (solver_of(estimator).takes_steps
         and has_flag(estimator.learning_rate, tables.PASSIVE_AGGRESSIVE),
         f"{tol} is about the objective, which learning_rate={estimator.learning_rate!r} does not "
         "minimise; use a number"),
        (estimator.early_stopping,
         f"{tol} and early_stopping=True are two ways to end; use early_stopping=False, or a "
         "number, which then counts for the validation score"),
    ):
        if refused:
            raise ValueError(message)


def _penalty(estimator):
    ratio = f", l1_ratio={estimator.l1_ratio}" if estimator.penalty == "elasticnet" else ""
    return f"penalty={estimator.penalty!r}{ratio}, alpha={estimator.alpha}"


def _l2_part(estimator):
    return (estimator.C is not None or estimator.alpha > 0) and (
        estimator.penalty == "l2" or (estimator.penalty == "elasticnet"
                                      and estimator.l1_ratio is not None
                                      and estimator.l1_ratio < 1))


def _has_l1(estimator):
    return estimator.penalty == "l1" or (
        estimator.penalty == "elasticnet" and bool(estimator.l1_ratio))


def _losses(estimator, holds):
    return ", ".join(repr(n) for n, loss in estimator.loss_functions.items() if holds(loss))


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
            "schedule such as 'optimal', or one of these losses: "
            f"{_losses(estimator, lambda loss: loss.smooth)}")
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
    if estimator.sync in solver.syncs:
        return
    if estimator.sync == "map_reduce":
        others = _names(lambda s: "map_reduce" in s.syncs)
        raise ValueError(
            f"sync='map_reduce' sums over all rows before a step, which solver={solver.name!r} "
            f"does not; use {others}, or sync='merge' for threads")
    raise ValueError(
        f"sync={estimator.sync!r} is not available with solver={solver.name!r}; the valid names "
        f"are {', '.join(map(repr, solver.syncs))}")
