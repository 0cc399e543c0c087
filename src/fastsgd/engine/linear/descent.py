"""``solver="gd"``: steps against the gradient of all rows, or of a minibatch at a time.

With L1 a step is proximal: u = prox(x - eta g, eta) (Beck, Teboulle 2009, eq. 2.6).
"""

import numpy as np

from fastsgd.engine.linear.line_search import backtrack, exact, first_step
from fastsgd.engine.linear.objective import dot
from fastsgd.engine.linear.visiting import block_rows, visiting_order
from fastsgd.engine.peers import grown
from fastsgd.kernels import order, tables
from fastsgd.schedules import of_one_worker

PATIENCE = 5
"""Proximal steps taken at the first trial before a longer one is tried: a trial costs half a
gradient."""


class Steps:
    """The schedule's steps, by number from 1; with "adaptive" they get shorter as in SGD.

    Where a step stands for those of `workers`, it is longer by `peers.grown`, after `warm_up`
    steps by their number.
    """

    def __init__(self, settings, state, workers=1, warm_up=0.0):
        self._fields, self._workers, self._warm_up = dict(settings.schedule), workers, warm_up
        if settings.adaptive and state.eta0 is not None:
            self._fields["eta0"] = state.eta0

    @property
    def eta0(self):
        return self._fields["eta0"]

    def set_eta0(self, eta0):
        self._fields["eta0"] = eta0

    def __call__(self, t):
        fields = self._fields
        if self._workers > 1:
            fields = of_one_worker(
                fields, self._workers, grown(self._workers, t, self._warm_up))
        return float(tables.etas(fields, float(t), 1)[0])


def descend(f, run):
    """Gradient descent of the kind that the settings name.

    Parameters
    ----------
    f : Objective
    run : Iterations
    """
    search = run.settings.search
    if run.settings.batch_size is not None:
        minibatches(f, run)
    elif search is None:
        by_schedule(f, run)
    elif f.proximal:
        proximal_search(f, run, search)
    else:
        line_search(f, run, search)


def _step(f, x, gradient, eta):
    u = x - eta * gradient
    return f.prox(u, eta) if f.proximal else u


def by_schedule(f, run):
    """Every step of the length that the schedule has for its number."""
    state, steps = run.state, run.use_steps(Steps(run.settings, run.state))
    f.evaluate(f.start(state))
    ended = False
    while not ended:
        f.evaluate(_step(f, f.x, f.gradient, steps(state.t)))
        ended = run.after(f.x, f.value, f.mean_loss)


def minibatches(f, run):
    """An epoch of steps, each by the mean gradient of `batch_size` rows in the visiting order."""
    state, settings, n = run.state, run.settings, run.rows.shape[0]
    visits = sum(run.counts)
    n_steps = -(-visits // settings.batch_size)
    steps = run.use_steps(Steps(settings, state, run.workers, settings.warm_up * n_steps))
    x, ended = f.start(state), False
    size = block_rows(run.rows, settings.shuffle)
    while not ended:
        row = _rows_in_order(settings.shuffle, run.seed, state.epoch, n, size, run.subset)
        losses = 0.0
        for k in range(n_steps):
            value, gradient = f.batch(x, *_minibatch(row, k, n_steps, settings, run.counts))
            x = _step(f, x, gradient, steps(state.t))
            losses += value
            run.keep(x, steps=1)
        mean_loss = losses / max(1, visits)
        ended = run.after(x, mean_loss + f.penalty(x), mean_loss, steps=0)


def _minibatch(row, k, n_steps, settings, counts):
    """Rows of step k, and how many they are over all ranks.

    Where ranks have rows of their own, each cuts its own in as many parts as there are steps: a
    rank of few rows adds nothing to some steps, and is there in all of them.
    """
    if len(counts) == 1:
        mine = row[k * settings.batch_size:(k + 1) * settings.batch_size]
        return mine, len(mine)
    cuts = [(n * k // n_steps, n * (k + 1) // n_steps) for n in counts]
    begin, end = len(row) * k // n_steps, len(row) * (k + 1) // n_steps
    return row[begin:end], sum(end - begin for begin, end in cuts)


def _rows_in_order(shuffle, seed, epoch, n, size, subset):
    blocks, row = visiting_order(shuffle, seed, epoch, n, size, subset)
    if row is not None:
        return row
    return order.expand(blocks, size, n) if blocks is not None else np.arange(n)


def line_search(f, run, search):
    """Steepest descent with a search along each gradient."""
    value, gradient = f.evaluate(f.start(run.state))
    eta = None
    while True:
        slope = -dot(gradient, gradient)
        if not slope < 0:
            break
        f.point_to(-gradient)
        if eta is None or search.exact:
            eta = first_step(f.along, slope, 1.0)
        else:  # at most one longer than the last
            eta /= search.delta
        eta = (exact(f.along, slope, eta) if search.exact else
               backtrack(f.along, value, slope, eta, search.gamma, search.delta))
        if not eta or not f.along(eta)[0] < value:
            break
        value, gradient = f.move(eta)
        if run.after(f.x, f.value, f.mean_loss):
            return
    run.converged()  # no step goes down any more


def proximal_search(f, run, search):
    """Proximal steps, shortened until f falls by gamma of what the model at x promises.

    With d = u - x the promise is g.d + alpha (R(u) - R(x)) <= -|d|^2 / eta (Tseng, Yun 2009, with
    the proximal point searched anew at each trial, so that zeros are exact).
    """
    value, gradient = f.evaluate(f.start(run.state))
    f.point_to(-gradient)
    eta, taken = first_step(f.along, -dot(gradient, gradient), 1.0), 0
    while True:
        if taken >= PATIENCE:
            eta, taken = eta / search.delta, 0
        u = _shorter_until_enough(f, value, gradient, eta, search)
        if u is None:
            break
        taken, eta = taken + 1 if u[1] == eta else 0, u[1]
        value, gradient = f.move(1.0, to=u[0])
        if run.after(f.x, f.value, f.mean_loss):
            return
    run.converged()


def _shorter_until_enough(f, value, gradient, eta, search):
    """(u, eta) of the first trial that is good enough; None where none goes down."""
    for _ in range(60):
        u = f.prox(f.x - eta * gradient, eta)
        direction, rest = u - f.x, f.penalty(u)
        promise = dot(gradient, direction) + rest - f.penalty(f.x)
        if not promise < 0:
            return None
        f.point_to(direction)
        now = f.along(1.0)[0] + rest
        if now <= value + search.gamma * promise and now < value:
            return u, eta
        eta *= search.delta
    return None
