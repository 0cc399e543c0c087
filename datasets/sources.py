"""Where data come from: one rule for the benchmarks, the demo and the convergence checks.

`rcv1` gives RCV1 or the nearest thing to it that is at hand; `load` gives a real data set by name.
Real files are looked for in the directory named by the environment variable ``FASTSGD_DATA``, or
in ``../shared/data`` next to the repository. Nothing is downloaded unless ``fetch=True``.
"""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_matrix

from blogs import load_blogs
from matrix_file import load_matrix, rows_view, save_matrix
from rcv1_shaped import N_FEATURES, N_ROWS, N_TEST, VERSION, make_rcv1_shaped, n_test_rows

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / "datasets" / "cache"
SIZES = {"demo": 100_000, "full": N_ROWS}  # rows of the generated set


class Dataset(NamedTuple):
    """Two classes, -1 and +1, cut into training and test rows. ``note`` says what it is."""

    X_train: csr_matrix
    y_train: np.ndarray
    X_test: csr_matrix
    y_test: np.ndarray
    name: str
    note: str


class Files(NamedTuple):
    """A real data set in svmlight text, relative to the data directory."""

    train: str
    test: str | None
    n_features: int
    zero_based: bool = False


FILES = {
    "rcv1_ccat": Files("rcv1/rcv1_ccat_train.svm.gz", "rcv1/rcv1_ccat_test.svm.gz", N_FEATURES),
    "a9a": Files("a9a/a9a.gz", "a9a/a9a.t.gz", 123),
    "w8a": Files("w8a/w8a.gz", None, 300),
    # The published training part is not passed on: the validation part stands in for it.
    "frappe": Files("frappe/frappe.validation.libfm", "frappe/frappe.test.libfm", 5382, True),
    "news20": Files("news20/news20_train.svm.gz", "news20/news20_test.svm.gz", 46_822),
    "mushrooms": Files("mushrooms/agaricus_train.txt", "mushrooms/agaricus_test.txt", 126),
    "blogs": Files("blogs/blogs_bow.npz", None, 65_535),
    "california_housing": Files("california_housing/california_housing.csv.gz", None, 8),
}


def data_directory():
    """The directory of the real data sets. It need not exist."""
    named = os.environ.get("FASTSGD_DATA")
    if named and not Path(named).is_dir():
        raise FileNotFoundError(
            f"FASTSGD_DATA is {named!r}, which is no directory; "
            "correct it, or unset it to use ../shared/data or generated data"
        )
    return Path(named) if named else ROOT.parent / "shared" / "data"


def find(name):
    """Path of the (training) file of a real data set, or None if one of its files is missing."""
    if name not in FILES:
        raise ValueError(f"unknown data set {name!r}; known are {', '.join(FILES)}")
    paths = [data_directory() / part for part in FILES[name][:2] if part]
    return paths[0] if all(path.is_file() for path in paths) else None


def load(name, dtype=np.float64):
    """Load a real data set by name.

    Parameters
    ----------
    name : str
        A key of ``FILES``. ``"w8a"`` is all its rows; its 40,000 / 9,749 split is
        ``default_rng(0).permutation(49749)``, first rows for training.
    dtype : float32 or float64, default=float64
        Type of the values and labels.

    Returns
    -------
    X_train, y_train, X_test, y_test
        CSR matrices, dense for housing (features standardised with the training rows' mean and
        deviation, 16,512 training rows). X_test and y_test are None where there is no test file.
        "blogs" keeps its rows in the cache: about 600 MB.

    Raises
    ------
    FileNotFoundError
        A file is missing.
    """
    path = find(name)
    files = FILES[name]
    if path is None:
        raise FileNotFoundError(
            f"{name} is not in {str(data_directory())!r}: needed there are "
            f"{' and '.join(part for part in files[:2] if part)}; "
            "set FASTSGD_DATA to the directory that holds them"
        )
    if name == "california_housing":
        return _housing(path, dtype)
    if name == "blogs":
        return load_blogs(path, CACHE, dtype)
    parts = []
    for part in files[:2]:
        if part is None:
            parts += [None, None]
            continue
        X, y = _svmlight(data_directory() / part, files.n_features, files.zero_based, dtype)
        parts += [X, 2 * y - 1 if name == "mushrooms" else y]  # edible 0, poisonous 1
    return tuple(parts)


def rcv1(
    path=None,
    test_path=None,
    *,
    size="demo",
    rows=None,
    seed=0,
    fetch=False,
    zero_based=False,
    dtype=np.float32,
):
    """RCV1 with the label CCAT, or the nearest thing to it that is at hand.

    The first that applies: ``path``; with ``size="full"`` the generator; with ``fetch=True`` the
    full RCV1, downloaded by scikit-learn if need be (checksums verified); the sample
    ``rcv1_ccat`` of the data directory; the full RCV1 if scikit-learn has it cached; or else
    the generator.

    Parameters
    ----------
    path, test_path : path or None
        svmlight text (also .gz), or an .npz file of ``rcv1_shaped.py``. Without ``test_path`` an
        .npz file's last rows are the test rows, and every tenth row of a text file.
    size : {"demo", "full"}, default="demo"
        Size of the generated set: 100,000 or 804,414 rows. ``"full"`` always generates, so that
        timings compare between machines.
    rows : int or None, default=None
        This many rows, training and test together, in place of the whole set. A real set is
        thinned evenly; more rows than it has are not made up.
    seed : int, default=0
        Seed of the generator.
    fetch : bool, default=False
        Permit the download (about 650 MB) and prefer the full RCV1 to its sample.
    zero_based : bool, default=False
        Whether feature numbers in the text file of ``path`` start at 0.
    dtype : float32 or float64, default=float32
        Type of the values and labels.

    Returns
    -------
    Dataset
    """
    if size not in SIZES:
        raise ValueError(f"size must be one of {', '.join(map(repr, SIZES))}, got {size!r}")
    if rows is not None and rows < 2:
        raise ValueError(f"rows must be at least 2 (one to train on, one to test), got {rows}")
    chosen = [
        option
        for option, given in (("path", path), ("size='full'", size == "full"), ("fetch", fetch))
        if given
    ]
    if len(chosen) > 1:
        raise ValueError(f"{' and '.join(chosen)} name different data: give one of them")
    if test_path is not None and path is None:
        raise ValueError("test_path needs path, the file to train on")

    if path is not None:
        return _thinned(_explicit(path, test_path, zero_based, dtype), rows)
    if size == "demo":
        if not fetch and find("rcv1_ccat"):
            parts = load("rcv1_ccat", dtype)
            n = parts[0].shape[0] + parts[2].shape[0]
            note = f"{n:,} real stories, label CCAT, from {data_directory()}"
            return _thinned(Dataset(*parts, "RCV1 sample", note), rows)
        full = _full_rcv1(fetch, dtype)
        if full is not None:
            return _thinned(full, rows)
    return _generated(rows or SIZES[size], seed, dtype)


def _svmlight(path, n_features, zero_based, dtype):
    from fastsgd import load_svmlight  # here: rcv1_shaped.py needs no compiled code

    return load_svmlight(path, n_features=n_features, zero_based=zero_based, dtype=dtype)


def _explicit(path, test_path, zero_based, dtype):
    def read(file):
        if not Path(file).is_file():
            raise FileNotFoundError(
                f"there is no file {str(file)!r}; give svmlight text (.gz too), or an .npz file "
                "made by: python datasets/rcv1_shaped.py --out FILE.npz"
            )
        if Path(file).suffix == ".npz":
            return load_matrix(file, dtype)
        return _svmlight(file, None, zero_based, dtype)

    X, y = read(path)
    name = Path(path).name
    if test_path is not None:
        X_test, y_test = read(test_path)
        width = max(X.shape[1], X_test.shape[1])  # either file may miss the last features
        X.resize(X.shape[0], width)
        X_test.resize(X_test.shape[0], width)
        parts, note = (X, y, X_test, y_test), f"tested on {Path(test_path).name}"
    elif X.shape[0] < 2:
        raise ValueError(f"{name} has {X.shape[0]} row(s), none left to test on: give test_path")
    elif Path(path).suffix == ".npz":
        parts, note = _cut_end(X, y, n_test_rows(X.shape[0])), "tested on its last rows"
    else:
        test = np.arange(X.shape[0]) % 10 == 9 if X.shape[0] >= 10 else np.arange(X.shape[0]) == 0
        parts, note = (X[~test], y[~test], X[test], y[test]), "tested on every tenth row, held out"
    classes = np.unique(np.concatenate([parts[1], parts[3]]))
    if classes.size != 2:
        raise ValueError(
            f"{name} must have two classes, has {classes.size}: {classes[:5]}"
            f"{' …' if classes.size > 5 else ''}"
        )
    X_train, y_train, X_test, y_test = parts
    y_train, y_test = (np.where(v == classes[1], 1, -1).astype(dtype) for v in (y_train, y_test))
    return Dataset(X_train, y_train, X_test, y_test, name, note)


def _full_rcv1(fetch, dtype):
    """The LYRL2004 split, swapped as in Bottou's benchmark: the large part is trained on."""
    from sklearn.datasets import fetch_rcv1

    try:
        bunch = fetch_rcv1(subset="all", download_if_missing=fetch)
    except OSError as error:
        if not fetch:
            return None  # not in scikit-learn's cache
        raise OSError(
            f"fetching RCV1 failed: {error}; try again later, or leave fetch out to use the "
            "data at hand"
        ) from error
    X = bunch.data.astype(dtype)
    ccat = bunch.target[:, list(bunch.target_names).index("CCAT")].toarray().ravel()
    y = np.where(ccat == 1, 1, -1).astype(dtype)
    n = X.shape[0]
    parts = rows_view(X, N_TEST, n), y[N_TEST:], rows_view(X, 0, N_TEST), y[:N_TEST]
    return Dataset(*parts, "RCV1", "full RCV1-v2, label CCAT, LYRL2004 split swapped")


def _generated(n_rows, seed, dtype):
    name = f"rcv1_shaped-v{VERSION}-{n_rows}x{N_FEATURES}-seed{seed}-{np.dtype(dtype)}.npz"
    try:
        X, y = load_matrix(CACHE / name, dtype)
    except (OSError, ValueError):  # not there yet, or damaged
        X, y = make_rcv1_shaped(n_rows, seed=seed, dtype=dtype)
        try:
            save_matrix(CACHE / name, X, y)
        except OSError as error:
            warnings.warn(f"generated data are not cached: {error}", stacklevel=3)
    note = f"generated, not real: {n_rows:,} rows, seed {seed}, generator version {VERSION}"
    return Dataset(*_cut_end(X, y, n_test_rows(n_rows)), "RCV1-shaped", note)


def _cut_end(X, y, n_test):
    n, cut = X.shape[0], X.shape[0] - n_test
    return rows_view(X, 0, cut), y[:cut], rows_view(X, cut, n), y[cut:]


def _thinned(data, rows):
    n_train, n_test = data.X_train.shape[0], data.X_test.shape[0]
    if rows is None or rows >= n_train + n_test:
        return data
    keep_test = min(max(1, round(rows * n_test / (n_train + n_test))), rows - 1)
    train = np.linspace(0, n_train - 1, rows - keep_test).astype(np.int64)
    test = np.linspace(0, n_test - 1, keep_test).astype(np.int64)
    return Dataset(
        data.X_train[train],
        data.y_train[train],
        data.X_test[test],
        data.y_test[test],
        data.name,
        f"{data.note}; {rows:,} of its {n_train + n_test:,} rows",
    )


def _housing(path, dtype):
    table = np.loadtxt(path, delimiter=",", skiprows=1)
    table = table[np.random.default_rng(0).permutation(len(table))]
    train, test = table[:16_512], table[16_512:]
    mean, deviation = train[:, :-1].mean(axis=0), train[:, :-1].std(axis=0)

    def scaled(part):
        return ((part[:, :-1] - mean) / deviation).astype(dtype), part[:, -1].astype(dtype)

    return (*scaled(train), *scaled(test))
