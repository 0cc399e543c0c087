"""Sums up what auto.py found, beside the limits that solver='auto' must keep."""

import math
import statistics

from harness import show

SMALL_ALPHA = 1e-5
"""Hinge cells below it are harder: fewer need be certified, but the rest must warn."""
ROUNDING = 1e-9
WORST = 15


def checks(records, tol):
    """Every limit, as (text, share of cells that keep it, share needed, number of cells).

    Parameters
    ----------
    records : list of dict
        Finished cells, as auto.py writes them.
    tol : float

    Returns
    -------
    list of (str, float, float, int)
        The share is nan where there are no such cells.
    """
    smooth = [r for r in records if r["loss"] != "hinge"]
    hinge = [r for r in records if r["loss"] == "hinge"]
    large = [r for r in hinge if r["alpha"] >= SMALL_ALPHA]
    small = [r for r in hinge if r["alpha"] < SMALL_ALPHA]
    ratios = [(slowdown(r, tol), r["methods"]["auto"].get("seconds", math.inf), best_time(r, tol))
              for r in records]
    ratios = [r for r in ratios if r[2] < math.inf]
    lines = [
        (f"smooth losses: gap <= {tol:g} f", [certified(r, tol) for r in smooth], 0.99),
        (f"hinge, alpha >= {SMALL_ALPHA:g}: gap <= {tol:g} f",
         [certified(r, tol) for r in large], 0.99),
        (f"hinge, alpha < {SMALL_ALPHA:g}: gap <= {tol:g} f",
         [certified(r, tol) for r in small], 0.85),
        (f"hinge, alpha < {SMALL_ALPHA:g}: certified or warned",
         [certified(r, tol) or warned(r) for r in small], 1.0),
        ("not above f(0)", [below_zero_model(r) for r in records], 1.0),
        ("stopped_by 'tol' only where the gap says so", [honest(r, tol) for r in records], 1.0),
        ("time <= 1.5 x the best of our solvers", [q <= 1.5 for q, *_ in ratios], 0.90),
        ("time <= 3 x the best, or 20 ms more",
         [q <= 3 or mine - best <= 0.02 for q, mine, best in ratios], 0.98),
    ]
    return [(text, sum(kept) / len(kept) if kept else math.nan, needed, len(kept))
            for text, kept, needed in lines]


def certified(record, tol, method="auto"):
    """Whether the method's own certificate proves f - f* <= tol f."""
    run = record["methods"].get(method, {})
    gap = run.get("gap")
    return gap is not None and gap <= tol * run["f"] * (1 + ROUNDING)


def warned(record):
    """Whether solver='auto' said that it did not converge."""
    return bool(record["methods"]["auto"].get("warned"))


def below_zero_model(record):
    """Whether f of solver='auto' is at most that of w = 0, b = 0; False where it has none."""
    return record["methods"]["auto"].get("f", math.inf) <= record["f_zero"] * (1 + ROUNDING)


def honest(record, tol):
    """Whether solver='auto' ended by "tol" only where its gap is small."""
    return record["methods"]["auto"].get("stopped_by") != "tol" or certified(record, tol)


def best_time(record, tol):
    """Seconds of the fastest of our solvers, auto too, that is certified; inf if none is."""
    return min((run["seconds"] for name, run in record["methods"].items()
                if run["own"] and certified(record, tol, name)), default=math.inf)


def slowdown(record, tol):
    """auto's time over the best; inf where only another solver is certified, nan where none is."""
    best = best_time(record, tol)
    if best == math.inf:
        return math.nan
    return record["methods"]["auto"]["seconds"] / best if certified(record, tol) else math.inf


def beside_peers(records, tol):
    """For each peer: (name, cells, those where it is within tol of f*, median time over auto's).

    The ratio counts cells where both auto and the peer are within tol of the least f of all; of
    a peer with another objective all where auto is, whatever its f.
    """
    names = sorted({name for r in records for name, run in r["methods"].items() if not run["own"]})
    table = []
    for name in names:
        tried = [r for r in records if name in r["methods"]]
        there = [r for r in tried if near(r, name, tol)]
        counted = [r for r in tried if near(r, "auto", tol) and "seconds" in r["methods"][name]
                   and (near(r, name, tol) or not r["methods"][name]["same_objective"])]
        ratios = [r["methods"][name]["seconds"] / r["methods"]["auto"]["seconds"] for r in counted]
        table.append((name, len(tried), len(there),
                      statistics.median(ratios) if ratios else math.nan, len(ratios)))
    return table


def near(record, method, tol):
    """Whether f is within tol of the least f of all methods with the same objective."""
    return record["methods"][method].get("f", math.inf) <= record["f_star"] * (1 + tol)


def worst(records, tol):
    """Cells in which auto fares worst: first those not certified, then by slowdown."""
    def badness(record):
        q = slowdown(record, tol)
        return (not below_zero_model(record), not certified(record, tol),
                0.0 if math.isnan(q) else q)
    return sorted(records, key=badness, reverse=True)[:WORST]


def print_summary(records, tol):
    """Prints limits, worst cells and peers."""
    if not records:
        print("no cell is finished yet")
        return
    show(f"\n{len(records)} cells, tol={tol:g}", ("limit", "kept in", "needed", "cells", ""), [
        (text, _share(share), f"{needed:.0%}", str(n), _verdict(share, needed))
        for text, share, needed, n in checks(records, tol)])
    show("\nworst cells", ("cell", "solver", "f/f* - 1", "gap/f", "f/f(0)", "seconds", "x best",
                           "best", "ended by"),
         [_row(record, tol) for record in worst(records, tol)])
    table = beside_peers(records, tol)
    if table:
        show("\nothers (liblinear penalises its bias: timed without a claim)",
             ("program", "cells", "within tol of f*", "median time / auto's", "of cells"),
             [(name, str(n), str(there), f"{ratio:.2f}", str(of))
              for name, n, there, ratio, of in table])
    for record in records:
        for name, run in record["methods"].items():
            for reason in ("failed", "killed"):
                if reason in run and (run["own"] or reason == "failed"):
                    print(f"{name} {reason}, {record['key']}: {run[reason]}")


def _share(share):
    return "-" if math.isnan(share) else f"{share:.1%}"


def _verdict(share, needed):
    return "" if math.isnan(share) else "kept" if share >= needed else "NOT KEPT"


def _row(record, tol):
    run = record["methods"]["auto"]
    ours = {name: other["seconds"] for name, other in record["methods"].items()
            if other["own"] and certified(record, tol, name)}
    best = min(ours, key=ours.get) if ours else "-"
    if "f" not in run:
        reason = next(key for key in ("killed", "refused", "failed") if key in run)
        return (record["key"], *["-"] * 6, best, reason)
    gap = "-" if run["gap"] is None else f"{run['gap'] / run['f']:.1e}"
    return (record["key"], run["solver"], f"{run['f'] / record['f_star'] - 1:.1e}", gap,
            f"{run['f'] / record['f_zero']:.3g}", f"{run['seconds']:.4f}",
            f"{slowdown(record, tol):.2f}", best,
            run["stopped_by"] + (", warned" if run["warned"] else ""))
