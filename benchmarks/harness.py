"""What every benchmark shares: machine, turns, objective, test error, table, result file."""

import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import scipy
import sklearn
from rich.console import Console
from rich.table import Table

import fastsgd

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"
if str(ROOT / "datasets") not in sys.path:
    sys.path.insert(0, str(ROOT / "datasets"))

import sources  # noqa: E402  (benchmarks take it from here: it needs the line above)


def machine():
    """What a timing depends on: machine (without its name), versions, commit ("" if none)."""
    return {
        "machine": {"cpu": _cpu_model(), "cores": os.cpu_count(), "system": _system(),
                    "load_before": round(os.getloadavg()[0], 1)},
        "versions": {"python": platform.python_version(), "scikit-learn": sklearn.__version__,
                     **{m.__name__: m.__version__ for m in (fastsgd, np, scipy)}},
        "commit": _commit(),
    }


def _cpu_model():
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if "model name" in line)
    except (OSError, StopIteration):
        return platform.processor()


def _system():
    release = platform.release().split("-")[0]
    return " ".join((platform.system(), release, platform.machine(), *platform.libc_ver()))


def _commit():
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        return subprocess.run(command, capture_output=True, text=True).stdout.strip()
    except OSError:
        return ""


def in_turn(callables, runs, slow=np.inf):
    """Times callables that take turns, so that whatever else the machine does hits all alike.

    Parameters
    ----------
    callables : dict of str to callable
    runs : int
        Rounds that count; one more comes before them and is dropped.
    slow : float, default=inf
        Seconds. A callable whose first run took longer is not run again; that run counts.

    Returns
    -------
    times, results : dict
        ``times[name]`` has ``median_s``, ``min_s`` and ``runs_s``; ``results[name]`` is what the
        last call returned.
    """
    seconds, results = {name: [] for name in callables}, {}
    for turn in range(runs + 1):
        for name, call in callables.items():
            if turn and seconds[name][0] > slow:
                continue
            start = time.perf_counter()
            results[name] = call()
            seconds[name].append(time.perf_counter() - start)
    kept = {name: took[1:] or took for name, took in seconds.items()}
    return {name: {"median_s": statistics.median(took), "min_s": min(took),
                   "runs_s": [round(t, 6) for t in took]} for name, took in kept.items()}, results


def forget_peak():
    """Resident bytes now; the kernel's record of the peak starts anew where it allows that."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return peak()
    return _status("VmRSS")


def peak():
    """The largest resident set of this process, in bytes, since its start or `forget_peak`."""
    try:
        return _status("VmHWM")
    except OSError:
        unit = 1 if sys.platform == "darwin" else 1024
        return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _status(field):
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(field))


def in_child(program, **arguments):
    """Runs ``program --child arguments`` in a fresh process; returns the JSON that it prints."""
    run = subprocess.run([sys.executable, program, "--child", json.dumps(arguments)],
                         check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(run.stdout.splitlines()[-1])


def mean_loss(loss, margin):
    """Mean of the loss over z = y (w.x + b), y = -1 or +1.

    hinge max(0, 1 - z), squared_hinge its square, log_loss ln(1 + exp(-z)), squared_error
    (1 - z)^2 / 2.
    """
    if loss == "hinge":
        return float(np.mean(np.maximum(0.0, 1.0 - margin)))
    if loss == "log_loss":
        return float(np.mean(np.logaddexp(0.0, -margin)))
    if loss == "squared_hinge":
        return float(np.mean(np.maximum(0.0, 1.0 - margin) ** 2))
    if loss == "squared_error":
        return float(np.mean((1.0 - margin) ** 2)) / 2
    raise ValueError(
        f"loss must be 'hinge', 'squared_hinge', 'log_loss' or 'squared_error', got {loss!r}")


def margins(X, y, w, b):
    """z = y (w.x + b) in float64, for y in {-1, +1}."""
    return y.astype(np.float64) * (X @ np.asarray(w, np.float64) + float(b))


def objective(loss, X, y, w, b, alpha):
    """f(w, b) = (1/n) sum loss(y_i (w.x_i + b)) + (alpha / 2) |w|^2, in float64."""
    w = np.asarray(w, np.float64)
    return mean_loss(loss, margins(X, y, w, b)) + 0.5 * alpha * float(w @ w)


def test_error(X, y, w, b):
    """Share of the rows on the wrong side; a margin of exactly 0 counts as wrong."""
    return float(np.mean(margins(X, y, w, b) <= 0))


test_error.__test__ = False  # pytest would collect it by its name


def describe(data):
    """What the data are, for a result file: no directory of this machine."""
    (n, d), nnz = data.X_train.shape, int(data.X_train.size)
    note = data.note.replace(str(sources.data_directory()), "the data directory")
    return {"name": data.name, "note": note, "train_rows": n, "test_rows": data.X_test.shape[0],
            "features": d, "train_nonzeros": nnz, "dtype": str(data.X_train.dtype)}


def write(path, report):
    """Writes a result file (JSON)."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report, indent=1) + "\n")


def show(title, columns, rows):
    """Prints a table, by rich on a terminal and as aligned text elsewhere; cells are strings."""
    if sys.stdout.isatty():
        table = Table(title=title, title_justify="left")
        for k, column in enumerate(columns):
            table.add_column(column, justify="right" if k else "left")
        for row in rows:
            table.add_row(*row)
        Console().print(table)
        return
    widths = [max(map(len, column)) for column in zip(columns, *rows, strict=True)]
    print(title)
    for row in (columns, *rows):
        first, *rest = (cell.rjust(w) if k else cell.ljust(w)
                        for k, (cell, w) in enumerate(zip(row, widths, strict=True)))
        print("  ".join((first, *rest)), flush=True)
