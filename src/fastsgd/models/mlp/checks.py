"""Checks of an MLP's `lazy` and weights of rows, once X is known."""

import numpy as np


def check_lazy(lazy, is_dense):
    """Whether minibatches move only touched rows of the first matrix."""
    if isinstance(lazy, str):
        return not is_dense
    if lazy and is_dense:  # np.True_ too
        raise ValueError(
            "lazy=True moves the weights of features that occur in a minibatch, and in dense X "
            "all do; give X as CSR, or lazy='auto'")
    return bool(lazy)


def cast_weights(weights, dtype, *, allow_all_zero):
    """Weights of the rows, `class_weight` in them, in X's dtype; None stays None.

    Raises
    ------
    ValueError
        One is negative, all are 0, or a sum of them is not finite: a minibatch is divided by its
        weight.
    """
    if weights is None:
        return None
    if not np.all(weights >= 0):
        row = int(np.argmin(weights >= 0))
        raise ValueError(f"sample_weight times class_weight must be >= 0, got {weights[row]:g} in "
                         f"row {row}")
    with np.errstate(over="ignore", under="ignore"):
        cast = weights.astype(dtype)
        total = cast.sum(dtype=np.float64)
    if not np.isfinite(total):
        raise ValueError(f"sample_weight times class_weight is too large for {dtype}: up to "
                         f"{weights.max():g}; divide all weights by that")
    if not (total > 0 or allow_all_zero):
        raise ValueError("sample_weight times class_weight is 0 in all rows"
                         + (f" as {dtype}; multiply all weights" if weights.any() else ""))
    return cast
