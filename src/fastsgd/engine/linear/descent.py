"""``solver="gd"``: steps against the gradient of all rows, or of a minibatch at a time."""

from fastsgd.engine.linear.accelerated import accelerate
from fastsgd.engine.linear.scheduled import by_schedule, minibatches
from fastsgd.engine.linear.smoothing import descend_smoothed
from fastsgd.engine.linear.steepest import steepest


def descend(f, run):
    """Gradient descent of the kind that the settings name.

    Parameters
    ----------
    f : Objective
    run : Iterations
    """
    settings = run.settings
    search = settings.search
    if run.minibatches is not None:
        minibatches(f, run)
    elif settings.accelerated and not settings.loss.smooth:
        descend_smoothed(f, run)
    elif search is not None and search.exact:
        steepest(f, run)
    elif settings.accelerated or search is not None:
        accelerate(f, run)
    else:
        by_schedule(f, run)
