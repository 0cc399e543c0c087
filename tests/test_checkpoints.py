"""Trainings in legs, with a model file after each."""

# ruff: noqa: F811 (fixtures that are imported)

import os
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from test_cli import folder, result, run  # noqa: F401
from test_model_file import labels, rows

from fastsgd import (
    FastMLPClassifier,
    FastSGDClassifier,
    FastSGDRegressor,
    Workers,
    checkpoints,
    load_model,
)
from fastsgd.checkpoints import train_in_legs

X, VALUES = rows(n=150)
Y = labels(VALUES, [1, 2, 3])


def threads(n=2, **options):
    return Workers(n, comm="thread", timeout=30, **options)


@pytest.mark.parametrize("make", [
    lambda: FastSGDClassifier(max_iter=7, tol=None, random_state=0, n_jobs=1),
    lambda: FastSGDClassifier(max_iter=7, tol=1e-2, random_state=0, n_jobs=1),
    lambda: FastSGDRegressor(max_iter=7, random_state=0, n_jobs=1, early_stopping=True),
    lambda: FastSGDClassifier(max_iter=7, tol=None, random_state=0, n_jobs=1,
                              workers=threads(policy="local")),
    lambda: FastSGDClassifier("log_loss", solver="gd", learning_rate="invscaling", batch_size=20,
                              max_iter=7, tol=None, random_state=0, n_jobs=1, workers=threads()),
    lambda: FastMLPClassifier(5, max_iter=7, random_state=0, n_jobs=1),
], ids=["sgd", "tol", "early", "local", "gd", "mlp"])
@pytest.mark.parametrize("every", [1, 3, 7, 100])
def test_legs_give_the_bits_of_one_training(tmp_path, make, every):
    warnings.simplefilter("ignore")
    y = VALUES if isinstance(make(), FastSGDRegressor) else Y
    whole, legs = make().fit(X, y), train_in_legs(make(), X, y, tmp_path / "c", every=every)
    stored = load_model(tmp_path / "c")
    for model in (legs, stored):
        for a, b in zip(weights(whole), weights(model), strict=True):
            assert a.tobytes() == b.tobytes()
        assert model.n_iter_ == whole.n_iter_
        assert model.loss_curve_ == whole.loss_curve_
        assert model.max_iter == 7
    assert legs.fit_stats_["stopped_by"] == whole.fit_stats_["stopped_by"]
    assert os.listdir(tmp_path) == ["c"]


@pytest.mark.filterwarnings("ignore:Maximum number")
@pytest.mark.parametrize("solver", ["sdca", "lbfgs", "newton-cg"])
def test_other_solvers_reach_the_same_optimum(tmp_path, solver):
    """They begin anew in each leg, from the weights or dual variables so far."""
    model = FastSGDClassifier("log_loss", solver=solver, alpha=0.01, max_iter=600, tol=1e-9,
                              random_state=0, n_jobs=1, workers=threads())
    y = labels(VALUES, [0, 1])
    whole = clone(model).fit(X, y)
    train_in_legs(model, X, y, tmp_path / "c", every=4)
    assert model.fit_stats_["stopped_by"] == whole.fit_stats_["stopped_by"] == "tol"
    np.testing.assert_allclose(load_model(tmp_path / "c").coef_, whole.coef_, atol=1e-3)


def weights(model):
    return model.coefs_ if hasattr(model, "coefs_") else [model.coef_, model.intercept_]


def test_a_checkpoint_after_every_leg(tmp_path, monkeypatch):
    seen, save = [], checkpoints.save_model
    monkeypatch.setattr(checkpoints, "save_model", lambda model, path: (
        save(model, path), seen.append(load_model(path)._states[0].epoch)))
    model = FastSGDClassifier(max_iter=8, tol=None, random_state=0)
    train_in_legs(model, X, Y, tmp_path / "c", every=3)
    assert seen == [3, 6, 8]
    model.max_iter = 13
    train_in_legs(model, X, Y, tmp_path / "c", every=3, resume=True)
    assert seen == [3, 6, 8, 11, 13]
    train_in_legs(model, X, Y, None, every=3)
    assert len(seen) == 5
    with pytest.raises(ValueError, match="every must be an int >= 1"):
        train_in_legs(model, X, Y, None, every=0)


def test_the_clock_runs_over_all_legs(tmp_path):
    model = FastSGDClassifier(max_iter=100_000_000, tol=None, random_state=0, max_time=0.3)
    train_in_legs(model, X, Y, tmp_path / "c", every=5)
    assert model.fit_stats_["stopped_by"] == "max_time"
    assert load_model(tmp_path / "c").max_time == model.max_time == 0.3


def test_an_error_leaves_the_last_checkpoint(tmp_path):
    """And the parameters are the user's again."""
    model = FastSGDClassifier(max_iter=8, tol=None, random_state=0)
    legs = []

    def hook(k, told):
        if k == 0 and told.number == 1:
            legs.append(told)
            if len(legs) == 3:
                raise RuntimeError("in the third leg")

    model._epoch_hook = hook
    with pytest.raises(RuntimeError, match="third leg"):
        train_in_legs(model, X, Y, tmp_path / "c", every=2)
    assert model.max_iter == 8
    del model._epoch_hook
    again = load_model(tmp_path / "c")
    assert {state.epoch for state in again._states} == {4}
    whole = FastSGDClassifier(max_iter=8, tol=None, random_state=0, n_jobs=1).fit(X, Y)
    assert again.set_params(n_jobs=1).resume(X, Y).coef_ == pytest.approx(whole.coef_, rel=1e-6)


def test_the_command_line(folder, tmp_path):
    path, more = tmp_path / "c", ["--tol", "none", "--seed", 2, "--n-jobs", 1]
    workers = ["--workers", 2, "--comm", "thread"]
    run("train", folder / "three", *more, *workers, "--epochs", 6, "--save", tmp_path / "one")
    told = result("train", folder / "three", *more, *workers, "--epochs", 4, "--checkpoint", path,
                  "--every", 3)
    assert told["epochs"] == 4
    assert load_model(path).n_iter_ == 4
    result("train", folder / "three", "--resume", path, *workers, "--epochs", 6, "--checkpoint",
           path)
    assert load_model(path).coef_.tobytes() == load_model(tmp_path / "one").coef_.tobytes()
    other = result("train", folder / "three", "--resume", path, "--workers", 3, "--comm",
                   "thread", "--epochs", 9)
    assert (other["epochs"], other["workers"]) == (9, 3)
    _, err = run("train", folder / "three", "--epochs", 5, "--checkpoint", path, "--tol", "1e-9")
    assert err.count("were not enough") == 1
    for options, words in ((["--every", 3], "needs --checkpoint"),
                           (["--every", 0, "--checkpoint", path], "must be >= 1"),
                           (["--early-stopping", "--checkpoint", path], "needs --seed")):
        _, err = run("train", folder / "three", *options, code=2)
        assert words in " ".join(err.split())
    assert np.all(np.isfinite(load_model(path).coef_))
