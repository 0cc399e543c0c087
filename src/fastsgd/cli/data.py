"""Reads svmlight text for the commands."""

import sys

import numpy as np
import scipy.sparse as sp

from fastsgd.cli.errors import say
from fastsgd.data.svmlight import load_svmlight


def read(path, *, base=None, n_features=None, dtype=np.float64):
    """Rows to learn from: (X, y, base), where feature numbers start at `base`, 0 or 1.

    With base=None they start at 1 if the file has no feature 0. More features than `n_features`
    are an error.
    """
    source = sys.stdin.buffer if path == "-" else path
    if base is not None:
        X, y = load_svmlight(source, zero_based=base == 0, n_features=n_features, dtype=dtype)
        return X, _labels(y), base
    X, y = load_svmlight(source, zero_based=True, dtype=dtype)
    base = int(X.nnz == 0 or X.indices.min() > 0)
    needed = int(X.indices.max()) + 1 - base if X.nnz else 0
    if n_features is not None and needed > n_features:
        raise ValueError(f"{path}: has {needed} features, more than the {n_features} given")
    shape = (X.shape[0], n_features or max(1, needed))
    return sp.csr_matrix((X.data, X.indices - base, X.indptr), shape=shape), _labels(y), base


def read_for(model, path, *, base=None, quiet=False):
    """Rows to predict or to measure by a loaded model: (X, y)."""
    base = getattr(model, "_index_base", None) if base is None else base
    return read_as(path, base, model.n_features_in_, model.coef_.dtype, quiet)


def read_as(path, base, n_features, dtype, quiet):
    """Rows of a width that is known from the training: (X, y).

    Features beyond it have no weight, so they are left out, with a note.
    """
    X, y, _ = read(path, base=base, dtype=dtype)
    if X.shape[1] > n_features:
        beyond = int(np.count_nonzero(X.indices >= n_features))
        if not quiet:
            say(f"note: {path}: {beyond} values of features beyond the model's {n_features} are "
                "left out; they have no weight")
        return X[:, :n_features], y
    X.resize(X.shape[0], n_features)
    return X, y


def _labels(y):
    """Whole numbers as int64, so that a class is shown as 1 and not as 1.0."""
    whole = np.all(np.abs(y) < 2.0**53) and np.all(y == np.trunc(y))
    return y.astype(np.int64) if whole else y
