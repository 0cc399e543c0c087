"""What goes with what, asked of the estimators' own checks; docs/support.md shows it."""

import warnings
from itertools import product
from typing import NamedTuple

import numpy as np

from fastsgd import FastSGDClassifier, FastSGDRegressor
from fastsgd.penalties import PENALTIES
from fastsgd.plan import linear_rules
from fastsgd.plan.linear import Plan
from fastsgd.plan.linear_check import choices_of, solver_of
from fastsgd.schedules import RATE_NAMES
from fastsgd.solvers import SOLVERS, Gap

KINDS = {"classifier": FastSGDClassifier, "regressor": FastSGDRegressor}
SOLVER_NAMES = (*SOLVERS, "auto")

OPTIONS = (
    *({"learning_rate": name} for name in RATE_NAMES),
    {"eta0": "auto"}, {"average": True}, {"batch_size": 16}, {"early_stopping": True},
    {"tol": Gap()}, {"C": 1.0}, {"alpha": 0, "learning_rate": "constant"},
)
"""Parameters that some solver refuses, or refuses for some losses, penalties or `sync`."""


class Cell(NamedTuple):
    """One combination of parameters; `multi_class` is None for a regressor, which has none."""

    solver: str
    loss: str
    penalty: str | None
    sync: str
    multi_class: str | None = None


def cells(kind):
    """Every combination of the names that the code has."""
    return [Cell(*names) for names in product(
        SOLVER_NAMES, KINDS[kind].loss_functions, PENALTIES, linear_rules.SYNCS,
        multi_classes(kind))]


def multi_classes(kind):
    """The values of multi_class that are built; (None,) for a regressor."""
    return linear_rules.MULTI_CLASS if "multi_class" in KINDS[kind]._get_param_names() else (None,)


def make(kind, cell, **options):
    """The estimator of a cell."""
    named = {name: value for name, value in cell._asdict().items()
             if name != "multi_class" or value is not None}
    return KINDS[kind](**named | options)


def refusal(kind, cell, partial_fit=False, **options):
    """What the checks that come before any work say to a cell: a text; None if it is allowed."""
    model = make(kind, cell, **options)
    try:
        if partial_fit:
            model.partial_fit  # noqa: B018  (an AttributeError tells why there is none)
        Plan.of(model, "partial_fit" if partial_fit else "fit")
    except (ValueError, AttributeError) as error:
        return str(error)
    return None


def allowed(kind, **options):
    """The cells that are not refused."""
    return [cell for cell in cells(kind) if refusal(kind, cell, **options) is None]


def taken(kind, cell, **options):
    """The name of the solver that a cell's solver stands for."""
    return solver_of(make(kind, cell, **options)).name


def may_take(kind, cell, **options):
    """Names of all solvers that it stands for: by the data, of "auto"."""
    return choices_of(make(kind, cell, **options))


def refused_for_dense(kind, cell):
    """Whether two threads refuse dense rows, which is seen only when X is."""
    X = np.eye(4)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            make(kind, cell, n_jobs=2, max_iter=1).fit(X, [0, 1, 0, 1])
    except ValueError:
        return True
    return False
