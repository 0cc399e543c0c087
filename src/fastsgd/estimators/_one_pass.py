"""All classes in one pass (``sync="classes"``): what it cannot do, and the training by it."""

from functools import partial

import numpy as np
from sklearn.base import is_classifier

from fastsgd.engine.classes import train_classes
from fastsgd.engine.loop import comparison
from fastsgd.kernels import tables
from fastsgd.schedules import has_flag
from fastsgd.solvers import Gap


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
    if isinstance(estimator.tol, Gap):
        return f"tol={estimator.tol!r} is proven class by class"
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


def train_in_one_pass(job, todo, report):
    """Trains the models numbered `todo`; those that stand at different steps in turn.

    Parameters
    ----------
    job : Job
        Its targets are of _targets.py.
    todo : list of int
    report : EpochReport

    Returns
    -------
    dict of Ended
        By number.
    """
    states, groups, ended = job.states, {}, {}
    for k in todo:
        groups.setdefault((states[k].t, states[k].epoch, states[k].eta0), []).append(k)
    for begun, classes in enumerate(groups.values()):
        report.begin_model(None)
        run = partial(
            train_classes, job.rows, job.targets.members(), job.sample_weight,
            job.models.weights, states, classes, seed=states[0].seed,
            class_weights=np.array(job.class_weights, dtype=np.float64).T, subset=job.subset,
            score=_score_of_all(job), on_epoch=report.epoch if report.listens else None,
            deadline=job.deadline.share(len(groups) - begun), measure=partial(_measure, job))
        told, threads = job.train([states[k] for k in classes], run, job.settings_of(classes[0]))
        ended.update(zip(classes, told, strict=True))
        job.threads = max(job.threads, threads)
        report.end_model()
    return ended


def _score_of_all(job):
    """``score(weights, intercepts)``: each class's accuracy on the rows held out; or None."""
    if job.validation is None:
        return None
    X, weight = job.held_out
    rows = job.validation[1]
    positive = np.column_stack([job.targets(k)[rows] > 0 for k in range(len(job.states))])

    def score(weights, intercepts):
        right = (X @ weights + intercepts > 0) == positive
        return np.average(right, axis=0, weights=weight)

    return score


def _measure(job, k):
    """How two models of class k are compared."""
    y = job.targets(k)
    return comparison(y, job.settings_of(k), job.score_of(y), job.compared)
