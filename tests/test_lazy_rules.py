"""What lazy steps make up for, against docs/optimizers.md written out in NumPy, step by step."""

import numpy as np
import pytest
from test_contract_optimizers import reference

from fastsgd.kernels.optimizers import settle, step
from fastsgd.optimizers import OPTIMIZERS

ROWS, UNITS = 6, 70
"""More units than one block of the kernel has."""


def rate_of(name, c, t):
    """eta of step t; Adam's with its correction of the bias."""
    if name != "adam":
        return c["eta"]
    return c["eta"] * np.sqrt(1 - c["beta_2"] ** t) / (1 - c["beta_1"] ** t)


def made_up(name, w, state, c, last):
    """(w, state) of a row that stands at step `last`, before it takes step c["t"]."""
    t, k = c["t"], c["t"] - 1 - last
    if last == 0 or k <= 0:  # never touched, or just now
        return w, state
    rate, pull = rate_of(name, c, t), c["l2"] * w
    a, b = (*state, None, None)[:2]
    force, moved, decays = 1.0, 0.0, (1.0, 1.0)
    if name in ("momentum", "nesterov"):
        powers = sum(c["momentum"] ** i for i in range(1, k + 1))
        moved = powers * a * (c["momentum"] if name == "nesterov" else 1.0)
        force, decays = 1 / max(1 - c["momentum"], 1e-3), (c["momentum"], 1.0)
    elif name in ("adagrad", "rmsprop"):
        force = 1 / (np.sqrt(a + pull**2) + c["epsilon"])
        decays = (1.0 if name == "adagrad" else c["rho"], 1.0)
    elif name == "adadelta":
        force = np.sqrt(b + c["epsilon"]) / np.sqrt(a + c["epsilon"])
        decays = (c["rho"], c["rho"])
    elif name == "adam":
        force = 1 / (np.sqrt(b + pull**2) + c["epsilon"])
        rising = c["beta_1"] ** 2 >= c["beta_2"]
        ratio = c["beta_1"] if rising else c["beta_1"] / np.sqrt(c["beta_2"])
        moved = -a * force * sum(
            rate_of(name, c, last + i) * ratio**i for i in range(1, k + 1))
        decays = (c["beta_1"], c["beta_2"])
    new = w + moved - np.minimum(1, k * rate * c["l2"] * force) * w
    return new, [s * d**k for s, d in zip(state, decays, strict=False)]


def problem(name, dtype, **constants):
    """(W, slots, constants) somewhere in the middle of a training."""
    rng = np.random.default_rng(3)
    W = rng.normal(size=(ROWS, UNITS)).astype(dtype)
    slots = [0.1 * rng.random(W.shape).astype(dtype) for _ in range(OPTIMIZERS[name].slots)]
    if name in ("momentum", "nesterov", "adam"):
        slots[0] -= dtype(0.05)
    given = {**OPTIMIZERS[name].constants(eta=0.03), **constants}
    return W, slots, given, rng.normal(size=W.shape).astype(dtype)


def exactly(name, W, slots, c, last, G=None):
    """The same in float64 by the formulas; G None: what is made up for only."""
    found, kept = np.empty(W.shape), [np.empty(W.shape) for _ in slots]
    for row in range(len(W)):
        w, state = made_up(name, W[row].astype(float), [s[row].astype(float) for s in slots], c,
                           last[row])
        if G is not None:
            change, state = reference(name, w, G[row].astype(float), state, c)
            w = w + change
        found[row] = w
        for slot, new in zip(kept, state, strict=True):
            slot[row] = new
    return found, kept


@pytest.mark.parametrize("l2", [0.0, 0.02, 50.0], ids=lambda l2: f"l2={l2:g}")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_what_is_made_up_for(name, dtype, l2):
    """Rows never touched, touched in the last step, and left out of 1, 5, 128 and 129 steps."""
    last = np.array([0, 199, 198, 194, 71, 70])
    W, slots, c, G = problem(name, dtype, t=200, l2=l2)
    rtol = 3e-5 if dtype == np.float32 else 1e-10
    if name == "adam":
        rtol = max(rtol, 1e-6)  # row 5's first step is beyond the kernel's table
    for g in (None, G):
        ours, state, stands = W.copy(), [s.copy() for s in slots], last.copy()
        if g is None:
            settle(OPTIMIZERS[name].number, ours, state, c, stands)
            assert stands.tolist() == [0, *[199] * 5]
        else:
            step(OPTIMIZERS[name].number, ours, g, state, c, None, stands)
            assert stands.tolist() == [200] * 6
        exact, kept = exactly(name, W, slots, c, last, g)
        np.testing.assert_allclose(ours, exact, rtol=rtol, atol=rtol)
        for a, b in zip(state, kept, strict=True):
            np.testing.assert_allclose(a, b, rtol=10 * rtol, atol=rtol * 1e-3 * np.abs(b).max())


@pytest.mark.parametrize("name", ["momentum", "nesterov"])
def test_momentum_near_one(name):
    """L2's pulls repeat a thousand times at most; else one of them would stop all rows."""
    W, slots, c, _ = problem(name, np.float64, t=40, l2=0.01, momentum=0.99999)
    last, ours = np.full(ROWS, 30), W.copy()
    settle(OPTIMIZERS[name].number, ours, [s.copy() for s in slots], c, last.copy())
    np.testing.assert_allclose(ours, exactly(name, W, slots, c, last)[0], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("beta_2", [0.999, 0.9, 0.8], ids="beta_2={}".format)
@pytest.mark.parametrize(("beta_1", "begun", "rtol"), [
    (0.9, 1, 0.25), (0.9, 5, 0.12), (0.9, 50, 0.003), (0.9, 5000, 1e-4), (0.99, 400, 0.03)])
def test_adam_left_out_for_long(beta_1, begun, rtol, beta_2):
    """Beyond the table one rate stands for many steps, which tells while it changes."""
    W, slots, c, _ = problem("adam", np.float64, beta_1=beta_1, beta_2=beta_2)
    for k in (130, 300, 1500):
        c["t"], last = begun + k + 1, np.full(ROWS, begun)
        ours = W.copy()
        settle(OPTIMIZERS["adam"].number, ours, [s.copy() for s in slots], c, last.copy())
        moved = exactly("adam", W, slots, c, last)[0] - W
        np.testing.assert_allclose(ours - W, moved, rtol=rtol)


def test_a_pull_is_never_more_than_the_weight():
    """However long a row was left out, L2 alone brings it to 0 and not across."""
    for name in OPTIMIZERS:
        W, slots, c, _ = problem(name, np.float64, t=10**6, l2=0.5)
        for slot in slots:
            slot[:] = 0
        ours = W.copy()
        settle(OPTIMIZERS[name].number, ours, slots, c, np.ones(ROWS, np.int64))
        assert np.abs(ours).max() <= np.abs(W).max()
        assert np.all(ours * W >= 0), name


def test_a_row_ahead_of_the_step_is_not_set_back():
    """HOGWILD!: another thread took a later step on it; it decays by nothing and stays there."""
    for name in OPTIMIZERS:
        W, slots, c, G = problem(name, np.float64, t=7, l2=0.01)
        last = np.full(ROWS, 9)
        ours = W.copy()
        expected, _ = exactly(name, W, slots, c, np.full(ROWS, 6), G)
        step(OPTIMIZERS[name].number, ours, G, slots, c, None, last)
        np.testing.assert_allclose(ours, expected, rtol=1e-12)
        assert last.tolist() == [9] * ROWS
