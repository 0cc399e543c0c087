"""The intercept on sparse rows: where it begins, how long its steps are."""

import numpy as np
import pytest
from scipy import sparse

from fastsgd import FastSGDClassifier, FastSGDRegressor
from fastsgd.engine.linear.intercept import intercept_decay
from fastsgd.kernels.rows import Rows
from fastsgd.losses import LOSSES, REGRESSION_LOSSES
from fastsgd.plan.linear import alone

N = 3000
rng = np.random.default_rng(0)
X = sparse.random_array((N, 200), density=0.03, rng=rng, format="csr")
Z = X @ (3 * rng.normal(size=200))
T = 100 + Z + 0.1 * rng.normal(size=N)
FEW = {"random_state": 0, "max_iter": 10, "tol": None, "n_jobs": 1}


def mean_loss(model, X, y):
    z = np.ascontiguousarray(X @ np.ravel(model.coef_) + model.intercept_[0])
    return LOSSES[model.loss].value(z, y, model.epsilon).mean()


@pytest.mark.parametrize("option", [
    {}, {"learning_rate": "constant"}, {"eta0": "auto"}, {"average": True},
    {"early_stopping": True}, {"sync": "merge", "n_jobs": 2}, {"sync": "hogwild", "n_jobs": 2},
    {"penalty": "l1"}], ids=str)
@pytest.mark.parametrize("loss", ["squared_error", "huber", "epsilon_insensitive",
                                  "squared_epsilon_insensitive"])
def test_targets_with_a_large_mean(loss, option):
    """Sparse rows end about where the same rows dense do, whose intercept does not lag."""
    ends = [mean_loss(FastSGDRegressor(loss, **FEW | option).fit(A, T), A, T)
            for A in (X, X.toarray())]
    constant = LOSSES[loss].value(np.full(N, T.mean()), T).mean()
    assert ends[0] <= ends[1] + 0.02 * constant
    assert ends[0] <= constant


def test_partial_fit_begins_at_the_first_batch():
    model = FastSGDRegressor(random_state=0)
    for i in range(0, N, 300):
        model.partial_fit(X[i:i + 300], T[i:i + 300])
    assert abs(model.intercept_[0] - T.mean()) < 2


@pytest.mark.parametrize("loss", REGRESSION_LOSSES)
def test_it_begins_at_the_best_constant(loss):
    """Reference: the least of the weighted loss on a fine grid."""
    weight = np.where(T.mean() < T, 2.0, 0.0)
    model = FastSGDRegressor(loss, learning_rate="constant", eta0=1e-12, epsilon=0.3, **FEW)
    model.fit(X, T, sample_weight=weight)
    grid = np.linspace(T.min(), T.max(), 2001)
    costs = [(weight * LOSSES[loss].value(np.full(N, b), T, 0.3)).sum() for b in grid]
    at = (weight * LOSSES[loss].value(np.full(N, model.intercept_[0]), T, 0.3)).sum()
    assert at <= (1 + 1e-6) * min(costs)


@pytest.mark.parametrize("y", [T - T.mean(), T[:5]], ids=["no mean", "few rows"])
def test_it_begins_at_zero_where_no_mean_is_sure(y):
    model = FastSGDRegressor(learning_rate="constant", eta0=1e-12, **FEW).fit(X[:len(y)], y)
    assert abs(model.intercept_[0]) < 1e-6


def test_a_start_that_is_given_stays():
    still = {"learning_rate": "constant", "eta0": 1e-12} | FEW
    for init in ({"intercept_init": [7.0]}, {"coef_init": np.zeros(200), "intercept_init": [7.0]}):
        assert FastSGDRegressor(**still).fit(X, T, **init).intercept_[0] == pytest.approx(7)
    assert FastSGDRegressor(fit_intercept=False, **still).fit(X, T).intercept_[0] == 0
    warm = FastSGDRegressor(warm_start=True, **still).fit(X, T - T.mean())
    assert abs(warm.fit(X, T).intercept_[0]) < 1e-6


@pytest.mark.parametrize("weights", ["none", "sample", "class"])
@pytest.mark.parametrize("loss", ["hinge", "log_loss", "squared_hinge", "modified_huber"])
def test_one_class_in_a_hundred(loss, weights):
    """A default fit of few epochs is no higher than one from the best constant."""
    y = np.where(np.quantile(Z, 0.99) < Z, 1.0, -1.0)
    fitted = {"sample_weight": np.ones(N)} if weights == "sample" else {}
    how = FEW | {"class_weight": {-1.0: 1.0, 1.0: 1.0}} if weights == "class" else FEW
    for rate in ("optimal", "invscaling"):
        model = FastSGDClassifier(loss, learning_rate=rate, **how).fit(X, y, **fitted)
        best = np.log(0.01 / 0.99) if loss == "log_loss" else -1.0
        other = FastSGDClassifier(loss, learning_rate=rate, **how).fit(X, y, intercept_init=[best])
        assert mean_loss(model, X, y) < 1.1 * mean_loss(other, X, y)


def test_balanced_classes_begin_at_zero_as_with_scikit_learn():
    y = np.where(np.quantile(Z, 0.55) < Z, 1, -1)
    zero = FastSGDClassifier(**FEW).fit(X, y, intercept_init=[0.0])
    np.testing.assert_array_equal(FastSGDClassifier(**FEW).fit(X, y).coef_, zero.coef_)
    alike = FastSGDClassifier("log_loss", class_weight="balanced", **FEW)
    rare = np.where(np.quantile(Z, 0.99) < Z, 1, -1)
    np.testing.assert_array_equal(
        alike.fit(X, rare).coef_, alike.fit(X, rare, intercept_init=[0.0]).coef_)


@pytest.mark.parametrize("sync", ["serial", "classes"])
def test_each_class_begins_at_its_own(sync):
    y = np.digitize(Z, np.quantile(Z, [0.02, 0.05, 0.5]))
    model = FastSGDClassifier("log_loss", sync=sync, learning_rate="constant", eta0=1e-12, **FEW)
    model.fit(X, y)
    share = np.bincount(y) / N
    wanted = np.log(share / (1 - share))
    np.testing.assert_allclose(model.intercept_[:2], wanted[:2], rtol=1e-5)
    np.testing.assert_allclose(model.intercept_[2:], 0, atol=1e-6)


@pytest.mark.parametrize("make", ["plain", "columns with a mean", "stored twice"])
def test_dense_rows_stored_as_csr_are_dense_rows(make):
    A = rng.normal(size=(300, 5)) + (3.0 if make == "columns with a mean" else 0.0)
    t = 100 + A @ np.arange(5)
    stored = sparse.csr_array(A)
    if make == "stored twice":
        stored = sparse.csr_array((np.repeat(stored.data / 2, 2), np.repeat(stored.indices, 2),
                                   2 * stored.indptr), A.shape)
    dense, csr = (FastSGDRegressor(**FEW).fit(B, t, intercept_init=[0.0]) for B in (A, stored))
    np.testing.assert_allclose(csr.coef_, dense.coef_, rtol=1e-9)
    np.testing.assert_allclose(csr.intercept_, dense.intercept_, rtol=1e-9)


def test_half_empty_rows_stored_twice_are_sparse():
    """What counts is how many columns a row has, not how many entries."""
    A = rng.normal(size=(300, 10)) * (rng.random((300, 10)) < 0.4)
    stored = sparse.csr_array(A)
    twice = sparse.csr_array((np.repeat(stored.data / 2, 2), np.repeat(stored.indices, 2),
                              2 * stored.indptr), A.shape)
    one, two = (FastSGDClassifier(**FEW).fit(B, A[:, 0] > 0) for B in (stored, twice))
    np.testing.assert_allclose(two.intercept_, one.intercept_, rtol=1e-6)


@pytest.mark.parametrize("t", [0.0, 100.0])
@pytest.mark.parametrize("density", [0.45, 0.2, 0.1])
def test_the_intercept_follows_as_columns_with_a_mean_are_learned(density, t):
    """Rows that are neither full nor nearly empty end near where the same rows dense do."""
    own = np.random.default_rng(1)
    A = sparse.random_array((1500, round(4 / density)), density=density, rng=own, format="csr")
    A.data += 4.5
    z = A @ own.normal(size=A.shape[1])
    t += 3 * z / z.std() + 0.05 * own.normal(size=1500)
    csr, dense = (FastSGDRegressor(random_state=0).fit(B, t).score(B, t) for B in (A, A.toarray()))
    assert csr > dense - 0.01


@pytest.mark.parametrize("wanted", [0.2, 0.02, 0.002])
@pytest.mark.parametrize("times", [1, 3])
def test_how_long_steps_are_by_density(wanted, times):
    """Entries of one column in a row count once; a classifier's are scikit-learn's."""
    A = sparse.random_array((4000, 500), density=wanted, rng=rng, format="csr")
    A = sparse.csr_array((np.repeat(A.data, times), np.repeat(A.indices, times),
                          times * A.indptr), A.shape)
    rows = Rows(A)
    found = intercept_decay(rows, LOSSES["huber"], 1, alone)
    assert found == pytest.approx(max(0.01, 2 * wanted), rel=0.01)
    assert intercept_decay(rows, LOSSES["hinge"], 1, alone) == 0.01
    assert intercept_decay(rows, LOSSES["log_loss"], 3, alone) == 0.1


@pytest.mark.parametrize("others", [0.2, 0.9, 3.0])
def test_processes_with_rows_of_their_own_agree(others):
    """All pass by the agreement on the start, or none: one alone would wait for the others."""
    found = intercept_decay(Rows(X), LOSSES["huber"], 1, lambda said: [said, others])
    assert found == pytest.approx(min(1.0, (0.06 + others) / 2), rel=0.01)
