"""The training of linear models by workers, one model after the other."""

from functools import partial
from types import SimpleNamespace

import numpy as np

from fastsgd.engine.linear.rank_task import pack_settings
from fastsgd.engine.linear.state import LinearState
from fastsgd.engine.rank import pack_rows
from fastsgd.engine.run import Epoch
from fastsgd.models.pools import PoolTraining


def train_by_workers(job, todo, report):
    """Trains the models numbered `todo`, one after the other, each by all workers.

    Parameters
    ----------
    job : Job
        Its plan's `workers` are not None.
    todo : list of int
    report : EpochReport

    Returns
    -------
    dict of Ended
        By number.
    """
    if not todo:  # all have ended in a training before
        return {}
    job.threads = job.settings.n_threads
    job.rows.check()  # here, before work starts: workers take the rows as they are
    training = PoolTraining(job.estimator, "fastsgd.engine.linear.rank_task:train_linear", report,
                            own=job.plan.own_rows, stats=job.communication)

    def train_all(shelf):
        ended, states, data = {}, job.states, _pack(job, shelf)
        for k in todo:
            job.models.detach(k)
            report.begin_model(k)
            run = partial(_run, job, training, data, k)
            ended[k] = job.train([states[k]], run, job.settings_of(k), states[k + 1:])
            report.end_model()
        return ended

    return training.open(job.plan.workers, train_all)


def _pack(job, shelf):
    weight, subset = shelf.place(job.sample_weight, job.subset)
    return {**pack_rows(job.X, shelf), "sample_weight": weight, "subset": subset,
            "alike": job.rows.alike, "compared_rows": job.compared_rows}


def _run(job, training, data, k, settings):
    """Trains model k, whose state follows rank 0's where it tells of it."""
    state, y = job.states[k], np.ascontiguousarray(job.problem.target(k), np.float64)
    duals = np.empty(len(y)) if job.plan.own_rows and settings.solver == "sdca" else None
    with training.make_shelf() as shelf:
        ended = training.run({
            "data": {**data, "y": shelf.place(y)[0]}, "model": vars(state),
            "settings": pack_settings(settings), "within": job.plan.stop.within,
            "scored": None if job.validation is None else {
                "rows": job.validation[1], "by": job.score_name},
            "dual_coef": duals}, job.deadline_of(len(job.states) - k), epoch_of=_epoch,
            follow=lambda told, last: state.become(LinearState(**told)))
    if duals is not None:  # of this process's rows; those of the others stay with them
        state.dual_coef = duals
    return ended


def _epoch(told):
    """An `Epoch` of what rank 0 tells: its state has no weights."""
    state = SimpleNamespace(
        **{name: told[name] for name in ("t", "epoch", "intercept", "norm", "nonzeros")})
    return Epoch(told["number"], told["objective"], told["mean_loss"], state, told["seconds"],
                 told["score"])
