"""The engine takes the steps of fastsgd.reference, the page of plain NumPy."""

import numpy as np
import pytest
from kernel_reference import small_matrix

from fastsgd import FastSGDClassifier
from fastsgd.engine.linear.visiting import block_rows, visiting_order
from fastsgd.kernels.rows import Rows
from fastsgd.reference import LOSSES, sgd

N, EPOCHS = 400, 4


def data(dense):
    X = small_matrix(N)
    rng = np.random.default_rng(0)
    y = np.where(X @ rng.normal(size=X.shape[1]) + rng.normal(size=N) > 0, 1, -1)
    return X.toarray() if dense else X, y


def shuffled(X, seed):
    """The engine's own order of the rows, by epoch."""
    size = block_rows(Rows(X))

    def order(epoch):
        blocks, rows = visiting_order(True, seed, epoch, N, size)
        assert blocks is None  # blocks of fewer rows than a tile come as rows
        return rows
    return order


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("dense", [False, True], ids=["csr", "dense"])
@pytest.mark.parametrize("alpha", [0.01, 0.1])  # longer steps magnify what is rounded
@pytest.mark.parametrize("loss", LOSSES)
def test_the_engine_takes_its_steps(loss, alpha, dense, shuffle):
    X, y = data(dense)
    model = FastSGDClassifier(loss, alpha=alpha, max_iter=EPOCHS, tol=None, shuffle=shuffle,
                              n_jobs=1, random_state=3).fit(X, y)
    w, b, curve = sgd(X, y, loss=loss, alpha=alpha, epochs=EPOCHS,
                      order=shuffled(X, 3) if shuffle else None,
                      bias_decay=1.0 if dense else 0.01)
    np.testing.assert_allclose(model.coef_[0], w, rtol=1e-9, atol=1e-9 * abs(w).max())
    np.testing.assert_allclose(model.intercept_[0], b, rtol=1e-9)
    np.testing.assert_allclose(model.loss_curve_, curve, rtol=1e-9)


@pytest.mark.parametrize("loss", LOSSES)
def test_slopes_are_those_of_the_values(loss):
    for y in (-1, 1):
        for z in (-3.1, -0.4, 0.3, 2.7):
            numeric = (LOSSES[loss](z + 1e-6, y)[0] - LOSSES[loss](z - 1e-6, y)[0]) / 2e-6
            assert LOSSES[loss](z, y)[1] == pytest.approx(numeric, rel=1e-6, abs=1e-9)
