"""Progress of a network from epoch to epoch: the rule of `tol`, scores, divergence."""

import numpy as np

from fastsgd.errors import DivergenceError

SMALLEST_ETA = 1e-6
"""Below this the adaptive schedule ends the training, as in scikit-learn."""


def note_score(state, epoch, parameters):
    """Keeps an epoch's score, and a copy of the weights if it is the best so far."""
    if epoch.score is None:
        return
    state.scores.append(epoch.score)
    if epoch.score > state.best_score:
        state.best = parameters.copy()


def has_stalled(state, epoch, settings):
    """Counts epochs without progress as scikit-learn does; True ends the training.

    With the adaptive schedule it makes the step shorter instead, as long as it is not very short.
    """
    if epoch.score is None:
        worse = epoch.objective > state.best_loss - settings.tol
        state.best_loss = min(state.best_loss, epoch.objective)
    else:
        worse = epoch.score < state.best_score + settings.tol
        if epoch.score > state.best_score:
            state.best_score = epoch.score
    state.stale = state.stale + 1 if worse else 0
    if state.stale <= settings.n_iter_no_change:
        return False
    if has_ended(state, settings):
        return True
    state.eta0, state.stale = _eta(state, settings) / 5, 0
    return False


def has_ended(state, settings):
    """Whether `tol` has ended a training."""
    return state.stale > settings.n_iter_no_change and not (
        settings.adaptive and _eta(state, settings) > SMALLEST_ETA)


def _eta(state, settings):
    return settings.schedule["eta0"] if state.eta0 is None else state.eta0


def check_finite(loss, parameters, n_iter, settings):
    """Raises DivergenceError where the loss or a weight is not finite."""
    if settings.guards and np.isfinite(loss) and np.isfinite(parameters.rest).all():
        return  # nor has anything else been written to the first matrix, which may be large
    with np.errstate(over="ignore"):
        total = parameters.square() + float(parameters.vectors.sum())  # may overflow by itself
    if np.isfinite(loss) and (np.isfinite(total) or parameters.are_finite()):
        return
    raise DivergenceError(
        "Solver produced non-finite parameter weights. The input data may contain large values "
        f"and need to be preprocessed. (After {n_iter} epochs, with a loss of {loss:g}; a smaller "
        f"learning_rate_init helps too, {settings.schedule['eta0']:g} was used.)")
