"""Every row of the schedule table: formula, positive, finite, resumable."""

import numpy as np
import pytest

from fastsgd.kernels.tables import TILE, etas
from fastsgd.losses import LOSSES
from fastsgd.schedules import SCHEDULES, Cosine, bottou_offset, schedule_fields

BASE = {"eta0": 0.3, "alpha": 1e-3, "t0": 50.0, "power_t": 0.25, "T_0": 100.0, "T_mult": 2.0,
        "eta_min": 1e-4, "eta_max": np.inf}
STARTS = (1, 2, 31, 32, 33, 128 * TILE - 40, 128 * TILE - 1, 128 * TILE, 10**6 + 7, 10**9)


def fields(name, **changes):
    """A schedule as the kernels take it."""
    return {"kind": SCHEDULES[name][0], **BASE, **changes}


def cosine(s, t):
    """Loshchilov and Hutter's equation 5, one step at a time."""
    passed, cycle = t - 1.0, s["T_0"]
    if s["T_mult"] == 1:
        passed %= cycle
    while passed >= cycle:
        passed, cycle = passed - cycle, cycle * s["T_mult"]
    return s["eta_min"] + (s["eta0"] - s["eta_min"]) * (1 + np.cos(np.pi * passed / cycle)) / 2


FORMULAS = {
    "constant": lambda s, t: s["eta0"],
    "adaptive": lambda s, t: s["eta0"],
    "pa1": lambda s, t: s["eta0"],
    "pa2": lambda s, t: s["eta0"],
    "optimal": lambda s, t: 1 / (s["alpha"] * (s["t0"] + t - 1)),
    "invscaling": lambda s, t: s["eta0"] / t ** s["power_t"],
    "cosine": cosine,
}
every_schedule = pytest.mark.parametrize("name", SCHEDULES)


def variants(name):
    """The constants to try each schedule with."""
    changes = {
        "invscaling": [{"power_t": p} for p in (0.0, 0.25, 0.5, 1.0, 2.0, 20.0, -0.3)],
        "cosine": [{"T_mult": m, "T_0": cycle} for m in (1.0, 1.5, 2.0)
                   for cycle in (1.0, 37.5, 4096.0)],
    }.get(name, [{}])
    return [fields(name, **change) for change in changes]


def test_table_is_the_one_tested():
    """A new schedule must come with its formula here."""
    assert set(SCHEDULES) == set(FORMULAS)


@every_schedule
def test_formula(name):
    """Steps equal the formula, early and late."""
    for s in variants(name):
        for first in STARTS:
            t = np.arange(first, first + 200, dtype=float)
            exact = [FORMULAS[name](s, x) for x in t]
            np.testing.assert_allclose(
                etas(s, first, 200), exact, rtol=1e-12, atol=1e-13 * s["eta0"])


@every_schedule
def test_positive_and_finite(name):
    """Steps are finite and > 0; cosine's are never below eta_min."""
    for s in variants(name):
        for first in STARTS:
            eta = etas(s, first, 300)
            assert np.isfinite(eta).all()
            assert np.all(eta >= s["eta_min"] * (1 - 1e-12) if name == "cosine" else eta > 0)


@every_schedule
def test_resumable(name):
    """Starting at step k gives the tail of the run from step 1, whatever the block borders."""
    for s in variants(name):
        whole = etas(s, 1, 9000)
        for first in (2, 17, TILE, TILE + 1, 4090, 4100, 8999):
            np.testing.assert_allclose(
                etas(s, first, 9000 - first + 1), whole[first - 1:], rtol=1e-12,
                atol=1e-13 * s["eta0"])


@pytest.mark.parametrize(("T_mult", "starts"), [(1, [1, 101, 201, 301]), (2, [1, 101, 301, 701])])
def test_cosine_restarts(T_mult, starts):
    """The step is eta0 at the first step of each cycle and only there."""
    eta = etas(fields("cosine", T_mult=float(T_mult)), 1, 750)
    at_top = np.flatnonzero(eta > BASE["eta0"] * (1 - 1e-9)) + 1
    np.testing.assert_array_equal(at_top[at_top < starts[-1] + (100 if T_mult == 1 else 800)][:4],
                                  starts)


def test_cosine_of_fractional_cycle():
    """A cycle of 2.5 steps restarts at the half step: 1, 3.5, 6, ..."""
    eta = etas(fields("cosine", T_0=2.5, T_mult=1.0, eta_min=0.0, eta0=1.0), 1, 6)
    passed = np.array([0, 1, 2, 0.5, 1.5, 0])
    np.testing.assert_allclose(eta, (1 + np.cos(np.pi * passed / 2.5)) / 2, atol=1e-15)


def test_cosine_shorter_than_a_step_ends():
    """A cycle of almost no length is one step long, not an endless loop."""
    s = schedule_fields(Cosine(T_0=1e-300, T_mult=1), eta0=0.5, power_t=0.5, alpha=1e-4,
                        loss=LOSSES["hinge"], constant=0.1, epoch_steps=10)
    np.testing.assert_array_equal(etas(s, 1, 40), 0.5)


@pytest.mark.parametrize("bad", [{"T_0": 0}, {"T_0": float("nan")}, {"T_mult": 0.5},
                                 {"eta_min": -1}])
def test_cosine_refuses(bad):
    """Constants outside their range are refused by name."""
    with pytest.raises(ValueError, match=f"{next(iter(bad))} must be"):
        Cosine(**bad)


def test_cosine_counts_epochs():
    """T_0 counts epochs of the given number of steps."""
    s = schedule_fields(Cosine(T_0=3, eta_min=0.1), eta0=0.5, power_t=0.5, alpha=1e-4,
                        loss=LOSSES["hinge"], constant=0.1, epoch_steps=70)
    assert (s["T_0"], s["T_mult"], s["eta_min"]) == (210, 2, 0.1)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("alpha", [1e-6, 1e-2, 10.0])
def test_bottou_offset(name, alpha):
    """t0 of "optimal" is scikit-learn's."""
    from sklearn.linear_model._sgd_fast import Hinge, ModifiedHuber, SquaredHinge

    typical = np.sqrt(1 / np.sqrt(alpha))
    theirs = {"hinge": Hinge(1.0), "squared_hinge": SquaredHinge(1.0),
              "modified_huber": ModifiedHuber(), "perceptron": Hinge(0.0)}.get(name)
    slope = theirs.py_dloss(-typical, 1.0) if theirs else -1
    exact = 1 / (typical / max(1.0, slope) * alpha)
    assert bottou_offset(LOSSES[name], 0.1, alpha) == pytest.approx(exact, rel=1e-14)
