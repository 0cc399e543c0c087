"""What linear models learn: every kind of problem answers what trainings ask, alike."""

import numpy as np
import pytest
from scipy import sparse

from fastsgd import FastSGDClassifier, FastSGDRegressor
from fastsgd.models.linear.problem import Binary, ClassProblem, Indicator, Numbers, OneAgainstRest

NAMES = np.array(["a", "b", "c", "d"])
CODES = np.array([2, 0, 1, 2, 2, 0])  # nothing is "d"
LABELS = np.array([[1, 0, 1], [0, 0, 0], [1, 1, 1], [0, 0, 1]])
PROBLEMS = {
    "binary": (Binary(np.minimum(CODES, 1), NAMES[:2]), [np.minimum(CODES, 1)]),
    "one against rest": (OneAgainstRest(CODES, NAMES), [np.equal(CODES, k) for k in range(4)]),
    "indicator": (Indicator(sparse.csr_array(LABELS)), LABELS.T),
}
"""Each with what its models have as +1."""


@pytest.mark.parametrize("kind", PROBLEMS)
def test_targets_are_signs_of_what_is_counted(kind):
    problem, positive = PROBLEMS[kind]
    assert problem.classifies
    assert isinstance(problem, ClassProblem)
    assert problem.n_models == len(positive)
    for k, its in enumerate(positive):
        target = problem.target(k)
        assert target.dtype == np.float64
        np.testing.assert_array_equal(target, np.where(its, 1.0, -1.0))
    counts = [(problem.target(k) > 0).sum() for k in range(problem.n_models)]
    np.testing.assert_array_equal(problem.counts()[-problem.n_models:], counts)


@pytest.mark.parametrize("kind", PROBLEMS)
def test_members_are_the_targets_row_by_row(kind):
    problem, positive = PROBLEMS[kind]
    begin, members = problem.members()
    assert members.dtype == np.int32
    n = len(problem.target(0))
    begin = np.arange(n + 1) if begin is None else begin
    for row in range(n):
        its = members[begin[row]:begin[row + 1]]
        first = 1 if kind == "binary" else 0  # the class that model 0 has as +1
        assert [k + first in its for k in range(problem.n_models)] == [
            bool(each[row]) for each in positive]


def test_labels_and_weights():
    two, many, several = (PROBLEMS[kind][0] for kind in PROBLEMS)
    assert two.labels().tolist() == [*"babbba"]
    assert many.labels().tolist() == [*"cabcca"]
    np.testing.assert_array_equal(several.labels(), LABELS)
    assert two.weight_pairs([0.5, 3.0]) == [(0.5, 3.0)]
    assert many.weight_pairs([0.5, 3.0, 2.0, 1.0]) == [(1, 0.5), (1, 3.0), (1, 2.0), (1, 1.0)]
    pairs = np.ones((3, 2))
    assert several.weight_pairs(pairs) is pairs


def test_numbers_are_their_own_target():
    problem = Numbers(np.array([3, 1, 2])[::-1])
    assert not problem.classifies
    assert problem.n_models == 1
    assert problem.target(0).dtype == np.float64
    assert problem.target(0).flags.c_contiguous
    assert problem.labels().tolist() == problem.target(0).tolist() == [2, 1, 3]


@pytest.mark.parametrize(("y", "kind"), [
    (NAMES[CODES], OneAgainstRest), (np.minimum(CODES, 1), Binary),
    (LABELS[[0, 1, 2, 3, 0, 1]], Indicator), (CODES, None)])
def test_the_problem_of_a_model(y, kind, monkeypatch):
    """What a training is told; the same with classes from an earlier call."""
    told, X = [], np.eye(6)
    model = FastSGDRegressor() if kind is None else FastSGDClassifier()
    monkeypatch.setattr(type(model), "_train", lambda self, X, plan, problem, *rest, **more: (
        told.append(problem), setattr(self, "fit_stats_", {"stopped_by": "tol"}),
        setattr(self, "n_iter_", 1)))
    model.fit(X, y)
    assert type(told[0]) is (kind or Numbers)
    again, _ = model._problem_and_weights(model._check_Xy(X, y, reset=False)[1])
    assert type(again) is type(told[0])
    np.testing.assert_array_equal(again.labels(), told[0].labels())
