"""Rows held out are scikit-learn's, to the last one and its random numbers."""

import re

import numpy as np
import pytest
from sklearn.model_selection import ShuffleSplit, StratifiedShuffleSplit
from sklearn.utils import check_random_state
from sklearn.utils.class_weight import compute_class_weight

from fastsgd._random import hold_out, random_numbers
from fastsgd.weighting import class_weights


def strata_of(kind, n, seed):
    draw = np.random.default_rng(seed)
    if kind == "none":
        return None
    if kind == "labels":
        return draw.integers(0, 2, size=(n, 2))
    if kind == "text":
        return draw.choice(["b", "a", "ccc"], n, p=[0.6, 0.3, 0.1])
    return draw.integers(0, 4, n) * 3


@pytest.mark.parametrize("kind", ["none", "numbers", "text", "labels"])
@pytest.mark.parametrize("n", [60, 61, 200])
@pytest.mark.parametrize("share", [0.1, 0.25, 1 / 3])
@pytest.mark.parametrize("seed", range(4))
def test_the_rows_of_scikit_learn(kind, n, share, seed):
    strata = strata_of(kind, n, seed)
    split = (ShuffleSplit if strata is None else StratifiedShuffleSplit)(
        test_size=share, random_state=np.random.RandomState(seed))
    theirs, ours = split.random_state, np.random.RandomState(seed)
    expected = next(split.split(np.zeros((n, 1)), strata))
    for found, rows in zip(hold_out(n, share, ours, strata), expected, strict=True):
        np.testing.assert_array_equal(found, rows)
    assert theirs.randint(2**31) == ours.randint(2**31)


@pytest.mark.parametrize(("n", "share", "strata"), [
    (1, 0.5, None), (4, 0.9, None), (3, 0.4, [0, 0, 1]), (8, 0.1, [0, 0, 1, 1, 2, 2, 3, 3]),
    (8, 0.9, [0, 0, 1, 1, 2, 2, 3, 3]),
    (3, 0.4, [[0, 1], [0, 1], [1, 1]])], ids=str)
def test_the_errors_of_scikit_learn(n, share, strata):
    strata = None if strata is None else np.array(strata)
    split = (ShuffleSplit if strata is None else StratifiedShuffleSplit)(
        test_size=share, random_state=0)
    with pytest.raises(ValueError, match=r"classes|empty") as theirs:
        next(split.split(np.zeros((n, 1)), strata))
    with pytest.raises(ValueError, match=re.escape(str(theirs.value)[-30:])):
        hold_out(n, share, 0, strata)


def test_random_numbers():
    assert random_numbers(None) is check_random_state(None)
    assert random_numbers(3).randint(99) == check_random_state(3).randint(99)
    own = np.random.RandomState(0)
    assert random_numbers(own) is own
    with pytest.raises(ValueError, match="RandomState"):
        random_numbers(np.random.default_rng(0))


@pytest.mark.parametrize("y", [[0, 1, 1, 1], ["b", "a", "b"], [0.0, 2.0, 2.0, 5.0]], ids=str)
def test_balanced_weights_are_scikit_learns(y):
    y, classes = np.array(y), np.unique(y)
    np.testing.assert_array_equal(class_weights("balanced", classes, y),
                                  compute_class_weight("balanced", classes=classes, y=y))
    with pytest.raises(ValueError, match="classes should have valid labels that are in y"):
        class_weights("balanced", np.append(classes, classes[-1:] + classes[-1:]), y)
