"""Conjugate gradients for a Newton step, and how well a step must be known."""

import numpy as np

from fastsgd.engine.linear.objective import dot

NEAR = 10.0
"""Where Newton's decrement is at most so many gaps that are enough, the step is found so well that
it can prove one."""

SHARE, SHARE_WITHOUT_DUAL = 0.1, 1e-8
"""Part of such a gap that the step's residual may add to it. Without a dual its effect on the
decrement is not known: the curvature in its direction may be far less than `units` say."""


MOST_PRODUCTS = 20
"""Products of a step: at most so many times the number of variables."""

FLAT = 1e-15
"""Curvature, as a part of the largest met, at which a direction counts as flat."""


class ConjugateGradients:
    """Solves H s = -gradient, step by step, with the variables in `units`.

    Nocedal, Wright 2006, algorithm 5.3, with M = units^-2. A direction without curvature ends it:
    what was found is a descent direction; the first is the steepest one, in these units.

    Parameters
    ----------
    product : callable
        ``product(v)``: H v.
    gradient : float64 ndarray of shape (n,)
    units : float64 ndarray of shape (n,), or float

    Attributes
    ----------
    s, residual : float64 ndarray of shape (n,)
        The step so far, and -gradient - H s.
    products : int
        So far.
    flat : bool
        Whether it has ended for want of curvature.
    """

    def __init__(self, product, gradient, units=1.0):
        self._product, self._metric = product, units * units
        self.s, self.residual = np.zeros_like(gradient), -gradient
        self.products, self.flat, self.decrement, self._steepest = 0, False, 0.0, 0.0
        self._p = self._metric * self.residual
        self._rz = dot(self.residual, self._p)

    @property
    def size(self):
        """The residual's length in these units."""
        return np.sqrt(max(self._rz, 0.0))

    def run(self, done, most):
        """Goes on until ``done(self)``; True, or False where `most` products were not enough."""
        while not done(self):
            if self.flat or self.products >= most:
                return False
            self._step()
        return True

    def _step(self):
        p = self._p
        q = self._product(p)
        self.products += 1
        curve, square = dot(p, q), dot(p / self._metric, p)
        if not curve > FLAT * self._steepest * square:
            if not np.any(self.s):
                self.s = p.copy()
            self.flat = True
            return
        self._steepest = max(self._steepest, curve / square)
        self.s += (self._rz / curve) * p
        self.decrement += 0.5 * self._rz * self._rz / curve
        self.residual -= (self._rz / curve) * q
        scaled = self._metric * self.residual
        rz, before = dot(self.residual, scaled), self._rz
        self._p, self._rz = scaled + (rz / before) * p, rz


def newton_step(f, units, proof, most):
    """A Newton step from the point of an objective, as good as is worth it there.

    Far from the optimum the residual falls by half or more (superlinear convergence; Nocedal,
    Wright 2006, eq. 7.3); near it to what a proof of the gap needs.

    Parameters
    ----------
    f : Objective
        Evaluated.
    units : float64 ndarray, like f.x
    proof : Proof
    most : int
        Products with the Hessian.

    Returns
    -------
    step : float64 ndarray, like f.x
    decrement : float
        By how much the second order model falls along it.
    whole : bool
        Whether the step is good enough for a proof.
    """
    cg = ConjugateGradients(f.product, f.gradient, units)

    def enough(cg):
        return proof.enough(f.value - cg.decrement) if proof.asked else 0.0

    share = SHARE if proof.problem is not None else SHARE_WITHOUT_DUAL

    def whole(cg):
        return f.excess(cg.residual, units, proof.zero) <= max(
            share * enough(cg), 1e-30 * abs(f.value))

    if f.quadratic:
        return _told(cg, cg.run(whole, most))
    first, scale = cg.size, np.sqrt(max(abs(f.value), np.finfo(float).tiny))
    forcing = min(0.5, np.sqrt(first / scale)) * first
    cg.run(lambda cg: cg.size <= forcing, most)
    near = proof.asked and cg.decrement <= NEAR * enough(cg)
    return _told(cg, cg.run(whole, most) if near else False)


def _told(cg, whole):
    return cg.s, cg.decrement, whole and not cg.flat
