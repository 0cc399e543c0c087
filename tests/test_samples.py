"""Samples of the rows: no period of the data fools them, in the order of visits or in merges."""

import numpy as np
import pytest
from scipy import sparse

from fastsgd import FastSGDClassifier, FastSGDRegressor
from fastsgd.engine.linear.curvature import SAMPLE, largest_eigenvalue
from fastsgd.engine.linear.sample import Sample
from fastsgd.engine.linear.visiting import block_rows, neighbours_are_alike
from fastsgd.kernels import order
from fastsgd.kernels.rows import Rows
from fastsgd.losses import LOSSES


@pytest.mark.parametrize(("n", "size"), [(10, 10), (10, 3), (3, 10), (100_000, 1024), (0, 5)])
def test_spread_draws_one_of_each_part(n, size):
    """Reference: the parts begin at n i / size; the same seed draws the same."""
    drawn = order.spread(7, n, size)
    parts = np.arange(min(n, size) + 1) * n // max(1, min(n, size))
    assert np.all((parts[:-1] <= drawn) & (drawn < parts[1:]))
    np.testing.assert_array_equal(drawn, order.spread(7, n, size))
    if n > size > 0:
        assert not np.array_equal(drawn, order.spread(8, n, size))


@pytest.mark.parametrize("period", [2, 3, 5, 8, 24, 31, 97])
def test_no_phase_of_a_period_is_left_out(period):
    """Each phase has about its share of the rows; rows equally far apart see one phase alone."""
    n = period * 1024
    phases = np.concatenate([order.spread(seed, n, 1024) % period for seed in range(10)])
    shares = np.bincount(phases, minlength=period) * period / len(phases)
    assert shares.min() > 0.6
    assert shares.max() < 1.5
    assert len(set(range(0, n, n // 1024)) & set(range(0, n, period))) == 1024


@pytest.mark.parametrize("seed", [0, 2**63])
def test_sample_is_in_random_order_and_the_same_again(seed):
    X = np.zeros((5000, 1))
    rows = Sample(X, None, None, 500, seed).rows
    np.testing.assert_array_equal(rows, Sample(X, None, None, 500, seed).rows)
    assert len(set(rows.tolist())) == 500
    assert np.any(np.diff(rows) < 0)


@pytest.mark.parametrize("kind", ["csr", "dense"])
@pytest.mark.parametrize("period", [8, 24])
def test_eigenvalue_where_every_24th_row_is_empty(period, kind):
    """A sample at a stride of n / 1,024 rows would see the empty ones alone."""
    n = 1024 * period
    X = np.abs(np.random.default_rng(0).normal(size=(n, 6)))
    X[::period] = 0
    exact = np.linalg.eigvalsh(X.T @ X / n)[-1]
    rows = Rows(sparse.csr_array(X) if kind == "csr" else X)
    assert largest_eigenvalue(rows) == pytest.approx(exact, rel=0.2)
    assert SAMPLE == 1024


def topics(n, seed=0, d=600, mean=0.0):
    """n different rows of 12 entries."""
    rng = np.random.default_rng(seed)
    columns = rng.integers(0, d, (n, 12))
    values = rng.normal(size=columns.shape) + mean
    X = sparse.csr_array((values.ravel(), columns.ravel(), np.arange(0, 12 * n + 1, 12)), (n, d))
    X.sum_duplicates()
    return X


def groups(sizes, n=8000, phase=0):
    """Numbers of the rows: rows in groups of these sizes, again and again, from `phase` on."""
    some = np.resize(sizes, n)
    return np.repeat(np.arange(n), some)[phase:phase + n]


@pytest.mark.parametrize("kind", ["csr", "dense", "with a mean"])
@pytest.mark.parametrize("phase", [0, 1, 5])
@pytest.mark.parametrize("sizes", [[2], [3], [5], [8], [24], [32], [1000], [1, 2, 9], [3, 50]],
                         ids=str)
def test_groups_of_equal_rows_are_seen(sizes, phase, kind):
    """At any phase, of any sizes; also where all rows have a large part in common."""
    i = groups(sizes, phase=phase)
    X = topics(8000, mean=3.0 if kind == "with a mean" else 0.0)
    X = X if kind == "csr" else X[:, :60].toarray()
    if kind == "with a mean":
        X += 1
    assert neighbours_are_alike(Rows(X[i]))
    shuffled = np.random.default_rng(1).permutation(i)
    assert not neighbours_are_alike(Rows(X[shuffled]))


@pytest.mark.parametrize("sources", [2, 3, 4])
def test_sources_that_take_turns_are_seen(sources):
    """Each says the same 16 times; the row beside is another's."""
    i = (np.arange(8000) // (16 * sources) * sources + np.arange(8000) % sources)
    assert neighbours_are_alike(Rows(topics(8000)[i]))


def test_similar_rows_are_seen():
    """Groups of 24 rows that have half of their variance in common."""
    X = topics(8000).toarray()[:, :80]
    own = topics(8000, seed=1).toarray()[:, :80]
    assert neighbours_are_alike(Rows(np.ascontiguousarray(X[groups([24])] + own)))
    assert not neighbours_are_alike(Rows(np.ascontiguousarray(X + own)))


def objective(model, X, y):
    """f of the model; y as fitted."""
    loss = LOSSES[model.loss]
    t = np.where(y > 0, 1.0, -1.0) if loss.is_classifier else y.astype(float)
    z = np.ascontiguousarray(X @ np.ravel(model.coef_) + model.intercept_[0])
    return loss.value(z, t).mean() + 0.5 * model.alpha * np.sum(model.coef_ ** 2)


@pytest.mark.parametrize("loss", ["hinge", "log_loss"])
@pytest.mark.parametrize("sizes", [[2], [8], [5, 3]], ids=str)
def test_blocks_learn_repeated_rows_as_single_rows_do(sizes, loss):
    Z = topics(2500)
    t = (Z @ np.random.default_rng(1).normal(size=Z.shape[1]) > 0).astype(int)
    i = groups(sizes, 8 * 2500)
    i = i[i < 2500]
    X, y = Z[i], t[i]
    assert block_rows(Rows(X)) == 1
    ends = [np.mean([objective(FastSGDClassifier(
        loss, random_state=seed, n_jobs=1, max_iter=3, tol=None, shuffle=shuffle).fit(X, y), X, y)
        for seed in range(3)]) for shuffle in (True, "rows")]
    assert ends[0] < 1.1 * ends[1]


def panel(kind, n=12_000, d=150):
    """Adversarial rows: (X, z), z a linear function of them with noise."""
    rng = np.random.default_rng(0)
    X = sparse.random_array((n, d), density=0.1, rng=rng, format="csr")
    X.data[:] = 2.0
    if kind.startswith("period"):
        X = sparse.diags_array(1.0 * (np.arange(n) % int(kind.split()[1]) > 0)) @ X
    elif kind == "busy rows":  # one in 5,000, of all features, and large
        busy = np.zeros((n, 1))
        busy[::5000] = 5.0
        X = X + sparse.csr_array(busy) @ sparse.csr_array(np.ones((1, d)))
    elif kind == "dense cluster":
        X = sparse.vstack([X[:-n // 20], sparse.csr_array(1 + rng.random((n // 20, d)))])
    elif kind == "repeats":
        X = X[np.repeat(np.arange(n // 20), 20)]
    elif kind == "scaled":
        X = X @ sparse.diags_array(10 ** rng.uniform(-2, 1, d))
    X = sparse.csr_array(X)
    X.eliminate_zeros()
    z = X @ rng.normal(size=d)
    return X, z / z.std() + rng.normal(size=n)


@pytest.mark.parametrize("n_jobs", [2, 3, 8])
@pytest.mark.parametrize("loss", ["hinge", "log_loss", "squared_hinge", "squared_error"])
@pytest.mark.parametrize("kind", ["period 24", "period 11", "period 7", "busy rows",
                                  "dense cluster", "repeats", "scaled"])
def test_merged_fit_ends_where_the_serial_one_does(kind, loss, n_jobs):
    """Within 5 %, however the rows are made; n / 1,024 of 12,000 rows is 11."""
    X, z = panel(kind)
    make = FastSGDRegressor if loss == "squared_error" else FastSGDClassifier
    y = z if loss == "squared_error" else (z > np.median(z)).astype(int)
    how = {"random_state": 0, "max_iter": 8, "tol": None}
    serial = objective(make(loss, sync="serial", **how).fit(X, y), X, y)
    merged = make(loss, sync="merge", n_jobs=n_jobs, **how).fit(X, y)
    assert merged.fit_stats_["sync"] == "merge"
    assert objective(merged, X, y) < 1.05 * serial
