"""Every row of the loss table: value, derivative, flags, accuracy, range."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn._loss.loss import HalfBinomialLoss, HalfSquaredError, HuberLoss
from sklearn.linear_model import _sgd_fast

from fastsgd.losses import LOSSES

CONSTANTS = (0.0, 0.1, 1.0, 3.5)
FORMULAS = {
    "hinge": lambda z, y, p: np.maximum(0, 1 - y * z),
    "squared_hinge": lambda z, y, p: np.maximum(0, 1 - y * z) ** 2,
    "log_loss": lambda z, y, p: np.logaddexp(0, -y * z),
    "modified_huber": lambda z, y, p: np.where(
        y * z >= -1, np.maximum(0, 1 - y * z) ** 2, -4 * y * z),
    "perceptron": lambda z, y, p: np.maximum(0, -y * z),
    "squared_error": lambda z, y, p: (z - y) ** 2 / 2,
    "huber": lambda z, y, p: np.where(
        abs(z - y) <= p, (z - y) ** 2 / 2, p * abs(z - y) - p**2 / 2),
    "epsilon_insensitive": lambda z, y, p: np.maximum(0, abs(z - y) - p),
    "squared_epsilon_insensitive": lambda z, y, p: np.maximum(0, abs(z - y) - p) ** 2,
}
SKLEARN_SGD = {
    "hinge": lambda p: _sgd_fast.Hinge(1.0),
    "squared_hinge": lambda p: _sgd_fast.SquaredHinge(1.0),
    "modified_huber": lambda p: _sgd_fast.ModifiedHuber(),
    "perceptron": lambda p: _sgd_fast.Hinge(0.0),
    "epsilon_insensitive": _sgd_fast.EpsilonInsensitive,
    "squared_epsilon_insensitive": _sgd_fast.SquaredEpsilonInsensitive,
}
every_loss = pytest.mark.parametrize("name", LOSSES)


def targets(loss):
    """Targets that the loss takes."""
    return (-1.0, 1.0) if loss.is_classifier else (-2.5, 0.0, 1.0, 7.0)


def constants(loss):
    """Values of epsilon to try."""
    return CONSTANTS if loss.has_constant else (0.1,)


def kinks(name, y, p):
    """Margins at which a piece of the loss ends."""
    return {
        "hinge": [y], "squared_hinge": [y], "modified_huber": [y, -y], "perceptron": [0.0],
        "log_loss": [], "squared_error": [],
    }.get(name, [y - p, y + p])


def cases(name):
    """(loss, y, p) for every kind of target and constant."""
    loss = LOSSES[name]
    return [(loss, y, p) for y in targets(loss) for p in constants(loss)]


def at(method, z, y, p):
    """A loss's value or derivative at margins z for one target."""
    z = np.atleast_1d(np.asarray(z, dtype=np.float64))
    return method(z, np.full(z.shape, y), p)


def test_table_is_the_one_tested():
    """A new loss must come with its formula here."""
    assert set(LOSSES) == set(FORMULAS)


@every_loss
def test_value_follows_formula(name):
    """Values equal the plain formula."""
    z = np.linspace(-9, 9, 241)
    for loss, y, p in cases(name):
        np.testing.assert_allclose(
            at(loss.value, z, y, p), FORMULAS[name](z, y, p), rtol=1e-12, atol=1e-14)


@every_loss
def test_derivative_is_slope_of_value(name):
    """Away from kinks the derivative equals the central difference."""
    z, h = np.linspace(-9.03, 9.07, 500), 1e-5
    for loss, y, p in cases(name):
        away = np.all([abs(z - kink) > 3 * h for kink in kinks(name, y, p)] or [z == z], axis=0)
        slope = (at(loss.value, z + h, y, p) - at(loss.value, z - h, y, p)) / (2 * h)
        np.testing.assert_allclose(
            at(loss.derivative, z, y, p)[away], slope[away], rtol=1e-6, atol=1e-8)


@every_loss
def test_second_derivative_is_slope_of_derivative(name):
    """Away from kinks it equals the central difference; jumps of the derivative do not count."""
    z, h = np.linspace(-9.03, 9.07, 500), 1e-5
    for loss, y, p in cases(name):
        away = np.all([abs(z - kink) > 3 * h for kink in kinks(name, y, p)] or [z == z], axis=0)
        slope = (at(loss.derivative, z + h, y, p) - at(loss.derivative, z - h, y, p)) / (2 * h)
        np.testing.assert_allclose(
            at(loss.second_derivative, z, y, p)[away], slope[away], rtol=1e-6, atol=1e-8)


@every_loss
def test_second_derivative_at_kinks_is_that_of_a_piece(name):
    """Newton's method is told a curvature that one side has."""
    h = 1e-6
    for loss, y, p in cases(name):
        for z in kinks(name, y, p):
            before, here, after = at(loss.second_derivative, [z - h, z, z + h], y, p)
            # huber without a middle piece has no curvature but at its kink
            assert here in (before, after) or (name == "huber" and p == 0)


@every_loss
def test_second_derivative_far_out(name):
    """It is finite, not negative and at most the curvature that step sizes count on."""
    z = np.concatenate([-np.logspace(-3, 30, 67), np.logspace(-3, 30, 67)])
    for loss, y, p in cases(name):
        curve = at(loss.second_derivative, z, y, p)
        assert np.all((curve >= 0) & (curve <= 2))
        if loss.curvature:
            assert curve.max() == loss.curvature


@every_loss
def test_derivative_is_subgradient_at_kinks(name):
    """value(u) >= value(z) + derivative(z) (u - z), with z at the kinks."""
    u = np.linspace(-9, 9, 181)
    for loss, y, p in cases(name):
        for z in kinks(name, y, p):
            line = at(loss.value, z, y, p) + at(loss.derivative, z, y, p) * (u - z)
            assert np.all(at(loss.value, u, y, p) >= line - 1e-12 * (1 + abs(line)))


@every_loss
@given(z=st.lists(st.floats(-50, 50), min_size=3, max_size=3).map(sorted), pick=st.integers(0, 99))
def test_convex_and_not_negative(name, z, pick):
    """The value is >= 0 and lies under its chords."""
    loss, y, p = cases(name)[pick % len(cases(name))]
    low, middle, high = at(loss.value, z, y, p)
    assert min(low, middle, high) >= 0
    if z[2] > z[0]:
        share = (z[2] - z[1]) / (z[2] - z[0])
        chord = share * low + (1 - share) * high
        assert middle <= chord + 1e-12 * (1 + chord)


@every_loss
def test_finite_far_out(name):
    """Value and derivative are finite, and of the right sign, up to |z| = 1e30."""
    z = np.concatenate([-np.logspace(2, 30, 57), np.logspace(2, 30, 57)])
    for loss, y, p in cases(name):
        value, slope = at(loss.value, z, y, p), at(loss.derivative, z, y, p)
        assert np.isfinite(value).all()
        assert np.isfinite(slope).all()
        assert np.all(value >= 0)
        assert np.all(slope * (-y if loss.is_classifier else z - y) >= 0)


@pytest.mark.parametrize("name", SKLEARN_SGD)
def test_equals_sklearn_sgd(name):
    """The classes of scikit-learn's SGD give the same numbers."""
    z = np.concatenate([np.linspace(-6, 6, 97), [-1e6, 1e6]])
    for loss, y, p in cases(name):
        theirs = SKLEARN_SGD[name](p)
        np.testing.assert_allclose(
            at(loss.value, z, y, p), [theirs.py_loss(v, y) for v in z], rtol=1e-15)
        smooth = ~np.isin(z, kinks(name, y, p))
        np.testing.assert_allclose(
            at(loss.derivative, z, y, p)[smooth],
            np.array([theirs.py_dloss(v, y) for v in z])[smooth], rtol=1e-15)


@pytest.mark.parametrize(
    ("name", "theirs", "to_target"),
    [
        ("log_loss", HalfBinomialLoss(), lambda y: (y + 1) / 2),
        ("squared_error", HalfSquaredError(), lambda y: y),
        ("huber", HuberLoss(delta=0.1), lambda y: y),
    ],
)
def test_equals_sklearn_loss(name, theirs, to_target):
    """sklearn._loss gives the same numbers."""
    z, loss = np.linspace(-30, 30, 121), LOSSES[name]
    for y in targets(loss):
        y_theirs = np.full(z.shape, to_target(y))
        np.testing.assert_allclose(
            at(loss.value, z, y, 0.1), theirs.loss(y_theirs, z), rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(
            at(loss.derivative, z, y, 0.1), theirs.gradient(y_theirs, z), rtol=1e-12, atol=1e-14)


@pytest.mark.skipif(np.finfo(np.longdouble).eps > 1e-18, reason="long double is a double here")
def test_log_loss_is_accurate():
    """Value and derivative keep 14 digits for every margin, tiny values included."""
    z = np.concatenate([np.linspace(-45, 45, 9001), np.linspace(-700, 700, 1401)])
    wide = z.astype(np.longdouble)
    loss = LOSSES["log_loss"]
    for y in (-1.0, 1.0):
        value = np.where(y * wide > 0, np.log1p(np.exp(-abs(wide))),
                         np.log1p(np.exp(-abs(wide))) - y * wide)
        slope = -y / (1 + np.exp(y * wide))
        for method, exact in ((loss.value, value), (loss.derivative, slope)):
            ours = at(method, z, y, 0)
            assert float(np.max(abs(ours - exact) / abs(exact))) < 1e-14


@every_loss
def test_smooth_flag(name):
    """Losses flagged smooth have no jump of the derivative; the others have one."""
    jump, h = 0.0, 1e-9
    for loss, y, p in cases(name):
        for z in kinks(name, y, p):
            before, after = at(loss.derivative, [z - h, z + h], y, p)
            jump = max(jump, abs(after - before))
    assert (jump < 1e-7) == LOSSES[name].smooth


@every_loss
def test_classifier_flag(name):
    """A classifier's loss depends on y * z alone, and falls where that grows."""
    loss, z = LOSSES[name], np.linspace(-4, 4, 33)
    even = np.array_equal(at(loss.value, z, 1.0, 0.1), at(loss.value, -z, -1.0, 0.1))
    falls = np.all(np.diff(at(loss.value, z, 1.0, 0.1)) <= 0)
    assert (even and falls) == loss.is_classifier


@every_loss
def test_constant_flag(name):
    """The constant matters where the flag says so."""
    loss, z = LOSSES[name], np.linspace(-4, 4, 33)
    same = np.array_equal(at(loss.value, z, 1.0, 0.1), at(loss.value, z, 1.0, 1.0))
    assert same != loss.has_constant


@every_loss
def test_probability_flag(name):
    """Probabilities rise from 0 to 1 with 1/2 at the boundary, or are refused by name."""
    loss, z = LOSSES[name], np.linspace(-800, 800, 1601)
    if not loss.gives_probability:
        with pytest.raises(ValueError, match=name):
            loss.log_probability(z)
        return
    with np.errstate(divide="ignore"):
        p = np.exp(loss.log_probability(z))
    assert np.all(np.diff(p) >= 0)
    assert (p[0], p[800], p[-1]) == (pytest.approx(0, abs=1e-300), 0.5, 1)
    np.testing.assert_allclose(p + p[::-1], 1, rtol=1e-15)


def test_unequal_shapes_are_refused():
    """z and y of different lengths are told, not read past their end."""
    with pytest.raises(ValueError, match="must be equal"):
        LOSSES["hinge"].value(np.zeros(3), np.ones(2))
