"""The plan of `partial_fit`, kept for the next call while no parameter is set anew."""

import weakref
from functools import lru_cache
from operator import attrgetter, is_

_KEPT: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()
"""(values of the parameters, plan) by estimator: not in its attributes, so that it is neither
copied, cloned nor pickled."""


@lru_cache(64)
def _values_of(kind):
    """``get(estimator)``: the values of the parameters of a class of estimators."""
    return attrgetter(*kind._get_param_names())


def plan_of_part(estimator, make, first=False):
    """The plan of one call of `partial_fit`.

    A plan is taken again where each parameter is the same object as before. It does not depend
    on what such objects hold, but for lists and arrays, with which it is never kept.

    Parameters
    ----------
    estimator : estimator
    make : callable
        ``make()``: a new plan.
    first : bool
        Whether no call came before, and plans of later ones differ.

    Raises
    ------
    ValueError
        A combination of parameters has no meaning.
    """
    values, kept = _values_of(type(estimator))(estimator), _KEPT.get(estimator)
    if not first and kept is not None and all(map(is_, values, kept[0])):
        return kept[1]
    plan = make()
    if not (first or any(map(_may_change, values))):
        _KEPT[estimator] = values, plan
    return plan


def _may_change(value):
    """Whether numbers of a parameter may be set in place; a plan has the dict of weights itself.
    """
    return hasattr(value, "__iter__") and not isinstance(value, (str, tuple, dict))
