"""The SGD kernel against the NumPy epoch of kernel_reference.py, and what it refuses."""

import itertools

import numpy as np
import pytest
from kernel_reference import Problem, left_by, same, small_matrix, small_problem
from scipy import sparse

from fastsgd.engine.team import Team, run_hogwild, run_round_robin
from fastsgd.kernels.rows import Rows
from fastsgd.kernels.tables import TILE
from fastsgd.losses import LOSSES
from fastsgd.schedules import SCHEDULES

PENALTIES = {"none": {}, "l2": {"l2": 0.02}, "l1": {"l1": 0.01},
             "elasticnet": {"l1": 0.006, "l2": 0.01}}
RTOL = {np.float64: 1e-12, np.float32: 1e-5}


def serial(problem, blocks=None, row=None, pieces=1, vector=0):
    """What the serial kernel leaves after one epoch, run in some pieces."""
    trainer, weights, average = problem.trainer(vector=vector)
    trainer.set_order(blocks, row)
    borders = np.linspace(0, trainer.n_tiles, pieces + 1).astype(int)
    for begin, end in itertools.pairwise(borders):
        assert trainer.run_serial(begin, end) == end
    return left_by(trainer, weights, average)


def one_thread(problem, epoch):
    """What an epoch for threads leaves when there is one of them."""
    trainer, weights, average = problem.trainer()
    with Team(1, trainer.stop) as team:
        epoch(trainer, team, 64)
    return left_by(trainer, weights, average)


def as_they_lie(problem):
    return np.arange(problem.X.shape[0])


@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_and_penalty(loss, penalty):
    """All rows of the loss table under all penalties."""
    problem = small_problem(loss=loss, **PENALTIES[penalty])
    same(serial(problem), problem.reference(as_they_lie(problem)), 1e-12)


@pytest.mark.parametrize("dtype", RTOL)
@pytest.mark.parametrize("features", [1, 15, 16, 17, 100])
def test_the_same_bits_with_registers_of_any_width(features, dtype):
    """Own dense rows; registers that this machine lacks are not taken."""
    problem = small_problem(loss="log_loss", l2=0.02, dtype=dtype, dense=True, average_from=20)
    problem.X = np.random.default_rng(0).normal(size=(len(problem.y), features)).astype(dtype)
    expected = problem.reference(as_they_lie(problem))
    narrow = serial(problem, vector=16)
    same(narrow, expected, 20 * RTOL[dtype])
    for vector in (32, 64, 0):
        same(serial(problem, vector=vector), narrow, 0)


@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_every_schedule(schedule, penalty):
    """All rows of the schedule table; the PA steps come from the sample."""
    problem = small_problem(schedule=schedule, **PENALTIES[penalty])
    same(serial(problem), problem.reference(as_they_lie(problem)), 1e-12)


@pytest.mark.parametrize("schedule", ["pa1", "pa2"])
@pytest.mark.parametrize("C", [0.01, 100.0])
def test_passive_aggressive_regression(schedule, C):
    """PA-I and PA-II with epsilon-insensitive loss, bounded and free."""
    problem = small_problem(loss="epsilon_insensitive", schedule=schedule, constants={"eta0": C})
    same(serial(problem), problem.reference(as_they_lie(problem)), 1e-10)


@pytest.mark.parametrize("dense", [False, True], ids=["csr", "dense"])
@pytest.mark.parametrize("index", [np.int32, np.int64])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("average_from", [0, 1, 40])
@pytest.mark.parametrize("penalty", PENALTIES)
def test_every_kind_of_rows(penalty, average_from, dtype, index, dense):
    """Value types, column types, dense rows and averaging give the same model."""
    problem = small_problem(dtype=dtype, index=index, dense=dense, loss="log_loss",
                            average_from=average_from, **PENALTIES[penalty])
    same(serial(problem, pieces=3), problem.reference(as_they_lie(problem)), RTOL[dtype])


@pytest.mark.parametrize("epoch", [run_hogwild, run_round_robin])
@pytest.mark.parametrize("dense", [False, True], ids=["csr", "dense"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("penalty", PENALTIES)
def test_one_thread_is_serial(penalty, dtype, dense, epoch):
    """The shared kernels, alone, do what the serial one does."""
    problem = small_problem(n=333, dtype=dtype, dense=dense, loss="log_loss", **PENALTIES[penalty])
    same(one_thread(problem, epoch), problem.reference(as_they_lie(problem)), RTOL[dtype])


def test_rows_in_a_given_order():
    """A list of rows may leave rows out and name others twice."""
    problem = small_problem(l2=0.02, l1=0.001, average_from=1)
    row = np.random.default_rng(0).integers(0, 150, 77)
    same(serial(problem, row=row), problem.reference(row), 1e-12)


@pytest.mark.parametrize("n", [1, 31, 32, 33, 150])
def test_blocks_in_a_given_order(n):
    """The short last block is visited wherever the order puts it."""
    problem = small_problem(n=max(n, 10), l2=0.02)
    problem.X, problem.y = problem.X[:n], problem.y[:n]
    blocks = np.roll(np.arange(-(-n // TILE)), 2)  # of 5 blocks the short one comes second
    visits = np.concatenate([np.arange(j * TILE, min(n, (j + 1) * TILE)) for j in blocks])
    same(serial(problem, blocks=blocks), problem.reference(visits), 1e-12)


def test_weights_of_samples_and_classes():
    """Both weigh loss and step; zero leaves a row out, but not its shrinkage."""
    weight = np.random.default_rng(0).choice([0.0, 0.5, 2.0], 150)
    for schedule in ("invscaling", "pa1"):
        problem = small_problem(l2=0.01, sample_weight=weight, weight_pos=3.0, weight_neg=0.25,
                                schedule=schedule)
        same(serial(problem), problem.reference(as_they_lie(problem)), 1e-12)


def test_no_intercept():
    """A decay of 0 keeps the intercept where it was."""
    trainer, weights, _ = small_problem(decay=0.0).trainer(intercept=0.75)
    trainer.run_serial(0, trainer.n_tiles)
    trainer.finish()
    assert trainer.intercept == 0.75
    assert np.any(weights)


def test_huge_slopes_are_clipped():
    """|dloss| is bounded by 1e12, as in scikit-learn."""
    problem = small_problem(n=12, loss="squared_error", constants={"eta0": 1e-30})
    problem.y = np.where(np.arange(12) % 2, 1e200, -1e200)
    ours = serial(problem)
    same(ours, problem.reference(as_they_lie(problem)), 1e-12)
    assert 0 < np.max(abs(ours["w"])) < 1e-15


@pytest.mark.parametrize("average_from", [0, 1])
def test_factor_of_zero(average_from):
    """eta * l2 >= 1 shrinks the weights to nothing, not across."""
    problem = small_problem(l2=1.5, schedule="constant", constants={"eta0": 1.0}, loss="log_loss",
                            average_from=average_from)
    exact = problem.reference(as_they_lie(problem))
    same(serial(problem), exact, 1e-12)
    if not average_from:
        same(one_thread(problem, run_hogwild), exact, 1e-12)
        same(one_thread(problem, run_round_robin), exact, 1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("penalty", ["l2", "elasticnet"])
def test_strong_shrinkage_folds(dtype, penalty):
    """Thousands of steps of factor 0.8 pass the minimum of the scale many times."""
    options = {"l2": 0.4, "l1": 0.02 if penalty == "elasticnet" else 0.0}
    problem = small_problem(n=2000, dtype=dtype, loss="log_loss", schedule="constant",
                            constants={"eta0": 0.5}, **options)
    exact, rtol = problem.reference(as_they_lie(problem)), RTOL[dtype] * 10
    trainer, _, _ = problem.trainer()
    assert trainer.plan(0) < trainer.n_tiles
    for ours in (serial(problem), one_thread(problem, run_hogwild),
                 one_thread(problem, run_round_robin)):
        same(ours, exact, rtol)
    problem.average_from = 1
    same(serial(problem), problem.reference(as_they_lie(problem)), rtol)


def test_huge_number_of_features():
    """Column numbers near 2^31 and beyond int32 are no trouble, here of 2^22 features."""
    n_features = 2**22
    X = sparse.csr_array((np.ones(2), np.array([0, n_features - 1]), np.array([0, 1, 2])),
                         shape=(2, n_features))
    problem = Problem(X, np.array([1.0, -1.0]), l2=0.1)
    same(serial(problem), problem.reference([0, 1]), 1e-12)


@pytest.mark.parametrize("n_features", [0, 3])
def test_rows_without_values(n_features):
    """A matrix that stores nothing trains the intercept alone."""
    X = sparse.csr_array((5, n_features), dtype=np.float64)
    problem = Problem(X, np.array([1.0, 1, -1, 1, 1]), l2=0.1)
    same(serial(problem), problem.reference(range(5)), 1e-12)


def test_no_rows():
    """No rows, or an empty list of visits, is an epoch without steps."""
    problem = Problem(sparse.csr_array((0, 3), dtype=np.float64), np.zeros(0))
    assert not np.any(serial(problem)["w"])
    problem = small_problem()
    assert not np.any(serial(problem, row=np.zeros(0, np.int64))["w"])
    assert serial(problem, row=np.zeros(0, np.int64))["b"] == 0


@pytest.mark.parametrize("order", ["row", "blocks"])
def test_order_out_of_range_is_refused(order):
    """A refused order changes nothing: the next epoch visits what it visited before."""
    trainer, _, _ = small_problem().trainer()
    for bad in (np.array([0, 150]), np.array([-1]), np.full(10**6, 150)):
        with pytest.raises(ValueError, match=r"within X|permutation"):
            trainer.set_order(**{"row": None, "blocks": None, order: bad})
        assert trainer.n_tiles == 5
        trainer.run_serial(0, trainer.n_tiles)


def test_tiles_out_of_range_are_refused():
    """Tiles past the end of the order are no memory to read."""
    trainer, _, _ = small_problem().trainer()
    for begin, end in ((0, 6), (-1, 2)):
        with pytest.raises(ValueError, match="tiles run from 0 to 5"):
            trainer.run_serial(begin, end)


def test_longer_order_after_a_plan():
    """An order of more visits than the first one planned has room for its clocks."""
    problem = small_problem(l2=0.02)
    trainer, weights, average = problem.trainer()
    trainer.plan(0)
    trainer, weights, average = problem.trainer()
    trainer.set_order(None, np.zeros(1, np.int64))
    trainer.plan(0)
    trainer.run_hogwild()
    row = np.random.default_rng(0).integers(0, 150, 50_000)
    trainer.set_order(None, row)
    assert trainer.plan(0) == trainer.n_tiles == 1563
    trainer.run_hogwild()
    same({"w": left_by(trainer, weights, average)["w"]},
         {"w": problem.reference(np.concatenate([[0], row]))["w"]}, 1e-9)


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        ("sample_weight", {"sample_weight": np.ones(149)}),
        ("y has 149", {"y": np.ones(149)}),
    ],
)
def test_lengths_are_checked(name, bad):
    """Shorter y or weights are refused, not read past their end."""
    problem = small_problem()
    for key, value in bad.items():
        setattr(problem, key, value)
    with pytest.raises(ValueError, match=name):
        problem.trainer()


def test_rows_keep_their_arrays_alive():
    """The view outlives the matrix it was made from."""
    problem = small_problem(l2=0.02)
    exact = problem.reference(as_they_lie(problem))
    trainer, weights, average = problem.trainer()
    problem.X = problem.y = None
    junk = [np.full(2000, np.nan) for _ in range(50)]
    trainer.run_serial(0, trainer.n_tiles)
    same(left_by(trainer, weights, average), exact, 1e-12)
    assert len(junk) == 50


def test_small_matrix_is_what_it_says():
    """The cases that the reference is meant to meet are there."""
    X = small_matrix()
    assert X.indptr[3] == X.indptr[4]
    assert not np.any(X.indices == 5)
    assert list(X.indices[X.indptr[7]:X.indptr[8]]) == [2, 4, 2]
    assert Rows(X).nnz == len(X.data)


def test_clip_never_moves_away_from_zero():
    """A thread that was held up meets weights that have paid more than it knows was due."""
    problem = Problem(np.zeros((1, 3)), np.ones(1), l1=0.1)
    trainer, weights, _ = problem.trainer()
    weights[:] = before = [[0.5, -2.0], [-0.5, 2.0], [0.0, 3.0]]
    trainer.finish()
    np.testing.assert_array_equal(weights, before)
