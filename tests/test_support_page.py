"""docs/support.md is what its program prints now, and its tables mean what the code allows."""

import re

import pytest

from fastsgd import FastSGDClassifier
from fastsgd.penalties import PENALTIES
from fastsgd.plan.linear_rules import SYNCS
from make_support import PAGE, page
from support_cells import KINDS, SOLVER_NAMES, Cell, allowed, cells, refusal


def names(words, of):
    """What `make_support.listed` says, the other way round."""
    if words in ("all", "–"):
        return list(of) if words == "all" else []
    shown = words.removeprefix("all but ").split(", ")
    assert set(shown) <= set(of), words
    return [name for name in of if (name in shown) != words.startswith("all but ")]


def cells_of(section, kind, multi_class):
    """The cells that the first table of a section says are allowed."""
    found, solver, syncs = [], None, None
    lines = section.split("\n\n")[1].splitlines()
    assert lines[0].split(" | ")[3:] == [
        *(f"penalty {p}" for p in PENALTIES[:-1]), f"penalty {PENALTIES[-1]} |"]
    for line in lines[2:]:
        first, second, losses, *by_penalty = line.strip("| ").split(" | ") if (
            not line.startswith("|  |")) else [solver, ", ".join(syncs), *line[8:-2].split(" | ")]
        solver, syncs = first, names(second, SYNCS)
        found += [Cell(solver, loss, penalty, sync, multi_class)
                  for loss in names(losses, KINDS[kind].loss_functions)
                  for penalty, words in zip(PENALTIES, by_penalty, strict=True)
                  for sync in names(words, syncs)]
    return found


def test_the_page_is_up_to_date():
    assert PAGE.read_text(encoding="utf-8") == page(), "run python docs/make_support.py"


@pytest.mark.parametrize("kind", KINDS)
def test_its_tables_are_what_the_code_allows(kind):
    sections = re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    found = []
    for section in sections:
        head = re.match(KINDS[kind].__name__ + r"(?:, multi_class='(\w+)')?\n", section)
        found += cells_of(section, kind, head[1]) if head else []
    assert found == list(dict.fromkeys(found))
    assert set(found) == set(allowed(kind))
    assert {cell.solver for cell in found} == set(SOLVER_NAMES)


def test_a_new_value_of_multi_class_gets_its_own_table(monkeypatch):
    before = len(cells("classifier")), len(cells("regressor"))
    monkeypatch.setattr("fastsgd.plan.linear_rules.MULTI_CLASS", ("ovr", "multinomial"))
    assert (len(cells("classifier")), len(cells("regressor"))) == (2 * before[0], before[1])
    assert "## FastSGDClassifier, multi_class='multinomial'\n" in page()
    assert refusal("classifier", Cell("sgd", "hinge", "l2", "auto", "multinomial")) is None
    told = "release has multi_class='ovr' and multi_class='multinomial' only"
    with pytest.raises(ValueError, match=told):
        FastSGDClassifier(multi_class="other").fit([[0.0], [1.0]], [0, 1])
