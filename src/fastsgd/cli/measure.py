"""How good a model is on rows."""

from fastsgd.cli.kinds import kind_of
from fastsgd.cli.workers import ALONE


def measure(model, X, y, together=ALONE):
    """rows, error (or rmse and r2), mean_loss and objective of a fitted model, as a dict.

    The objective is f(w, b) = mean_loss + alpha * R(w), in float64 (of a multilayer perceptron
    see `measure_mlp`). What is told of mistakes is told by `Mistakes`. A row with a label that the
    model lacks is an error and counts in no loss. Processes of a job which each have rows of their
    own tell of all of them.

    `y` is as `settled` or `measurable` gives it.
    """
    return kind_of(model).measure(model, X, y, together)
