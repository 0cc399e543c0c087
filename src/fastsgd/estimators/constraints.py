"""The constraints of parameters as scikit-learn checks them."""

from sklearn.utils._param_validation import Interval, Options, StrOptions

from fastsgd._constraints import Among, Range


def as_sklearn(constraints):
    """``_parameter_constraints`` of an estimator, from those of `fastsgd._constraints`.

    Parameters
    ----------
    constraints : dict
        Lists of constraints by parameter.

    Returns
    -------
    dict
    """
    return {name: [_as_sklearn(constraint) for constraint in own]
            for name, own in constraints.items()}


def _as_sklearn(constraint):
    if isinstance(constraint, Range):
        return Interval(constraint.type, constraint.least, constraint.most,
                        closed=constraint.closed)
    if isinstance(constraint, Among):
        values = set(constraint.values)
        return StrOptions(values) if constraint.type is str else Options(constraint.type, values)
    return constraint
