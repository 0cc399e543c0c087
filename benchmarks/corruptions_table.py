"""Corrupt matrices, each given to every public method: how many were refused as they should be.

    python benchmarks/corruptions_table.py [--json FILE]

The table is tests/corruptions.py, which the tests run too: method x corruption x X and y, in a
process of its own, so that a crash is told with its pair. "right" is a ValueError that names what
is wrong; of matrices that are unusual and sound, the result of the plain one.
"""

import argparse
import sys
from collections import Counter
from pathlib import Path

from harness import RESULTS, ROOT, machine, write

sys.path.insert(0, str(ROOT / "tests"))

import corruptions


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", type=Path, default=RESULTS / "corruptions.json")
    options = parser.parse_args()
    found = corruptions.outcomes()
    wrong = [pair for pair in found if pair[2] != "right"]
    methods = Counter(method for method, _, _ in found)
    print(f"{len(found)} pairs of {len(methods)} methods and "
          f"{len({name for _, name, _ in found})} matrices: {len(wrong)} wrong")
    for pair in wrong:
        print(*pair, sep=": ")
    write(options.json, machine() | {"pairs": len(found), "by_method": methods, "wrong": wrong})
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
