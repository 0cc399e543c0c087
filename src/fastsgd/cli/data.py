"""Reads data files of any form for the commands."""

import numpy as np
import scipy.sparse as sp

from fastsgd.cli.errors import say
from fastsgd.cli.kinds import kind_of
from fastsgd.cli.pipes import opened_text
from fastsgd.data.formats import TEXT, format_of, with_width
from fastsgd.data.label_sets import LabelSets
from fastsgd.data.svmlight import load_rows


def read(path, *, base=None, n_features=None, dtype=None):
    """The rows of a file: (X, y, base), where svmlight text would number features from `base`.

    There may be none. y is a vector, an array of columns, `LabelSets` (text whose rows have not
    one label each) or None; `fastsgd.cli.targets.settled` tells what they come to.

    Parameters
    ----------
    path : str
        Its content tells its form; "-" is svmlight text from stdin.
    base : {0, 1} or None
        None: as a cache says; of text 1 if there is no feature 0; .npz leaves it None.
    n_features : int or None
        More features are an error.
    dtype : float32, float64 or None
        None: as the arrays are; of text float64.
    """
    form = _format(path)
    if form.by_lines:
        X, y, base = _text(path, base, n_features, np.float64 if dtype is None else dtype)
        return X, whole(y), base
    X, y, told = form.load(path, dtype=dtype)
    if None not in (base, told) and base != told and X.shape[0]:
        raise ValueError(
            f"{path}: its features are numbered from {told}, here they are asked for from {base} "
            "(--zero-based, or the model); convert the text again with --zero-based "
            f"{'no' if base else 'yes'}")
    if n_features is not None and X.shape[0]:
        X = with_width(X, n_features, path)
    return X, whole(flat(y)), base if told is None else told


def _format(path):
    return TEXT if path == "-" else format_of(path)


def _text(path, base, n_features, dtype):
    with opened_text(path) as source:
        if base is not None:
            X, y = load_rows(source, zero_based=base == 0, n_features=n_features, dtype=dtype)
            return X, y, base
        X, y = load_rows(source, zero_based=True, dtype=dtype)
    if not X.shape[0]:
        return X, y, None
    base = int(X.nnz == 0 or X.indices.min() > 0)
    needed = int(X.indices.max()) + 1 - base if X.nnz else 0
    if n_features is not None and needed > n_features:
        raise ValueError(f"{path}: has {needed} features, more than the {n_features} given")
    shape = (X.shape[0], n_features or max(1, needed))
    return sp.csr_matrix((X.data, X.indices - base, X.indptr), shape=shape), y, base


def read_for(model, path, *, base=None, quiet=False):
    """Rows to predict or to measure by a loaded model: (X, y)."""
    base = getattr(model, "_index_base", None) if base is None else base
    return read_as(path, base, model.n_features_in_, kind_of(model).dtype(model), quiet)


def read_as(path, base, n_features, dtype, quiet):
    """Rows of a width that is known from the training: (X, y), as `read`.

    Sparse features beyond it have no weight, so they are left out, with a note. Arrays keep their
    type; who uses them converts some rows at a time.
    """
    X, y, _ = read(path, base=base, dtype=dtype if _format(path).by_lines else None)
    if not X.shape[0]:
        return sp.csr_matrix((0, n_features), dtype=dtype), y
    if not sp.issparse(X):
        return with_width(X, n_features, path), y
    if X.shape[1] > n_features:
        beyond = int(np.count_nonzero(X.indices >= n_features))
        if beyond and not quiet:
            say(f"note: {path}: {beyond} values of features beyond the model's {n_features} are "
                "left out; they have no weight")
        return X[:, :n_features], y
    X.resize(X.shape[0], n_features)
    return X, y


def flat(y):
    """A single column as a vector."""
    return y.ravel() if y is not None and y.ndim == 2 and y.shape[1] == 1 else y


def whole(y):
    """Whole numbers as int64, so that a class is shown as 1 and not as 1.0."""
    if isinstance(y, LabelSets):
        return LabelSets(whole(y.values), y.ptr, y.missing)
    if y is None or y.dtype.kind != "f":
        return y
    if y.dtype == np.float16:
        y = y.astype(np.float32)  # 2**53 is beyond its numbers
    are_whole = np.all(np.abs(y) < 2.0**53) and np.all(y == np.trunc(y))
    return y.astype(np.int64) if are_whole else y
