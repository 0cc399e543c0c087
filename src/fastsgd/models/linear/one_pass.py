"""The training of all classes in one pass (``sync="classes"``)."""

from functools import partial

import numpy as np

from fastsgd.engine.linear.classes import train_classes
from fastsgd.engine.linear.progress import comparison
from fastsgd.engine.products import products


def train_in_one_pass(job, todo, report):
    """Trains the models numbered `todo`; those that stand at different steps in turn.

    Parameters
    ----------
    job : Job
        Its problem is one of classes.
    todo : list of int
    report : EpochReport

    Returns
    -------
    dict of Ended
        By number.
    """
    states, groups, ended = job.states, {}, {}
    for k in todo:
        eta_max = job.settings_of(k).schedule["eta_max"]
        groups.setdefault((states[k].t, states[k].epoch, states[k].eta0, eta_max), []).append(k)
    for begun, classes in enumerate(groups.values()):
        report.begin_model(None)
        run = partial(
            train_classes, job.rows, job.problem.members(), job.sample_weight,
            job.models.weights, states, classes, seed=states[0].seed,
            class_weights=np.array(job.class_weights, dtype=np.float64).T, subset=job.subset,
            score=_score_of_all(job), on_epoch=report.epoch if report.listens else None,
            deadline=job.deadline_of(len(groups) - begun), measure=partial(_measure, job))
        told, threads = job.train([states[k] for k in classes], run, job.settings_of(classes[0]))
        ended.update(zip(classes, told, strict=True))
        job.threads = max(job.threads, threads)
        report.end_model()
    return ended


def _score_of_all(job):
    """``score(weights, intercepts)``: each class's accuracy on the rows held out; or None."""
    if job.validation is None:
        return None
    rows, weight = job.held_out
    held_out = job.validation[1]
    positive = np.column_stack(
        [job.problem.target(k)[held_out] > 0 for k in range(job.problem.n_models)])

    def score(weights, intercepts):
        right = (products(rows, weights) + intercepts > 0) == positive
        return np.average(right, axis=0, weights=weight)

    return score


def _measure(job, k):
    """How two models of class k are compared."""
    y = job.problem.target(k)
    return comparison(y, job.settings_of(k), job.score_of(y), job.compared)
