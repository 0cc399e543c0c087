"""Map-Reduce sums: equal to NumPy for every kind of rows, and the same bits by any threads."""

import numpy as np
import pytest
from kernel_reference import Problem, small_matrix, small_problem
from scipy import sparse
from sums_reference import reference, run

from fastsgd.kernels import gradient
from fastsgd.kernels.gradient import Sums, count_shards
from fastsgd.kernels.rows import Rows
from fastsgd.losses import LOSSES

KINDS = [(dtype, index) for dtype in (np.float32, np.float64)
         for index in (np.int32, np.int64, "dense")]
rng = np.random.default_rng(0)


@pytest.fixture
def many_shards(monkeypatch):
    """Shards of few rows, so that small problems have several."""
    monkeypatch.setattr(gradient, "SMALLEST_SHARD", 16)


def sums_of(problem, **more):
    """The kernel's sums for a `Problem`."""
    rows = Rows(problem.X)
    rows.check()
    return Sums(rows, problem.y, problem.sample_weight, loss=LOSSES[problem.loss].number,
                loss_constant=problem.constant, weight_pos=problem.weight_pos,
                weight_neg=problem.weight_neg, **more)


def made(dtype=np.float64, index=np.int32, loss="log_loss", **options):
    dense = index == "dense"
    return small_problem(dtype=dtype, index=np.int32 if dense else index, dense=dense, loss=loss,
                         **options)


def weighted(**more):
    return made(sample_weight=rng.random(150) * (rng.random(150) > 0.1), weight_pos=2.0,
                weight_neg=0.5, **more)


def point(problem):
    """Two vectors of the problem's size, large enough to meet every piece of a loss."""
    return rng.normal(size=problem.X.shape[1]), rng.normal(size=problem.X.shape[1])


def close(ours, exact):
    np.testing.assert_allclose(ours, exact, rtol=1e-12, atol=1e-12 * np.max(np.abs(exact)))


@pytest.mark.parametrize("n_threads", [0, 3])
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize(("dtype", "index"), KINDS)
def test_every_sum_equals_numpy(dtype, index, loss, n_threads, many_shards):
    problem = weighted(dtype=dtype, index=index, loss=loss)
    (w, v), out = point(problem), np.full(problem.X.shape[1], np.nan)
    exact = reference(problem, w, 0.3, v, -0.2, eta=0.7)
    at_w = reference(problem, w, 0.3)
    sums = sums_of(problem)
    assert sums.n_shards == 16
    run(sums, "gradient", n_threads, w=w, b=0.3, out=out)
    close(out, at_w["gradient"])
    close([sums.value, sums.slope], [at_w["value"], at_w["gradient_b"]])
    close(sums.margins, at_w["z"])
    run(sums, "product", n_threads, w=v, b=-0.2, out=out)
    close(out, exact["product"])
    close(sums.slope, exact["product_b"])
    run(sums, "along", n_threads, w=v, b=-0.2)
    run(sums, "line", n_threads, eta=0.7)
    close([sums.value, sums.slope, sums.curve],
          [exact["value"], exact["dphi"], exact["ddphi"]])
    run(sums, "squares", n_threads, out=out)
    close(out, exact["squares"])
    run(sums, "moved", n_threads, eta=0.7, out=out)
    close(out, exact["gradient"])
    close([sums.value, sums.slope], [exact["value"], exact["gradient_b"]])
    close(sums.margins, exact["z"])
    moved = reference(problem, w + 0.7 * v, 0.3 - 0.7 * 0.2, v, -0.2)
    run(sums, "product", n_threads, w=v, b=-0.2, out=out)
    close(out, moved["product"])


@pytest.mark.parametrize("vector", [16, 0])
def test_log_loss_of_eight_rows_is_that_of_one(vector):
    """To some units in the last place, from margins of 0 to those at which exp underflows."""
    sizes = np.r_[0, 10.0 ** np.arange(-300, 2, 7), np.linspace(0, 745, 1001), 1e3, 1e300]
    z = np.r_[sizes, -sizes]
    y = np.where(rng.random(len(z)) < 0.5, -1.0, 1.0)
    loss, rows = LOSSES["log_loss"], Rows(sparse.csr_matrix(np.eye(len(z))))
    rows.check()
    sums, out = Sums(rows, y, None, loss=loss.number, loss_constant=0.0, vector=vector), 0 * z
    run(sums, "gradient", w=z, out=out)
    exact = {"rtol": 1e-15, "atol": 1e-307}
    np.testing.assert_allclose(out, loss.derivative(z, y), **exact)
    run(sums, "product", w=np.ones(len(z)), out=out)
    np.testing.assert_allclose(out, loss.second_derivative(z, y), **exact)
    for k in range(0, len(z), 5):
        sums.set_visits(np.array([k]))
        run(sums, "gradient", w=z, out=out)
        np.testing.assert_allclose(sums.value, loss.value(z[[k]], y[[k]])[0], **exact)
    z[3] = np.nan
    sums.set_visits(None)
    run(sums, "gradient", w=z, out=out)
    assert np.isnan(sums.value)
    assert np.isnan(out[3])


@pytest.mark.parametrize(("dtype", "index"), KINDS)
@pytest.mark.parametrize("visits", [np.arange(10, 90), rng.permutation(150), np.array([7]),
                                    np.array([3, 3, 9])], ids=len)
def test_sums_over_some_rows(dtype, index, visits, many_shards):
    problem = weighted(dtype=dtype, index=index)
    (w, v), out = point(problem), np.empty(problem.X.shape[1])
    exact = reference(problem, w, 0.3, v, 0.1, visits=visits)
    sums = sums_of(problem)
    for _ in range(2):
        sums.set_visits(visits)
        run(sums, "gradient", w=w, b=0.3, out=out)
        close(out, exact["gradient"])
        close([sums.value, sums.slope], [exact["value"], exact["gradient_b"]])
        close(sums.margins, exact["z"])
        run(sums, "product", w=v, b=0.1, out=out)
        close(out, exact["product"])
        sums.set_visits(None)
        run(sums, "gradient", w=w, b=0.3, out=out)
        close(out, reference(problem, w, 0.3)["gradient"])


@pytest.mark.parametrize(("dtype", "index"), KINDS)
def test_the_same_bits_by_any_threads_and_pieces(dtype, index, many_shards, monkeypatch):
    """One thread, in pieces or at once, two, five, and more than there are shards."""
    problem = weighted(dtype=dtype, index=index)
    w, v = point(problem)

    def bits(n_threads, most=10**9, vector=0):
        sums, found = sums_of(problem, vector=vector), []
        for task, more in (("gradient", {"w": w, "b": 0.1}), ("product", {"w": v, "b": 0.2}),
                           ("along", {"w": v, "b": 0.2}), ("line", {"eta": 0.3}),
                           ("moved", {"eta": 0.3})):
            out = np.zeros(problem.X.shape[1])
            run(sums, task, n_threads, most, **more, out=out)
            found += [out.tobytes(), sums.value, sums.slope, sums.curve]
        return found

    first = bits(0)
    assert all(bits(n) == first for n in (1, 2, 5, 40))
    assert bits(0, most=1) == first
    assert bits(0, vector=16) == first
    assert bits(2) == first
    monkeypatch.setattr(gradient, "MOST_SHARDS", 3)
    assert bits(0) != first  # the sums of other shards are rounded otherwise


def test_shards_hold_equal_numbers_of_values(many_shards):
    """Rows of very different length: by values, not by rows."""
    lengths = np.r_[np.full(100, 1), np.full(10, 90)]
    indptr = np.r_[0, np.cumsum(lengths)]
    X = sparse.csr_array((np.ones(1000), np.concatenate([np.arange(n) for n in lengths]), indptr),
                         shape=(110, 100))
    problem = Problem(X, np.ones(110), loss="squared_error")
    sums = sums_of(problem)
    assert sums.n_shards == 5
    out = np.empty(100)
    run(sums, "gradient", 5, w=np.zeros(100), b=0.0, out=out)
    close(out, reference(problem, np.zeros(100), 0.0)["gradient"])
    longest = max(int(indptr[b] - indptr[a]) for a, b in sums.shards)
    assert longest <= 1000 // 5 + 90
    assert sums.shards[0][0] == 0
    assert sums.shards[-1][1] == 110


def test_how_many_shards():
    """By shape alone; their buffers stay small beside the data."""
    assert count_shards(1000, 10_000, 20) == 1
    assert count_shards(781_265, 59_000_000, 47_236) == 16
    assert count_shards(20_000, 9_000_000, 1_300_000) == 3
    assert count_shards(2, 10**9, 10) == 2
    assert count_shards(0, 0, 0) == 1


def test_rows_without_values_and_few_features():
    """No stored value at all: the losses at b alone."""
    problem = Problem(sparse.csr_array((5, 3)), np.array([1.0, -1, 1, 1, -1]), loss="log_loss")
    sums, out = sums_of(problem), np.full(3, np.nan)
    run(sums, "gradient", w=np.ones(3), b=0.5, out=out)
    assert np.array_equal(out, np.zeros(3))
    close(sums.value, reference(problem, np.ones(3), 0.5)["value"])


@pytest.mark.parametrize("index", [np.int32, "dense"])
def test_read_only_arrays_are_taken(index):
    problem = made(index=index)
    parts = [problem.X] if index == "dense" else [problem.X.data, problem.X.indices]
    for part in [*parts, problem.y]:
        part.flags.writeable = False
    w, out = np.zeros(problem.X.shape[1]), np.zeros(problem.X.shape[1])
    w.flags.writeable = False
    run(sums_of(problem), "gradient", w=w, b=0.0, out=out)
    close(out, reference(problem, w, 0.0)["gradient"])


def test_stopped_threads_return():
    problem = made()
    sums = sums_of(problem)
    sums.stop()
    run(sums, "gradient", 3, w=np.zeros(23), b=0.0, out=np.zeros(23))
    assert sums.value == 0


def test_what_is_refused():
    problem, rows = made(), Rows(small_matrix())
    with pytest.raises(ValueError, match=r"call rows.check\(\) first"):
        Sums(rows, problem.y, None, loss=0, loss_constant=0.0)
    rows.check()
    with pytest.raises(ValueError, match="y has 3 entries, X 150 rows"):
        Sums(rows, np.ones(3), None, loss=0, loss_constant=0.0)
    with pytest.raises(ValueError, match="sample_weight has 3 entries"):
        Sums(rows, problem.y, np.ones(3), loss=0, loss_constant=0.0)
    sums, w = sums_of(problem), np.zeros(23)
    for visits in ([-1], [150]):
        with pytest.raises(ValueError, match="within X"):
            sums.set_visits(np.array(visits))
    with pytest.raises(ValueError, match="needs w"):
        sums.begin("gradient", out=w)
    with pytest.raises(ValueError, match="needs out"):
        sums.begin("gradient", w=w, out=np.zeros(22))
    with pytest.raises(ValueError, match="these sums keep none"):
        sums_of(problem, keep=False).begin("line", eta=1.0)


@pytest.mark.parametrize("n_threads", [0, 2])
def test_more_features_than_one_slice_of_the_reduce(n_threads, many_shards):
    X = sparse.random_array((400, 9001), density=0.02, format="csr", rng=1)
    problem = Problem(X, np.where(rng.random(400) < 0.5, 1.0, -1.0), loss="log_loss")
    w, out = rng.normal(size=9001), np.full(9001, np.nan)
    sums = sums_of(problem)
    assert sums.n_shards > 1
    run(sums, "gradient", n_threads, w=w, b=0.1, out=out)
    close(out, reference(problem, w, 0.1)["gradient"])
