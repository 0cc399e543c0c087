"""Multilabel indicators as y: fits, predictions, weights, files, errors; and RCV1's topics."""

import pickle

import numpy as np
import pytest
from realdata import real
from scipy import sparse
from sklearn.metrics import f1_score
from sklearn.multiclass import OneVsRestClassifier

from fastsgd import FastSGDClassifier, load_model, load_svmlight, save_model

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

rng = np.random.default_rng(0)
N, D, K = 800, 30, 9
X = rng.standard_normal((N, D))
Y = (X @ rng.standard_normal((D, K)) + rng.standard_normal((N, K)) > 2).astype(int)
FEW = {"max_iter": 5, "tol": None, "random_state": 0}


def same(a, b):
    return np.array_equal(a.coef_, b.coef_) and np.array_equal(a.intercept_, b.intercept_)


@pytest.mark.parametrize("sync", ["classes", "serial"])
@pytest.mark.parametrize("shape", ["dense", "sparse", "bool", "float", "list", "stored zeros"])
def test_every_indicator_is_one_fit_a_label(sync, shape):
    stored = sparse.csr_matrix(Y + 1)
    stored.data -= 1
    y = {"dense": Y, "sparse": sparse.csc_matrix(Y), "bool": Y == 1, "float": Y.astype(float),
         "list": Y.tolist(), "stored zeros": stored}[shape]
    model = FastSGDClassifier(sync=sync, shuffle=False, **FEW).fit(X, y)
    apart = OneVsRestClassifier(FastSGDClassifier(shuffle=False, **FEW)).fit(X, Y)
    for k, one in enumerate(apart.estimators_):
        np.testing.assert_allclose(model.coef_[k], one.coef_[0], rtol=1e-9, atol=1e-9)
    assert model.multilabel_ is True
    assert np.array_equal(model.classes_, np.arange(K))
    assert np.array_equal(model.predict(X), apart.predict(X))
    assert model.predict(X).dtype.kind == "i"
    assert model.decision_function(X).shape == (N, K)
    assert model.score(X, Y) == model.score(X, sparse.csr_matrix(Y)) == np.mean(
        np.all(model.predict(X) == Y, axis=1))


def test_two_labels_are_two_models():
    model = FastSGDClassifier(**FEW).fit(X, Y[:, :2])
    assert model.coef_.shape == (2, D)
    assert model.predict(X).shape == (N, 2)
    assert same(model, pickle.loads(pickle.dumps(model)))


def test_probabilities_are_each_labels_own():
    model = FastSGDClassifier("log_loss", **FEW).fit(X, Y)
    p = model.predict_proba(X)
    np.testing.assert_allclose(p, 1 / (1 + np.exp(-model.decision_function(X))))
    assert np.array_equal(p > 0.5, model.predict(X) == 1)
    np.testing.assert_allclose(model.predict_log_proba(X), np.log(p), atol=1e-12)


@pytest.mark.parametrize("sync", ["classes", "serial", "hogwild"])
def test_labels_that_nobody_or_everybody_has(sync):
    y = Y.copy()
    y[:, 1], y[:, 2] = 0, 1
    for class_weight in (None, "balanced"):
        model = FastSGDClassifier(
            sync=sync, n_jobs=2, class_weight=class_weight, **FEW).fit(X, y)
        assert np.array_equal(model.predict(X)[:, 1:3], y[:, 1:3])


def test_balanced_is_by_label():
    balanced = FastSGDClassifier(class_weight="balanced", shuffle=False, **FEW).fit(X, Y)
    apart = OneVsRestClassifier(
        FastSGDClassifier(class_weight="balanced", shuffle=False, **FEW)).fit(X, Y)
    for k, one in enumerate(apart.estimators_):
        np.testing.assert_allclose(balanced.coef_[k], one.coef_[0], rtol=1e-9, atol=1e-9)
    for class_weight in ({0: 1.0, 1: 2.0}, "balanced_running"):
        with pytest.raises(ValueError, match=r"not available with multilabel y; only None and"):
            FastSGDClassifier(class_weight=class_weight).fit(X, Y)


def test_going_on(tmp_path):
    whole = FastSGDClassifier(shuffle=False, **FEW).fit(X, Y)
    parts = FastSGDClassifier(shuffle=False, random_state=0)
    for y in (Y, sparse.csr_array(Y), Y, Y, Y):
        parts.partial_fit(X, y)
    assert same(whole, parts)
    assert same(whole, FastSGDClassifier(shuffle=False, random_state=0).partial_fit(
        X, Y, classes=range(K)).set_params(max_iter=5, tol=None).resume(X, Y))
    save_model(whole, tmp_path / "m")
    again = load_model(tmp_path / "m")
    assert again.multilabel_ is True
    assert np.array_equal(again.predict(X), whole.predict(X))
    assert same(again.resume(X, Y, max_iter=8), whole.resume(X, Y, max_iter=8))
    warm = FastSGDClassifier(warm_start=True, **FEW).fit(X, Y)
    coef, intercept = warm.coef_.copy(), warm.intercept_.copy()
    assert same(warm.fit(X, Y), FastSGDClassifier(**FEW).fit(X, Y, coef, intercept))
    with pytest.raises(ValueError, match="SGDClassifier has no multilabel models"):
        whole.to_sklearn()


def test_early_stopping():
    model = FastSGDClassifier(early_stopping=True, random_state=0, n_iter_no_change=3).fit(X, Y)
    assert model.n_iter_ < 1000
    assert len({state.epoch for state in model._states}) > 1
    assert model.t_ == 1 + N * 9 // 10 * model.n_iter_
    assert f1_score(Y, model.predict(X), average="macro") > 0.7


@pytest.mark.parametrize(("y", "message"), [
    (2 * Y - 1, "indicator of 0 and 1; got -1"),
    (Y + np.arange(K), "got 2. For one class a row"),
    (sparse.csr_array(3 * Y), "indicator of 0 and 1"),
    (Y[:-1], "inconsistent numbers of samples"),
    (np.where(Y, np.nan, 0.0), "contains NaN"),
    (Y[:, :, None], "dim"),
])
def test_what_is_no_indicator_is_refused(y, message):
    model = FastSGDClassifier()
    with pytest.raises(ValueError, match=message):
        model.fit(X, y)
    assert not hasattr(model, "classes_")


def test_another_kind_of_y_is_refused_later():
    many, one = FastSGDClassifier(**FEW).fit(X, Y), FastSGDClassifier(**FEW).fit(X, Y[:, 0])
    for y in (Y[:, 0], Y[:, :4]):
        with pytest.raises(ValueError, match=f"the model is multilabel with {K} labels; got y"):
            many.partial_fit(X, y)
    for y in (Y, Y[:, :2]):
        with pytest.raises(ValueError, match="the model is not multilabel; got y of shape"):
            one.partial_fit(X, y)
    with pytest.raises(ValueError, match="column numbers 0 to 8, got"):
        FastSGDClassifier().partial_fit(X, Y, classes=list("abcdefghi"))
    assert one.fit(X, Y).multilabel_
    assert not many.fit(X, Y[:, 0]).multilabel_


def test_rcv1_topics():
    """README of the data: mean f of the optimum 0.0250019, macro-F1 0.4047 on the test rows."""
    sets = [load_svmlight(real(f"rcv1/rcv1_topics_{part}.svm.gz"), n_features=47236,
                          zero_based=False, multilabel=True, dtype=np.float32)
            for part in ("train", "test")]
    (X, y), (X_test, y_test) = [(X, indicator(labels)) for X, labels in sets]
    model = FastSGDClassifier(max_iter=20, tol=None, random_state=0).fit(X, y)
    assert model.fit_stats_["sync"] == "classes"
    z = (X @ model.coef_.T + model.intercept_) * np.where(y, 1, -1)
    f = np.maximum(0, 1 - z).mean() + 0.5e-4 * np.mean(np.sum(model.coef_**2.0, axis=1))
    assert f == pytest.approx(0.0250019, rel=0.01)
    assert f1_score(y_test, model.predict(X_test), average="macro",
                    zero_division=0) == pytest.approx(0.4047, abs=0.01)


def indicator(labels):
    y = np.zeros((len(labels), 101), dtype=np.int8)
    for row, topics in zip(y, labels, strict=True):
        row[np.array(topics, dtype=int)] = 1
    return y
