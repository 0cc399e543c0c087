"""Modules whose functions work on an array: numpy and scipy, or those of what holds it instead."""

from importlib import import_module

import numpy as np
from scipy import special

from fastsgd._registry import Registry

SPECIAL = Registry("array module", {"cupy": "cupyx.scipy.special"})
"""Names of the modules that have scipy.special's functions, by that of the array's module."""


def xp_of(array):
    """The module that has numpy's functions for an array.

    It is the one that the array names by `__array_namespace__`, or else the package of its type.
    """
    if isinstance(array, np.ndarray):
        return np
    namespace = getattr(array, "__array_namespace__", None)
    if namespace is not None:
        return namespace()
    return import_module(type(array).__module__.partition(".")[0])


def special_of(array):
    """The module that has scipy.special's functions for an array.

    Raises
    ------
    ValueError
        None is known for arrays of this kind.
    """
    xp = xp_of(array)
    return special if xp is np else import_module(SPECIAL[xp.__name__])


def take_rows(X, visits, out):
    """Copies the rows `visits` of X, which are known to be there, to `out`."""
    xp = xp_of(X)
    if xp is np:
        np.take(X, visits, axis=0, out=out, mode="clip")  # 'raise' would copy twice
    else:
        xp.take(X, xp.asarray(visits), axis=0, out=out)
