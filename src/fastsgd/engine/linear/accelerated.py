"""Accelerated proximal gradient steps, with restarts: what ``solver="gd"`` does by itself.

Nesterov 1983; Beck, Teboulle: A fast iterative shrinkage-thresholding algorithm, 2009 (FISTA).
The step is found by backtracking and may grow again (Scheinberg, Goldfarb, Bai 2014); where f
would rise the momentum is given up (O'Donoghue, Candes 2015), so that it never does. The variables
are in units in which the scales of X and y do not count: one for all weights, so that proximal
steps keep their zeros exact, and one for the bias.
"""

import numpy as np

from fastsgd.engine.linear.attempts import attempts_of
from fastsgd.engine.linear.line_search import first_step
from fastsgd.engine.linear.objective import dot

SHRINK, GROW = 0.5, 1.1
"""Factors of a step that went too far, and of the next one after a step that did not."""

SHARE = 0.5
"""Part of the promised fall that a step must reach: with less, momentum has no bound."""

MOST_TRIALS = 60

ROUNDING = 1e-14
"""Part of f by which a step may seem to rise."""


def with_faster_bias(f, units):
    """`units` in which the bias moves as much as the direction of the weights' gradient allows.

    A bias slower than that is what a method ends up waiting for: features that add up to a
    constant can stand for it, so that only l2 tells them apart (a9a, log loss: 0.02 % above f*
    after 1,000 iterations without this).

    Parameters
    ----------
    f : Objective
        Evaluated.
    units : float64 ndarray, like f.x
    """
    if not f.learns_intercept:
        return units
    direction = -f.gradient
    direction[-1] = 0.0
    size = dot(direction, direction)
    if not size > 0:
        return units
    f.point_to(direction)
    weights = units[0] * np.sqrt(max(0.0, f.along(0.0)[2] / size))  # root of their curvature
    direction = np.zeros_like(units)
    direction[-1] = 1.0
    f.point_to(direction)
    curve = f.along(0.0)[2]
    faster = units.copy()
    if curve > 0:
        faster[-1] = max(units[-1], weights / np.sqrt(curve))
    return faster


class AcceleratedSteps:
    """The points of the method, one a call of `step`.

    Parameters
    ----------
    f : Objective
        Evaluated. Its gradient is that of the smooth part; `prox` sees to the rest.
    units : float64 ndarray, like f.x
        One number for all weights.
    search : Backtracking or None
        Its `gamma`, where it is more than a half, is the part of the promised fall that a step
        must reach, and its `delta` the factor of a step that does not.

    Attributes
    ----------
    x : float64 ndarray
        The best point so far: the last one.
    value : float
        f there, with the penalty.
    """

    def __init__(self, f, units, search=None):
        self._f, self._metric = f, units * units
        self._shrink = SHRINK if search is None else search.delta
        self._share = SHARE if search is None else max(SHARE, search.gamma)
        self.x, self.value = f.x, f.value
        self._y, self._t, self._eta, self._accepted = f.x, 1.0, None, None

    def step(self):
        """Goes on to a point that is better; false where none is found."""
        moved = self._step_from(self._y)
        if moved is None or not moved[1] < self.value:
            if self._y is self.x:
                return False
            self.restart()
            moved = self._step_from(self._y)
            if moved is None or not moved[1] < self.value:
                return False
        before, (self.x, self.value, eta) = self.x, moved
        ratio = 1.0 if self._accepted is None else self._accepted / eta
        t = 0.5 * (1 + np.sqrt(1 + 4 * ratio * self._t ** 2))
        self._y = self.x + (self._t - 1) / t * (self.x - before)
        self._t, self._accepted, self._eta = t, eta, GROW * eta
        return True

    def restart(self, value=None):
        """Gives up the momentum; `value` is f at x, where f itself has changed."""
        self._y, self._t = self.x, 1.0
        if value is not None:
            self.value = value

    def _step_from(self, y):
        """(point, f there, step) of a proximal step from y that is short enough, or None."""
        f = self._f
        f.evaluate(y)
        smooth, gradient = f.smooth_value, f.gradient
        eta = self._eta or self._first(gradient)
        for _ in range(MOST_TRIALS if eta else 0):
            u = y - eta * self._metric * gradient
            if f.proximal:
                u = f.prox(u, eta * self._metric[0])
            d = u - y
            size = dot(d, d / self._metric)
            if not size > 0:
                return None
            f.point_to(d)
            now = f.along(1.0)[0]
            most = smooth + dot(gradient, d) + (1 - self._share) * size / eta
            if now <= most + ROUNDING * abs(smooth):
                return u, now + (f.penalty(u) if f.proximal else 0.0), eta
            eta *= self._shrink
        return None

    def _first(self, gradient):
        """The step to the minimum of the second-order model along the gradient; 0: at it."""
        slope = -dot(gradient, self._metric * gradient)
        if not slope < 0:
            return 1.0 if self._f.proximal else 0.0
        self._f.point_to(-self._metric * gradient)
        return first_step(self._f.along, slope, 1.0)


def accelerate(f, run):
    """Minimises f until its gap is proven to be small enough, or no step is better.

    Parameters
    ----------
    f : Objective
        Of a smooth loss.
    run : Iterations
    """
    proof = run.proof
    f.evaluate(f.start(run.state))
    attempts = attempts_of(f, proof)
    if proof.met_by_slopes(f, attempts.units):
        return run.ended(met=True)
    units = with_faster_bias(f, attempts.units)
    steps, met = AcceleratedSteps(f, units, run.settings.search), False
    while steps.step():
        if f.peers.decide(attempts.near(steps.value))[0]:
            f.evaluate(steps.x)
            met = attempts.try_now()
        if run.after(steps.x, steps.value, steps.value - f.penalty(steps.x), enough=met):
            break
    f.evaluate(steps.x)
    return run.ended(met=met or (not run.stopped and proof.asked and attempts.try_now()))
