"""The plan of `partial_fit`, kept for the next call while no parameter is set anew."""

import weakref
from functools import lru_cache
from operator import attrgetter, is_

import numpy as np

from fastsgd.plan.linear import Plan

_KEPT: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()
"""(values of the parameters, plan) by estimator: not in its attributes, so that it is neither
copied, cloned nor pickled."""


@lru_cache(64)
def _values_of(kind):
    """``get(estimator)``: the values of the parameters of a class of estimators."""
    return attrgetter(*kind._get_param_names())


def plan_of_part(estimator, first):
    """The plan of one call of `partial_fit`.

    A plan is taken again where each parameter is the same object as before. A plan does not depend
    on what such objects hold, but for arrays, with which it is never kept.

    Parameters
    ----------
    estimator : FastSGDClassifier or FastSGDRegressor
    first : bool
        Whether no call came before.

    Raises
    ------
    ValueError
        A combination of parameters has no meaning.
    """
    values, kept = _values_of(type(estimator))(estimator), _KEPT.get(estimator)
    if not first and kept is not None and all(map(is_, values, kept[0])):
        return kept[1]
    plan = Plan.of(estimator, "partial_fit", first=first)
    if not (first or any(isinstance(value, np.ndarray) for value in values)):
        _KEPT[estimator] = values, plan
    return plan
