"""What solvers refuse, before work starts and by name, with what is allowed instead."""

import numpy as np
import pytest

from fastsgd import FastSGDClassifier, FastSGDRegressor
from fastsgd.losses import LOSSES
from fastsgd.schedules import Backtracking, Exact
from fastsgd.solvers import SOLVERS, Gap

rng = np.random.default_rng(0)
X = rng.standard_normal((60, 5))
Y = (X[:, 0] > 0).astype(int)
LOG = {"loss": "log_loss"}


@pytest.mark.parametrize(("options", "message"), [
    ({"solver": "bfgs"}, "unknown solver 'bfgs'; the valid names are 'auto', 'sgd', 'sdca', "),
    ({"solver": "sgd", "sync": "map_reduce"}, "use solver='gd' or .*'newton-cholesky', or sync='merge'"),
    ({"solver": "sgd", "batch_size": 8}, "batch_size=8 is not available .* use solver='gd'"),
    ({"solver": "sgd", "learning_rate": "exact"}, "learning_rate='exact' .* use solver='gd'"),
    ({"solver": "sgd", "learning_rate": Backtracking()}, "Backtracking.* use solver='gd'"),
    ({"solver": "gd", "sync": "hogwild"}, "valid names are 'auto', 'map_reduce', 'serial'"),
    ({"solver": "lbfgs", "sync": "classes", **LOG}, "sync='classes' is not available"),
    ({"solver": "gd", "average": 10}, "average=10 is not available .* use solver='sgd'"),
    ({"solver": "gd", "eta0": "auto"}, "eta0='auto' tries steps by single rows"),
    ({"solver": "gd", "learning_rate": "pa1"}, "'pa1' finds its step from a single row"),
    ({"solver": "gd", "learning_rate": "exact"}, "loss='hinge' has: .*'log_loss'"),
    ({"solver": "gd", "learning_rate": "backtracking"}, "'backtracking' needs a loss whose"),
    ({"solver": "gd", "learning_rate": "exact", "penalty": "l1", **LOG}, "penalty='l1' steps do"),
    ({"solver": "gd", "learning_rate": Exact(), "penalty": "elasticnet", **LOG}, "steps do not"),
    ({"solver": "gd", "learning_rate": "exact", "batch_size": 8, **LOG}, "to its own optimum"),
    ({"solver": "lbfgs"}, "loss='hinge' has; use solver='sgd' or solver='sdca' or .* one of"),
    ({"solver": "newton-cg", "loss": "perceptron"}, "loss='perceptron' has"),
    ({"solver": "lbfgs", "penalty": "l1", **LOG}, "a kink at 0, which solver='lbfgs'"),
    ({"solver": "newton-cg", "penalty": "elasticnet", **LOG}, "or penalty='l2'"),
    ({"solver": "lbfgs", "early_stopping": True, **LOG}, "early_stopping=True is not available"),
    ({"solver": "newton-cg", "batch_size": 2, **LOG}, "batch_size=2 is not available"),
    ({"solver": "sdca", "loss": "perceptron"}, "a dual, which loss='perceptron' has not; use"),
    ({"solver": "sdca", "penalty": "l1"}, "part of l2, .*got penalty='l1', alpha=0.0001; use sol"),
    ({"solver": "sdca", "penalty": "elasticnet", "l1_ratio": 1}, "'elasticnet', l1_ratio=1"),
    ({"solver": "sdca", "penalty": None}, "part of l2"),
    ({"solver": "sdca", "alpha": 0}, "penalty='l2', alpha=0; use"),
    ({"solver": "sdca", "sync": "classes"}, "names are 'auto', 'serial', 'merge', 'hogwild'"),
    ({"solver": "sdca", "sync": "map_reduce"}, "use solver='gd' or"),
    ({"solver": "sdca", "sync": "hogwild", "n_jobs": 2}, "takes sparse rows only"),
    ({"solver": "sdca", "early_stopping": True}, "early_stopping=True is not available"),
    ({"solver": "sdca", "average": True}, "average=True is not available"),
    ({"solver": "sdca", "class_weight": {0: -1.0}}, "finite number >= 0"),
    ({"tol": Gap(), "loss": "perceptron"}, "needs a loss with a dual"),
    ({"tol": Gap(), "penalty": None}, "needs a penalty"),
    ({"tol": Gap(), "alpha": 0, "learning_rate": "constant"}, "needs a penalty"),
    ({"tol": Gap(), "learning_rate": "pa1"}, "which learning_rate='pa1' does not minimise"),
    ({"tol": Gap(), "early_stopping": True}, "two ways to end"),
    ({"solver": "gd", "batch_size": 0}, "'batch_size' .* in the range"),
    ({"solver": "gd", "learning_rate": "newton"}, "'learning_rate' .* must be a str among"),
])
def test_message_says_what_is_allowed(options, message):
    with pytest.raises(ValueError, match=message):
        FastSGDClassifier(**options).fit(X, Y)


@pytest.mark.parametrize("solver", [n for n, s in SOLVERS.items() if not s.one_by_one])
def test_partial_fit_is_for_sgd(solver):
    model = FastSGDRegressor(solver=solver)
    told = f"partial_fit .* which solver='{solver}' has not; use solver='sgd', or fit with warm"
    with pytest.raises(AttributeError, match=told):
        model.partial_fit(X, Y)
    assert not hasattr(model, "partial_fit")
    assert hasattr(FastSGDRegressor(), "partial_fit")
    with pytest.raises(AttributeError, match="partial_fit makes an epoch"):
        FastSGDClassifier("log_loss", solver=solver).partial_fit(X, Y, [0, 1])


@pytest.mark.parametrize("loss", [n for n, loss in LOSSES.items() if not loss.is_classifier])
def test_the_regressor_tells_its_own_losses(loss):
    model = FastSGDRegressor(loss, solver="lbfgs")
    if LOSSES[loss].smooth:
        model.fit(X, Y)
        return
    with pytest.raises(ValueError, match="losses: 'squared_error', 'huber', 'squared_eps"):
        model.fit(X, Y)


@pytest.mark.parametrize(("options", "message"), [
    ({"gamma": 0}, "gamma must be > 0 and < 1, got 0"),
    ({"delta": 1}, "delta must be > 0 and < 1, got 1"),
    ({"gamma": float("nan")}, "gamma must be"),
])
def test_constants_of_backtracking(options, message):
    with pytest.raises(ValueError, match=message):
        Backtracking(**options)


@pytest.mark.parametrize("solver", ["lbfgs", "newton-cg"])
def test_what_is_not_used_is_not_refused(solver):
    """Schedules mean nothing to these: the classifier's default needs alpha > 0, they do not."""
    FastSGDClassifier("log_loss", alpha=0.0, solver=solver, tol=1e-2).fit(X, Y)
    FastSGDClassifier("log_loss", learning_rate="pa1", solver=solver).fit(X, Y)
    FastSGDClassifier("log_loss", eta0="auto", solver=solver).fit(X, Y)


@pytest.mark.parametrize("within", [0, -1e-3, float("nan"), float("inf"), "a", None])
def test_gap_must_be_positive(within):
    with pytest.raises(ValueError, match="within must be a number > 0, got"):
        Gap(within)


@pytest.mark.parametrize(("options", "chosen"), [
    ({}, "sdca, interior-point"), ({"loss": "perceptron"}, "sgd"), ({"penalty": "l1"}, "sgd"),
    ({"penalty": None, "learning_rate": "constant"}, "sgd"),
    ({"loss": "log_loss", "alpha": 0.0}, "newton-cholesky"), ({"early_stopping": True}, "sgd"),
    ({"average": True}, "sgd"), ({"sync": "hogwild", "n_jobs": 1}, "sgd"),
    ({"loss": "log_loss", "sync": "map_reduce"}, "newton-cholesky"), ({"sync": "map_reduce"}, "interior-point"), ({"sync": "map_reduce", "penalty": "l1"}, "gd"),
    ({"batch_size": 8}, "gd"), ({"loss": "log_loss", "learning_rate": "exact"}, "gd"),
    ({"learning_rate": "pa1"}, "sgd"), ({"sync": "round_robin"}, "sgd"),
])
def test_auto_takes_what_the_parameters_allow(options, chosen):
    model = FastSGDClassifier(solver="auto", max_iter=2000, tol=1e-2, random_state=0, **options)
    assert model.fit(X, Y).fit_stats_["solver"] == chosen
    assert model.fit_stats_["why"]


def test_auto_tells_what_sgd_refuses():
    with pytest.raises(ValueError, match="alpha must be > 0 since learning_rate is 'optimal'"):
        FastSGDClassifier(solver="auto", alpha=0).fit(X, Y)
    told = "'auto' finds none that takes all parameters; what 'sgd' says: batch_size=8 is not"
    with pytest.raises(ValueError, match=told):
        FastSGDClassifier(solver="auto", batch_size=8, sync="merge").fit(X, Y)


def test_partial_fit_of_auto_is_there_where_it_takes_sgd():
    """Another solver would go to the optimum of each batch and forget the one before."""
    with pytest.raises(AttributeError, match="solver='auto', here 'sdca', has not; use solver="):
        FastSGDClassifier(solver="auto").partial_fit(X, Y, [0, 1])
    model = FastSGDClassifier("perceptron", solver="auto").partial_fit(X, Y, [0, 1])
    assert model.fit_stats_["solver"] == "sgd"
    for options, told in (({"alpha": 0}, "alpha must be > 0"), ({"loss": "l0"}, "'loss'"),
                          ({"learning_rate": "newton"}, "'learning_rate'")):
        with pytest.raises(ValueError, match=told):
            FastSGDClassifier(**{"solver": "auto", **options}).partial_fit(X, Y, [0, 1])
