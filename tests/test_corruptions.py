"""Corrupt matrices, each given to every public method: ValueError, never a crash nor garbage.

The table is in corruptions.py, which runs in a process of its own; where that dies, the pair is
told and the rest of the table run by another.
"""

import os
import subprocess
import sys
from pathlib import Path

import corruptions
import pytest
from scipy import sparse

import fastsgd
from fastsgd.data.sparse import checked

TABLE = Path(corruptions.__file__)


def test_every_method_refuses_every_corruption():
    """The name of each pair, and what it did instead."""
    environment = os.environ | {"PYTHONPATH": str(Path(fastsgd.__file__).parent.parent)}
    wrong, first, names = [], 0, [(pair[0], pair[1]) for pair in corruptions.table()]
    while first < len(names):
        child = subprocess.run([sys.executable, TABLE, str(first)], stdout=subprocess.PIPE,
                               text=True, env=environment, timeout=1200)
        lines = [line.split("\t") for line in child.stdout.splitlines() if line.count("\t") >= 3]
        assert lines, f"the process died before pair {first}: {child.returncode}"
        wrong += [line[1:] for line in lines if line[3] not in ("right", "")]
        first = int(lines[-1][0]) + 1
        if not lines[-1][3]:
            wrong.append([*lines[-1][1:3], f"died with {child.returncode}"])
    assert not wrong


@pytest.mark.parametrize("name", corruptions.REFUSED)
def test_a_matrix_is_refused_by_name(name):
    """`checked` names the matrix; without `columns` those of CSR are left to the kernels."""
    corrupt = corruptions.REFUSED[name]
    if name in ("NaN", "infinity", "a row less"):
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
