"""Methods that a linear estimator has only with some parameters."""

from fastsgd.plan.linear_check import solver_of
from fastsgd.plan.linear_rules import named


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
                f"has not; use {named(lambda s: s.one_by_one)}, or fit with "
                "warm_start=True")
        if estimator.C is not None:
            raise AttributeError(
                f"C needs the number of rows, which {self._method.__name__} does not know; give "
                "alpha = 1 / (n_samples * C) instead")
        return self._method.__get__(estimator, owner)
