"""Advice on a training that ended before its tolerance, as warnings give it to users."""

import math

from fastsgd.duals import DUALS

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


def advise_descent(plan, states, stalled=False):
    """The remedy for gradient descent that has not met its tolerance.

    Parameters
    ----------
    plan : Plan
    states : list of LinearState
    stalled : bool
        Whether no step went down any more.

    Returns
    -------
    str
        Sentences.
    """
    worst = max(map(_relative_gap, states))
    reached = (f"The duality gap is {worst:.2g} of the objective, tol asks for "
               f"{plan.stop.tol:.2g}. " if worst > 0 and plan.stop.tol is not None else "")
    if stalled:
        return reached + ("Rounding is all that is left to gain, or too little for a step: a "
                          "larger tol is met.")
    more = "Consider increasing max_iter"
    if not (plan.rate.accelerated or plan.rate.search or plan.batch_size is not None):
        more += ", or learning_rate='optimal', which is accelerated"
    others = ("" if plan.penalty.l1 > 0 else "solver='newton-cg' or 'lbfgs'" if plan.loss.smooth
              else "solver='sdca'" if plan.loss.name in DUALS else "")
    if others:
        more += f"; {others} needs fewer iterations"
    return reached + more + ("; features on similar scales (StandardScaler, MaxAbsScaler) need "
                             "fewer, too.")


def cut_of_schedule(plan, stats):
    """What to tell where a bound has cut the first step of gradient descent, or None.

    Parameters
    ----------
    plan : Plan
    stats : dict
        `fit_stats_`.
    """
    asked, bound = plan.rate.eta0, stats["step_bound"]
    if bound is None or plan.rate.schedule is None or not stats["eta0"] >= bound:
        return None
    if plan.rate.schedule == "optimal":  # which has no eta0
        by = ""
    elif asked > bound:
        by = f", {asked / bound:.3g} times shorter than eta0={asked:g}"
    else:
        return None
    return (f"The first steps were cut to {bound:.3g}{by}: longer ones may diverge with "
            f"loss={plan.loss.name!r} on these rows. learning_rate='constant' with that eta0 is "
            "never cut; a smaller eta0 turns this warning off.")


def _relative_gap(state):
    if state.gap is None or not state.curve:
        return 0.0
    size = abs(state.curve[-1])
    return state.gap / size if size else math.inf if state.gap else 0.0


def _count(needed):
    """A forecast to two digits: it is no better than that."""
    digits = max(0, len(str(math.ceil(needed))) - 2)
    return f"{round(needed / 10**digits + 0.5) * 10**digits:,}"
