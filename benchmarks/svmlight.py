"""`load_svmlight` against scikit-learn's loader on the RCV1 text, in turn, in one process.

    python benchmarks/svmlight.py [--runs 7] [--out benchmarks/results/svmlight.json]

The data is found in $FASTSGD_DATA, else in ../shared/data beside the repository. The first run of
each pair is dropped; the figure is the ratio of the medians. One thread. The files are in the
page cache.
"""

import argparse
import gzip
import json
import os
import shutil
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
from sklearn.datasets import load_svmlight_file

from fastsgd import load_svmlight
from harness import ROOT, machine

DATA = Path(os.environ.get("FASTSGD_DATA") or ROOT.parent / "shared" / "data")
CASES = {
    "rcv1_ccat_train, text": ("rcv1/rcv1_ccat_train.svm.gz", True, {}),
    "rcv1_ccat_train, text, float32": ("rcv1/rcv1_ccat_train.svm.gz", True, {"dtype": np.float32}),
    "rcv1_ccat_train, gzip": ("rcv1/rcv1_ccat_train.svm.gz", False, {}),
    "rcv1_topics_train, text": ("rcv1/rcv1_topics_train.svm.gz", True, {"multilabel": True}),
    "news20_train, text": ("news20/news20_train.svm.gz", True, {}),
    "a9a, text": ("a9a/a9a.gz", True, {}),
}


def seconds(load, path, options):
    start = time.perf_counter()
    result = load(path, **options)
    return time.perf_counter() - start, result


def compare(path, options, runs):
    """Times of both loaders, which take turns; their results must be equal."""
    ours, theirs = [], []
    for _ in range(runs + 1):
        took, (X, y) = seconds(load_svmlight, path, options)
        ours.append(took)
        took, (expected, target) = seconds(load_svmlight_file, path, options)
        theirs.append(took)
    assert X.data.tobytes() == expected.data.tobytes()
    assert np.array_equal(X.indices, expected.indices)
    assert np.array_equal(X.indptr, expected.indptr)
    assert list(y) == list(target)
    fast, slow = statistics.median(ours[1:]), statistics.median(theirs[1:])
    return {
        "fastsgd_s": round(fast, 5),
        "sklearn_s": round(slow, 5),
        "ratio": round(slow / fast, 1),
        "fastsgd_runs_s": [round(t, 5) for t in ours[1:]],
        "sklearn_runs_s": [round(t, 5) for t in theirs[1:]],
        "nnz": int(X.nnz),
        "file_bytes": os.path.getsize(path),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks/results/svmlight.json")
    arguments = parser.parse_args()

    report = {
        **machine(),
        "runs": arguments.runs,
        "cases": {},
    }
    print(json.dumps(report, indent=1))
    with tempfile.TemporaryDirectory() as folder:
        for name, (file, as_text, options) in CASES.items():
            path = DATA / file
            if not path.exists():
                raise SystemExit(f"{path} is missing; set FASTSGD_DATA")
            if as_text:
                text = Path(folder) / path.stem
                with gzip.open(path) as source, open(text, "wb") as target:
                    shutil.copyfileobj(source, target)
                path = text
            case = compare(str(path), options, arguments.runs)
            report["cases"][name] = case
            print(
                f"{name:32} fastsgd {1e3 * case['fastsgd_s']:8.1f} ms   "
                f"scikit-learn {1e3 * case['sklearn_s']:8.1f} ms   ratio {case['ratio']:5.1f}",
                flush=True,
            )
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
