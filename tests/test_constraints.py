"""Constraints of parameters mean here what they mean to scikit-learn, in the same words."""

from numbers import Integral, Real

import numpy as np
import pytest
from scipy import sparse
from sklearn.utils._param_validation import (
    InvalidParameterError,
    validate_parameter_constraints,
)

from fastsgd._constraints import Among, Range, check_parameters
from fastsgd.estimators.constraints import as_sklearn

CONSTRAINTS = {
    "positive": [Range(Real, 0, None, "neither")],
    "share": [Range(Real, 0, 1, "left")],
    "any": [Range(Real, None, None, "neither")],
    "count": [Range(Integral, 1, 9), None],
    "word": [Among(("auto",)), Range(Integral, 1, None, "left")],
    "infinite": [Among((np.inf,), Real), Range(Integral, 1, 5)],
    "flag": ["boolean"], "verbose": ["verbose"], "random": ["random_state"],
    "vector": ["array-like", Range(Integral, 1, None, "left")],
    "kind": [dict, str, None],
}
VALUES = [
    None, True, False, np.True_, 0, 1, 2, 9, 10, -1, 2**40, np.int64(3), np.int64(-3), 0.0, 0.5,
    1.0, np.float32(0.25), np.float64(-2.0), np.inf, -np.inf, np.nan, "auto", "Auto", "", {},
    {"a": 1},
    [], [1, 2], (1,), np.array([1, 2]), np.array(3.0), sparse.csr_array([[1.0]]), object(), len,
    np.random.RandomState(0), np.random.default_rng(0), 1j, b"auto",
]


@pytest.mark.parametrize("name", CONSTRAINTS)
@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_the_same_values_by_the_same_words(name, value):
    constraints = {name: CONSTRAINTS[name]}
    try:
        validate_parameter_constraints(as_sklearn(constraints), {name: value}, "Model")
        theirs = None
    except InvalidParameterError as error:
        theirs = str(error)
    if theirs is None:
        check_parameters("Model", constraints, {name: value})
        return
    with pytest.raises(ValueError, match=r"^The '") as ours:
        check_parameters("Model", constraints, {name: value})
    told = str(ours.value)
    if name not in ("verbose", "random", "flag"):  # of which scikit-learn lists numpy's types
        assert told == theirs
    assert told.startswith(theirs[:theirs.index("must be")])
    assert told.endswith(theirs[theirs.index("Got "):])


def test_parameters_without_constraints_may_be_anything():
    check_parameters("Model", CONSTRAINTS, {"other": object(), "flag": True})
