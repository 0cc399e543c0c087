"""CSR rows that name a column twice, or in any order, are the rows that they add up to."""

import numpy as np
import pytest
from scipy import sparse

from fastsgd import FastMLPClassifier, FastMLPRegressor, FastSGDClassifier, FastSGDRegressor
from fastsgd.engine.linear.curvature import largest_eigenvalue
from fastsgd.engine.linear.sample import Sample
from fastsgd.kernels.rows import Rows

N, D = 120, 10
rng = np.random.default_rng(0)
DENSE = rng.normal(size=(N, D)) * (rng.random((N, D)) < 0.4)
Y = (DENSE @ rng.normal(size=D) + 0.3 * rng.normal(size=N) > 0).astype(int)
T = DENSE[:, 0] * 2 + 0.1 * rng.normal(size=N)
CLASSIFIERS = ["hinge", "log_loss", "squared_hinge", "modified_huber"]
REGRESSORS = ["squared_error", "huber", "epsilon_insensitive", "squared_epsilon_insensitive"]


def repeated(parts, seed=0, dtype=np.float64, index=np.int32):
    """The rows, each entry cut in `parts` of any size and sign, and pairs that cancel; mixed."""
    draw, rows = np.random.default_rng(seed), []
    for x in DENSE:
        columns = np.repeat(np.flatnonzero(x), parts)
        cut = 2 * draw.normal(size=(np.count_nonzero(x), parts - 1))
        values = np.column_stack([cut, x[x != 0] - cut.sum(axis=1)]).ravel()
        pair = draw.integers(D)
        columns, values = np.append(columns, [pair] * 2), np.append(values, [3.0, -3.0])
        mixed = draw.permutation(len(columns))
        rows.append((values[mixed], columns[mixed]))
    ends = np.cumsum([0] + [len(values) for values, _ in rows])
    return sparse.csr_array((np.concatenate([v for v, _ in rows]).astype(dtype),
                             np.concatenate([c for _, c in rows]).astype(index),
                             ends.astype(index)), (N, D))


def summed(X):
    X = X.copy()
    X.sum_duplicates()
    return X


def unsorted():
    """Columns once each, in falling order."""
    X = sparse.csr_array(DENSE)
    back = np.concatenate([np.arange(X.indptr[i + 1] - 1, X.indptr[i] - 1, -1) for i in range(N)])
    return sparse.csr_array((X.data[back], X.indices[back], X.indptr), (N, D))


@pytest.mark.parametrize("index", [np.int32, np.int64])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rows_know(dtype, index):
    """Reference: scipy's canonical format."""
    for X, rising, repeats in ((sparse.csr_array(DENSE), True, False), (unsorted(), False, False),
                               (repeated(2), False, True), (repeated(3)[:0], True, False)):
        Z = sparse.csr_array((X.data.astype(dtype), X.indices.astype(index),
                              X.indptr.astype(index)), X.shape)
        assert (Rows(Z).rising, Rows(Z).repeats) == (rising, repeats)
    assert (Rows(DENSE).rising, Rows(DENSE).repeats) == (True, False)
    last = sparse.csr_array(DENSE)  # the last row alone
    last.indices[-2:] = last.indices[-1]
    assert Rows(last).repeats


def test_columns_outside_are_told_before_they_are_followed():
    X = repeated(2)
    X.indices[30] = 10**6
    with pytest.raises(ValueError, match="column number 1000000"):
        Rows(X).repeats  # noqa: B018
    with pytest.raises(ValueError, match="column number 1000000"):
        FastSGDRegressor().fit(X, T)


def test_samples_measure_sums():
    X, picked = repeated(3), np.array([5, 1, 80])
    np.testing.assert_allclose(Rows(X).take(picked).toarray(), DENSE[picked])
    exact = Rows(DENSE).mean_dot(np.arange(60), np.arange(60, 120))
    assert Rows(X).mean_dot(np.arange(60), np.arange(60, 120)) == pytest.approx(exact)
    assert largest_eigenvalue(Rows(X)) == pytest.approx(largest_eigenvalue(Rows(summed(X))))
    sample = Sample(X, None, None, 50, 0)
    np.testing.assert_allclose(sample.X.toarray(), DENSE[sample.rows])
    assert sample.X.has_canonical_format


STEPS = [{"learning_rate": rate, "eta0": eta0}
         for rate in ("constant", "optimal", "invscaling", "adaptive", "cosine")
         for eta0 in (0.01, "auto")]
WAYS = [{"penalty": "l1"}, {"penalty": "elasticnet"}, {"average": True}, {"shuffle": "rows"},
        {"average": 50, "penalty": "l1"}, {"early_stopping": True},
        {"sync": "merge", "n_jobs": 2, "merge_every": 32}]
SOLVERS = [{"solver": "sdca"}, {"solver": "sdca", "penalty": "elasticnet"},
           {"solver": "gd", "eta0": 0.1}, {"solver": "gd", "learning_rate": "optimal"},
           {"solver": "gd", "batch_size": 20}]
SMOOTH = [{"solver": "lbfgs"}, {"solver": "newton-cg"},
          {"solver": "gd", "learning_rate": "backtracking"}]


def options(loss):
    passive = {"learning_rate": "pa1", "eta0": 1.0}
    return [*STEPS, *WAYS, *SOLVERS,
            *([] if loss in ("hinge", "epsilon_insensitive") else SMOOTH),
            *([passive, passive | {"learning_rate": "pa2"}]
              if loss in ("hinge", "epsilon_insensitive") else [])]


@pytest.mark.parametrize("parts", [2, 4])
@pytest.mark.parametrize("loss", CLASSIFIERS + REGRESSORS)
def test_linear_models_are_those_of_the_sums(loss, parts):
    """Every schedule, solver and penalty; |x|^2 of parts is another than that of their sum."""
    make, y = (FastSGDClassifier, Y) if loss in CLASSIFIERS else (FastSGDRegressor, T)
    X = repeated(parts)
    for option in options(loss):
        models = [make(loss, **{"alpha": 0.1, "random_state": 0, "n_jobs": 1, "max_iter": 5,
                                "tol": None} | option).fit(Z, y) for Z in (X, summed(X))]
        np.testing.assert_allclose(models[0].coef_, models[1].coef_, rtol=1e-6, atol=1e-8,
                                   err_msg=str(option))
        np.testing.assert_allclose(models[0].intercept_, models[1].intercept_, rtol=1e-6,
                                   atol=1e-8, err_msg=str(option))


@pytest.mark.parametrize("parts", [1, 2])
def test_partial_fit_of_batches(parts):
    X = unsorted() if parts == 1 else repeated(parts)
    models = []
    for Z in (X, summed(X)):
        model = FastSGDRegressor(random_state=0)
        for i in range(0, N, 40):
            model.partial_fit(Z[i:i + 40], T[i:i + 40])
        models.append(model)
    np.testing.assert_allclose(models[0].coef_, models[1].coef_, rtol=1e-9)


@pytest.mark.parametrize("rate", ["pa1", "pa2", "invscaling"])
def test_the_user_s_matrix_stays(rate):
    X = repeated(2)
    before = X.data.copy(), X.indices.copy()
    FastSGDRegressor("epsilon_insensitive" if rate != "invscaling" else "squared_error",
                     learning_rate=rate, eta0=0.1).fit(X, T)
    np.testing.assert_array_equal(X.data, before[0])
    np.testing.assert_array_equal(X.indices, before[1])


@pytest.mark.parametrize("option", [
    {"dropout": (0.3, 0.2)}, {"dropout": (0.5, 0.0), "solver": "sgd"},
    {"dropout": (0.3, 0.0), "lazy": False}, {"solver": "sgd"}, {"solver": "adam"},
    {"solver": "lbfgs"}, {"lazy": False}], ids=str)
@pytest.mark.parametrize("kind", ["repeated", "unsorted"])
def test_networks_are_those_of_the_sums(kind, option):
    """An input is dropped whole, with all that is stored of it."""
    X = unsorted() if kind == "unsorted" else repeated(3)
    for make, y in ((FastMLPClassifier, Y), (FastMLPRegressor, T)):
        models = [make(hidden_layer_sizes=(5,), random_state=0, max_iter=4, batch_size=16,
                       **option).fit(Z, y) for Z in (X, summed(X))]
        np.testing.assert_allclose(models[0].coefs_[0], models[1].coefs_[0], rtol=1e-6, atol=1e-9)
