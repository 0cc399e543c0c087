"""Which combinations of a linear model's parameters have no meaning, and what is told of each.

Rules are asked in their order; the first that fires is told. Those in `OF_SOLVER` depend on the
solver: ``solver="auto"`` is the first solver that none of them stops.
"""

from numbers import Real
from types import NoneType

from fastsgd._integers import wrong_integer
from fastsgd.duals import DUALS
from fastsgd.kernels import tables
from fastsgd.losses import LOSSES
from fastsgd.plan.rules import (
    DEVICES,
    Group,
    Rule,
    all_rows,
    not_built,
    wrong_workers,
)
from fastsgd.solvers import SOLVERS, Gap
from fastsgd.workers import counts_rows, needs_a_seed

SYNCS = ("auto", "serial", "merge", "hogwild", "round_robin", "classes", "map_reduce")
MULTI_CLASS = ("ovr",)
"""How more than two classes are learnt, as far as it is built."""

DEFAULT_ALPHA = 1e-4


def obstacle_to_one_pass(a):
    """Why all classes cannot be learnt in one pass: a text, or None."""
    p = a.params
    if not a.classifier:
        return "a regressor has no classes"
    if p.penalty not in ("l2", None):
        return f"penalty={p.penalty!r} is not available with it, only 'l2' and None"
    if p.average:
        return f"average={p.average!r} is not available with it"
    if a.flags & tables.ADAPTIVE:
        return "learning_rate='adaptive' has a step of its own for each class"
    if isinstance(p.tol, Gap):
        return f"tol={p.tol!r} is proven class by class"
    return None


def _mine(a):
    return f"solver={a.solver.name!r}"


def named(holds):
    """The solvers for which ``holds(solver)``, in words."""
    return " or ".join(f"solver={name!r}" for name, solver in SOLVERS.items() if holds(solver))


def _losses(a, holds):
    """The losses, of those that the model has, for which ``holds(loss)``, in words."""
    return ", ".join(repr(name) for name, loss in LOSSES.items()
                     if (a.classifier or not loss.is_classifier) and holds(loss))


def _smooth_losses(a):
    return _losses(a, lambda loss: loss.smooth)


def _losses_with_dual(a):
    return _losses(a, lambda loss: loss.name in DUALS)


def _penalty(a):
    ratio = f", l1_ratio={a.params.l1_ratio}" if a.params.penalty == "elasticnet" else ""
    return f"penalty={a.params.penalty!r}{ratio}, alpha={a.params.alpha}"


def _passive_loss(a):
    return "hinge" if a.classifier else "epsilon_insensitive"


def _passive(a):
    return a.takes_steps and a.flags & tables.PASSIVE_AGGRESSIVE


def _takes_l1(solver):
    return "l1" in solver.penalties


def too_many_features(solver, n_features):
    """The error of a solver that takes fewer features than X has."""
    return ValueError(
        f"solver={solver.name!r} takes at most {solver.most_features:,} features, as each "
        f"iteration makes a matrix of features x features; X has {n_features:,}; use "
        "solver='sdca'")


BEFORE = [
    Rule(lambda a: a.call == "partial_fit" and a.first and a.params.early_stopping,
         lambda a: "early_stopping should be False with partial_fit"),
    not_built("multi_class", lambda: MULTI_CLASS),
    not_built("device", lambda: DEVICES),
    Rule(lambda a: wrong_integer(a.params) is not None, lambda a: wrong_integer(a.params)),
    Rule(lambda a: a.params.sync not in SYNCS,
         lambda a: (f"unknown sync {a.params.sync!r}; the valid names are "
                    + ", ".join(map(repr, SYNCS)))),
]
"""Rules about single parameters, asked first."""

OF_SEARCHES = [
    Rule(lambda a: not LOSSES[a.params.loss].smooth,
         lambda a: (f"learning_rate={a.params.learning_rate!r} needs a loss whose derivative has "
                    f"no jumps, and loss={a.params.loss!r} has: a search along a subgradient may "
                    "stop anywhere; use a schedule such as 'optimal', or one of these losses: "
                    f"{_smooth_losses(a)}")),
    Rule(lambda a: a.search.exact and a.has_l1,
         lambda a: (f"learning_rate={a.params.learning_rate!r} goes along a straight line, and "
                    f"with penalty={a.params.penalty!r} steps do not; use "
                    "learning_rate='backtracking', or penalty='l2'")),
    Rule(lambda a: a.params.batch_size is not None,
         lambda a: (f"learning_rate={a.params.learning_rate!r} with "
                    f"batch_size={a.params.batch_size} would follow each minibatch to its own "
                    "optimum; use a schedule such as 'optimal', or batch_size=None")),
]
"""Rules about line searches."""

OF_STEPS_BY_SUMS = [
    Rule(_passive,
         lambda a: (f"learning_rate={a.params.learning_rate!r} finds its step from a single row, "
                    f"which {_mine(a)} does not visit; use {named(lambda s: s.one_by_one)}, or "
                    "learning_rate='backtracking'")),
    Rule(lambda a: isinstance(a.params.eta0, str),
         lambda a: (f"eta0='auto' tries steps by single rows, which {_mine(a)} does not make; "
                    "give eta0 as a number > 0, or let learning_rate='backtracking' find each "
                    "step")),
    Group(lambda a: a.search is not None, OF_SEARCHES),
]
"""Rules about steps by many rows."""

OF_WORKERS = [
    Rule(lambda a: wrong_workers(a) is not None, wrong_workers),
    Rule(lambda a: not a.solver.takes_workers,
         lambda a: (f"workers={a.params.workers!r} is not available with {_mine(a)}, whose "
                    "threads share the memory of one process; use "
                    f"{named(lambda s: s.takes_workers)}, or workers=None")),
    Rule(lambda a: a.workers.policy == "sync" and a.solver.one_by_one,
         lambda a: ("Workers(policy='sync') adds up gradients before each step, and "
                    f"{_mine(a)} steps by single rows; use solver='gd' with a batch_size, or "
                    "Workers(policy='local')")),
    Rule(lambda a: a.workers.policy == "local" and not (a.solver.one_by_one or a.solver.by_dual),
         lambda a: ("Workers(policy='local') averages weights after steps by single rows, which "
                    f"{_mine(a)} does not make; use Workers(policy='sync'), or solver='sgd'")),
    Rule(lambda a: (a.workers.local_steps is not None
                    and not (a.solver.one_by_one or a.solver.by_dual)),
         lambda a: (f"Workers(local_steps={a.workers.local_steps!r}) has no meaning with "
                    f"{_mine(a)}, which adds up before each step; use local_steps=None, or "
                    "solver='sgd' with Workers(policy='local')")),
    Rule(lambda a: a.params.sync == "classes",
         lambda a: ("sync='classes' learns all classes in one pass of one process; with workers "
                    "each class has its own, one after the other: use sync='auto'")),
    Rule(lambda a: a.params.sync == "hogwild" and a.solver.by_dual,
         lambda a: (f"sync='hogwild' with {_mine(a)} loses additions, which workers could not "
                    "tell apart; use sync='auto' or 'merge'")),
    Rule(lambda a: a.workers.batch == "per_worker" and a.params.batch_size is None,
         lambda a: ("Workers(batch='per_worker') needs solver='gd' with a batch_size, which each "
                    "worker then takes")),
    Rule(lambda a: needs_a_seed(a.workers, a.params)[0],
         lambda a: needs_a_seed(a.workers, a.params)[1]),
    all_rows(lambda a: a.params.early_stopping, lambda a: "early_stopping=True"),
    all_rows(lambda a: a.params.eta0 == "auto", lambda a: "eta0='auto', which looks at a sample"),
    all_rows(lambda a: counts_rows(a.params)[0], lambda a: counts_rows(a.params)[1]),
    all_rows(lambda a: not (a.solver.by_dual or isinstance(a.params.tol, (Real, NoneType))),
              lambda a: f"tol={a.params.tol!r} with {_mine(a)}"),
]
"""Rules about what workers can do with a solver."""

BY_DUAL = [
    Rule(lambda a: a.params.loss not in DUALS,
         lambda a: (f"{_mine(a)} needs a loss with a dual, which loss={a.params.loss!r} has not; "
                    f"use {named(lambda s: not s.smooth_only and not s.by_dual)}, or one of "
                    f"these losses: {_losses_with_dual(a)}")),
    Rule(lambda a: a.solver.kinked_only and LOSSES[a.params.loss].smooth,
         lambda a: (f"{_mine(a)} needs a loss of straight pieces, and loss={a.params.loss!r} is "
                    f"curved; use {named(lambda s: not s.kinked_only)}, or one of these losses: "
                    f"{_losses(a, lambda loss: loss.name in DUALS and not loss.smooth)}")),
    Rule(lambda a: not a.has_l2,
         lambda a: (f"{_mine(a)} needs a penalty with a part of l2, which makes weights of dual "
                    f"variables; got {_penalty(a)}; use {named(_takes_l1)}, or penalty='l2'")),
]
"""Rules about losses and penalties of solvers that ascend the dual, or bound by it."""

OF_SOLVER = [
    Rule(lambda a: a.params.batch_size is not None and not a.solver.takes_batches,
         lambda a: (f"batch_size={a.params.batch_size!r} is not available with {_mine(a)}; "
                    f"use {named(lambda s: s.takes_batches)}, or batch_size=None")),
    Rule(lambda a: a.solver.smooth_only and not LOSSES[a.params.loss].smooth,
         lambda a: (f"{_mine(a)} needs a loss whose derivative has no jumps, and "
                    f"loss={a.params.loss!r} has; use {named(lambda s: not s.smooth_only)}, or "
                    f"one of these losses: {_smooth_losses(a)}")),
    Group(lambda a: a.solver.by_dual, BY_DUAL),
    Rule(lambda a: (not _takes_l1(a.solver) and "elasticnet" not in a.solver.penalties
                    and a.has_l1),
         lambda a: (f"penalty={a.params.penalty!r} has a kink at 0, which {_mine(a)} cannot pass; "
                    f"use {named(_takes_l1)}, or penalty='l2'")),
    Rule(lambda a: a.params.early_stopping and not a.solver.stops_early,
         lambda a: (f"early_stopping=True is not available with {_mine(a)}, which goes to the "
                    f"optimum; use {named(lambda s: s.stops_early)}, or early_stopping=False")),
    Rule(lambda a: a.params.average and not a.solver.one_by_one,
         lambda a: (f"average={a.params.average!r} is not available with {_mine(a)}; "
                    f"use {named(lambda s: s.one_by_one)}, or average=False")),
    Rule(lambda a: a.solver.one_by_one and a.search is not None,
         lambda a: (f"learning_rate={a.params.learning_rate!r} searches along the gradient of all "
                    f"rows, which {_mine(a)} does not know; use "
                    f"{named(lambda s: s.takes_steps and not s.one_by_one)}, or a schedule such "
                    "as 'optimal'")),
    Group(lambda a: a.takes_steps and not a.solver.one_by_one, OF_STEPS_BY_SUMS),
    Rule(lambda a: a.params.sync == "map_reduce" and a.params.sync not in a.solver.syncs,
         lambda a: (f"sync='map_reduce' sums over all rows before a step, which {_mine(a)} does "
                    f"not; use {named(lambda s: 'map_reduce' in s.syncs)}, or sync='merge' for "
                    "threads")),
    Rule(lambda a: a.params.sync not in a.solver.syncs,
         lambda a: (f"sync={a.params.sync!r} is not available with {_mine(a)}; the valid names "
                    f"are {', '.join(map(repr, a.solver.syncs))}")),
    Group(lambda a: a.params.workers is not None, OF_WORKERS),
]
"""Rules about what a solver can do."""

OF_GAP = [
    Rule(lambda a: a.params.loss not in DUALS,
         lambda a: (f"tol={a.params.tol!r} needs a loss with a dual, which "
                    f"loss={a.params.loss!r} has not; use a number, or one of these losses: "
                    f"{_losses_with_dual(a)}")),
    Rule(lambda a: a.params.penalty is None or (a.params.C is None and a.params.alpha == 0),
         lambda a: (f"tol={a.params.tol!r} needs a penalty, without which the dual bounds "
                    f"nothing; got {_penalty(a)}; use a number, or alpha > 0")),
    Rule(_passive,
         lambda a: (f"tol={a.params.tol!r} is about the objective, which "
                    f"learning_rate={a.params.learning_rate!r} does not minimise; use a number")),
    Rule(lambda a: a.params.early_stopping,
         lambda a: (f"tol={a.params.tol!r} and early_stopping=True are two ways to end; use "
                    "early_stopping=False, or a number, which then counts for the validation "
                    "score")),
]
"""Rules about ``tol=Gap(...)``."""

AFTER = [
    Group(lambda a: isinstance(a.params.tol, Gap), OF_GAP),
    Rule(lambda a: a.params.C is not None and a.params.alpha != DEFAULT_ALPHA,
         lambda a: (f"give alpha or C, not both: alpha={a.params.alpha}, C={a.params.C}; "
                    "alpha = 1 / (n_samples * C)")),
    Rule(lambda a: (a.takes_steps and a.flags & tables.NEEDS_ALPHA and a.params.alpha == 0
                    and a.params.C is None),
         lambda a: ("alpha must be > 0 since learning_rate is 'optimal'. alpha is used to compute "
                    "the optimal learning rate.")),
    Rule(lambda a: _passive(a) and a.params.loss != _passive_loss(a),
         lambda a: (f"Learning rate '{a.params.learning_rate}' only works with loss "
                    f"'{_passive_loss(a)}'.")),
    Rule(lambda a: isinstance(a.params.eta0, str) and _passive(a),
         lambda a: (f"eta0='auto' finds a step size, and with "
                    f"learning_rate='{a.params.learning_rate}' eta0 is the aggressiveness C of "
                    "each step; give it as a number > 0, for example 1.0")),
    Rule(lambda a: (a.takes_steps and isinstance(a.params.eta0, str)
                    and a.params.loss == "perceptron"),
         lambda a: ("eta0='auto' takes the step with the least objective, which loss='perceptron' "
                    "has at weights of 0; give eta0 as a number > 0, or take loss='hinge'")),
    Rule(lambda a: a.params.penalty == "elasticnet" and a.params.l1_ratio is None,
         lambda a: "l1_ratio must be set when penalty is 'elasticnet'"),
    Rule(lambda a: a.params.average and a.params.sync in ("merge", "hogwild", "round_robin"),
         lambda a: (f"average={a.params.average!r} is not available with sync={a.params.sync!r}; "
                    "use sync='serial' or 'auto'")),
    Rule(lambda a: a.params.sync == "classes" and obstacle_to_one_pass(a) is not None,
         lambda a: (f"sync='classes' learns all classes in one pass: {obstacle_to_one_pass(a)}; "
                    "use sync='auto' or 'serial'")),
]
"""Rules about parameters that do not go with each other, asked last."""

RULES = [*BEFORE, *OF_SOLVER, *AFTER]
"""All of them, in the order in which they are asked."""
