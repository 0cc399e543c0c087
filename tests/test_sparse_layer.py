"""The first layer on CSR rows, forward and backward: equal to NumPy, by any registers and cuts."""

from threading import Thread

import numpy as np
import pytest
from kernel_reference import small_matrix
from scipy import sparse

from fastsgd.kernels.optimizers import step
from fastsgd.kernels.rows import Rows
from fastsgd.kernels.sparse_layer import SparseLayer
from fastsgd.optimizers import OPTIMIZERS, Adam

KINDS = [(dtype, index) for dtype in (np.float32, np.float64) for index in (np.int32, np.int64)]
UNITS = (1, 2, 3, 4, 5, 8, 15, 16, 17, 31, 64, 100, 128, 137, 300)
VISITS = np.array([7, 3, 140, 9, 7, 0, 55, 56, 57, 3])  # rows 3 and 9 and one twice
N_FEATURES = 23


def checked(X):
    rows = Rows(X)
    rows.check()
    return rows


def layer(n_units, dtype=np.float64, index=np.int32, vector=0):
    return SparseLayer(checked(small_matrix(dtype=dtype, index=index)), n_units, vector=vector)


def arrays(n_units, dtype=np.float64, visits=VISITS):
    """(W, delta) for a layer of so many units."""
    rng = np.random.default_rng(n_units)
    return (rng.normal(size=(N_FEATURES, n_units)).astype(dtype),
            rng.normal(size=(len(visits), n_units)).astype(dtype))


def rows_of(visits, dtype=np.float64):
    """These rows, dense and in float64; entries of one column add up."""
    return small_matrix(dtype=dtype).toarray().astype(np.float64)[visits]


def close(ours, exact, dtype):
    rtol = 1e-5 if dtype == np.float32 else 1e-13
    np.testing.assert_allclose(ours, exact, rtol=rtol, atol=rtol * np.max(np.abs(exact)))


@pytest.mark.parametrize("n_units", UNITS)
@pytest.mark.parametrize(("dtype", "index"), KINDS)
def test_both_ways_equal_numpy_by_any_registers(dtype, index, n_units):
    W, delta = arrays(n_units, dtype)
    X, found = rows_of(VISITS, dtype), {}
    for vector in (16, 32, 64):
        one, out = layer(n_units, dtype, index, vector), np.full_like(delta, np.nan)
        one.forward(VISITS, W, out)
        touched = one.touch(VISITS)
        gradient = np.full((len(touched) + 1, n_units), np.nan, dtype)
        one.backward(delta, gradient)
        found[vector] = out.tobytes(), gradient.tobytes()
    close(out, X @ W, dtype)
    close(gradient[:-1], (X.T @ delta.astype(float))[touched], dtype)
    assert np.isnan(gradient[-1]).all()
    assert found[16] == found[32] == found[64]


def test_touched_features_are_in_the_order_of_their_first_entry():
    X, one = small_matrix(), layer(2)
    order = list(dict.fromkeys(
        int(j) for i in VISITS for j in X.indices[X.indptr[i]:X.indptr[i + 1]]))
    touched = one.touch(VISITS)
    assert touched.dtype == np.int64
    assert touched.tolist() == order
    assert one.n_touched == len(order)
    assert one.touch(VISITS[:0]).tolist() == []
    assert one.touch(np.array([3])).tolist() == []  # a row without entries
    assert one.touch(np.array([7])).tolist() == [2, 4]
    assert one.touch(VISITS).tolist() == order  # nothing is left of the last


@pytest.mark.parametrize("n_units", [3, 16, 90, 200])
def test_forward_with_a_scale_and_rows_that_lie_apart(n_units):
    """By less than a register, by one, by several, by more than a block of them."""
    W, _ = arrays(n_units, np.float32)
    apart = np.full((N_FEATURES, n_units + 24), np.nan, np.float32)
    out, inside = np.zeros((10, n_units + 17), np.float32), slice(3, 3 + n_units)
    apart[:, 8:8 + n_units] = W
    one = layer(n_units, np.float32)
    one.forward(VISITS, apart[:, 8:8 + n_units], out[:, inside], scale=0.25)
    close(out[:, inside], 0.25 * (rows_of(VISITS, np.float32) @ W), np.float32)
    assert not out[:, :3].any()
    assert not out[:, inside.stop:].any()


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize(("dtype", "index"), KINDS)
def test_descend_is_backward_and_step_by_any_cut(dtype, index, name):
    W, delta = arrays(21, dtype)
    optimizer, constants = OPTIMIZERS[name], OPTIMIZERS[name].constants(eta=0.1, t=3, l2=0.01)
    rng, found = np.random.default_rng(5), []
    state = [rng.random(W.shape).astype(dtype) for _ in range(optimizer.slots)]
    last = rng.integers(0, 3, N_FEATURES)
    for cuts in (None, [0, 0, 5, 6], [0, 1, 2, 3, 4, 5]):
        one, w, s, at = layer(21, dtype, index), W.copy(), [a.copy() for a in state], last.copy()
        touched = one.touch(VISITS)
        if cuts is None:
            gradient = np.empty((len(touched), 21), dtype)
            one.backward(delta, gradient)
            change = step(optimizer.number, w, gradient, s, constants, touched, at, squares=True)
        else:
            ends = [*cuts, len(touched)]
            change = sum(one.descend(delta, optimizer.number, w, s, constants, at, *ends[i:i + 2],
                                     squares=True) for i in range(len(cuts)))
        assert change == pytest.approx(np.sum(w.astype(float)**2) - np.sum(W.astype(float)**2),
                                       rel=1e-4 if dtype == np.float32 else 1e-11)
        found.append([a.tobytes() for a in (w, *s, at)])
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize("n_parts", [1, 2, 7, 40])
def test_split_cuts_the_work_evenly(n_parts):
    X = sparse.random_array((500, 2000), density=0.02, format="csr", rng=0)
    one = SparseLayer(checked(X), 4)
    touched = one.touch(np.arange(300))
    cuts = one.split(n_parts)
    assert (cuts[0], cuts[-1], len(cuts)) == (0, len(touched), n_parts + 1)
    work = 8.0 + np.bincount(X[:300].indices, minlength=2000)[touched]
    parts = np.add.reduceat(work, cuts[:-1])
    assert parts.max() < work.sum() / n_parts + 2 * work.max()
    one.touch(np.arange(0))
    assert one.split(n_parts).tolist() == [0] * (n_parts + 1)


def test_threads_may_share_a_touched_layer_and_the_weights():
    """Slices of the features by four threads: the bits of one; HOGWILD!: finite, and it learns."""
    rng = np.random.default_rng(0)
    X = sparse.random_array((400, 3000), density=0.02, format="csr", rng=1, dtype=np.float32)
    rows, delta = checked(X), rng.normal(size=(400, 64)).astype(np.float32)
    one, visits, found = SparseLayer(rows, 64), np.arange(400), []
    for n_threads in (1, 4):
        W = np.ones((3000, 64), np.float32)
        state, last = Adam().state(W), np.zeros(3000, np.int64)
        one.touch(visits)
        cuts = one.split(n_threads)
        run([lambda i=i, W=W, state=state, last=last, cuts=cuts: one.descend(
            delta, Adam().number, W, state, Adam().constants(eta=0.1), last,
            cuts[i], cuts[i + 1]) for i in range(n_threads)])
        found.append(W.tobytes())
    assert found[0] == found[1]

    W = np.zeros((3000, 64), np.float32)
    target = rng.normal(size=(3000, 64)).astype(np.float32)

    def learn(rank):
        own, out = SparseLayer(rows, 64), np.empty((50, 64), np.float32)
        for t in range(200):
            visits = np.random.default_rng(2 * t + rank).permutation(400)[:50]
            own.touch(visits)
            own.forward(visits, W - target, out)
            own.descend(out, 0, W, [], OPTIMIZERS["sgd"].constants(eta=0.02))

    error = np.sum((X @ target)**2)
    run([lambda: learn(0), lambda: learn(1)])
    assert np.sum((X @ (W - target))**2) < 0.2 * error


def run(functions):
    threads = [Thread(target=function) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_read_only_arrays_are_taken_where_they_are_read():
    W, delta = arrays(5)
    X = small_matrix()
    visits = VISITS.copy()
    for array in (W, delta, visits, X.data, X.indices):
        array.flags.writeable = False
    one, out = SparseLayer(checked(X), 5), np.empty_like(delta)
    one.forward(visits, W, out)
    one.backward(delta, np.empty((len(one.touch(visits)), 5)))
    with pytest.raises(ValueError, match="out is read-only"):
        one.forward(visits, W, delta)


def test_what_is_refused():
    W, delta = arrays(5)
    one = layer(5)
    with pytest.raises(ValueError, match="takes CSR rows"):
        SparseLayer(checked(small_matrix().toarray()), 5)
    with pytest.raises(ValueError, match=r"call rows.check\(\) first"):
        SparseLayer(Rows(small_matrix()), 5)
    with pytest.raises(ValueError, match="n_units must be >= 1, got 0"):
        layer(0)
    for visits in ([-1], [150]):
        for method in (one.touch, lambda v: one.forward(v, W, delta)):
            with pytest.raises(ValueError, match="visits must be within 0 and 149"):
                method(np.array(visits))
    with pytest.raises(ValueError, match=r"W must have shape \(23, 5\), got \(22, 5\)"):
        one.forward(VISITS, W[:22], delta)
    with pytest.raises(TypeError, match="W must be float64, got float32"):
        one.forward(VISITS, W.astype(np.float32), delta)
    with pytest.raises(ValueError, match=r"out must have shape \(10, 5\), got \(9, 5\)"):
        one.forward(VISITS, W, delta[:9])
    touched = one.touch(VISITS)
    gradient = np.empty((len(touched), 5))
    with pytest.raises(ValueError, match="delta must have shape"):
        one.backward(delta[:9], gradient)
    with pytest.raises(ValueError, match="gradient must have shape"):
        one.backward(delta, gradient[1:])
    for begin, end in ((-1, 3), (3, 2), (0, len(touched) + 1)):
        with pytest.raises(ValueError, match="begin and end must be within"):
            one.backward(delta, gradient, begin, end)
