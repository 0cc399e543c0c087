"""Solver "sdca": dual coordinate ascent until the duality gap is small enough, and proven so.

One epoch visits the rows that are awake (include/ascent.h); what it adds up on the way is an
estimate of the gap. Where that is small enough, the model is certified: the dual variables are
balanced, v is summed anew over the rows, and f and D are computed by two passes over the data.
A training that ends before its tolerance takes the best model that it knows (best_point.py), and
says how many epochs were still needed (forecast.py).
"""

import time
from typing import NamedTuple

import numpy as np

from fastsgd.engine.deadline import NEVER
from fastsgd.engine.linear.ascent import DualAscent
from fastsgd.engine.linear.best_point import BestPoint
from fastsgd.engine.linear.cocoa import SharedAscent
from fastsgd.engine.linear.forecast import Outlook
from fastsgd.engine.linear.progress import check_finite, make_run
from fastsgd.engine.peers import ALONE
from fastsgd.engine.team import Team

PATIENCE = 1.2
"""After a certificate that was not good enough, epochs until the next one: times 1.2."""


class Ascended(NamedTuple):
    """How a training ended, as `run.Ended`, and what is known of the model.

    Attributes
    ----------
    n_iter, stopped_by, steps, forecast :
        As of `run.Ended`; steps are rows visited.
    objective, dual_gap : float
        f(w, b) of the model in `state`, and what it is above f* at most.
    dual : float64 ndarray of shape (n_rows,)
        beta: minus a slope of each row's loss. sum s beta = 0 if there is a bias.
    dual_coef : float64 ndarray of shape (n_rows,)
        s beta / (alpha n): with l2 alone, w = sum dual_coef x.
    support : int ndarray
        Rows whose beta is not 0.
    gaps : list of float
        Of each epoch, as estimated on the way, or certified where it was.
    best_dual : float64 ndarray of shape (n_rows,)
        The dual variables of the best lower bound, objective - dual_gap.
    """

    n_iter: int
    stopped_by: str
    steps: int
    forecast: float | None
    objective: float
    dual_gap: float
    dual: np.ndarray
    dual_coef: np.ndarray
    support: np.ndarray
    gaps: list
    best_dual: np.ndarray


def train_sdca(rows, y, sample_weight, state, settings, seed, *, subset=None, score=None,
               on_epoch=None, deadline=NEVER, sample=None, peers=ALONE,
               give_up=None):
    """Trains one linear model by dual coordinate ascent.

    Parameters
    ----------
    rows : Rows
    y : float64 ndarray of shape (n_rows,)
        -1 and +1 for classifiers.
    sample_weight : float64 ndarray of shape (n_rows,) or None
    state : LinearState
        INOUT: weights, intercept, curve, dual_coef, gap; `epoch` and `t` go on. Begins at the
        dual variables that it kept (what lies outside the domain is moved to its edge), else at
        those which its weights make likely.
    settings : Settings
        Of sgd.py. `tol` bounds the gap: gap <= tol * objective ends the training, and so does
        1e-12 of the objective without weights, below which there is only rounding. `sync`
        is "serial", "merge" (replicas, the same bits for the same `n_threads`) or "hogwild"
        (PASSCoDe: one shared vector, sparse rows only).
    seed : int
    subset : int64 ndarray or None
        The rows to learn from.
    score : callable or None
        ``score(weights, intercept)``, told to `on_epoch`.
    on_epoch : callable or None
        Called with an Epoch; a true result ends the training. The objective it tells is an
        estimate, f <= D(beta) + gap, the weights are those of the epoch's end.
    deadline : Deadline
        The certificate, which takes about as long as an epoch, is made before it passes.
    sample : Sample or None
        As `sgd.train` takes it; not used: of two epochs the later one has the better dual.
    peers : Peers
        Those who run this too, with the same arguments; `score` and `on_epoch` are rank 0's.
    give_up : callable or None
        ``give_up(passes_needed, passes_done)``, asked after 10 passes over the rows and each time
        they have doubled: a true answer, rank 0's, ends the training by "forecast". What is
        needed is a forecast, infinite where the gap does not fall, nan where nothing is known.
        None never gives up.

    Returns
    -------
    Ascended
        The model in `state` is never above the objective of the zero model.

    Raises
    ------
    ValueError
        A loss or penalty that sdca cannot take.
    """
    solver = (DualAscent if peers.alone else SharedAscent)(
        rows, y, sample_weight, state, settings, subset, peers)
    run = make_run(y, state, settings, score=score, on_epoch=on_epoch, peers=peers)
    gaps, next_try, slowest, outlook = [], 1, 0.0, Outlook(solver.n_visits)
    try:
        with Team(solver.n_threads if solver.n_threads > 1 else 0,
                          on_interrupt=solver.stop, deadline=deadline) as team:
            solver.begin(team, state)
            best, certified = BestPoint(solver, settings.tol), None
            while run.stopped_by is None:
                begun = time.perf_counter()
                visits, whole = solver.epoch(seed, state.epoch)
                run.steps, state.t = run.steps + visits, state.t + visits
                certified = None
                if not whole:
                    run.cut_short()
                    break
                solver.show(state)
                (objective, mean_loss), n_iter = solver.estimate(), run.n_iter + 1
                best.keep(objective)
                enough = best.is_enough(objective, solver.gap)
                if enough and n_iter >= next_try:
                    certified = best.certify(state)
                    objective, next_try = certified[0], int(PATIENCE * n_iter) + 1
                    enough = best.is_enough(*certified)
                slowest = max(slowest, time.perf_counter() - begun)
                gaps.append(certified[1] if certified else solver.gap)
                outlook.note(run.steps, gaps[-1], objective)
                run.after(objective, mean_loss, lambda: (
                    team.expired() or deadline.left < 1.5 * slowest),  # noqa: B023
                    judged=False, enough=bool(certified) and enough)
                if give_up is not None and run.stopped_by is None and outlook.is_time():
                    passes = outlook.passes(best.target(objective) / abs(objective))
                    if peers.agree(lambda: float(give_up(*passes))):  # noqa: B023
                        run.hopeless()
            objective, gap = certified or best.certify(state)
            if run.stopped_by != "tol" or not objective <= best.zero:
                objective, gap = best.settle(state, (objective, gap))
            if whole:  # no estimate, where it was one
                state.curve[-1], gaps[-1] = objective, gap
    except BaseException:  # of Ctrl-C or of a thread: all threads have ended here
        solver.stop()
        solver.settle(state)
        raise
    state.dual_coef, state.gap = solver.problem.c * solver.beta, gap
    check_finite(state, run.n_iter, settings)
    ended, needed = run.end(), None
    if best.is_enough(objective, gap):
        ended = ended.proven()
    elif settings.tol is not None:
        needed = outlook.epochs(best.target(objective) / abs(objective), gap / abs(objective))
        needed = None if np.isnan(needed) else needed
    return Ascended(*ended[:3], needed, objective, gap, solver.beta.copy(), state.dual_coef,
                    np.flatnonzero(solver.beta), gaps, best.dual)
