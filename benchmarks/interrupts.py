"""Ctrl-C pressed twice or more at random moments: what is left of threads, processes, descriptors.

    python benchmarks/interrupts.py [--doubles 200] [--seed 0] [--kinds threads pools]

The first interrupt comes between the begin of a call and its end, as long as it takes when nobody
disturbs it; each further one 0 to 40 ms later, half of them within 1.3 ms, while the first is on
its way. Afterwards counted, by what /proc tells: threads,
child processes, open descriptors, names of shared memory, files beside the one that is saved. A
model must be as before or predict, and every tenth must be trained once more.
"""

import argparse
import gc
import os
import random
import signal
import tempfile
import threading
import time
import warnings
from pathlib import Path

import numpy as np

import fastsgd.comm
from fastsgd import (
    FastMLPClassifier,
    FastSGDClassifier,
    LayerPipeline,
    Workers,
    load_model,
    save_model,
)
from harness import RESULTS, machine, show, write

LONGEST_PAUSE = 0.04
"""Seconds from one interrupt to the next, at most."""

SETTLE = 3.0
"""Seconds after which what is still there counts as left behind."""

draw = np.random.default_rng(0)
X = draw.standard_normal((2000, 20)).astype(np.float32)
Y = (X[:, 0] + 0.3 * draw.standard_normal(2000) > 0).astype(int)


def fits_with_threads():
    """Estimators by name."""
    few = {"tol": None, "n_jobs": 2}
    mlp = {"hidden_layer_sizes": (8, 8), "n_iter_no_change": np.inf, "max_iter": 20}
    return {
        "hogwild": FastSGDClassifier(sync="hogwild", max_iter=300, **few),
        "merge": FastSGDClassifier(sync="merge", max_iter=300, **few),
        "sdca": FastSGDClassifier("log_loss", solver="sdca", max_iter=300, **few),
        "lbfgs": FastSGDClassifier("log_loss", solver="gd", max_iter=300, **few),
        "classes": FastSGDClassifier(sync="classes", max_iter=300, **few),
        "mlp": FastMLPClassifier(**mlp, n_jobs=2, sync="hogwild"),
        "mlp map_reduce": FastMLPClassifier(**mlp, n_jobs=2, sync="map_reduce"),
        "pipeline": FastMLPClassifier(**mlp, pipeline=LayerPipeline(2)),
        "comm threads": FastSGDClassifier(tol=None, max_iter=100, n_jobs=1,
                                          workers=Workers(2, comm="thread", policy="local")),
    }


def fits_with_pools():
    return {
        "local": FastSGDClassifier(tol=None, max_iter=200, n_jobs=1, workers=2),
        "sync": FastSGDClassifier("log_loss", solver="lbfgs", tol=None, max_iter=30, workers=2),
        "mlp": FastMLPClassifier(hidden_layer_sizes=8, n_iter_no_change=np.inf, max_iter=10,
                                 workers=2),
    }


def open_and_run():
    """A pool by itself."""
    with fastsgd.comm.open("process", 2) as pool:
        pool.run("fastsgd.comm:count_ranks")


def calls(kind, folder):
    """(name, new) of each call to be disturbed: ``new()`` makes what is called, and its model."""
    fits = fits_with_threads() if kind == "threads" else fits_with_pools()
    made = [(name, lambda model=model: new_fit(model)) for name, model in fits.items()]
    if kind == "pools":
        made.append(("open, run, close", lambda: (open_and_run, None)))
    fitted = FastSGDClassifier(max_iter=1, tol=None).fit(X, Y)
    path = Path(folder) / "model"

    def save():
        for _ in range(20):
            save_model(fitted, path)
        load_model(path)

    return [*made, ("save", lambda: (save, None))]


def new_fit(model):
    own = type(model)(**model.get_params())
    return lambda: own.fit(X, Y), own


class Presses(threading.Thread):
    """Presses Ctrl-C at some times after its start, until `over` is set."""

    def __init__(self, pauses):
        super().__init__(name="presses")
        self.over, self.pressed = threading.Event(), 0
        self._pauses = pauses

    def run(self):
        for pause in self._pauses:
            if self.over.wait(pause):
                break
            self.pressed += 1
            os.kill(os.getpid(), signal.SIGINT)


def disturb(call, pauses):
    """Makes the call while Ctrl-C is pressed: (interrupts in it, whether it was interrupted).

    Interrupts that come too late meet this function, up to three of them between two steps of it.
    """
    presses, interrupted = Presses(pauses), False
    try:
        try:
            try:
                presses.start()
                call()
            except KeyboardInterrupt:
                interrupted = True
            end(presses)
        except KeyboardInterrupt:
            end(presses)
    except KeyboardInterrupt:
        end(presses)
    return presses.pressed, interrupted


def end(presses):
    """No more presses from here on."""
    presses.over.set()
    presses.join()


def present(folder):
    """What there is: sets of names of threads, processes, descriptors, shared memory, files."""
    threads = {(t.name, t.ident) for t in threading.enumerate()}
    children = {pid for task in Path("/proc/self/task").iterdir()
                for pid in _read(task / "children").split()}
    descriptors = {(fd, _link(fd)) for fd in os.listdir("/proc/self/fd")}
    shared = {n for n in os.listdir("/dev/shm") if n.startswith(("psm_", "fastsgd"))}
    return {"threads": threads, "processes": children, "shared memory": shared,
            "descriptors": {fd for fd in descriptors if fd[1]},
            "files": set(os.listdir(folder)) - {"model"}}


def _read(path):
    try:
        return path.read_text()
    except OSError:  # the thread has ended
        return ""


def _link(fd):
    try:
        return os.readlink(f"/proc/self/fd/{fd}")
    except OSError:  # of the listing itself
        return ""


def left(before, folder):
    """What is there now and was not before, by kind, once nothing more goes away."""
    end = time.monotonic() + SETTLE
    while True:
        now = present(folder)
        more = {kind: sorted(map(str, now[kind] - before[kind])) for kind in now}
        if not any(more.values()) or time.monotonic() > end:
            return {kind: names for kind, names in more.items() if names}
        time.sleep(0.005)


def check(model, again):
    """Raises unless the model is as before, or one that predicts; and can be trained."""
    if model is None:
        return
    if hasattr(model, "coef_") or hasattr(model, "coefs_"):
        if not set(model.predict(X[:100])) <= {0, 1}:
            raise AssertionError("a model predicts what it has not seen")
    elif hasattr(model, "classes_") or hasattr(model, "n_features_in_"):
        raise AssertionError(f"a model is neither as before nor trained: {vars(model)}")
    if again:
        model.set_params(max_iter=1).fit(X, Y)
        model.predict(X[:100])


def attack(kind, rounds, presses, seed, seconds_at_most=np.inf):
    """Disturbs the calls of a kind in turn, or fewer in that time; what was counted."""
    rng, found = random.Random(seed), []
    counted = {"rounds": 0, "interrupts": 0, "all_within": 0, "interrupted": 0}
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        disturbed = calls(kind, folder)
        seconds = {}
        for name, new in disturbed:
            times = []
            for _ in range(2):
                begin = time.perf_counter()
                new()[0]()
                times.append(time.perf_counter() - begin)
            seconds[name] = min(times)
        gc.collect()
        before = present(folder)
        end_at = time.monotonic() + seconds_at_most
        for number in range(rounds):
            if time.monotonic() > end_at:
                break
            counted["rounds"] += 1
            name, new = disturbed[number % len(disturbed)]
            call, model = new()
            pauses = [rng.random() * seconds[name],
                      *(rng.random() ** 5 * LONGEST_PAUSE for _ in range(presses - 1))]
            within, interrupted = disturb(call, pauses)
            counted["interrupts"] += within
            counted["all_within"] += within == presses
            counted["interrupted"] += interrupted
            check(model, again=number % 10 < 2)
            del call, model
            gc.collect()
            more = left(before, folder)
            if more:
                found.append({"call": name, "round": number, "pauses": pauses, **more})
                before = present(folder)
    return {**counted, "left": found, "seconds_undisturbed": seconds}


def main(argv=None):
    """Counts and prints; returns the report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--doubles", type=int, default=200, help="of each kind")
    parser.add_argument("--triples", type=int, default=50, help="of each kind")
    parser.add_argument("--seconds", type=float, default=np.inf,
                        help="of each kind and number of interrupts, at most")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kinds", nargs="+", default=["threads", "pools"])
    parser.add_argument("--json", type=Path, default=RESULTS / "interrupts.json")
    options = parser.parse_args(argv)
    report = {**machine(), "seed": options.seed}
    rows = []
    for kind in options.kinds:
        for presses, rounds in ((2, options.doubles), (3, options.triples)):
            if not rounds:
                continue
            got = attack(kind, rounds, presses, options.seed + presses, options.seconds)
            report[f"{kind}, {presses} interrupts"] = got
            rows.append([kind, str(presses), *(str(got[key]) for key in (
                "rounds", "interrupted", "all_within")), str(len(got["left"]))])
            write(options.json, report)
    show("interrupts at random moments",
         ["kind", "interrupts", "rounds", "interrupted", "all came in time", "left something"],
         rows)
    return report


if __name__ == "__main__":
    main()
