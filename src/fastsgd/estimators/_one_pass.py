"""All classes in one pass (``sync="classes"``): what it cannot do, and the training by it."""

from dataclasses import replace

import numpy as np
from sklearn.base import is_classifier

from fastsgd.engine.classes import train_classes
from fastsgd.kernels import tables
from fastsgd.schedules import has_flag


def obstacle(estimator):
    """Why this estimator cannot learn all classes in one pass: a text, or None."""
    if not is_classifier(estimator):
        return "a regressor has no classes"
    if estimator.penalty not in ("l2", None):
        return f"penalty={estimator.penalty!r} is not available with it, only 'l2' and None"
    if estimator.average:
        return f"average={estimator.average!r} is not available with it"
    if has_flag(estimator.learning_rate, tables.ADAPTIVE):
        return "learning_rate='adaptive' has a step of its own for each class"
    return None


def models_of_a_pass(estimator, n_models):
    """How many of `n_models` models may be trained in one pass: all or, of one, none.

    Raises
    ------
    ValueError
        sync='classes' was asked for, and an option does not go with it.
    """
    reason = obstacle(estimator)
    if reason is not None and estimator.sync == "classes":
        raise ValueError(f"sync='classes' learns all classes in one pass: {reason}; "
                         "use sync='auto' or 'serial'")
    return n_models if reason is None and n_models > 1 else 0


def train_in_one_pass(X, rows, targets, sample_weight, models, todo, settings, *, class_weights,
                      validation, epochs_left, report):
    """Trains the models numbered `todo`; those that stand at different steps in turn.

    Parameters
    ----------
    rows : Rows
        Of X.
    targets : OneAgainstRest or Indicator
    models : LinearModels
    todo : list of int
    class_weights : list of (negative, positive)
    validation : (train_rows, validation_rows) or None
    epochs_left : callable
        ``epochs_left(state)``.
    report : EpochReport

    Returns
    -------
    int
        Threads that were used.
    """
    used = 1
    states, groups, subset, score = models.states, {}, None, None
    if validation is not None:
        subset, held_out = validation
        score = _validation_scores(X, targets, sample_weight, held_out, len(states))
    for k in todo:
        groups.setdefault((states[k].t, states[k].epoch), []).append(k)
    for classes in groups.values():
        report.begin_model(None)
        threads = train_classes(
            rows, targets.members(), sample_weight, models.weights, states, classes,
            replace(settings, max_iter=epochs_left(states[classes[0]])), states[0].seed,
            class_weights=np.array(class_weights, dtype=np.float64).T, subset=subset, score=score,
            on_epoch=report.epoch if report.listens else None)
        used = max(used, threads)
        report.end_model()
    return used


def _validation_scores(X, targets, sample_weight, held_out, n_models):
    """``score(weights, intercepts)``: the accuracy of each class's model on the rows held out."""
    X = X[held_out]
    positive = np.column_stack([targets(k)[held_out] > 0 for k in range(n_models)])
    weight = None if sample_weight is None else sample_weight[held_out]

    def score(weights, intercepts):
        right = (X @ weights + intercepts > 0) == positive
        return np.average(right, axis=0, weights=weight)

    return score
