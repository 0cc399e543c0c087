"""Progress of a linear model from epoch to epoch: the rule of `tol`, divergence, comparisons."""

import numpy as np

from fastsgd.engine.deadline import NEVER
from fastsgd.engine.peers import ALONE
from fastsgd.engine.run import Run
from fastsgd.errors import DivergenceError

SMALLEST_ETA = 1e-6
"""The adaptive schedule shortens no step below this, as in scikit-learn."""


def make_run(y, state, settings, *, score=None, on_epoch=None, deadline=NEVER, sample=None,
             peers=ALONE):
    """The `Run` of one linear model.

    Parameters
    ----------
    y, state, settings, score, on_epoch, deadline, sample :
        As `sgd.train` takes them.
    peers : Peers

    Returns
    -------
    Run
    """
    compare = None
    if deadline.limited and sample is not None:
        def compare():
            return comparison(y, settings, score, sample)

    return Run(
        state, settings.max_iter, on_epoch=on_epoch, peers=peers, compare=compare,
        score=None if score is None else lambda: score(state.weights, state.intercept),
        progress=lambda epoch, rate: has_stalled(state, epoch, settings, rate),
        check=lambda n_iter: check_finite(state, n_iter, settings))


def objective_of(state, losses, n_visits, settings):
    """(objective, mean loss) of an epoch that met these losses, with the penalty at its end."""
    mean_loss = objective = losses / max(1, n_visits)
    if not settings.passive:
        objective += settings.penalty.value(state.weights)
    return objective, mean_loss


def comparison(y, settings, score, sample):
    """``measure(weights, intercept)`` of two models that are to be compared, less is better."""
    if score is not None:
        return lambda weights, intercept: -score(weights, intercept)
    y = np.ascontiguousarray(y[sample.rows])
    return lambda weights, intercept: sample.objective(weights, intercept, y, settings)


def check_finite(state, n_iter, settings):
    """Raises DivergenceError where a weight or the intercept is not finite."""
    total = state.intercept + float(state.weights.sum(dtype=np.float64))
    if np.isfinite(total) or (np.isfinite(state.weights).all() and np.isfinite(state.intercept)):
        return
    raise DivergenceError(
        f"Floating-point under-/overflow occurred at epoch #{n_iter}. Scaling input data with "
        "StandardScaler or MinMaxScaler might help; so does a smaller step "
        f"(eta0={settings.schedule['eta0']:g} was used) or a larger alpha."
    )


def has_stalled(state, epoch, settings, rate):
    """Counts epochs without progress as scikit-learn does; True ends the training.

    With the adaptive schedule it makes the step of `rate` shorter instead, as long as it is not
    very short.
    """
    cost = epoch.objective if epoch.score is None else -epoch.score
    if settings.tol is not None and cost > state.best - settings.tol:
        state.stale += 1
    else:
        state.stale = 0
    state.best = min(state.best, cost)
    if state.stale < settings.n_iter_no_change:
        return False
    if settings.adaptive and rate.eta0 > SMALLEST_ETA:
        rate.set_eta0(rate.eta0 / 5)
        state.eta0 = rate.eta0
        state.stale = 0
        return False
    return True
