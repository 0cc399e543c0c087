"""Advice at the end of a fit by plain SGD that went wrong: at most one warning, with a remedy.

In order: the last epoch's objective is above that of the zero model; the bound on steps held to
the end and a few rows alone made it short; the model is proven to be far above the optimum.
"""

import numpy as np

from fastsgd._warn import warn
from fastsgd.engine.linear.heavy_rows import HEAVY
from fastsgd.engine.linear.shortfall import proven_excess
from fastsgd.kernels import tables


def is_advised(plan, settings):
    """Whether a training is a whole fit by plain SGD that is to converge."""
    return (plan.call == "fit" and settings.solver == "sgd" and plan.workers is None
            and not plan.stop.held_out and settings.tol is not None and not settings.passive)


def advise_sgd(model, job):
    """Warns of the first thing that is wrong with a fit.

    Parameters
    ----------
    model : LinearModel
        Fitted.
    job : Job
    """
    text = _above_zero(job) or _slowed(job) or _far(model, job)
    if text:
        warn(text, model._not_converged)


def _above_zero(job):
    loss, constant = job.settings.loss, job.settings.loss_constant
    for k, state in enumerate(job.states):
        if not state.curve or state.average is not None:  # the curve is not of the average
            continue
        y = np.array([-1.0, 1.0]) if loss.is_classifier else job.problem.target(k)
        losses, weight = loss.value(np.zeros(len(y)), y, constant), job.weight_of(k)
        if loss.is_classifier:  # all alike
            losses = losses[0]
        zero = float(np.mean(losses if weight is None else losses * weight))
        if zero > 0 and state.curve[-1] > zero:
            return (
                f"The objective of the last epoch, {state.curve[-1]:.4g}, is above {zero:.4g}, "
                "that of a model with all weights 0. Scale the features (StandardScaler, or "
                "MaxAbsScaler for sparse X), take shorter steps (learning_rate='invscaling' with "
                "a small eta0, or eta0='auto'), or set solver='auto'.")
    return None


def _slowed(job):
    """Whether few rows made all steps short: their s (|x|^2 + 1) is over 20 times the mean."""
    bound, settings, state = job.step_bound(), job.settings_of(0), job.states[0]
    if bound is None or job.parts(0) is not None:
        return None
    fields = settings.schedule | {"eta_max": np.inf}
    if settings.adaptive and state.eta0 is not None:
        fields |= {"eta0": state.eta0}
    if tables.etas(fields, state.t, 1)[0] <= settings.schedule["eta_max"]:
        return None
    weight = job.weight_of(0)
    if weight is None:
        largest, mean = job.rows.max_square() + 1, job.rows.mean_square() + 1
    else:
        largest, mean = job.weighted_squares(weight)
    if largest <= HEAVY * mean:
        return None
    heavy = "rows of large weight" if weight is not None else "rows of large norm"
    remedy = ("set average=True, which visits heavy rows in parts, make the weights smaller, or"
              if weight is not None and not state.average_from else
              "scale the features or leave out such rows, or")
    return (
        f"No step was longer than {bound:.3g}, because of a few {heavy}: weight times (squared "
        f"norm + 1) is {largest:.3g} for one row, and {mean:.3g} on average. Such a fit is slow "
        f"and may end early; {remedy} set solver='auto'.")


def _far(model, job):
    loss, penalty = job.settings.loss, job.settings.penalty
    if not loss.smooth or penalty.l1:
        return None
    weights, intercepts = np.atleast_2d(model.coef_), np.atleast_1d(model.intercept_)
    for k, state in enumerate(job.states):
        excess = proven_excess(
            job.X, job.rows, job.problem.target(k), job.weight_of(k),
            (weights[k], float(intercepts[k])), job.settings_of(k), state.epoch, state.seed)
        if excess:
            return (
                f"The fit has ended, but the objective is at least {100 * excess:.0f} % above its "
                "optimum. Scale the features, set a smaller tol with more epochs (max_iter), or "
                "set solver='auto'.")
    return None
