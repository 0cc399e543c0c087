"""Every row of the table of optimizers: the papers' formulas, lazy steps, extremes, state."""

import numpy as np
import pytest
from sklearn.neural_network._stochastic_optimizers import AdamOptimizer, SGDOptimizer

from fastsgd.kernels import optimizers as kernel
from fastsgd.kernels.optimizers import settle, step
from fastsgd.optimizers import KINDS, OPTIMIZERS, AdaDelta, Adam, Momentum, make_optimizer

every_optimizer = pytest.mark.parametrize("name", OPTIMIZERS)
every_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])
ETA = {"adadelta": 1.0}
WITH_MOMENTUM = {"momentum", "nesterov", "adam"}


def reference(name, w, g, state, c):
    """(change of w, new state) by the papers' formulas; c: the constants."""
    eta, mu, rho, eps, t = (c[k] for k in ("eta", "momentum", "rho", "epsilon", "t"))
    g = g + c["l2"] * w
    if name == "sgd":
        return -eta * g, []
    if name in ("momentum", "nesterov"):
        u = mu * state[0] - eta * g
        return (u if name == "momentum" else mu * u - eta * g), [u]
    if name == "adagrad":
        G = state[0] + g**2
        return -eta * g / (np.sqrt(G) + eps), [G]
    if name == "rmsprop":
        E = rho * state[0] + (1 - rho) * g**2
        return -eta * g / (np.sqrt(E) + eps), [E]
    if name == "adadelta":
        E = rho * state[0] + (1 - rho) * g**2
        d = -np.sqrt(state[1] + eps) / np.sqrt(E + eps) * g
        return eta * d, [E, rho * state[1] + (1 - rho) * d**2]
    m = c["beta_1"] * state[0] + (1 - c["beta_1"]) * g
    v = c["beta_2"] * state[1] + (1 - c["beta_2"]) * g**2
    eta_t = eta * np.sqrt(1 - c["beta_2"] ** t) / (1 - c["beta_1"] ** t)
    return -eta_t * m / (np.sqrt(v) + eps), [m, v]


def constants(name, **more):
    return OPTIMIZERS[name].constants(**({"eta": ETA.get(name, 0.01)} | more))


def problem(shape=(30, 21), dtype=np.float64, seed=0):
    """(W, n gradients) of a size that every optimizer makes visible steps with."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=shape).astype(dtype), rng


def by_formula(name, W, gradients, **more):
    """W and state after steps in float64."""
    W, state = W.astype(np.float64), [np.zeros(W.shape) for _ in range(OPTIMIZERS[name].slots)]
    for t, g in enumerate(gradients, start=1):
        change, state = reference(name, W, g.astype(np.float64), state,
                                  constants(name, t=t, **more))
        W += change
    return W, state


def by_kernel(name, W, gradients, vector=0, **more):
    W, state = W.copy(), OPTIMIZERS[name].state(W)
    for t, g in enumerate(gradients, start=1):
        step(OPTIMIZERS[name].number, W, g, state, constants(name, t=t, **more), vector=vector)
    return W, state


def touches(rng, n_rows, n_steps, share):
    """The rows of each step: row 0 always, row 1 only at first, others by chance."""
    chosen = rng.random((n_steps, n_rows)) < share
    chosen[:, 0], chosen[:, 1], chosen[0, 1] = True, False, True
    return [rng.permutation(np.flatnonzero(c)) for c in chosen]


def lazily(name, W, rows, gradients, **more):
    """W, state and the sum of the changes of |W|^2 after lazy steps."""
    W, state, last = W.copy(), OPTIMIZERS[name].state(W), np.zeros(len(W), np.int64)
    number, total = OPTIMIZERS[name].number, 0.0
    for t, (touched, g) in enumerate(zip(rows, gradients, strict=True), start=1):
        total += step(number, W, g[touched], state, constants(name, t=t, **more), touched, last,
                      squares=True)
    total += settle(number, W, state, constants(name, t=len(rows) + 1, **more), last,
                    squares=True)
    return W, state, total


def masked(rows, gradients):
    """The gradients that dense steps see: 0 but in the touched rows."""
    out = [np.zeros_like(g) for g in gradients]
    for o, touched, g in zip(out, rows, gradients, strict=True):
        o[touched] = g[touched]
    return out


def test_table_is_the_one_tested():
    assert [kind.name for kind in KINDS] == list(OPTIMIZERS) == list(kernel.optimizers())
    for name, optimizer in OPTIMIZERS.items():
        assert optimizer.adds == (name in ("sgd", "adagrad"))
        assert optimizer.linear == (name in ("sgd", "momentum", "nesterov"))


@every_optimizer
@every_dtype
@pytest.mark.parametrize("shape", [(30, 21), (3, 200), (150,), (4, 1)])
def test_dense_steps_are_the_formulas(name, dtype, shape):
    W, rng = problem(shape, dtype)
    gradients = [rng.normal(size=shape).astype(dtype) for _ in range(6)]
    exact, exact_state = by_formula(name, W, gradients, l2=0.1)
    bits = set()
    for vector in (16, 32, 64):
        ours, state = by_kernel(name, W, gradients, vector, l2=0.1)
        rtol = 2e-5 if dtype == np.float32 else 1e-12
        np.testing.assert_allclose(ours, exact, rtol=rtol, atol=rtol)
        for a, b in zip(state, exact_state, strict=True):
            np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol * np.max(np.abs(b)))
        bits.add(tuple(a.tobytes() for a in (ours, *state)))
    assert len(bits) == 1


@every_dtype
@pytest.mark.parametrize("name", ["sgd", "momentum", "nesterov", "adam"])
def test_dense_steps_are_those_of_sklearn(name, dtype):
    """With its gradient, (X.T @ delta + alpha W) / n."""
    W, rng = problem(dtype=dtype)
    theirs, n, alpha, eta = [W.copy()], 50, 0.3, 0.01
    optimizer = AdamOptimizer(theirs, eta) if name == "adam" else SGDOptimizer(
        theirs, eta, momentum=0.0 if name == "sgd" else 0.9, nesterov=name == "nesterov")
    state = OPTIMIZERS[name].state(W)
    for t in range(1, 20):
        total = rng.normal(size=W.shape).astype(dtype) * n
        optimizer.update_params(theirs, [(total + alpha * theirs[0]) / n])
        step(OPTIMIZERS[name].number, W, total / dtype(n), state,
             constants(name, t=t, l2=alpha / n))
        rtol = 1e-5 if dtype == np.float32 else 1e-13
        np.testing.assert_allclose(W, theirs[0], rtol=rtol, atol=rtol)


@every_optimizer
def test_lazy_steps_of_all_rows_are_dense_steps(name):
    W, rng = problem(dtype=np.float32)
    gradients = [rng.normal(size=W.shape).astype(np.float32) for _ in range(5)]
    dense, _ = by_kernel(name, W, gradients, l2=0.01)
    lazy, _, _ = lazily(name, W, [np.arange(30)] * 5, gradients, l2=0.01)
    assert lazy.tobytes() == dense.tobytes()


@every_optimizer
@every_dtype
@pytest.mark.parametrize("n_steps", [40, 400])
def test_lazy_steps_are_dense_steps_without_l2(name, dtype, n_steps):
    """Rows that were left out catch up; 400 steps are more than the kernel's table has."""
    W, rng = problem(dtype=dtype)
    gradients = [rng.normal(size=W.shape).astype(dtype) for _ in range(n_steps)]
    rows = touches(rng, 30, n_steps, share=0.1 if n_steps == 40 else 0.01)
    exact, exact_state = by_formula(name, W, masked(rows, gradients))
    lazy, state, _ = lazily(name, W, rows, gradients)
    rtol = 2e-4 if dtype == np.float32 else 1e-6 if name == "adam" else 1e-10
    if name == "adam" and n_steps == 400:
        rtol = 2e-2  # beyond the kernel's table, one rate stands for those of many steps
    moved = np.max(np.abs(exact - W))
    np.testing.assert_allclose(lazy, exact, rtol=rtol, atol=rtol * moved)
    for a, b in zip(state, exact_state, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=rtol * np.max(np.abs(b)))


@every_optimizer
def test_lazy_l2_pulls_about_as_dense_l2_does(name):
    """What L2 changes, over rows touched every tenth step; the rest is the gradients'."""
    W, rng = problem()
    gradients, l2 = [rng.normal(size=W.shape) for _ in range(60)], 1e-3
    rows = touches(rng, 30, 60, share=0.1)
    rows[0] = np.arange(30)  # no row is never touched
    eta = ETA.get(name, 0.01)
    pulled = [lazily(name, W, rows, gradients, eta=eta, l2=x)[0] for x in (0.0, l2)]
    exact = [by_formula(name, W, masked(rows, gradients), eta=eta, l2=x)[0] for x in (0.0, l2)]
    lazy, dense = pulled[1] - pulled[0], exact[1] - exact[0]
    slope = np.vdot(lazy, dense) / np.vdot(dense, dense)
    assert 0.45 < slope < 1.25  # not 1: the state that divides the pull is that of the last touch
    assert np.corrcoef(lazy.ravel(), dense.ravel())[0, 1] > 0.75


@pytest.mark.parametrize("name", ["sgd", "momentum", "nesterov"])
def test_l2_as_a_scale(name):
    """SGD: the dense rule. Momentum: its repeated pulls come at once, 10 steps early."""
    W, rng = problem()
    gradients, l2 = [rng.normal(size=W.shape) for _ in range(300)], 0.01
    rows, optimizer = touches(rng, 30, 300, share=0.2), OPTIMIZERS[name]
    exact, _ = by_formula(name, W, masked(rows, gradients), l2=l2)
    V, scale, state, last = W.copy(), 1.0, optimizer.state(W), np.zeros(30, np.int64)
    square = np.sum(V * V)
    for t, (touched, g) in enumerate(zip(rows, gradients, strict=True), start=1):
        scale = optimizer.shrink(scale, 0.01, l2)
        square += step(optimizer.number, V, g[touched], state,
                       constants(name, t=t, scale=scale), touched, last, squares=True)
    square += settle(optimizer.number, V, state, constants(name, t=301, scale=scale), last,
                     squares=True)
    rtol = 1e-11 if name == "sgd" else 0.03
    np.testing.assert_allclose(scale * V, exact, rtol=rtol, atol=rtol * np.max(np.abs(exact)))
    assert square == pytest.approx(np.sum(V * V), rel=1e-12)


@every_optimizer
@every_dtype
def test_changes_of_squares_add_up(name, dtype):
    W, rng = problem(dtype=dtype)
    gradients = [rng.normal(size=W.shape).astype(dtype) for _ in range(50)]
    after, _, total = lazily(name, W, touches(rng, 30, 50, 0.2), gradients, l2=0.01)
    change = np.sum(after.astype(float)**2) - np.sum(W.astype(float)**2)
    assert total == pytest.approx(change, rel=1e-4 if dtype == np.float32 else 1e-11)


@every_optimizer
def test_descends_on_a_quadratic(name):
    W, rng = problem((10, 8))
    curvature = rng.uniform(0.1, 1, W.shape)
    start, state = np.sum(curvature * W**2), OPTIMIZERS[name].state(W)
    for t in range(1, 1500):
        step(OPTIMIZERS[name].number, W, 2 * curvature * W, state, constants(
            name, t=t, eta={"adadelta": 5.0, "adagrad": 0.3}.get(name, 0.02)))
    assert np.sum(curvature * W**2) < 1e-2 * start


@every_optimizer
@every_dtype
@pytest.mark.parametrize("size", [1e-30, 1e30, np.inf])
def test_finite_at_extreme_gradients(name, dtype, size):
    """Weights and state: a gradient is cut where its square would not be finite."""
    W, rng = problem(dtype=dtype)
    gradients = [(size * rng.normal(size=W.shape)).astype(dtype) for _ in range(20)]
    rows = touches(rng, 30, 20, 0.3)
    dense, lazy = by_kernel(name, W, gradients, l2=1e-4), lazily(name, W, rows, gradients, l2=0.1)
    for after, state in (dense, lazy[:2]):
        assert all(np.isfinite(array).all() for array in (after, *state))


@every_optimizer
def test_nan_is_not_hidden(name):
    W, _ = problem((2, 70))
    G = np.zeros_like(W)
    G[1, 65] = np.nan
    W, _ = by_kernel(name, W, [G])
    assert np.isnan(W[1, 65])
    assert np.isfinite(W).sum() == 139


@every_optimizer
@every_dtype
def test_state_is_like_the_weights(name, dtype):
    W, _ = problem((5, 3), dtype)
    state = OPTIMIZERS[name].state(W)
    assert len(state) == OPTIMIZERS[name].slots
    assert all(a.shape == W.shape and a.dtype == dtype and not a.any() for a in state)


@every_optimizer
def test_rows_that_were_never_touched_stand_still(name):
    W, rng = problem()
    gradients = [rng.normal(size=W.shape) for _ in range(9)]
    after, state, _ = lazily(name, W, [np.arange(3, 7)] * 9, gradients, l2=0.1)
    untouched = np.r_[:3, 7:30]
    assert np.array_equal(after[untouched], W[untouched])
    assert not any(a[untouched].any() for a in state)
    assert not np.isclose(after[3:7], W[3:7]).any()


def test_constants_and_refusals():
    assert make_optimizer("adam") == Adam()
    assert make_optimizer(Momentum(0.5)).constants(eta=1)["momentum"] == 0.5
    assert AdaDelta().slots == 2
    with pytest.raises(ValueError, match="unknown optimizer 'adamw'; the valid names are 'sgd'"):
        make_optimizer("adamw")
    with pytest.raises(ValueError, match="beta_1 must be >= 0 and < 1, got 1"):
        Adam(beta_1=1)
    with pytest.raises(ValueError, match="is not linear"):
        Adam().shrink(1.0, 0.1, 0.1)
    W, c = np.zeros((4, 3)), constants("adam")
    number, state = Adam().number, Adam().state(W)
    for match, arguments in {
        "adam has 2 slots, got 1": (number, W, W, state[:1], c),
        "t must be >= 1": (number, W, W, state, c | {"t": 0}),
        "a scale goes with": (number, W, W, state, c | {"scale": 0.5}),
        "slot 1 has shape": (number, W, W, [state[0], W[:2]], c),
        "2 rows of 3 are needed": (number, W, W[:1], state, c, np.array([0, 1])),
        "touched rows must be within": (number, W, W, state, c, np.array([4])),
        "last has 3 entries": (number, W, W, state, c, None, np.zeros(3, np.int64)),
        "numbers from 0": (99, W, W, state, c),
        "rows of W must be contiguous": (0, W.T, W, [], c),
    }.items():
        with pytest.raises(ValueError, match=match):
            step(*arguments)
    with pytest.raises(TypeError, match="G must be float64, got float32"):
        step(number, W, W.astype(np.float32), state, c)
