"""Corrupt matrices, each given to every public method: ValueError, never a crash nor garbage.

The table is in corruptions.py, which runs in a process of its own; where that dies, the pair is
told and the rest of the table run by another.
"""

import corruptions
import pytest
from scipy import sparse

from fastsgd.data.sparse import checked


def test_every_method_refuses_every_corruption():
    """The name of each pair, and what it did instead."""
    assert [pair for pair in corruptions.outcomes() if pair[2] != "right"] == []


@pytest.mark.parametrize("name", corruptions.REFUSED)
def test_a_matrix_is_refused_by_name(name):
    """`checked` names the matrix; without `columns` those of CSR are left to the kernels."""
    corrupt = corruptions.REFUSED[name]
    if name in ("NaN", "infinity", "dense NaN", "dense infinity", "a row less"):
        assert checked(corrupt(corruptions.X.copy()), "given").shape[1] == corruptions.D
        return
    with pytest.raises(ValueError, match="given"):
        checked(corrupt(corruptions.X.copy()), "given")
    if name.startswith("column"):
        M = corrupt(corruptions.X.copy())
        assert checked(M, "given", columns=False) is M


@pytest.mark.parametrize("name", corruptions.ACCEPTED)
def test_a_sound_matrix_stays_what_it_is(name):
    """Of any format and index type; what is as the kernels want it is not copied."""
    M = corruptions.ACCEPTED[name](corruptions.X.copy())
    found = checked(M, "given")
    assert sparse.issparse(found)
    assert abs(found.tocsr() - corruptions.X).max() == 0
    assert checked(found, "given") is found
