"""Writes docs/support.md, what goes with what, from what the code refuses.

Run ``python docs/make_support.py`` after a change of what is allowed.
"""

import re
from pathlib import Path
from textwrap import fill

from fastsgd.penalties import PENALTIES
from fastsgd.plan.linear_rules import SYNCS
from fastsgd.solvers import AUTO, SOLVERS
from support_cells import (
    KINDS,
    OPTIONS,
    SOLVER_NAMES,
    allowed,
    cells,
    may_take,
    multi_classes,
    refusal,
    refused_for_dense,
)

PAGE = Path(__file__).with_name("support.md")

BEGIN = """\
# What goes with what

Not written by hand: `python docs/make_support.py` asks the checks that `fit` makes first.
`tests/test_contract_support.py` visits every cell: it reaches the optimum, or is refused by name
before X is looked at. How solvers work: [solvers.md](solvers.md), [duality.md](duality.md).

A cell holds the values of `sync`, of those in the second column, that are allowed for its losses
and penalty; – is none. Other parameters are at their defaults. Another `multi_class` than
{multi_class} raises `NotBuiltYetError`. With two classes `sync="classes"` is "serial".
"""

OTHERS = """\
What each solver takes besides, of the combinations above; "unused" is neither refused nor looked
at. The last column: what `solver="auto"` takes for one or the other of them. Dense X is refused
when it is seen, all else before.
"""

TOLD = """\
## What is told

Each refusal once, as the first combination meets it.
"""


def listed(names, of):
    """`names`, some of `of`, in words: "all", "all but a, b", "a, b" or "–"."""
    names, others = [n for n in of if n in names], [n for n in of if n not in names]
    if not others:
        return "all"
    if not names:
        return "–"
    few = len(others) < len(names)
    return "all but " * few + ", ".join(map(str, others if few else names))


def grouped(values):
    """[(keys, value)] of a dict: the keys that have equal values, in their order."""
    groups = {}
    for key, value in values.items():
        groups.setdefault(value, []).append(key)
    return [(keys, value) for value, keys in groups.items()]


def table(head, *rows):
    """Rows of texts."""
    lines = ["| " + " | ".join(row) + " |" for row in (head, *rows)]
    return "\n".join([lines[0], "|---" * len(head) + "|", *lines[1:]]) + "\n"


def by_loss(kind, some, words):
    """[(losses, words of each penalty)]: ``words(cells)`` of those of one loss and penalty."""
    losses = KINDS[kind].loss_functions
    rows = {loss: tuple(words([c for c in some if (c.loss, c.penalty) == (loss, penalty)])
                        for penalty in PENALTIES) for loss in losses}
    return [(listed(names, losses), *values) for names, values in grouped(rows)]


def support(kind, multi_class):
    """The table solver x loss x penalty x sync."""
    may = [cell for cell in allowed(kind) if cell.multi_class == multi_class]
    rows = []
    for solver in SOLVER_NAMES:
        mine = [cell for cell in may if cell.solver == solver]
        syncs = [sync for sync in SYNCS if sync in {cell.sync for cell in mine}]
        begin = (solver, ", ".join(syncs))
        for row in by_loss(kind, mine, lambda some, s=syncs: listed({c.sync for c in some}, s)):
            rows.append((*begin, *row))
            begin = ("", "")
    return table(("solver", "sync", "loss", *map("penalty {}".format, PENALTIES)), *rows)


def choices(kind, multi_class):
    """The table of what solver="auto" takes."""
    def words(some):
        taken_by = {cell.sync: " or ".join(may_take(kind, cell)) for cell in some}
        return "; ".join(solver if "auto" in syncs else f"{solver} with {', '.join(syncs)}"
                         for syncs, solver in grouped(taken_by))

    may = [c for c in allowed(kind) if (c.solver, c.multi_class) == ("auto", multi_class)]
    return table(("loss", *map("penalty {}".format, PENALTIES)), *by_loss(kind, may, words))


def others(kind):
    """The table of other parameters."""
    base, rows = allowed(kind), []
    for options in (*OPTIONS, {"partial_fit": True}):
        label = "partial_fit" if "partial_fit" in options else ", ".join(
            f"{name}={value!r}" for name, value in options.items())
        rows.append(row_of(kind, f"`{label}`", options, base, allowed(kind, **options)))
    refused = {(c.solver, c.sync) for c in base if (c.loss, c.penalty) == ("squared_error", "l2")
               and refused_for_dense(kind, c)}
    dense = [c for c in base if (c.solver, c.sync) not in refused]
    rows.append(row_of(kind, "dense X", {}, base, dense))
    return table(("", *SOLVERS, "auto takes"), *rows)


def row_of(kind, label, options, base, may):
    """What each solver, and "auto", has left in `may` of the cells `base`."""
    parameters = {name: value for name, value in options.items() if name != "partial_fit"}
    chosen = {name for c in may if c.solver == "auto"
              for name in may_take(kind, c, **parameters)}
    words = []
    for solver in SOLVERS:
        unused = set(options) and set(options) <= {"learning_rate", "eta0"} and not (
            SOLVERS[solver].takes_steps)
        words.append("unused" if unused else left(
            [c for c in base if c.solver == solver], [c for c in may if c.solver == solver]))
    return (label, *words, ", ".join(name for name in AUTO if name in chosen))


def left(base, may):
    """What is left of `base` in `may`: "yes", "–", "only loss hinge", "not sync classes"."""
    if not may:
        return "–"
    told, explained = [], set()
    for axis in ("loss", "penalty", "sync"):
        kept = {getattr(c, axis) for c in may}
        names = list(dict.fromkeys(getattr(c, axis) for c in base))
        lost = [name for name in names if name not in kept]
        explained |= {c for c in base if getattr(c, axis) in lost}
        few = len(lost) <= len(kept)
        shown = lost if few else [name for name in names if name in kept]
        told += [f"{'not' if few else 'only'} {axis} " + ", ".join(map(str, shown))] * bool(lost)
    assert set(base) - explained == set(may), f"no short way to tell what is refused of {base[0]}"
    return "; ".join(told) or "yes"


def messages():
    """What is told, each complaint once."""
    found = {}
    for options in ({}, *OPTIONS, {"partial_fit": True}):
        for kind in KINDS:
            for cell in cells(kind):
                text = refusal(kind, cell, **options)
                if text is not None:
                    found.setdefault(re.sub(r"'[^']*'|;.*", "", text), text)
    return "".join(fill(text, 98, initial_indent="- ", subsequent_indent="  ",
                        break_on_hyphens=False) + "\n" for text in found.values())


def page():
    """The whole of docs/support.md."""
    parts = [BEGIN.format(multi_class=", ".join(map(repr, multi_classes("classifier"))))]
    for kind, model in KINDS.items():
        for multi_class in multi_classes(kind):
            name = model.__name__ + (f", multi_class={multi_class!r}" if multi_class else "")
            parts += [f"## {name}\n", support(kind, multi_class),
                      "What `solver=\"auto\"` takes:\n", choices(kind, multi_class)]
        parts += [f"### Other parameters of {model.__name__}\n", OTHERS, others(kind)]
    return "\n".join([*parts, TOLD, messages()])


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
