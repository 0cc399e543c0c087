"""The kernel of all classes in one pass: beside a NumPy reference, class by class."""

import numpy as np
import pytest
from kernel_reference import SCHEDULE, Problem, same, small_matrix
from scipy import sparse

from fastsgd.kernels.classes import ClassSlice, lanes
from fastsgd.kernels.rows import Rows
from fastsgd.losses import LOSSES
from fastsgd.schedules import SCHEDULES

K = 21
rng = np.random.default_rng(7)
X = small_matrix()
N = X.shape[0]
CODES = rng.integers(0, K, N).astype(np.int32)
LABELS = sparse.csr_array(rng.random((N, K)) < 0.2)
CLASS_WEIGHTS = np.stack([np.linspace(0.5, 1.5, K), np.linspace(3, 1, K)])


def members(multilabel):
    if multilabel:
        return LABELS.indptr.astype(np.int64), LABELS.indices.astype(np.int32)
    return None, CODES


def signs(multilabel):
    belongs = LABELS.toarray() if multilabel else np.arange(K) == CODES[:, None]
    return np.where(belongs, 1.0, -1.0)


def make(X, classes=range(K), *, multilabel=False, loss="hinge", l2=0.01, schedule="invscaling",
         sample_weight=None, vector=0, constants=None):
    classes = np.array(classes)
    return ClassSlice(
        Rows(X), members(multilabel), K, classes, sample_weight, CLASS_WEIGHTS[:, classes],
        loss=LOSSES[loss].number, loss_constant=0.1, l2=l2, intercept_decay=0.5, vector=vector,
        schedule={"kind": SCHEDULES[schedule][0], **SCHEDULE, **(constants or {})})


def after(one, *orders):
    """Weights, intercepts, sums of losses and squares after epochs in these orders of rows."""
    for row in orders:
        one.set_order(None, row)
        assert one.run(0, one.n_tiles) == one.n_tiles
        one.finish()
    return [np.array(a) for a in (one.weights, one.intercepts, one.loss_sums, one.squares)]


@pytest.mark.parametrize("kind", ["csr", "csr64", "dense"])
@pytest.mark.parametrize("l2", [0.0, 0.01])
@pytest.mark.parametrize("loss", LOSSES)
def test_every_class_is_the_reference(loss, l2, kind):
    multilabel, visits = kind != "csr64", rng.permutation(N)
    weight = rng.random(N) + 0.5
    Z = {"csr": X, "csr64": small_matrix(index=np.int64), "dense": X.toarray()}[kind]
    w, b, losses, squares = after(
        make(Z, loss=loss, l2=l2, multilabel=multilabel, sample_weight=weight), visits)
    for k in range(K):
        exact = Problem(
            Z, signs(multilabel)[:, k], loss=loss, l2=l2, sample_weight=weight,
            weight_neg=CLASS_WEIGHTS[0, k], weight_pos=CLASS_WEIGHTS[1, k]).reference(visits)
        same({"w": w[:, k], "b": b[k], "loss": losses[k]},
             {name: exact[name] for name in ("w", "b", "loss")}, 1e-12)
        assert squares[k] == pytest.approx(exact["w"] @ exact["w"], rel=1e-12)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_every_schedule_is_the_reference(schedule):
    visits = rng.permutation(N)
    w, b, *_ = after(make(X, schedule=schedule), visits)
    for k in range(K):
        exact = Problem(X, signs(False)[:, k], l2=0.01, schedule=schedule,
                        weight_neg=CLASS_WEIGHTS[0, k],
                        weight_pos=CLASS_WEIGHTS[1, k]).reference(visits)
        same({"w": w[:, k], "b": b[k]}, {name: exact[name] for name in "wb"}, 1e-12)


def test_strong_shrinkage_is_folded():
    """1 - eta l2 = 0.05 a step: the scale falls under its minimum every 76 rows."""
    visits, constants = rng.permutation(N), {"eta0": 0.5}
    w, *_ = after(make(X, l2=1.9, schedule="constant", constants=constants), visits)
    for k in (0, K - 1):
        exact = Problem(X, signs(False)[:, k], l2=1.9, schedule="constant", constants=constants,
                        weight_neg=CLASS_WEIGHTS[0, k], weight_pos=CLASS_WEIGHTS[1, k])
        same({"w": w[:, k]}, {"w": exact.reference(visits)["w"]}, 1e-11)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("loss", ["hinge", "log_loss"])
@pytest.mark.parametrize("kind", ["csr", "dense"])
def test_no_bit_depends_on_the_slice_or_the_registers(dtype, loss, kind):
    Z = small_matrix(dtype=dtype)
    Z = Z.toarray() if kind == "dense" else Z
    orders = [rng.permutation(N) for _ in range(3)]
    whole = after(make(Z, loss=loss), *orders)
    for vector in (16, 32, 64):
        for classes in (range(K), range(3), range(5, 12), [20, 4, 9], range(2, 20)):
            part = after(make(Z, classes, loss=loss, vector=vector), *orders)
            for all_, some in zip(whole, part, strict=True):
                assert np.array_equal(all_[..., np.array(classes)], some)


def test_lanes_are_whole_lines():
    assert [lanes(n, np.float32) for n in (1, 4, 5, 8, 9, 16, 17, 101)] == [
        4, 4, 8, 8, 16, 16, 32, 112]
    assert [lanes(n, np.float64) for n in (1, 2, 3, 5, 9, 101)] == [2, 2, 4, 8, 16, 104]


def test_a_frozen_class_stands_still_but_for_its_shrinkage():
    one, row = make(X, l2=0.0), np.arange(N)
    before, *_ = after(one, row)
    one.freeze(3)
    now, *_ = after(one, row)
    assert np.array_equal(now[:, 3], before[:, 3])
    assert not np.array_equal(now[:, 2], before[:, 2])


def test_stop_ends_a_run():
    one = make(X)
    one.stop()
    assert one.run(0, one.n_tiles) == 0


@pytest.mark.parametrize(("change", "message"), [
    (lambda: ClassSlice(Rows(X), (None, CODES[:5]), K, [0], None, np.ones((2, 1)), **FEW),
     "members has 5 entries, 150 are needed"),
    (lambda: ClassSlice(Rows(X), (None, CODES), 5, [0], None, np.ones((2, 1)), **FEW),
     "class numbers below 5"),
    (lambda: ClassSlice(Rows(X), (np.zeros(3, np.int64), CODES), K, [0], None, np.ones((2, 1)),
                        **FEW), "one ascending range for each row"),
    (lambda: ClassSlice(Rows(X), (None, CODES), K, [0, 1], None, np.ones((2, 1)), **FEW),
     r"class_weights must have shape \(2, 2\)"),
    (lambda: ClassSlice(Rows(X), (None, CODES), K, [0], np.ones(3), np.ones((2, 1)), **FEW),
     "sample_weight has 3 entries"),
    (lambda: make(X).set_order(None, np.array([N])), "within X"),
    (lambda: make(X).set_order(np.array([0]), None), "permutation of range"),
    (lambda: make(X).run(0, 10**6), "tiles run from 0"),
])
def test_what_does_not_fit_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        change()


FEW = {"loss": 0, "loss_constant": 0.1, "l2": 0.0, "intercept_decay": 1.0,
       "schedule": {"kind": 0, **SCHEDULE}}
