"""Who is there first: whole `fit` calls to within 0.1 % of the optimal objective.

    python benchmarks/race.py [--data NAME …] [--loss hinge log_loss] [--syncs …] [--json FILE]

Every program is given the cheapest of its settings (entrants.py) whose objective, computed here in
float64 and as the median over seeds, is at most 1.001 f*; those settings are then timed in turn.
Loading, and turning the rows into a program's own form, is apart. Memory is that of one fit in a
fresh process: what X and y take there, and the peak beyond them.
"""

import argparse
import gc
import json
import statistics
import time

from entrants import entrants
from harness import (
    RESULTS,
    describe,
    forget_peak,
    in_child,
    in_turn,
    machine,
    objective,
    peak,
    show,
    write,
)
from references import reference
from shapes import ALPHA, problem

WITHIN = 1e-3
CLEARLY = 1.5
HOPELESS = 5  # a first seed that is so many times too far off: the others are not tried


def cheapest(roads, attempt, enough, limit=float("inf")):
    """The first setting of each road that is enough, but for those that are clearly dearer.

    Parameters
    ----------
    roads : list of list of setting
    attempt : callable
        ``attempt(setting)`` gives (f, seconds).
    enough : float
        The largest f that will do.
    limit : float
        A road whose fit took longer, in seconds, is left; so is one that has become CLEARLY
        times as dear as the best setting found. A closer finish is for the clock to decide.

    Returns
    -------
    there : list of dict
        ``setting``, ``f`` and ``search_s``; empty if no road leads there.
    tried : list of dict
        All that were tried, in order.
    """
    there, tried = [], []
    for settings in roads:
        for setting in settings:
            f, seconds = attempt(setting)
            tried.append({"setting": setting, "f": f, "search_s": seconds})
            if seconds > CLEARLY * min((t["search_s"] for t in there), default=float("inf")):
                break
            if f <= enough:
                there.append(tried[-1])
            if f <= enough or seconds > limit:
                break
    return there, tried


class Course:
    """One data set and loss: the objective of a setting, over seeds."""

    def __init__(self, data, loss, f_star, seeds):
        self.X, self.y, self.loss = data.X_train, data.y_train, loss
        self.f_star, self.enough, self.seeds = f_star, f_star * (1 + WITHIN), seeds
        self._prepared = {}

    def rows(self, library):
        """What the library's `fit` takes, made once; and the seconds that took."""
        if type(library) not in self._prepared:
            start = time.perf_counter()
            made = library.prepare(self.X, self.y)
            self._prepared[type(library)] = made, time.perf_counter() - start
        return self._prepared[type(library)]

    def fit(self, entrant, setting, seed=0):
        """The library with that setting, and the (w, b) it finds."""
        library = entrant.program(setting, seed)
        (X, y), _ = self.rows(library)
        return library, library.fit(X, y, ALPHA, self.loss, setting.get("epochs", 0))

    def attempt(self, entrant, setting):
        """(median f over the seeds, seconds); fewer seeds where they cannot change the answer."""
        values, seconds = [], []
        for seed in range(self.seeds):
            start = time.perf_counter()
            _, (w, b) = self.fit(entrant, setting, seed)
            seconds.append(time.perf_counter() - start)
            values.append(objective(self.loss, self.X, self.y, w, b, ALPHA))
            if values[0] - self.f_star > HOPELESS * WITHIN * self.f_star:
                break
        return statistics.median(values), min(seconds)


def run(name, loss, options):
    """The race on one data set with one loss: its part of the report."""
    part = _searched_and_timed(name, loss, options)  # frees its data: memory is measured next
    rows = part["programs"]
    ours = [row["median_s"] for key, row in rows.items()
            if key.startswith("fastsgd_") and row["reached"]]
    for key, row in rows.items():
        if not row["reached"]:
            continue
        if ours:
            row["ratio"] = row["median_s"] / min(ours)
        if not options.skip_memory:
            row["memory"] = in_child(__file__, name=name, loss=loss, entrant=key,
                                     setting=row["setting"], n_jobs=options.n_jobs,
                                     syncs=options.syncs)
    return part


def _searched_and_timed(name, loss, options):
    data = problem(name)
    optimum = reference(name, loss, data.X_train, data.y_train, ALPHA)
    course = Course(data, loss, optimum["f_star"], options.seeds)
    runners, versions, left_out = entrants(loss, options.n_jobs, options.syncs)
    rows, finals = {}, {}
    for entrant in runners:
        there, tried = cheapest(entrant.roads, lambda s, e=entrant: course.attempt(e, s),
                                course.enough, options.limit)
        rows[entrant.name] = {
            "reached": bool(there), **min(tried, key=lambda t: t["f"]),
            "tried": [[t["setting"], t["f"], round(t["search_s"], 4)] for t in tried]}
        finals |= {(entrant.name, k): (entrant, found) for k, found in enumerate(there)}
        ways = "; ".join(_words(t["setting"]) for t in there)
        print(f"  {entrant.name}: {ways or 'not reached'}", flush=True)
    times, libraries = in_turn({key: lambda e=e, s=found["setting"]: course.fit(e, s)[0]
                                for key, (e, found) in finals.items()}, options.runs, options.slow)
    for key, (entrant, found) in finals.items():
        row = rows[entrant.name]
        if times[key]["median_s"] < row.get("median_s", float("inf")):
            row |= {**found, **times[key], "parameters": libraries[key].parameters()}
    for entrant in runners:
        row = rows[entrant.name]
        library = entrant.program(row["setting"])
        row |= {"label": library.label, "prepare_s": course.rows(library)[1],
                "gap_percent": 100 * (row["f"] / course.f_star - 1)}
    return {"data": describe(data), "loss": loss, "optimum": optimum, "packages": versions,
            "left_out": left_out, "programs": rows}


def _words(setting):
    return ", ".join(f"{key} {value}" for key, value in setting.items())


def child(name, loss, entrant, setting, n_jobs, syncs):
    """Runs in a process of its own; prints what X and y take and the peak of a fit beyond that.

    A fit of a few rows comes first, so that modules and thread stacks are not counted. A form of
    the rows that the program must have made for it is counted.
    """
    data = problem(name)
    data = data._replace(X_test=None, y_test=None)
    chosen = next(e for e in entrants(loss, n_jobs, syncs)[0] if e.name == entrant)
    library, X, y = chosen.program(setting), data.X_train, data.y_train
    few = slice(None, None, max(1, X.shape[0] // 1000))
    library.fit(*library.prepare(X[few], y[few]), ALPHA, loss, 1)
    gc.collect()
    before = forget_peak()
    library.fit(*library.prepare(X, y), ALPHA, loss, setting.get("epochs", 0))
    print(json.dumps({
        "loaded_bytes": before, "fit_bytes": peak() - before,
        "X_y_bytes": X.data.nbytes + X.indices.nbytes + X.indptr.nbytes + y.nbytes}))


def _print(part):
    def cells(row):
        head = row["label"], _words(row["setting"])
        if not row["reached"]:
            return (*head, "not reached", "", f"{row['gap_percent']:.3f}", "", "")
        memory = row.get("memory")
        return (*head, f"{row['median_s']:.4f}", f"{row['ratio']:.2f}" if "ratio" in row else "",
                f"{row['gap_percent']:.3f}",
                *((f"{memory['loaded_bytes'] / 1e6:,.0f}", f"{memory['fit_bytes'] / 1e6:,.1f}")
                  if memory else ("", "")))

    data = part["data"]
    show(f"\n{data['name']}, {data['train_rows']:,} rows, {part['loss']}: within {WITHIN:.1%} of "
         f"f* = {part['optimum']['f_star']:.7f}",
         ("program", "setting", "fit, s", "to fastsgd's best", "gap, %", "loaded, MB",
          "beyond, MB"), [cells(row) for row in sorted(
             part["programs"].values(), key=lambda row: row.get("median_s", float("inf")))])
    print(*part["left_out"], sep="\n")


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", nargs="+", default=["rcv1", "rcv1_shaped", "blogs"],
                        help="names of shapes.py, with :rows for fewer")
    parser.add_argument("--loss", nargs="+", default=["hinge", "log_loss"])
    parser.add_argument("--syncs", nargs="+", default=["serial", "hogwild", "merge", "auto"])
    parser.add_argument("--n-jobs", type=int, default=2, help="threads of who takes more than one")
    parser.add_argument("--runs", type=int, default=5, help="rounds that count (default: 5)")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--limit", type=float, default=60, help="seconds of a fit at most")
    parser.add_argument("--slow", type=float, default=30, help="seconds; slower ones run once")
    parser.add_argument("--skip-memory", action="store_true")
    parser.add_argument("--json", metavar="FILE", default=RESULTS / "race.json")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.child:
        child(**json.loads(options.child))
        return None
    report = {**machine(), "alpha": ALPHA, "within": WITHIN, "n_jobs": options.n_jobs,
              "seeds": options.seeds, "runs": options.runs, "races": []}
    for name in options.data:
        for loss in options.loss:
            print(f"\n{name}, {loss}", flush=True)
            report["races"].append(part := run(name, loss, options))
            _print(part)
            write(options.json, report)  # each part as it comes: the whole takes long
    return report


if __name__ == "__main__":
    main()
