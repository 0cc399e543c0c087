"""Settings drawn at random: workers against one process, on data with every kind of edge.

Of each draw both are trained; they end with the same model, or with the same error.
"""

import random
import warnings

import numpy as np
import pytest
from scipy import sparse
from test_workers import threads

from fastsgd import FastMLPClassifier, FastMLPRegressor, FastSGDClassifier, FastSGDRegressor
from fastsgd.losses import LOSSES
from fastsgd.solvers import SOLVERS

DRAWS = 8
"""Of each kind; a longer search found nothing that these do not show."""


def some_rows(draw, rng):
    """X of few or many rows, whose halves may be empty; z, which they tell about."""
    n, d = draw.choice([1, 2, 3, 7, 31, 150, 400]), draw.choice([1, 2, 5, 40])
    X = rng.normal(size=(n, d)) * (rng.random((n, d)) < draw.choice([0.05, 0.3, 0.8]))
    if draw.random() < 0.2:
        X[n // 2:] = 0
    X = X.astype(draw.choice([np.float32, np.float64]))
    z = X @ rng.normal(size=d) + 0.1 * rng.normal(size=n)
    form = draw.choice(["csr", "int64", "dense", "fortran", "strided"])
    if form in ("csr", "int64"):
        X = sparse.csr_matrix(X)
        if form == "int64":
            X.indices, X.indptr = X.indices.astype(np.int64), X.indptr.astype(np.int64)
    elif form == "fortran":
        X = np.asfortranarray(X)
    elif form == "strided":
        X = np.repeat(X, 2, axis=0)[::2]
    weight = draw.choice([None, None, rng.random(n) * (rng.random(n) > 0.3)])
    return X, z, weight


def classes(draw, z):
    """Of z, two or more; rows may be in their order."""
    y = np.digitize(z, np.quantile(z, draw.choice([[0.5], [0.5], [0.3, 0.6]])))
    return np.sort(y) if draw.random() < 0.3 else y


def both(make, use, by):
    """The models, or the errors, of one process and of workers."""
    found = []
    for workers in (None, by):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                found.append(use(make(workers)))
            except ValueError as error:
                found.append(error)
    return found


def failed(alone, by):
    """Whether both did, which then is alike."""
    if isinstance(alone, Exception) or isinstance(by, Exception):
        assert (type(by), str(by)) == (type(alone), str(alone))
        return True
    return False


def use_of(draw, X, y, weight, *, partial=False, more=None):
    """A way to train: `fit`, twice with `warm_start`, then `resume`, or in two calls."""
    way, half = draw.choice(["fit", "fit", "warm", "resume"] + ["partial"] * partial), len(y) // 2

    def use(model):
        if way == "partial":
            for part in (slice(0, max(1, half)), slice(half, None)):
                model.partial_fit(X[part], y[part], **more or {},
                                  sample_weight=None if weight is None else weight[part])
            return model
        model.set_params(warm_start=way == "warm").fit(X, y, sample_weight=weight)
        if way == "warm":
            model.fit(X, y, sample_weight=weight)
        elif way == "resume":
            model.resume(X, y, max_iter=model.max_iter + 2, sample_weight=weight)
        return model

    return use


@pytest.mark.parametrize("seed", range(DRAWS))
@pytest.mark.parametrize("solver", ["sgd", "gd", "minibatches", "lbfgs", "newton-cg", "sdca"])
def test_linear(solver, seed):
    draw, rng = random.Random(f"{solver} {seed}"), np.random.default_rng(seed)
    X, z, weight = some_rows(draw, rng)
    name = "gd" if solver == "minibatches" else solver
    loss = draw.choice([loss for loss in LOSSES
                        if LOSSES[loss].smooth or not SOLVERS[name].smooth_only])
    classifier = LOSSES[loss].is_classifier
    y = classes(draw, z) if classifier else np.abs(z)
    given = {"loss": loss, "alpha": draw.choice([1e-4, 1e-2, 1.0]), "random_state": seed,
             "max_iter": draw.choice([1, 3, 8]), "tol": draw.choice([None, 1e-3]),
             "fit_intercept": draw.random() < 0.8, "shuffle": draw.choice([True, False, "rows"]),
             "eta0": draw.choice([0.01, 0.1]), "solver": name}
    if name in ("sgd", "gd"):
        given |= {"penalty": draw.choice(["l2", "l1", "elasticnet", None]),
                  "learning_rate": draw.choice(["constant", "invscaling", "optimal", "adaptive"]),
                  "early_stopping": draw.random() < 0.25}
    if solver == "sgd":
        given["average"] = draw.choice([False, True, 10])
    if solver == "minibatches":
        given["batch_size"] = draw.choice([1, 7, 32, 1000])
    if classifier:
        given["class_weight"] = draw.choice([None, "balanced"])
    local = {"policy": "local", "local_steps": draw.choice([None, 1, 5, 10**9]),
             "warm_up": draw.choice([0, 1, 2.5])} if solver == "sgd" else {}
    n = draw.choice([1, 2, 3, 5])
    kind = FastSGDClassifier if classifier else FastSGDRegressor
    use = use_of(draw, X, y, weight, partial=solver == "sgd",
                 more={"classes": np.unique(y)} if classifier else {})
    alone, by = both(lambda workers: kind(**given, workers=workers, n_jobs=1,
                                          sync="serial" if solver == "sgd" else "auto"),
                     use, threads(n, **local))
    if failed(alone, by):
        return
    if solver in ("gd", "minibatches") or n == 1:
        tol = 1e-9 if n == 1 or alone.coef_.dtype == np.float64 else 1e-5
        np.testing.assert_allclose(by.coef_, alone.coef_, atol=tol * np.abs(alone.coef_).max())
        assert (by.n_iter_, by.t_) == (alone.n_iter_, alone.t_)
    elif solver in ("lbfgs", "newton-cg"):
        # the last bit may decide on one inner iteration more, which `max_iter` then does not mend
        ended = {model.fit_stats_["stopped_by"] for model in (alone, by)}
        np.testing.assert_allclose(by.loss_curve_[-1], alone.loss_curve_[-1],
                                   rtol=1e-3 if ended == {"tol"} else 0.03)
    else:
        assert np.isfinite(by.coef_).all()
        assert solver == "sdca" or by.t_ == alone.t_ or given["tol"] is not None


@pytest.mark.parametrize("seed", range(DRAWS))
@pytest.mark.parametrize("solver", ["sgd", "adam", "rmsprop", "adagrad", "adadelta", "lbfgs"])
def test_networks(solver, seed):
    draw, rng = random.Random(f"{solver} {seed}"), np.random.default_rng(seed)
    X, z, weight = some_rows(draw, rng)
    kind = draw.choice([FastMLPClassifier, FastMLPRegressor])
    labels = kind is FastMLPClassifier and draw.random() < 0.3
    y = ((rng.random((len(z), 3)) > 0.5).astype(int) if labels else
         classes(draw, z) if kind is FastMLPClassifier else
         draw.choice([z, np.column_stack([z, -z])]))
    by_sums = solver == "lbfgs"
    given = {"hidden_layer_sizes": draw.choice([(), (4,), (9, 5)]), "solver": solver,
             "activation": draw.choice(["relu", "tanh"]), "alpha": draw.choice([0, 0.01, 1.0]),
             "batch_size": draw.choice([1, 3, 17, 64, "auto"]), "tol": draw.choice([0, 1e-3]),
             "max_iter": draw.choice([1, 3, 6]), "shuffle": draw.random() < 0.7,
             "learning_rate_init": draw.choice([0.001, 0.03]), "random_state": seed,
             "early_stopping": not by_sums and draw.random() < 0.25, "validation_fraction": 0.2,
             "lazy": draw.choice(["auto", False])}
    if not by_sums:
        given |= {"dropout": draw.choice([0, 0, 0.3]),
                  "learning_rate": draw.choice(["constant", "invscaling", "adaptive"])}
    n, local = draw.choice([1, 2, 3, 5]), not by_sums and draw.random() < 0.3
    more = {"policy": "local", "local_steps": draw.choice([None, 1, 3, 10**6])} if local else {}
    use = use_of(draw, X, y, weight, partial=not by_sums and not labels, more={
        "classes": np.unique(y)} if kind is FastMLPClassifier else {})
    alone, by = both(lambda workers: kind(**given, workers=workers, n_jobs=1,
                                          sync="map_reduce" if by_sums else "serial"),
                     use, threads(n, **more))
    if failed(alone, by):
        return
    assert all(np.isfinite(a).all() for a in by.coefs_)
    if local and n > 1:
        return
    tol = (1e-9 if X.dtype == np.float64 else 2e-5) * (100 if by_sums else 1)
    for mine, other in zip(by.coefs_ + by.intercepts_, alone.coefs_ + alone.intercepts_,
                           strict=True):
        np.testing.assert_allclose(mine, other, rtol=0, atol=tol * max(1, np.abs(other).max()))
    assert (by.n_iter_, by.t_) == (alone.n_iter_, alone.t_)
