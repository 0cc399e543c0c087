"""What one all-reduce costs: bytes and steps of the ring, the direct exchange, a parameter server.

    python benchmarks/ring_cost.py [--workers 1 2 3 4 8] [--elements 47236] [--json FILE]

Counted by the communicator's `stats` on a pool of processes, beside the formulas, for K elements
of float32 on N ranks. The parameter server is rank 0, done with send and recv on the same
communicator. Bytes are in units of the buffer's K elements: the formulas hold exactly where N
divides K, elsewhere to within 2 N elements.
"""

import argparse
from pathlib import Path

import fastsgd.comm
from harness import RESULTS, machine, show, write

FORMULAS = {
    "ring": ("each rank 2 (N - 1) / N, steps 2 (N - 1)",
             lambda n: 2 * (n - 1) / n, lambda n: 2 * (n - 1) / n, lambda n: 2 * (n - 1)),
    "direct": ("each rank 2 (N - 1) / N, steps 2",
               lambda n: 2 * (n - 1) / n, lambda n: 2 * (n - 1) / n, lambda n: 2 * (n > 1)),
    "server": ("server N - 1, others 1, messages at the server 2 (N - 1)",
               lambda n: float(n - 1), lambda n: float(n > 1),
               lambda n: 2 * (n - 1)),
}
"""Text; bytes sent by the busiest rank and by the idlest, steps of the busiest: functions of N."""


def measure(n, length):
    """A row for each algorithm: counted beside the formula."""
    rows = []
    with fastsgd.comm.open("process", n) as pool:
        for algorithm, (_, busiest, idlest, steps) in FORMULAS.items():
            counts = pool.run("allreduce_loop:count_costs",
                              {"length": length, "algorithm": algorithm})
            sent = [count["bytes_sent"] / (4 * length) for count in counts]
            rows.append({
                "workers": n, "algorithm": algorithm,
                "busiest": max(sent), "busiest_formula": busiest(n),
                "idlest": min(sent), "idlest_formula": idlest(n),
                "all": sum(sent), "all_formula": 2.0 * (n - 1),
                "steps": max(count["steps"] for count in counts), "steps_formula": steps(n)})
    return rows


def main(argv=None):
    """Counts and prints; returns the report."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 3, 4, 8])
    parser.add_argument("--elements", type=int, default=47_236, help="K; RCV1's features")
    parser.add_argument("--json", type=Path, default=RESULTS / "ring_cost.json")
    options = parser.parse_args(argv)
    report = {**machine(), "elements": options.elements,
              "formulas": {name: text for name, (text, *_) in FORMULAS.items()},
              "rows": [row for n in options.workers for row in measure(n, options.elements)]}
    write(options.json, report)
    show(f"one all-reduce of K = {options.elements}; sent, in units of K: counted (formula)",
         ["workers", "algorithm", "busiest rank", "idlest rank", "all ranks", "steps"],
         [[str(r["workers"]), r["algorithm"],
           *(f"{r[k]:.4f} ({r[k + '_formula']:.4f})" for k in ("busiest", "idlest", "all")),
           f"{r['steps']} ({r['steps_formula']})"] for r in report["rows"]])
    return report


if __name__ == "__main__":
    main()
