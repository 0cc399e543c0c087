"""X is checked while the first epoch reads it: the error names the place, and nothing is left."""

import re

import numpy as np
import pytest
from kernel_reference import small_matrix

from fastsgd import FastSGDClassifier, FastSGDRegressor

BAD_ROW = 777
SYNCS = {"serial": {}, "hogwild": {"sync": "hogwild", "n_jobs": 2},
         "round_robin": {"sync": "round_robin", "n_jobs": 2},
         "merge": {"sync": "merge", "merge_every": 64, "n_jobs": 2},
         "merge freely": {"sync": "merge", "merge_every": 64, "n_jobs": 2, "random_state": None},
         "rows": {"shuffle": "rows"}, "early_stopping": {"early_stopping": True},
         "average": {"average": True}, "eta0": {"eta0": "auto"},
         "l1": {"penalty": "l1"}, "no shuffle": {"shuffle": False}}


def data(dense, value, n=1000):
    """Rows of which one cannot be used, and where that is."""
    X = small_matrix(n)
    at = int(X.indptr[BAD_ROW])
    X.data[at] = value
    return X.toarray() if dense else X, np.arange(n) % 2, int(X.indices[at])


@pytest.mark.parametrize("dense", [False, True], ids=["csr", "dense"])
@pytest.mark.parametrize("how", SYNCS)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_fit_names_the_place(how, value, dense):
    """The message has row and column; the estimator is as before."""
    X, y, column = data(dense, value)
    model = FastSGDClassifier(max_iter=3, tol=None, **{"random_state": 0, **SYNCS[how]})
    before = dict(model.__dict__)
    with pytest.raises(ValueError, match=f"row {BAD_ROW}, column {column}"):
        model.fit(X, y)
    assert model.__dict__ == before


@pytest.mark.parametrize("how", ["hogwild", "round_robin", "merge", "merge freely"])
def test_many_threads_find_a_row_each(how):
    """Any of the bad rows is told. Under ThreadSanitizer: who tells of one meets who finds one."""
    X = small_matrix(5000)
    bad = np.random.default_rng(0).choice(X.nnz, 200, replace=False)
    X.data[bad] = np.nan
    rows = set(np.searchsorted(X.indptr, bad, side="right") - 1)
    for _ in range(20):
        with pytest.raises(ValueError, match=r"NaN: .* in row") as caught:
            FastSGDClassifier(**{"random_state": 0, **SYNCS[how], "n_jobs": 4}).fit(
                X, np.arange(5000) % 2)
        assert int(re.search(r"row (\d+)", str(caught.value))[1]) in rows


@pytest.mark.parametrize("make", [
    lambda: FastSGDRegressor(max_iter=3, tol=None),
    lambda: FastSGDClassifier(max_iter=3, tol=None),
], ids=["squared error", "several classes"])
def test_other_fits(make):
    """The step bound of squared losses reads X first; of several classes the first one checks."""
    X, _, column = data(False, np.nan)
    with pytest.raises(ValueError, match=f"row {BAD_ROW}, column {column}"):
        make().fit(X, np.arange(1000) % 4)


def test_partial_fit_keeps_what_was_learnt():
    """A batch that cannot be used leaves the weights of the batches before."""
    X, y, _ = data(False, np.nan)
    model = FastSGDClassifier().partial_fit(X[:500], y[:500], classes=[0, 1])
    weights, t = model.coef_.copy(), model.t_
    with pytest.raises(ValueError, match="NaN"):
        model.partial_fit(X[500:], y[500:])
    np.testing.assert_array_equal(model.coef_, weights)
    assert model.t_ == t


def test_columns_outside(monkeypatch):
    """A column number that X does not have is told, not followed."""
    X, y, _ = data(False, 1.0)
    X.indices[X.indptr[BAD_ROW]] = 10**6
    with pytest.raises(ValueError, match=f"column number 1000000 in row {BAD_ROW}"):
        FastSGDClassifier().fit(X, y)
