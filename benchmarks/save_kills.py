"""Kills (SIGKILL) in the middle of saving: the old or the new file is whole, and nothing is left.

    python benchmarks/save_kills.py [--kills 100] [--rows 20000] [--json FILE]

For a model, a cache and predictions, each in a folder of its own: a process saves two contents in
turn over one file until it is killed, at a random moment; only kills within a save count. After
each kill the file must be one of the two contents, byte for byte. An unfinished file may lie
beside it until the next save, which removes it: it is counted after the kill and after that save.
"""

import argparse
import mmap
import os
import random
import signal
import tempfile
import time
from pathlib import Path

import numpy as np
import scipy.sparse as sp

from fastsgd import FastSGDClassifier, save_model
from fastsgd.cli.predict import predict
from fastsgd.data.cache import save_cache
from harness import RESULTS, machine, show, write

FEATURES, NONZEROS = 200_000, 20
"""Of all rows, and of each."""


def savers(folder, n_rows):
    """Name -> a function (path, k) that saves the content of number k, 0 or 1."""
    generator = np.random.default_rng(0)
    X = sp.csr_matrix((generator.random(n_rows * NONZEROS),
                       generator.integers(FEATURES, size=n_rows * NONZEROS),
                       np.arange(0, n_rows * NONZEROS + 1, NONZEROS)), (n_rows, FEATURES))
    X.sum_duplicates()
    y = generator.integers(2, size=n_rows)
    models = [FastSGDClassifier(max_iter=1, tol=None, random_state=k, n_jobs=1).fit(X, y)
              for k in range(2)]
    data = Path(folder, "data")
    save_cache(data, X)

    def predictions(path, k):
        predict(models[k], data, proba=False, output=path, base=None, quiet=True)

    return {"model": lambda path, k: save_model(models[k], path),
            "cache": lambda path, k: save_cache(path, X, y if k else 1 - y),
            "predictions": predictions}


def kill_in_saving(save, path, seconds, chance):
    """Kills a process that saves again and again; whether that was within a save."""
    within = mmap.mmap(-1, 1)
    child = os.fork()
    if child == 0:
        try:
            for k in range(1_000_000):
                within[0] = 1
                save(path, k % 2)
                within[0] = 0
        finally:
            os._exit(1)
    while not within[0]:
        time.sleep(1e-4)
    time.sleep(chance.uniform(0, 2 * seconds))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return bool(within[0])


def count(save, folder, n_kills, chance):
    """What became of the file and its folder."""
    path, contents, seconds = folder / "file", [], []
    for k in range(2):
        start = time.perf_counter()
        save(path, k)
        seconds.append(time.perf_counter() - start)
        contents.append(path.read_bytes())
    if contents[0] == contents[1]:
        raise ValueError("the two contents are the same; take more rows")
    found = {"bytes": len(contents[0]), "save_s": min(seconds), "kills": 0, "outside": 0,
             "whole": 0, "unfinished_after_kills": 0, "unfinished_after_next_save": 0,
             "whole_after_next_save": 0}
    while found["kills"] < n_kills:
        if not kill_in_saving(save, path, min(seconds), chance):
            found["outside"] += 1
            continue
        found["kills"] += 1
        found["whole"] += path.read_bytes() in contents
        found["unfinished_after_kills"] += len(os.listdir(folder)) - 1
        save(path, found["kills"] % 2)
        found["unfinished_after_next_save"] += len(os.listdir(folder)) - 1
        found["whole_after_next_save"] += path.read_bytes() in contents
    return found


def main(argv=None):
    """Kills, counts and prints; returns the report."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--json", type=Path, default=RESULTS / "save_kills.json")
    options = parser.parse_args(argv)
    report = {**machine(), "files": {}}
    with tempfile.TemporaryDirectory() as folder:
        for name, save in savers(folder, options.rows).items():
            own = Path(folder, name)
            own.mkdir()
            report["files"][name] = count(save, own, options.kills, random.Random(0))
    write(options.json, report)
    columns = ("bytes", "kills", "whole", "unfinished_after_kills", "unfinished_after_next_save")
    show("kills within a save; the file is whole; unfinished files beside it",
         ["file", *(name.replace("_", " ") for name in columns)],
         [[name, *(str(row[c]) for c in columns)] for name, row in report["files"].items()])
    return report


if __name__ == "__main__":
    main()
