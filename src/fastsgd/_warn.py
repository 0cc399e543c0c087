"""Warnings that point at the user's line, however deep in the package they are raised."""

import sys
import warnings

OURS = ("fastsgd", "sklearn")
"""Packages whose lines a user did not write."""


def warn(message, category=UserWarning):
    """Warns as `warnings.warn` does, of the first caller outside fastsgd and scikit-learn.

    Parameters
    ----------
    message : str
    category : type of warning
    """
    level, frame = 2, sys._getframe(1)
    while frame is not None and frame.f_globals.get("__name__", "").split(".")[0] in OURS:
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)
