"""`resume`: parts of a training equal the whole, bit for bit; and `to_sklearn`."""

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.linear_model import SGDClassifier, SGDRegressor
from test_model_file import VARIANTS, labels, make, rows, same

from fastsgd import FastSGDClassifier, FastSGDRegressor, load_model, save_model
from fastsgd.errors import ResumeError

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def equal(a, b):
    """Two models are at the same point of the same training."""
    same(a.coef_, b.coef_)
    same(a.intercept_, b.intercept_)
    assert (a.t_, a.n_iter_, a.loss_curve_) == (b.t_, b.n_iter_, b.loss_curve_)
    for mine, other in zip(a._states, b._states, strict=True):
        for name in ("intercept", "t", "epoch", "seed", "l1_total", "intercept_sum", "eta0",
                     "best", "stale", "curve"):
            assert getattr(mine, name) == getattr(other, name), name


def in_parts(model, X, y, path, parts, **more):
    """The model after training in parts, saved and loaded in between."""
    for k, epochs in enumerate(parts):
        if k == 0:
            model.set_params(max_iter=epochs).fit(X, y, **more)
        else:
            model.resume(X, y, max_iter=epochs, **more)
        save_model(model, path)
        model = load_model(path)
    return model


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_classes", [0, 2, 3])
@pytest.mark.parametrize("variant", VARIANTS)
def test_five_and_five_epochs_are_ten(tmp_path, variant, n_classes, dtype):
    X, y = rows(dtype=dtype)
    kind = FastSGDClassifier if n_classes else FastSGDRegressor
    y = labels(y, range(n_classes)) if n_classes else y
    model = make(kind, variant)
    whole = clone(model).set_params(max_iter=10).fit(X, y)
    equal(in_parts(model, X, y, tmp_path / "m", (5, 10)), whole)


@pytest.mark.parametrize("learning_rate", ["optimal", "adaptive"])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_models_that_have_stopped_do_not_go_on(tmp_path, early_stopping, learning_rate):
    X, y = rows(n=300)
    y = labels(y, list("abcd"))
    model = FastSGDClassifier(
        "log_loss", random_state=1, tol=3e-3, n_iter_no_change=3, alpha=1e-3, eta0=0.5,
        early_stopping=early_stopping, learning_rate=learning_rate)
    whole = clone(model).set_params(max_iter=60).fit(X, y)
    epochs = {state.epoch for state in whole._states}
    assert len(epochs) > 1
    for parts in ((min(epochs), 60), (2, 5, min(epochs) + 1, 60), (60, 100)):
        equal(in_parts(clone(model), X, y, tmp_path / "m", parts),
              whole if parts[-1] == 60 or max(epochs) < 60
              else clone(model).set_params(max_iter=100).fit(X, y))


def test_sample_weights_dense_rows_and_no_seed(tmp_path):
    X, y = rows()
    weight = np.linspace(0, 2, len(y))
    model = FastSGDRegressor(max_iter=3, tol=None).fit(X.toarray(), y, sample_weight=weight)
    assert model.random_state is None
    save_model(model, tmp_path / "m")
    seed = model._states[0].seed
    once = model.resume(X.toarray(), y, max_iter=9, sample_weight=weight)
    twice = load_model(tmp_path / "m").resume(X.toarray(), y, max_iter=5, sample_weight=weight)
    equal(twice.resume(X.toarray(), y, max_iter=9, sample_weight=weight), once)
    assert once._states[0].seed == seed


@pytest.mark.parametrize("class_weight", ["balanced", "balanced_running", {0: 2.0, 1: 0.5}])
def test_class_weights(tmp_path, class_weight):
    X, y = rows()
    y = (y > np.quantile(y, 0.8)).astype(int)
    model = FastSGDClassifier(class_weight=class_weight, random_state=0, tol=None)
    whole = clone(model).set_params(max_iter=8).fit(X, y)
    equal(in_parts(model, X, y, tmp_path / "m", (3, 8)), whole)


def test_nothing_is_left_to_do(tmp_path):
    X, y = rows()
    model = FastSGDRegressor(max_iter=6, tol=None, random_state=0).fit(X, y)
    before = model.coef_.copy()
    assert model.resume(X, y, max_iter=6).n_iter_ == 6
    same(model.resume(X, y, max_iter=2).coef_, before)
    assert model.resume(X, y).n_iter_ == 6


def test_an_intercept_set_by_the_user_counts():
    X, y = rows(dtype=np.float32)
    model = FastSGDRegressor(max_iter=2, tol=None, random_state=0).fit(X, y)
    other = FastSGDRegressor(max_iter=2, tol=None, random_state=0).fit(X, y)
    other.intercept_ = other.intercept_ + 1
    assert other.resume(X, y, max_iter=3).intercept_ > model.resume(X, y, max_iter=3).intercept_


def test_after_an_interrupt_the_epoch_runs_again():
    X, y = rows()

    def interrupt(k, told):
        if told.number == 3:
            raise KeyboardInterrupt

    model = FastSGDClassifier(max_iter=10, tol=None, random_state=0)
    model._epoch_hook = interrupt
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, labels(y, [0, 1, 2]))
    del model._epoch_hook
    assert not hasattr(model, "n_iter_")
    model.resume(X, labels(y, [0, 1, 2]))
    assert [state.epoch for state in model._states] == [10, 10, 10]
    assert model.n_iter_ == 10
    assert model.score(X, labels(y, [0, 1, 2])) > 0.7


@pytest.mark.parametrize("random_state", [None, np.random.RandomState(0)])
def test_early_stopping_needs_the_same_split(random_state):
    X, y = rows()
    model = FastSGDRegressor(early_stopping=True, random_state=random_state, max_iter=2).fit(X, y)
    with pytest.raises(ResumeError, match="random_state"):
        model.resume(X, y, max_iter=5)


def test_refusals():
    X, y = rows()
    model = FastSGDClassifier(random_state=0).fit(X, labels(y, [0, 1]))
    with pytest.raises(ValueError, match="not among classes"):
        model.resume(X, labels(y, [0, 7]), max_iter=2000)
    with pytest.raises(ValueError, match="features"):
        model.resume(X[:, :5], labels(y, [0, 1]))
    with pytest.raises(ValueError, match="max_iter must be"):
        model.resume(X, labels(y, [0, 1]), max_iter=0)
    del model._states
    with pytest.raises(ResumeError, match="no state"):
        model.resume(X, labels(y, [0, 1]))


@pytest.mark.parametrize("n_classes", [0, 2, 3])
@pytest.mark.parametrize("variant", VARIANTS)
def test_to_sklearn_predicts_the_same(variant, n_classes):
    X, y = rows()
    kind = FastSGDClassifier if n_classes else FastSGDRegressor
    y = labels(y, range(n_classes)) if n_classes else y
    model = make(kind, variant, sync="serial", n_jobs=2).fit(X, y)
    theirs = model.to_sklearn()
    assert type(theirs) is (SGDClassifier if n_classes else SGDRegressor)
    theirs._validate_params()
    if not n_classes:
        np.testing.assert_allclose(theirs.predict(X), model.predict(X), rtol=1e-12, atol=1e-14)
    else:  # scipy adds up in another order
        same(theirs.predict(X), model.predict(X))
        np.testing.assert_allclose(theirs.decision_function(X), model.decision_function(X),
                                   rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(theirs.decision_function(X.toarray()),
                                   model.decision_function(X.toarray()), rtol=1e-12, atol=1e-14)
        same(theirs.classes_, model.classes_)
    assert (theirs.t_, theirs.n_iter_, theirs.n_features_in_) == (model.t_, model.n_iter_, 12)
    assert theirs.alpha == (model.alpha if model.C is None else 1 / (len(y) * model.C))
    assert theirs.penalty == model.penalty
    theirs.partial_fit(X, y)
    assert not np.array_equal(theirs.coef_, model.coef_)


def test_to_sklearn_goes_on_as_ours_in_the_order_of_rows():
    X, y = rows(n=64)
    X = X.toarray()
    ours = FastSGDRegressor(average=20, shuffle=False, max_iter=2, tol=None).fit(X, y)
    theirs = ours.to_sklearn().partial_fit(X, y)
    np.testing.assert_allclose(ours.partial_fit(X, y).coef_, theirs.coef_, rtol=1e-9)


def test_to_sklearn_of_sparse_weights_and_weights_of_classes():
    X, y = rows()
    model = FastSGDClassifier(
        penalty="l1", alpha=0.01, class_weight="balanced_running", random_state=0)
    model.fit(X, labels(y, ["a", "b"])).sparsify()
    theirs = model.to_sklearn()
    assert sp.issparse(theirs.coef_)
    assert theirs.class_weight == "balanced"
    same(theirs.predict(X), model.predict(X))
