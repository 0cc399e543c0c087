"""The data of auto.py by name: sparse and dense, raw and standardised, small and middle-sized.

Classes are -1 and +1. A set of values becomes classes (above the median or not) for the losses of
classification; a set of classes is given to squared error as it is.
"""

import csv
import io
import zipfile
from functools import cache

import numpy as np
from scipy.sparse import csr_matrix
from sklearn import datasets

from harness import sources

MNIST_ROWS = 10_000


@cache
def rows(name):
    """(X in float64, y) of a key of DATA; FileNotFoundError where its file is not at hand."""
    return DATA[name]()


def problem(name, loss, dtype):
    """(X, y) of a data set as the loss takes them."""
    X, y = rows(name)
    if loss != "squared_error" and len(np.unique(y)) > 2:
        y = np.where(y > np.median(y), 1.0, -1.0)
    return X.astype(dtype), y.astype(dtype)


def _file(path):
    found = sources.data_directory() / path
    if not found.is_file():
        raise FileNotFoundError(f"{path} is not in the data directory (FASTSGD_DATA)")
    return found


def _known(name):
    def load():
        X, y, *_ = sources.load(name)
        return X, y
    return load


def _last_class_of_news20():
    X, y, *_ = sources.load("news20")
    return X, _one_class(y, y.max())


def _criteo():
    """The encoding of the data directory's README: ln(1 + max(v, 0)), and one-hot categories."""
    number, parts, labels = {}, ([], [], [0]), []
    with open(_file("criteo_sample/train.tiny.csv"), newline="") as file:
        for row in csv.DictReader(file):
            labels.append(1.0 if row.pop("Label") == "1" else -1.0)
            row.pop("Id")
            for column, text in row.items():
                if text:
                    counts = column.startswith("I")
                    key = column if counts else (column, text)
                    parts[0].append(np.log1p(max(float(text), 0.0)) if counts else 1.0)
                    parts[1].append(number.setdefault(key, len(number)))
            parts[2].append(len(parts[0]))
    X = csr_matrix(tuple(map(np.array, parts)), shape=(len(labels), len(number)))
    X.sort_indices()
    return X, np.array(labels)


def _mnist(form):
    def load():
        with np.load(_file("mnist/mnist.npz")) as file:
            X, y = file["X_train"][:MNIST_ROWS], file["y_train"][:MNIST_ROWS]
        return form(X.reshape(len(X), -1) / 255.0), _one_class(y, 8)
    return load


def _california():
    table = np.loadtxt(_file("california_housing/california_housing.csv.gz"), delimiter=",",
                       skiprows=1)
    return table[:, :-1].copy(), table[:, -1].copy()


def _blogfeedback():
    with zipfile.ZipFile(_file("blogfeedback/BlogFeedback.zip")) as archive:
        text = io.BytesIO(archive.read("blogData_train.csv"))
    table = np.loadtxt(text, delimiter=",")
    return table[:, :-1].copy(), table[:, -1].copy()


def _bundled(load, chosen=None, form=np.asarray):
    """A table that comes with scikit-learn; of more than two classes, one against the rest."""
    def made():
        X, y = load(return_X_y=True)
        if chosen is not None:
            y = _one_class(y, chosen)
        return form(X), y.astype(np.float64)
    return made


def _one_column_of_a_million():
    X, y = datasets.make_classification(2000, 20, n_informative=8, random_state=0)
    X[:, 3] *= 1e6
    return X, np.where(y == 1, 1.0, -1.0)


def _one_class(y, chosen):
    return np.where(y == chosen, 1.0, -1.0)


def _standardised(load):
    """Columns of mean 0 and deviation 1; those that never change are dropped."""
    def made():
        X, y = load()
        X = X[:, np.ptp(X, axis=0) > 0]
        return (X - X.mean(axis=0)) / X.std(axis=0), y
    return made


_CANCER = _bundled(datasets.load_breast_cancer, 1)
_WINE = _bundled(datasets.load_wine, 1)

DATA = {
    **{name: _known(key) for name, key in (
        ("a9a", "a9a"), ("w8a", "w8a"), ("rcv1", "rcv1_ccat"), ("frappe", "frappe"),
        ("mushrooms", "mushrooms"))},
    "news20": _last_class_of_news20,
    "criteo": _criteo,
    "mnist_csr": _mnist(csr_matrix),
    "mnist_dense": _mnist(np.asarray),
    "california_raw": _california,
    "california_std": _standardised(_california),
    "blogfeedback_raw": _blogfeedback,
    "blogfeedback_std": _standardised(_blogfeedback),
    "cancer_raw": _CANCER,
    "cancer_std": _standardised(_CANCER),
    "wine_raw": _WINE,
    "wine_std": _standardised(_WINE),
    "digits_csr": _bundled(datasets.load_digits, 8, csr_matrix),
    "digits_dense": _bundled(datasets.load_digits, 8),
    "diabetes": _bundled(datasets.load_diabetes),
    "column_of_1e6": _one_column_of_a_million,
}
