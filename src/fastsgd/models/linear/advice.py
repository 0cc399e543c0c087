"""Advice on a training that ended before its tolerance, as warnings give it to users."""

import math

from fastsgd._warn import warn
from fastsgd.duals import DUALS
from fastsgd.solvers import Gap

HOPELESS = 1e6
"""Epochs that are forecast, from which on it is never."""

PATIENT = 3.0
"""Epochs that are forecast beyond so many times those that are done need another remedy."""


def warn_of_end(model, plan):
    """Warns where a training has ended before its tolerance, with the remedy for this case.

    Parameters
    ----------
    model : LinearModel
        Fitted.
    plan : Plan
    """
    by, told = model.fit_stats_["stopped_by"], None
    if by == "max_time":
        told = (f"max_time={model.max_time:g} seconds ended the training before convergence, with "
                f"n_iter_={model.n_iter_}. {remedy(plan, model, 'max_time')} tol=None turns this "
                "warning off.")
    elif (model.n_iter_ == plan.stop.max_iter  # as scikit-learn warns
          if plan.solver.one_by_one and not isinstance(model.tol, Gap) else by == "max_iter"):
        told = (f"Maximum number of iteration reached before convergence. "
                f"{remedy(plan, model, 'max_iter')}")
    elif by == "stalled":
        told = (f"No step goes down any more, and tol is not proven to be met. "
                f"{_reached(plan, model)}Rounding is all that is left to gain, or too little for "
                "a step: take a larger tol, or features on similar scales (StandardScaler, "
                "MaxAbsScaler).")
    if told and model.tol is not None:
        warn(told, model._not_converged)
    cut = cut_of_schedule(plan, model.fit_stats_) if plan.solver.name == "gd" else None
    if cut:
        warn(cut)


def remedy(plan, model, limit):
    """Sentences for a training that `limit`, "max_iter" or "max_time", has ended."""
    if plan.solver.one_by_one or (plan.stop.held_out or plan.batch_size is not None):
        return f"Consider increasing {limit} to improve the fit."
    needed, solvers = model.fit_stats_.get("epochs_needed"), model.fit_stats_["solver"]
    if needed is not None:
        return _reached(plan, model) + _of_ascent(plan, model, needed, limit)
    if plan.solver.name == "gd":
        return _reached(plan, model) + _of_descent(plan, limit)
    other = ("" if "newton-cholesky" in solvers else
             "; where features are few solver='newton-cholesky' minds no scales")
    return (_reached(plan, model) + f"Consider increasing {limit}, or features on similar scales "
            f"(StandardScaler, MaxAbsScaler){other if plan.loss.smooth else ''}.")


def _of_ascent(plan, model, needed, limit):
    done = max(len(state.curve) for state in model._states)
    if needed <= PATIENT * done:
        return (f"About {_count(needed)} more epochs are needed at this rate. Consider increasing "
                f"{limit}.")
    rate = (f"About {_count(needed)} more epochs are needed at this rate" if needed < HOPELESS
            else "At this rate it never gets there")
    return (rate + ". Features on very different scales, or an alpha that is too small, make "
            "coordinate ascent slow: scale the features (StandardScaler, MaxAbsScaler), take "
            f"another solver= or a larger alpha (alpha={model.fit_stats_['alpha']:g} was used).")


def _of_descent(plan, limit):
    more = f"Consider increasing {limit}"
    if not (plan.rate.accelerated or plan.rate.search):
        more += ", or learning_rate='optimal', which is accelerated"
    others = ("" if plan.penalty.l1 > 0 else "solver='newton-cg' or 'lbfgs'" if plan.loss.smooth
              else "solver='sdca'" if plan.loss.name in DUALS else "")
    if others:
        more += f"; {others} needs fewer iterations"
    return more + ("; features on similar scales (StandardScaler, MaxAbsScaler) need fewer, too.")


def _reached(plan, model):
    """The gap of the model that is farthest from its optimum, in words."""
    worst = max(map(_relative_gap, model._states))
    tol = plan.stop.tol if plan.stop.within is None else plan.stop.within
    return (f"The duality gap is {worst:.2g} of the objective, tol asks for {tol:.2g}. "
            if worst > 0 and tol is not None else "")


def cut_of_schedule(plan, stats):
    """Text for a bound that has cut the first step of gradient descent, or None.

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
            f"loss={plan.loss.name!r} on these rows. max_step=None turns the bound "
            "off, a smaller eta0 this warning.")


def _relative_gap(state):
    if state.gap is None or not state.curve:
        return 0.0
    size = abs(state.curve[-1])
    return state.gap / size if size else math.inf if state.gap else 0.0


def _count(needed):
    """A forecast to two digits: it is no better than that."""
    digits = max(0, len(str(math.ceil(needed))) - 2)
    return f"{round(needed / 10**digits + 0.5) * 10**digits:,}"
