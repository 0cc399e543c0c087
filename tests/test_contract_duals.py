"""Every row of the table of duals: conjugate, step and bound, against brute force."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from test_contract_losses import constants, kinks, targets

from fastsgd.duals import DUALS, dual_of
from fastsgd.losses import LOSSES

every_dual = pytest.mark.parametrize("name", DUALS)


def cases(name):
    """(dual, y, p) for every kind of target and constant."""
    dual = DUALS[name]
    return [(dual, y, p) for y in targets(dual.loss) for p in constants(dual.loss)]


def domain(dual, y, p, most=6.0):
    """Ends of the dual variable's domain, cut to `most`."""
    bound = min(dual.bound(p), most)
    return (0.0, bound) if y > 0 and dual.loss.is_classifier else (
        (-bound, 0.0) if dual.loss.is_classifier else (-bound, bound))


def one(function, *numbers):
    """A function of arrays for single numbers; the last one is the constant."""
    return float(function(*(np.array([float(x)]) for x in numbers[:-1]), numbers[-1])[0])


def best_on(function, low, high):
    """The largest value of a concave function on [low, high], and where it is."""
    if high <= low:
        return function(low), low
    found = minimize_scalar(lambda u: -function(u), bounds=(low, high), method="bounded",
                            options={"xatol": 1e-11})
    return max((function(u), u) for u in (low, high, found.x))


@every_dual
def test_conjugate_is_largest_difference(name):
    """conjugate(beta) = max over z of -beta z - loss(z), and infinite outside the domain."""
    for dual, y, p in cases(name):
        low, high = domain(dual, y, p)
        for beta in np.unique(np.concatenate([np.linspace(low, high, 9), [low, high]])):
            def linear(z, dual=dual, beta=beta, y=y, p=p):
                return -beta * z - one(dual.loss.value, z, y, p)
            tried = np.concatenate([kinks(name, y, p), np.linspace(-40, 40, 81)])
            best = max([best_on(linear, a, a + 10)[0] for a in range(-40, 40, 10)]
                       + [linear(z) for z in tried])
            assert one(dual.conjugate, beta, y, p) == pytest.approx(best, rel=1e-7, abs=1e-7)
        if np.isfinite(dual.bound(p)):
            assert one(dual.conjugate, np.copysign(dual.bound(p) + 0.01, y), y, p) == np.inf
        if dual.loss.is_classifier:
            assert one(dual.conjugate, -0.01 * y, y, p) == np.inf


@every_dual
def test_equality_at_slope(name):
    """loss(z) + conjugate(beta) = -beta z where beta is minus the loss's slope at z."""
    z = np.linspace(-7, 7, 141)
    for dual, y, p in cases(name):
        ys = np.full(z.shape, y)
        beta = -dual.loss.derivative(z, ys, p)
        total = dual.loss.value(z, ys, p) + dual.conjugate(beta, ys, p)
        np.testing.assert_allclose(total, -beta * z, atol=1e-12 * (1 + np.max(abs(beta * z))))


@every_dual
@given(z=st.floats(-20, 20), share=st.floats(0, 1), pick=st.integers(0, 99))
def test_fenchel_young(name, z, share, pick):
    """loss(z) + conjugate(beta) >= -beta z for any beta of the domain."""
    dual, y, p = cases(name)[pick % len(cases(name))]
    low, high = domain(dual, y, p)
    beta = low + share * (high - low)
    value, conjugate = one(dual.loss.value, z, y, p), one(dual.conjugate, beta, y, p)
    assert value + conjugate >= -beta * z - 1e-12 * (1 + abs(value) + abs(conjugate))


@every_dual
@given(z=st.floats(-8, 8), share=st.floats(0, 1), log_q=st.floats(-5, 4), pick=st.integers(0, 99))
def test_step_is_best(name, z, share, log_q, pick):
    """No other dual variable has a higher dual objective than the one that `ascend` finds."""
    dual, y, p = cases(name)[pick % len(cases(name))]
    low, high = domain(dual, y, p, most=1e6)
    beta, q = low + share * (min(high, 6) - max(low, -6)), 10**log_q

    def gain(u):
        return -one(dual.conjugate, u, y, p) - (u - beta) * z - 0.5 * q * (u - beta) ** 2

    found = one(dual.ascend, z, y, beta, q, p)
    assert low <= found <= high
    near = min(high, 50) if np.isinf(dual.bound(p)) else high
    parts = np.unique([max(low, -50 - 20 / q), 0.0, beta, min(high, 50 + 20 / q), near])
    best = max(best_on(gain, a, b)[0] for a, b in zip(parts, [*parts[1:], parts[-1]], strict=True))
    size = 1 + abs(one(dual.conjugate, found, y, p)) + abs((found - beta) * z)
    assert gain(found) >= best - 1e-9 * size


@every_dual
def test_step_at_ends(name):
    """Tiny and huge q, margins far out: within the domain; nothing moves at a fixpoint."""
    for dual, y, p in cases(name):
        low, high = domain(dual, y, p, most=np.inf)
        for z in (-1e30, -700.0, -3.0, y, 0.0, 5.0, 800.0, 1e30):
            for q in (0.0, 1e-290, 1e-12, 1.0, 1e12):
                u = one(dual.ascend, z, y, 0.0, q, p)
                assert np.isfinite(u) or q < 1e-12
                assert low <= u <= high
        z = np.linspace(-6, 6, 25)
        ys = np.full(z.shape, y)
        beta = -dual.loss.derivative(z, ys, p)
        np.testing.assert_allclose(dual.ascend(z, ys, beta, 0.7, p), beta, atol=1e-12)


def test_losses_without_a_dual_are_refused():
    """All losses but the perceptron's have one; the error lists them."""
    assert set(LOSSES) - set(DUALS) == {"perceptron"}
    with pytest.raises(ValueError, match=r"'perceptron' has no dual here.*'hinge', 's"):
        dual_of(LOSSES["perceptron"])


def test_unequal_shapes_are_refused():
    """beta and y of different lengths are told, not read past their end."""
    with pytest.raises(ValueError, match="one shape"):
        DUALS["hinge"].conjugate(np.zeros(3), np.ones(2))
