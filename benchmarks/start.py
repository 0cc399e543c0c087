"""CPU time of whole commands on few rows, against what numpy and scipy take to be imported.

    python benchmarks/start.py [--runs 15] [--json FILE]

Each command is a process of its own, on 100 rows of 50 features: what its user waits for is its
start. The yardstick is ``python -c "import numpy, scipy.sparse"``, which every one of them needs.
CPU seconds, user and system, of processes that take turns; the first of each is dropped.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from harness import RESULTS, machine, show, write

YARDSTICK = "import numpy, scipy.sparse"
ROWS, FEATURES, PER_ROW = 100, 50, 8
TRAIN = ("train", "rows.svm", "--seed", "0", "--save")
COMMANDS = {
    "train": (*TRAIN, "model.fsgd"),
    "predict": ("predict", "rows.svm", "--model", "model.fsgd"),
    "evaluate": ("evaluate", "rows.svm", "--model", "model.fsgd"),
    "train, MLP": (*TRAIN, "network.fsgd", "--kind", "mlp", "--epochs", "5"),
    "predict, MLP": ("predict", "rows.svm", "--model", "network.fsgd"),
    "inspect": ("inspect", "model.fsgd"),
    "--help": ("--help",),
}


def cpu_seconds(arguments, folder):
    """User and system seconds of a Python process with these arguments."""
    child = subprocess.Popen([sys.executable, *arguments], cwd=folder, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"python {' '.join(arguments)} ended with {child.returncode}")
    return usage.ru_utime + usage.ru_stime


def write_rows(path):
    """Rows of svmlight text, of two classes."""
    draw = np.random.default_rng(0)
    with open(path, "w", encoding="ascii") as file:
        for _ in range(ROWS):
            features = np.sort(draw.choice(FEATURES, PER_ROW, replace=False)) + 1
            text = " ".join(f"{j}:{draw.random():.3f}" for j in features)
            file.write(f"{draw.choice([-1, 1])} {text}\n")


def measure(runs):
    """Median CPU seconds of each command, and of the yardstick."""
    asked = {YARDSTICK: ("-c", YARDSTICK)} | {
        name: ("-m", "fastsgd.cli", *words) for name, words in COMMANDS.items()}
    taken = {name: [] for name in asked}
    with tempfile.TemporaryDirectory() as folder:
        write_rows(Path(folder, "rows.svm"))
        for _ in range(runs + 1):
            for name, words in asked.items():
                taken[name].append(cpu_seconds(words, folder))
    return {name: float(np.median(seconds[1:])) for name, seconds in taken.items()}


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--json", default=RESULTS / "start.json")
    options = parser.parse_args(arguments)
    median = measure(options.runs)
    report = {**machine(), "rows": ROWS, "median_cpu_s": median,
              "ratio": {name: s / median[YARDSTICK] for name, s in median.items()}}
    write(options.json, report)
    show(f"CPU time of whole commands on {ROWS} rows", ("command", "ms", "ratio"),
         [(name, f"{1e3 * s:.0f}", f"{report['ratio'][name]:.2f}") for name, s in median.items()])
    return report


if __name__ == "__main__":
    main()
