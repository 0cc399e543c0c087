"""The objective by Map-Reduce and its searches: derivatives by differences, steps by hand."""

import numpy as np
import pytest
from kernel_reference import small_problem
from sums_reference import reference

from fastsgd.engine.deadline import Deadline
from fastsgd.engine.linear.conjugate_gradients import ConjugateGradients
from fastsgd.engine.linear.examples import Examples
from fastsgd.engine.linear.line_search import exact
from fastsgd.engine.linear.objective import Stopped
from fastsgd.engine.linear.row_sums import RowSums
from fastsgd.engine.linear.sgd import Settings
from fastsgd.engine.linear.state import LinearState
from fastsgd.kernels.rows import Rows
from fastsgd.losses import LOSSES
from fastsgd.penalties import make_penalty

ALPHA = 0.3
SMOOTH = [name for name, loss in LOSSES.items() if loss.smooth]
rng = np.random.default_rng(0)


def objective(problem, penalty="l2", fit_intercept=True, subset=None, **more):
    settings = Settings(
        loss=LOSSES[problem.loss], loss_constant=problem.constant, penalty=make_penalty(
            penalty, alpha=ALPHA), schedule={}, adaptive=False, passive=False,
        fit_intercept=fit_intercept, intercept_decay=1.0, average_from=0, max_iter=1, tol=None,
        n_iter_no_change=1, shuffle=False, solver="gd", weight_pos=problem.weight_pos)
    rows = Rows(problem.X)
    rows.check()
    examples = Examples(rows, problem.y, problem.sample_weight, subset)
    return RowSums(examples, settings, **more)


@pytest.mark.parametrize("penalty", ["l2", "l1", "elasticnet", None])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_value_gradient_and_product(penalty, fit_intercept):
    problem = small_problem(loss="log_loss", sample_weight=rng.random(150), weight_pos=2.0)
    x, v = rng.normal(size=(2, 23 + fit_intercept))
    f = objective(problem, penalty, fit_intercept, intercept=0.7)
    w, b = x[:23], x[23] if fit_intercept else 0.7
    sums = reference(problem, w, b, v[:23], v[23] if fit_intercept else 0.0)
    value, gradient = f.evaluate(x)
    l2 = ALPHA * (penalty == "l2")  # with L1, prox has the whole penalty
    assert value == pytest.approx(
        sums["value"] / 150 + ALPHA * make_penalty(penalty).value(w), rel=1e-12)
    np.testing.assert_allclose(gradient[:23], sums["gradient"] / 150 + l2 * w, rtol=1e-10)
    np.testing.assert_allclose(gradient[23:], [sums["gradient_b"] / 150][:fit_intercept])
    product = f.product(v)
    np.testing.assert_allclose(product[:23], sums["product"] / 150 + l2 * v[:23], rtol=1e-10)
    np.testing.assert_allclose(product[23:], [sums["product_b"] / 150][:fit_intercept])


@pytest.mark.parametrize("subset", [None, np.arange(20, 140, 3)])
@pytest.mark.parametrize("loss", SMOOTH)
def test_along_a_line(loss, subset):
    """phi is f on the line, its derivatives are its slopes, and `move` arrives there."""
    f = objective(small_problem(loss=loss), subset=subset)
    start, d, h = *rng.normal(size=(2, 24)), 1e-6
    f.evaluate(start)
    f.point_to(d)
    for eta in (0.0, 0.3, 1.7):
        phi, slope, curve = f.along(eta)
        below, above = f.along(eta - h), f.along(eta + h)
        assert slope == pytest.approx((above[0] - below[0]) / (2 * h), rel=1e-5)
        assert curve == pytest.approx((above[1] - below[1]) / (2 * h), rel=1e-4)
        there = objective(small_problem(loss=loss), subset=subset)
        assert phi == pytest.approx(there.evaluate(start + eta * d)[0], rel=1e-12)
    value, gradient = f.move(1.7)
    assert value == pytest.approx(phi, rel=1e-12)
    np.testing.assert_allclose(gradient, there.gradient, rtol=1e-9)
    np.testing.assert_array_equal(f.x, start + 1.7 * d)


def test_a_pass_without_time_is_told():
    f = objective(small_problem(loss="log_loss"), deadline=Deadline(0))
    state = LinearState(weights=np.zeros(23))
    assert f.start(state).shape == (24,)
    f.evaluate(f.start(state))  # so few rows are one piece of work
    assert f.expired
    with pytest.raises(Stopped), objective(
            small_problem(n=200_000, loss="log_loss"), deadline=Deadline(0)) as long:
        long.evaluate(np.zeros(24))


def test_conjugate_gradients_end_after_as_many_steps_as_there_are_eigenvalues():
    Q = np.linalg.qr(rng.normal(size=(30, 30)))[0]
    H = Q @ np.diag(np.repeat([1.0, 10.0, 1000.0], 10)) @ Q.T
    g, products = rng.normal(size=30), []

    def product(v):
        products.append(v)
        return H @ v

    cg = ConjugateGradients(product, g)
    assert cg.run(lambda cg: cg.size <= 1e-6, most=30)
    assert cg.products == len(products) <= 4
    assert np.linalg.norm(H @ cg.s + g) <= 2e-6
    np.testing.assert_allclose(cg.residual, -g - H @ cg.s, atol=1e-9)
    assert cg.decrement == pytest.approx(-(g @ cg.s + 0.5 * cg.s @ H @ cg.s))
    assert not ConjugateGradients(product, g).run(lambda cg: False, most=2)
    flat = ConjugateGradients(lambda v: 0 * v, g)
    assert not flat.run(lambda cg: cg.size <= 1e-8, most=30)
    np.testing.assert_array_equal(flat.s, -g)


@pytest.mark.parametrize("least", [1e-6, 0.3, 50.0])
@pytest.mark.parametrize("first", [1e-3, 1.0, 1e3])
def test_exact_search(least, first):
    """A quadratic in one step of Newton; cosh, whose ends overflow; a kink in the slope."""
    calls = []

    def quadratic(eta):
        calls.append(eta)
        return (eta - least) ** 2, 2 * (eta - least), 2.0

    assert exact(quadratic, -2 * least, first) == pytest.approx(least, rel=1e-5)
    assert len(calls) <= 5
    with np.errstate(over="ignore", invalid="ignore"):
        cosh = exact(lambda eta: (np.cosh(eta - least), np.sinh(eta - least),
                                  np.cosh(eta - least)), -np.sinh(least), first)
    assert abs(cosh - least) <= 2e-6 * np.sinh(least)
    kink = exact(lambda eta: (0.0, -1.0 if eta < least else 5.0, 0.0), -1.0, first)
    assert kink == pytest.approx(least, rel=1e-6)
