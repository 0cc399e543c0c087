"""Thousands of damaged .npz files: each loads as valid rows, or ends in an error that names it.

    python benchmarks/npz_mutations.py [--files 20000] [--seed 0] [--out FILE]

Small archives of many kinds are damaged at random: bytes flipped, cut out, written over; the end
cut off; headers of arrays, sizes and offsets of the directory edited, members recompressed,
dropped, renamed. Each file is read by `load_npz` in a process whose memory is limited; what loads
is fitted for two epochs. An error of another class ends the run and tells the number of the file.
"""

import argparse
import io
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
import warnings
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import scipy.sparse as sp

from fastsgd import FastSGDClassifier, FastSGDRegressor
from fastsgd.data.npz import load_npz
from fastsgd.errors import DataFileError
from harness import ROOT, machine

FILES_OF_A_PROCESS = 2000
MEMORY = 3 << 30
"""Bytes of address space; the libraries take up a half."""

WORDS = [b"<f8", b">i4", b"|O", b"<U100000000", b"|V9", b"<M8[s]", b"True", b"(", b")", b"'",
         b"-1", b"18446744073709551616", b"9223372036854775807", b"0", b"4294967296",
         b"\xff\xff\xff\xff", b"\0\0\0\0", b"{", b"\n  ", b"'shape'", b"[('a','<f8')]", b"1e9",
         b"None", b"<f2", b"<c16"]


def archives():
    """(name, content) of well-formed files, of each kind that is read and of some that are not."""
    rng = np.random.RandomState(0)
    X = sp.random(12, 6, 0.5, format="csr", random_state=0)
    y = np.arange(12) % 2
    csr = {"data": X.data, "indices": X.indices, "indptr": X.indptr, "shape": X.shape}
    kinds = {
        "dense": {"X": rng.rand(12, 5), "y": y}, "csr": {**csr, "y": y},
        "text labels": {"X": rng.rand(12, 5), "y": np.where(y, "yes", "no")},
        "Fortran": {"X": np.asfortranarray(rng.rand(12, 5).astype(np.float32)), "y": y * 0.5},
        "big-endian": {"X": rng.rand(12, 5), "y": y.astype(">i4")},
        "int64": {**csr, "indices": X.indices.astype(np.int64),
                  "indptr": X.indptr.astype(np.int64), "y": y == 1},
    }
    for name, arrays in kinds.items():
        for save in (np.savez, np.savez_compressed):
            file = io.BytesIO()
            save(file, **arrays)
            yield f"{name}, {save.__name__}", file.getvalue()
    for form in ("csr", "csc", "coo", "bsr", "dia"):
        file = io.BytesIO()
        sp.save_npz(file, X.asformat(form))
        yield f"scipy {form}", file.getvalue()


def mutated(content, draw):
    """A damaged copy."""
    ways = (flip, cut_out, cut_off, write_word, edit_directory, edit_member)
    for _ in range(draw.choice((1, 1, 1, 2, 4))):
        if content:
            content = draw.choice(ways)(bytearray(content), draw)
    return bytes(content)


def flip(content, draw):
    for _ in range(draw.choice((1, 2, 8))):
        content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
    return content


def cut_out(content, draw):
    begin = draw.randrange(len(content))
    del content[begin:begin + draw.choice((1, 2, 30))]
    return content


def cut_off(content, draw):
    return content[:draw.randrange(len(content))]


def write_word(content, draw):
    word, at = draw.choice(WORDS), draw.randrange(len(content))
    content[at:at + len(word) * draw.randrange(2)] = word
    return content


def edit_directory(content, draw):
    """A field of the directory, of a local header, or of the end, gets another value."""
    marks = [at for mark in (b"PK\x01\x02", b"PK\x03\x04", b"PK\x05\x06")
             for at in places(content, mark)]
    if marks:
        at, width = draw.choice(marks) + draw.randrange(4, 46), draw.choice((1, 2, 4))
        value = draw.choice((0, 1, 9, 12, 14, 2**31 - 1, 2**32 - 1, draw.randrange(2**32)))
        content[at:at + width] = (value % 256**width).to_bytes(width, "little")
    return content


def places(content, mark):
    at = content.find(mark)
    while at >= 0:
        yield at
        at = content.find(mark, at + 1)


def edit_member(content, draw):
    """A member is damaged before it is compressed, so that all checksums are right; or renamed."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
    except Exception:  # damaged before
        return content
    file = io.BytesIO()
    chosen = draw.choice(sorted(members) or [""])
    way = draw.choice((flip, cut_out, cut_off, write_word, write_word, drop, rename, swell))
    with zipfile.ZipFile(file, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # names that come twice
        for name, member in members.items():
            if name == chosen and way is rename:
                name = draw.choice(["X.npy", "y.npy", "data.npy", "indptr.npy", "X", "format.npy"])
            elif name == chosen and member:
                member = way(bytearray(member[:128]) if way is not swell else member, draw) + (
                    member[128:] if way is not swell else b"")
            if member is not None:
                method = draw.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2,
                                      zipfile.ZIP_LZMA))
                archive.writestr(name, member, method)
    return file.getvalue()


def drop(member, draw):
    return bytearray()


def rename(member, draw):
    return member


def swell(member, draw):
    """Many zeros follow."""
    return bytes(member) + bytes(draw.choice((1, 8, 1 << 20)))


def outcome(path, content):
    """In a word or two what became of a file; an error of a wrong class is raised."""
    Path(path).write_bytes(content)
    try:
        X, y, _ = load_npz(path)
    except DataFileError as error:
        if path not in str(error) or "\n" in str(error):
            raise AssertionError(f"no path, or several lines: {error}") from error
        return "DataFileError"
    except OSError as error:
        if error.filename != path:
            raise
        return "OSError with its path"
    if sp.issparse(X):
        X.check_format(full_check=True)
    if y is None:
        return "loaded, without y"
    regression = y.dtype.kind == "f"
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            (FastSGDRegressor if regression else FastSGDClassifier)(
                max_iter=2, tol=None, random_state=0).fit(X, y)
    except ValueError:
        return "loaded, ValueError of fit"
    return "loaded and fitted"


def run(seed, count, path):
    """Outcomes of `count` files from `seed` on, by kind of file."""
    kinds, found = list(archives()), Counter()
    for k in range(seed, seed + count):
        draw = random.Random(k)
        name, content = draw.choice(kinds)
        try:
            found[outcome(path, mutated(content, draw))] += 1
        except BaseException as error:
            raise RuntimeError(f"file {k}, {name}") from error
    return dict(found)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks/results/npz_mutations.json")
    parser.add_argument("--child", nargs=2, type=int)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if arguments.child:
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
            print(json.dumps(run(*arguments.child, f"{folder}/damaged.npz")))
            return
    total, began = Counter(), time.perf_counter()
    for begin in range(0, arguments.files, FILES_OF_A_PROCESS):
        count = min(FILES_OF_A_PROCESS, arguments.files - begin)
        ended = subprocess.run(
            [sys.executable, __file__, "--child", str(arguments.seed + begin), str(count)],
            stdout=subprocess.PIPE, text=True, check=False)
        if ended.returncode:
            raise SystemExit(f"files from {arguments.seed + begin} on: the process ended with "
                             f"{ended.returncode}")
        total.update(json.loads(ended.stdout))
        print(begin + count, dict(total), flush=True)
    report = {**machine(), "files": arguments.files, "seed": arguments.seed, "memory": MEMORY,
              "seconds": round(time.perf_counter() - began, 1),
              "outcomes": dict(sorted(total.items()))}
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
