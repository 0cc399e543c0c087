"""Which whole numbers parameters may be: each range in one place, asked before any work."""

from numbers import Integral

LARGEST = 2**63 - 1
"""Largest number that kernels count with, in 64 bits."""

INT32_MAX = 2**31 - 1
"""Largest number that scipy's solvers count with, in 32 bits."""

LONGEST_INTERVAL = 2**40
"""Rows between two merges: more than any data has, and 1024 times them still fits."""

MOST_UNITS = 2**24
"""Units of a hidden layer; the weights of two such layers have no room anywhere."""

MOST_FEATURES = 2**40
"""Columns of X that a model has weights for: 8 TB of them."""

MOST_THREADS = 1024
"""Threads of one call; -n_jobs too. Far more than any machine has cores of, and few enough to
start."""

BEYOND_FLOATS = 2**1024
"""The first whole number that no float64 holds."""

RANGES = {
    "max_iter": (1, LARGEST), "n_iter_no_change": (1, LARGEST), "batch_size": (1, LARGEST),
    "merge_every": (1, LARGEST), "max_fun": (1, LARGEST), "average": (0, LARGEST),
    "n_jobs": (-MOST_THREADS, MOST_THREADS),
}
"""Parameter of an estimator -> least and most."""


def is_whole(value):
    """Whether it is an integer of Python or numpy, and no bool."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def plain(value):
    """A whole number as Python's int, whose sums and products do not wrap; others as they are."""
    return int(value) if is_whole(value) else value


def check_range(name, value, least, most=LARGEST):
    """Refuses what is no whole number from `least` to `most`; the number as Python's int.

    Raises
    ------
    ValueError
    """
    if not is_whole(value) or not least <= value <= most:
        raise ValueError(out_of_range(name, value, least, most))
    return int(value)


def out_of_range(name, value, least, most):
    """Message about a whole number that is not from `least` to `most`."""
    return f"{name} must be an int >= {least} and <= {most}, got {value!r}"


def wrong_integer(params):
    """Message about the first whole number outside its range, or None.

    What else a parameter may be is not asked. Calls after the first one of `partial_fit`, and
    models from files, go without scikit-learn's checks.
    """
    for name, value in vars(params).items():
        if (isinstance(value, Integral) and abs(int(value)) >= BEYOND_FLOATS
                and name != "random_state"):
            return (f"{name} must be a number that float64 holds, below 1.8e308; got an "
                    f"int of {int(value).bit_length()} bits")
    for name, (least, most) in RANGES.items():
        value = getattr(params, name, None)
        if isinstance(value, Integral) and not least <= int(value) <= most:  # False, too
            return out_of_range(name, int(value), least, most)
    if params.n_jobs == 0:
        return "n_jobs must be a positive number of threads, negative, or None; got 0"
    return None


def check_integers(params):
    """Refuses whole numbers outside their range.

    Raises
    ------
    ValueError
    """
    told = wrong_integer(params)
    if told is not None:
        raise ValueError(told)


def is_seed(random_state):
    """Whether the user asked for the same bits again."""
    return isinstance(random_state, Integral)
