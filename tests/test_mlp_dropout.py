"""Dropout's masks: what stays is scaled up, and they are a function of seed, epoch and stream."""

import numpy as np
import pytest
from mlp_problem import N, Problem, rows_of, settings, targets_of
from scipy import sparse

from fastsgd import FastMLPClassifier
from fastsgd.engine.mlp.dropout import Masks, drop_values


def mask_of(rate=0.3, dtype=np.float64, seed=1, epoch=2, stream=3):
    masks = Masks((0.0, rate), (5, 400), 300, dtype, seed, stream)
    masks.begin(epoch)
    assert masks.draw(0, 300) is None
    return masks.draw(1, 300).copy()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rate", [0.1, 0.5, 0.8])
def test_what_stays_is_divided_by_its_share(rate, dtype):
    mask, values = mask_of(rate, dtype), np.full(120_000, 3.0, dtype)
    dropped = np.empty_like(values)
    drop_values(values, dropped, rate, seed=1, epoch=2)
    for each, size in ((mask, 1.0), (dropped, 3.0)):
        assert each.dtype == dtype
        left = each[each != 0]
        np.testing.assert_allclose(left, size / (1 - rate), rtol=1e-6)
        assert abs(len(left) / each.size - (1 - rate)) < 0.01


def test_masks_are_a_function_of_seed_epoch_and_stream():
    first = mask_of()
    np.testing.assert_array_equal(mask_of(), first)
    for other in ({"seed": 9}, {"epoch": 9}, {"stream": 9}):
        assert 0.2 < (mask_of(**other) != first).mean() < 0.6, other
    values = np.ones(1000)
    found = []
    for seed, epoch in ((1, 2), (9, 2), (1, 9), (1, 2)):
        out = np.empty_like(values)
        drop_values(values, out, 0.3, seed, epoch)
        found.append(out)
    np.testing.assert_array_equal(found[0], found[3])
    for other in found[1:3]:
        assert (other != found[0]).any()


@pytest.mark.parametrize("dropout", [(0.5, 0.0), (0.0, 0.5)], ids=["input", "hidden"])
@pytest.mark.parametrize("csr", [False, True], ids=["dense", "csr"])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_every_epoch_has_masks_of_its_own(csr, dropout):
    """The loss of weights that stand still, with the rows in their order."""
    X = np.random.default_rng(0).normal(size=(60, 5))
    model = FastMLPClassifier((6,), dropout=dropout, learning_rate_init=1e-12, shuffle=False,
                              max_iter=4, random_state=0)
    model.fit(sparse.csr_array(X) if csr else X, X[:, 0] > 0)
    assert np.ptp(model.loss_curve_) > 1e-3


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_dropout_of_the_input_leaves_x_as_it_was():
    X = sparse.random_array((60, 30), density=0.2, format="csr", rng=0)
    before = X.data.copy()
    FastMLPClassifier((6,), dropout=(0.5, 0.0), max_iter=2).fit(X, np.arange(60) % 2)
    np.testing.assert_array_equal(X.data, before)


def test_threads_have_masks_of_their_own_and_none_of_a_sparse_input():
    """A mask of all features would cost what a sparse minibatch does not."""
    chosen = settings(dropout=(0.5, 0.5, 0.0), lazy=True)
    bench = Problem(chosen, rows_of(csr=True), targets_of(("softmax", "log_loss")))._bench
    passes = [bench.make_pass(N, stream) for stream in (0, 1)]
    bench.begin(0)
    one, two = [each._masks for each in passes]
    assert one.draw(0, N) is None
    assert (one.draw(1, N) != two.draw(1, N)).any()
