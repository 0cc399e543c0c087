"""Every penalty: value by its formula, and a prox that minimises what it says."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from fastsgd.penalties import PENALTIES, make_penalty

W = np.array([-3.0, -0.4, -1e-9, 0.0, 0.07, 0.5, 12.0])


@pytest.mark.parametrize("name", PENALTIES)
@pytest.mark.parametrize("l1_ratio", [0.0, 0.15, 1.0])
def test_value(name, l1_ratio):
    """R(w) is the formula in scikit-learn's documentation."""
    expected = {
        None: 0.0,
        "l2": 0.5 * (W @ W),
        "l1": np.abs(W).sum(),
        "elasticnet": (1 - l1_ratio) * 0.5 * (W @ W) + l1_ratio * np.abs(W).sum(),
    }[name]
    assert make_penalty(name, l1_ratio).value(W) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("name", PENALTIES)
def test_alpha_is_within(name):
    """`value`, `l1`, `l2` and the part of squares are alpha times those of R(w)."""
    whole, unit = make_penalty(name, 0.3, 0.05), make_penalty(name, 0.3)
    assert unit == whole.of_alpha(1.0)
    assert whole.value(W) == 0.05 * unit.value(W) == whole.weigh(unit.value(W))
    assert (whole.l1, whole.l2) == (0.05 * unit.l1_share, 0.05 * unit.l2_share)
    assert whole.value(W) == pytest.approx(
        whole.value_of_square(W @ W) + whole.l1 * np.abs(W).sum(), rel=1e-14)


@pytest.mark.parametrize("name", PENALTIES)
@pytest.mark.parametrize("alpha", [1.0, 0.2])
@pytest.mark.parametrize("step", [0.01, 0.4, 3.0])
def test_prox_minimises_objective(name, step, alpha):
    """No u has a smaller |u - w|^2 / 2 + step * alpha * R(u) than the prox of w."""
    penalty = make_penalty(name, 0.3, alpha)

    def cost(u, w):
        return 0.5 * (u - w) ** 2 + step * penalty.value(np.array([u]))

    for w, prox in zip(W, penalty.prox(W, step), strict=True):
        found = minimize_scalar(cost, bounds=(-20, 20), args=(w,), method="bounded",
                                options={"xatol": 1e-10})
        assert cost(prox, w) <= found.fun + 1e-12
        assert prox == pytest.approx(found.x, abs=1e-4)


def test_value_of_float32_is_summed_in_double():
    """A long float32 vector loses nothing in the sum."""
    w = np.full(1_000_003, 0.1, np.float32)
    exact = len(w) * float(w[0])
    assert make_penalty("l1").value(w) == pytest.approx(exact, rel=1e-12)
    assert make_penalty("l2").value(w) == pytest.approx(0.5 * exact * float(w[0]), rel=1e-7)


def test_unknown_name_lists_valid_ones():
    """A misspelt penalty is answered with the list."""
    with pytest.raises(ValueError, match=r"unknown penalty 'l3'.*'l1'"):
        make_penalty("l3")
