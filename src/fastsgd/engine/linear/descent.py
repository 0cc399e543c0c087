"""``solver="gd"``: steps against the gradient of all rows, or of a minibatch at a time.

With L1 a step is proximal: u = prox(x - eta g, eta) (Beck, Teboulle 2009, eq. 2.6).
"""

from fastsgd.engine.linear.accelerated import accelerate
from fastsgd.engine.linear.attempts import Attempts, prove
from fastsgd.engine.linear.line_search import backtrack, exact, first_step
from fastsgd.engine.linear.objective import dot
from fastsgd.engine.linear.smoothing import descend_smoothed

PATIENCE = 5
"""Proximal steps taken at the first trial before a longer one is tried: a trial costs half a
gradient."""


def descend(f, run):
    """Gradient descent of the kind that the settings name.

    Parameters
    ----------
    f : Objective
    run : Iterations
    """
    search = run.settings.search
    if run.minibatches is not None:
        minibatches(f, run)
    elif run.settings.accelerated:
        (accelerate if run.settings.loss.smooth else descend_smoothed)(f, run)
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
    f.evaluate(f.start(run.state))
    attempts, ended = _attempts(f, run), False
    best, met = (f.value, f.x), False
    while not ended:
        f.evaluate(_step(f, f.x, f.gradient, run.steps(run.state.t)))
        best = min(best, (f.value, f.x), key=lambda pair: pair[0])
        if f.peers.decide(f.value <= best[0] and attempts.near(f.value, f.gradient))[0]:
            met = attempts.try_now()
        ended = run.after(f.x, f.value, f.mean_loss, enough=met)
    if best[0] < f.value:  # the last steps went up
        f.evaluate(best[1])
        run.keep(best[1], steps=0)


def _attempts(f, run):
    units = f.units(run.proof, 0.0)
    return Attempts(f, run.proof, units, lambda most: prove(f, run.proof, units, most))


def minibatches(f, run):
    """An epoch of steps, each by the mean gradient of `batch_size` rows in the visiting order."""
    state, batches = run.state, run.minibatches
    x, ended = f.start(state), False
    while not ended:
        losses = 0.0
        for rows, n in batches.of_epoch(state.epoch):
            value, gradient = f.batch(x, rows, n)
            x = _step(f, x, gradient, run.steps(state.t))
            losses += value
            run.keep(x, steps=1)
        mean_loss = losses / max(1, batches.visits)
        ended = run.after(x, mean_loss + f.penalty(x), mean_loss, steps=0)


def line_search(f, run, search):
    """Steepest descent with a search along each gradient."""
    value, gradient = f.evaluate(f.start(run.state))
    attempts, eta, met = _attempts(f, run), None, False
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
        if f.peers.decide(attempts.near(value, gradient))[0]:
            met = attempts.try_now()
        if run.after(f.x, f.value, f.mean_loss, enough=met):
            return
    run.ended(met=run.proof.asked and attempts.try_now())  # no step goes down any more


def proximal_search(f, run, search):
    """Proximal steps, shortened until f falls by gamma of what the model at x promises.

    With d = u - x the promise is g.d + alpha (R(u) - R(x)) <= -|d|^2 / eta (Tseng, Yun 2009, with
    the proximal point searched anew at each trial, so that zeros are exact).
    """
    value, gradient = f.evaluate(f.start(run.state))
    f.point_to(-gradient)
    eta, taken = first_step(f.along, -dot(gradient, gradient), 1.0), 0
    attempts, met = _attempts(f, run), False
    while True:
        if taken >= PATIENCE:
            eta, taken = eta / search.delta, 0
        u = _shorter_until_enough(f, value, gradient, eta, search)
        if u is None:
            break
        taken, eta = taken + 1 if u[1] == eta else 0, u[1]
        value, gradient = f.move(1.0, to=u[0])
        if f.peers.decide(attempts.near(value))[0]:
            met = attempts.try_now()
        if run.after(f.x, f.value, f.mean_loss, enough=met):
            return
    run.ended(met=run.proof.asked and attempts.try_now())


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
