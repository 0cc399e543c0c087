"""Allowed values of parameters, declared once: checked here, or by scikit-learn for estimators.

A parameter has a list of constraints and must meet one of them. A constraint is a `Range`, an
`Among`, a type, None, or one of the words of `WORDS`.
"""

import numbers
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy import sparse


class Range(NamedTuple):
    """Numbers of a type between two bounds.

    Attributes
    ----------
    type : numbers.Integral or numbers.Real
    least, most : int, float or None
        None: no bound.
    closed : {'left', 'right', 'both', 'neither'}
        The bounds that are allowed themselves.
    """

    type: type
    least: float | None
    most: float | None
    closed: str = "both"

    def allows(self, value):
        """Whether the value meets the constraint."""
        if not isinstance(value, self.type) or value != value:
            return False
        least, most = self._bounds
        above = value > least or (value == least and self.closed in ("left", "both"))
        below = value < most or (value == most and self.closed in ("right", "both"))
        return bool(above and below)

    @property
    def _bounds(self):
        return (-np.inf if self.least is None else self.least,
                np.inf if self.most is None else self.most)

    def __str__(self):
        whole = self.type is numbers.Integral
        least, most = self._bounds if whole else map(float, self._bounds)
        return (f"{'an int' if whole else 'a float'} in the range "
                f"{'[' if self.closed in ('left', 'both') else '('}{least}, {most}"
                f"{']' if self.closed in ('right', 'both') else ')'}")


class Among(NamedTuple):
    """One of some values of a type.

    Attributes
    ----------
    values : tuple
    type : type
    """

    values: tuple
    type: type = str

    def allows(self, value):
        """Whether the value meets the constraint."""
        return isinstance(value, self.type) and value in self.values

    def __str__(self):
        return f"a {_name_of(self.type)} among {{{', '.join(map(repr, self.values))}}}"


class Word(NamedTuple):
    """A constraint that a word stands for: what it allows, and how users call it."""

    allows: Callable
    about: str


def _name_of(kind):
    """The name of a type, as users know it."""
    if kind in (numbers.Integral, numbers.Real):
        return "int" if kind is numbers.Integral else "float"
    return kind.__qualname__ if kind.__module__ == "builtins" else (
        f"{kind.__module__}.{kind.__qualname__}")


def _is_array(value):
    if sparse.issparse(value) or np.isscalar(value):
        return False
    return any(hasattr(value, name) for name in ("__len__", "shape", "__array__"))


WORDS = {
    "boolean": Word(lambda value: isinstance(value, (bool, np.bool_)), "a bool"),
    "verbose": Word(lambda value: isinstance(value, (bool, np.bool_)) or Range(
        numbers.Integral, 0, None, "left").allows(value), "a bool or an int >= 0"),
    "random_state": Word(lambda value: value is None or isinstance(
        value, np.random.RandomState) or Range(numbers.Integral, 0, 2**32 - 1).allows(value),
        "an int in the range [0, 4294967295], a RandomState or None"),
    "array-like": Word(_is_array, "an array-like"),
}


def allows(constraint, value):
    """Whether a value meets one constraint."""
    if constraint is None:
        return value is None
    if isinstance(constraint, str):
        return WORDS[constraint].allows(value)
    if isinstance(constraint, type):
        return isinstance(value, constraint)
    return constraint.allows(value)


def describe(constraint):
    """A constraint as error messages say it."""
    if isinstance(constraint, str):
        return WORDS[constraint].about
    if isinstance(constraint, type):
        return f"an instance of {_name_of(constraint)!r}"
    return str(constraint)


def check_parameters(name, constraints, values):
    """Refuses a parameter that meets none of its constraints.

    Parameters
    ----------
    name : str
        Of the class that has the parameters.
    constraints : dict
        Lists of constraints by parameter. Parameters that are not in it may be anything.
    values : dict
        By parameter.

    Raises
    ------
    ValueError
        The text is scikit-learn's, with the values of an `Among` in their order.
    """
    for parameter, value in values.items():
        own = constraints.get(parameter)
        if own is None or any(allows(constraint, value) for constraint in own):
            continue
        *others, last = map(describe, own)
        allowed = f"{', '.join(others)} or {last}" if others else last
        raise ValueError(
            f"The {parameter!r} parameter of {name} must be {allowed}. Got {value!r} instead.")
