"""The linear estimators beside scikit-learn's: attributes, parameters, partial_fit, averaging."""

import pickle
import subprocess
import sys

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.linear_model import SGDClassifier, SGDRegressor

from fastsgd import FastSGDClassifier, FastSGDRegressor

rng = np.random.default_rng(0)
X = rng.standard_normal((200, 6))
Y2 = np.where(X[:, 0] + 0.3 * rng.standard_normal(200) > 0, "yes", "no")
Y3 = np.array(["a", "b", "c"])[np.digitize(X[:, 1], [-0.4, 0.4])]
YR = X @ np.arange(6) + 1
FEW = {"max_iter": 5, "tol": None, "random_state": 0}


def same(a, b):
    return np.array_equal(a.coef_, b.coef_) and np.array_equal(a.intercept_, b.intercept_)


@pytest.mark.parametrize("y", [Y2, Y3])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_attributes_have_scikit_learns_shapes(y, dtype):
    ours = FastSGDClassifier(**FEW).fit(X.astype(dtype), y)
    theirs = SGDClassifier(**FEW).fit(X.astype(dtype), y)
    for name in ("coef_", "intercept_", "classes_"):
        assert getattr(ours, name).shape == getattr(theirs, name).shape
    assert ours.coef_.dtype == ours.intercept_.dtype == dtype
    assert ours.classes_.dtype == theirs.classes_.dtype
    assert (ours.n_iter_, ours.t_) == (theirs.n_iter_, theirs.t_) == (5, 1001)
    assert len(ours.loss_curve_) == 5
    assert ours.fit_stats_["threads"] == 1
    assert ours.fit_stats_["rows_per_second"] > 0
    assert ours.fit_stats_["ns_per_nonzero"] > 0
    assert ours.fit_stats_["eta0"] > 0


def test_regressor_has_scikit_learns_shapes():
    ours, theirs = FastSGDRegressor(**FEW).fit(X, YR), SGDRegressor(**FEW).fit(X, YR)
    assert ours.coef_.shape == theirs.coef_.shape == (6,)
    assert ours.intercept_.shape == theirs.intercept_.shape == (1,)
    assert ours.score(X, YR) == pytest.approx(theirs.score(X, YR), abs=0.02)


def test_every_parameter_of_scikit_learn_is_ours():
    for ours, theirs in ((FastSGDClassifier, SGDClassifier), (FastSGDRegressor, SGDRegressor)):
        defaults = theirs().get_params()
        assert {name: ours().get_params().get(name) for name in defaults} == defaults


@pytest.mark.parametrize("loss", ["log_loss", "modified_huber"])
@pytest.mark.parametrize("y", [Y2, Y3])
def test_probabilities_are_scikit_learns(loss, y):
    ours = FastSGDClassifier(loss=loss, **FEW).fit(X, y)
    theirs = SGDClassifier(loss=loss, **FEW).fit(X, y)
    theirs.coef_, theirs.intercept_ = ours.coef_, ours.intercept_
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-12)
    with np.errstate(divide="ignore"):
        logs, known = ours.predict_log_proba(X), theirs.predict_log_proba(X)
    there = ours.predict_proba(X) > 1e-3  # theirs are log(1 - p), which cancels, or underflow
    np.testing.assert_allclose(logs[there], known[there], rtol=1e-7, atol=1e-12)
    if loss == "log_loss":
        assert np.isfinite(logs).all()


def test_hinge_has_no_probabilities():
    with pytest.raises(AttributeError, match="no attribute 'predict_proba'"):
        FastSGDClassifier().fit(X, Y2).predict_proba(X)


def test_C_is_alpha():
    by_c = FastSGDClassifier(C=2.0, **FEW).fit(X, Y2)
    assert same(by_c, FastSGDClassifier(alpha=1 / (200 * 2.0), **FEW).fit(X, Y2))
    with pytest.raises(ValueError, match="give alpha or C, not both"):
        FastSGDClassifier(C=2.0, alpha=1e-3).fit(X, Y2)


@pytest.mark.parametrize("kind", ["dense", "sparse"])
@pytest.mark.parametrize("average", [False, True, 300])
def test_partial_fit_is_fit_without_shuffling(kind, average):
    Z = sparse.csr_matrix(X) if kind == "sparse" else X
    whole = FastSGDClassifier(shuffle=False, average=average, **FEW).fit(Z, Y3)
    parts = FastSGDClassifier(shuffle=False, average=average, random_state=0)
    for _ in range(5):
        parts.partial_fit(Z, Y3, classes=["c", "a", "b"])
        parts = pickle.loads(pickle.dumps(parts))
    assert same(whole, parts)
    assert parts.t_ == 1001


@pytest.mark.parametrize("y", [Y2, Y3])
def test_average_that_has_not_begun_shows_the_weights(y):
    plain = FastSGDClassifier(**FEW).fit(X, y)
    later = FastSGDClassifier(average=10**6, **FEW).fit(X, y)
    assert same(plain, later)
    assert np.any(later.coef_)


def test_average_is_the_mean_of_the_iterates():
    kwargs = {"shuffle": False, "learning_rate": "constant", "eta0": 0.01, "alpha": 0.1}
    one, mean = FastSGDRegressor(**kwargs), np.zeros(6)
    for i in range(20):
        mean += one.partial_fit(X[i:i + 1], YR[i:i + 1]).coef_ / 20
    averaged = FastSGDRegressor(average=True, max_iter=1, tol=None, **kwargs).fit(X[:20], YR[:20])
    np.testing.assert_allclose(averaged.coef_, mean, rtol=1e-10)


def test_averaging_that_is_asked_for_later_keeps_the_size_of_the_weights():
    model = FastSGDRegressor(**FEW).fit(X, YR)
    before = np.linalg.norm(model.coef_)
    model.set_params(average=True).partial_fit(X, YR)
    assert np.linalg.norm(model.coef_) > 0.9 * before


def test_sparsify_and_back():
    dense = FastSGDClassifier(penalty="l1", alpha=1e-2, shuffle=False, **FEW).fit(X, Y3)
    thin = pickle.loads(pickle.dumps(dense)).sparsify()
    assert sparse.issparse(thin.coef_)
    assert np.array_equal(thin.predict(X), dense.predict(X))
    assert same(thin.partial_fit(X, Y3), dense.partial_fit(X, Y3))
    assert same(thin.sparsify().densify(), dense)


def test_warm_start_and_init():
    warm = FastSGDClassifier(warm_start=True, **FEW).fit(X, Y2)
    coef, intercept = warm.coef_.copy(), warm.intercept_.copy()
    warm.fit(X, Y2)
    assert same(warm, FastSGDClassifier(**FEW).fit(X, Y2, coef_init=coef,
                                                   intercept_init=intercept))
    assert not same(warm, FastSGDClassifier(**FEW).fit(X, Y2))
    assert np.array_equal(coef, coef.copy())
    with pytest.raises(ValueError, match=r"coef_init does not match .* expected \(1, 6\)"):
        warm.fit(X, Y2, coef_init=np.zeros(5))
    with pytest.raises(ValueError, match="coef_init holds NaN or infinity"):
        warm.fit(X, Y2, coef_init=np.full((1, 6), np.nan))


def test_class_weights():
    double = np.where(Y2 == "yes", 2.0, 1.0)
    by_class = FastSGDClassifier(class_weight={"yes": 2.0}, **FEW).fit(X, Y2)
    assert same(by_class, FastSGDClassifier(**FEW).fit(X, Y2, sample_weight=double))
    balanced = FastSGDClassifier(class_weight="balanced", **FEW).fit(X, Y3)
    running = FastSGDClassifier(class_weight="balanced_running", **FEW).fit(X, Y3)
    assert same(balanced, running)
    assert not same(balanced, FastSGDClassifier(**FEW).fit(X, Y3))
    with pytest.raises(ValueError, match="balanced_running"):
        FastSGDClassifier(class_weight="balanced").partial_fit(X, Y3, classes=["a", "b", "c"])


def test_balanced_running_counts_the_rows_seen():
    running = FastSGDClassifier(class_weight="balanced_running", shuffle=False, random_state=0)
    running.partial_fit(X, Y2, classes=["no", "yes"])
    n = np.unique(Y2, return_counts=True)[1]
    fixed = FastSGDClassifier(class_weight={"no": 100 / n[0], "yes": 100 / n[1]}, shuffle=False)
    assert same(running, fixed.partial_fit(X, Y2, classes=["no", "yes"]))


def test_early_stopping_ends_before_max_iter_and_leaves_rows_out():
    model = FastSGDClassifier(early_stopping=True, n_iter_no_change=3, random_state=0)
    model.fit(X, Y2, sample_weight=np.linspace(0.5, 1.5, 200))
    assert model.n_iter_ < 1000
    assert model.t_ == 1 + 180 * model.n_iter_
    assert model.score(X, Y2) > 0.85


@pytest.mark.parametrize("shuffle", [True, "rows", False])
def test_an_int_seed_gives_the_same_bits(shuffle):
    make = lambda seed: FastSGDClassifier(  # noqa: E731
        shuffle=shuffle, **{**FEW, "random_state": seed}).fit(X, Y3)
    assert same(make(3), make(3))
    assert same(make(3), make(4)) is (shuffle is False)
    assert same(make(np.random.RandomState(3)), make(np.random.RandomState(3)))


def test_another_process_gives_the_same_bits():
    code = (
        "import numpy as np; from fastsgd import FastSGDClassifier; "
        "X = np.random.default_rng(0).standard_normal((200, 6)); "
        "m = FastSGDClassifier(max_iter=5, tol=None, random_state=7).fit(X, X[:, 0] > 0); "
        "print(m.coef_.tobytes().hex())"
    )
    runs = {subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                           check=True).stdout for _ in range(2)}
    here = FastSGDClassifier(max_iter=5, tol=None, random_state=7).fit(X, X[:, 0] > 0)
    assert runs == {here.coef_.tobytes().hex() + "\n"}


def test_clone_has_the_parameters_and_nothing_learnt():
    model = FastSGDClassifier(C=3.0, sync="serial", average=7).fit(X, Y2)
    copy = clone(model)
    assert copy.get_params() == model.get_params()
    assert not hasattr(copy, "coef_")


@pytest.mark.parametrize("first", [np.float32, np.float64])
def test_partial_fit_keeps_its_first_type(first):
    model = FastSGDClassifier(random_state=0).partial_fit(X.astype(first), Y2, ["no", "yes"])
    other = np.float64 if first == np.float32 else np.float32
    model.partial_fit(X.astype(other), Y2).partial_fit(sparse.csr_matrix(X), Y2)
    assert model.coef_.dtype == first


def test_labels_of_every_kind():
    for labels in ([False, True], [-1, 1], [2.0, 5.0], np.array(["p", "qq"], dtype=object)):
        y = np.asarray(labels)[(Y2 == "yes").astype(int)]
        predicted = FastSGDClassifier(random_state=0).fit(X, y).predict(X)
        assert predicted.dtype == np.asarray(labels).dtype
        assert np.mean(predicted == y) > 0.75
