"""y as a set of labels for each row: what it is taken for, what is learnt, what is refused."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.metrics import accuracy_score

from fastsgd import FastMLPClassifier, FastSGDClassifier, Workers, load_model, save_model
from fastsgd.data.label_sets import LabelSets, label_sets_of

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

rng = np.random.default_rng(0)
X = rng.standard_normal((120, 6))
Y = (X @ rng.standard_normal((6, 3)) > 0.3).astype(int)
LABELS = np.array([3.0, 7.0, 20.0])
SETS = [tuple(LABELS[row > 0].tolist()) for row in Y]
MODELS = [FastSGDClassifier("log_loss", max_iter=5, tol=None, random_state=0),
          FastMLPClassifier((5,), max_iter=5, random_state=0)]


def weights(model):
    return model.coef_ if hasattr(model, "coef_") else model.coefs_[0]


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("kind", ["tuples", "sets", "lists", "objects", "text", "LabelSets"])
def test_sets_are_learnt_as_their_indicator(model, kind):
    objects = np.empty(len(SETS), object)
    objects[:] = SETS
    names = dict(zip(LABELS.tolist(), ("a", "b", "c"), strict=True))
    y = {"tuples": SETS, "sets": [set(row) for row in SETS], "lists": [list(r) for r in SETS],
         "objects": objects, "text": [tuple(names[label] for label in row) for row in SETS],
         "LabelSets": LabelSets.of_rows(SETS)}[kind]
    ours, theirs = clone(model).fit(X, y), clone(model).fit(X, Y)
    np.testing.assert_array_equal(weights(ours), weights(theirs))
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))
    assert ours.multilabel_ is True
    assert ours.classes_.tolist() == (["a", "b", "c"] if kind == "text" else [3, 7, 20])
    assert ours.score(X, y) == pytest.approx(theirs.score(X, Y))


@pytest.mark.parametrize("model", MODELS)
def test_going_on(model, tmp_path):
    ours = clone(model).fit(X, SETS)
    save_model(ours, tmp_path / "m")
    again = load_model(tmp_path / "m")
    assert again.classes_.tolist() == [3, 7, 20]
    again.resume(X, SETS, max_iter=9)
    np.testing.assert_array_equal(weights(again), weights(ours.resume(X, Y, max_iter=9)))
    parts = clone(model)
    with pytest.raises(ValueError, match="classes must name all labels"):
        parts.partial_fit(X, SETS)
    parts.partial_fit(X[:60], SETS[:60], classes=[20, 3, 7, 1])
    parts.partial_fit(X[60:], SETS[60:])
    assert parts.classes_.tolist() == [1, 3, 7, 20]
    assert not parts.predict(X)[:, 0].all()
    for call in (parts.partial_fit, again.resume):
        with pytest.raises(ValueError, match="y has the label 99"):
            call(X, [*SETS[:-1], (3.0, 99.0)])
    one = clone(model).fit(X, Y[:, 0])
    with pytest.raises(ValueError, match="not multilabel; y must have one class a row"):
        one.partial_fit(X, SETS)
    with pytest.raises(ValueError, match="not multilabel"):
        one.score(X, SETS)


@pytest.mark.parametrize("model", MODELS)
def test_a_row_with_a_label_that_the_model_lacks_is_scored_as_an_error(model):
    model = clone(model).fit(X, SETS)
    mine = [*SETS[:-2], (3.0, 99.0), (99.0,)]
    wide = np.zeros((120, 4), int)
    for row, labels in zip(wide, mine, strict=True):
        row[np.searchsorted([3, 7, 20, 99], labels)] = 1
    predicted = np.hstack([model.predict(X), np.zeros((120, 1), int)])
    weight = rng.random(120)
    assert model.score(X, mine) == accuracy_score(wide, predicted)
    assert model.score(X, mine, weight) == pytest.approx(
        accuracy_score(wide, predicted, sample_weight=weight))


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(("y", "text"), [
    ([(1,)] * 120, "of which there must be at least two; it has 1 in all"),
    ([()] * 120, "it has 0 in all"), ([(1, 2), (1, "a")] * 60, "of text and of numbers"),
    ([(1.0, np.nan), (2.0,)] * 60, "NaN or infinity"), ([(1, (2, 3)), ()] * 60, "neither"),
    ([(1, None), ()] * 60, "neither"), ([(1, 2), (3,)] * 50, "inconsistent numbers of samples"),
])
def test_what_is_no_set_of_labels_is_refused(model, y, text):
    model = clone(model)
    with pytest.raises(ValueError, match=text):
        model.fit(X, y)
    assert not hasattr(model, "classes_")


@pytest.mark.parametrize(("y", "sets"), [
    ([(0, 1), (1, 0)], False), ([(1, 1), (0, 1)], False), ([[1, 2], [3, 4]], False),
    ([[1], [2]], False), ([1, 2], False), (["ab", "c"], False), (np.eye(2), False), ([], False),
    (sparse.eye(2, format="csr"), False), ([(1,), (2,)], True), ([(0, 1), (1,)], True),
    ([(2, 5), (1, 3)], True), ([{0, 1}, {1}], True), ([[1, 2], []], True), ([("a", "b")], True),
])
def test_what_is_an_indicator_too_is_one(y, sets):
    assert (label_sets_of(y) is not None) == sets


def test_rows_of_label_sets():
    sets = LabelSets.of_rows([(5, 1, 5), (), (2,)])
    assert (len(sets), list(sets), sets[-1]) == (3, [(5, 1, 5), (), (2,)], (2,))
    assert list(sets[1:]) == [(), (2,)]
    assert list(sets[2:1]) == []
    assert sets.several
    assert not sets[1:].several
    assert sets.indicator(np.array([1, 2, 5])).toarray().tolist() == [
        [1, 0, 1], [0, 0, 0], [0, 1, 0]]
    with pytest.raises(IndexError):
        sets[3]


def test_workers_take_sets():
    model = FastSGDClassifier(max_iter=3, tol=None, random_state=0,
                              workers=Workers(2, comm="thread", policy="local"))
    np.testing.assert_array_equal(clone(model).fit(X, SETS).coef_, clone(model).fit(X, Y).coef_)
