"""Advice on a training that ended before its tolerance, as warnings give it to users."""

import math

HOPELESS = 1e6
"""Epochs that are forecast, from which on it is never."""

PATIENT = 3.0
"""Epochs that are forecast beyond so many times those that are done need another remedy."""


def advise(plan, stats, states, limit="max_iter"):
    """The remedy for a training that `limit` has ended.

    Parameters
    ----------
    plan : Plan
    stats : dict
        `fit_stats_`.
    states : list of LinearState
    limit : str
        "max_iter" or "max_time".

    Returns
    -------
    str
        Sentences.
    """
    needed = stats.get("epochs_needed")
    if needed is None:
        return f"Consider increasing {limit} to improve the fit."
    worst, done = max(map(_relative_gap, states)), max(len(state.curve) for state in states)
    reached = (f"The duality gap is {worst:.2g} of the objective, tol asks for "
               f"{plan.stop.tol:.2g}; ")
    if needed <= PATIENT * done:
        return (reached + f"about {_count(needed)} more epochs are needed at this rate. Consider "
                f"increasing {limit}.")
    rate = (f"about {_count(needed)} more epochs are needed at this rate" if needed < HOPELESS
            else "at this rate it never gets there")
    return (reached + rate + ". Features on very different scales, or an alpha that is too small, "
            "make coordinate ascent slow: scale the features (StandardScaler, MaxAbsScaler), take "
            f"another solver= or a larger alpha (alpha={stats['alpha']:g} was used).")


def _relative_gap(state):
    if state.gap is None or not state.curve:
        return 0.0
    size = abs(state.curve[-1])
    return state.gap / size if size else math.inf if state.gap else 0.0


def _count(needed):
    """A forecast to two digits: it is no better than that."""
    digits = max(0, len(str(math.ceil(needed))) - 2)
    return f"{round(needed / 10**digits + 0.5) * 10**digits:,}"
