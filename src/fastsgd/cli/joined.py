"""Rows of several data files, or of the parts of a job's processes, as one X and y."""

import numpy as np
import scipy.sparse as sp

from fastsgd.cli.data import flat, read, whole
from fastsgd.data.files import form_of
from fastsgd.data.shards import Lines, byte_range
from fastsgd.data.svmlight import load_svmlight


def read_pieces(pieces, together, *, base=None, n_features=None, dtype=None):
    """The rows of several pieces, one after another: (X, y, base), as `read` of one file.

    The first feature's number, the width of X and the types are decided for all pieces of all
    processes, whatever each of them holds.

    Parameters
    ----------
    pieces : list of Piece
    together : Alone or Job
    base, n_features, dtype :
        As of `read`.
    """
    if together.size == 1 and len(pieces) == 1 and pieces[0].part is None:
        return read(pieces[0].path, base=base, n_features=n_features, dtype=dtype)
    found = [rows for rows in (_rows(piece, base, dtype) for piece in pieces) if rows is not None]
    if not found:
        raise ValueError(f"process {together.rank} of {together.size} has no rows to read; start "
                         "fewer processes, or give --rows all")
    base = _base(found, base, together)
    matrices = [_shifted(X, told, base) for X, _, told in found]
    sparse = [sp.issparse(X) for X in matrices]
    any_sparse, any_dense = together.largest(any(sparse), not all(sparse))
    if any_sparse and any_dense:
        raise ValueError("some data files hold sparse rows and others arrays; convert them to "
                         "one form")
    X = _stacked(matrices, any_sparse, n_features, together)
    y = np.concatenate([y for _, y, _ in found])
    number, = together.largest(float(y.dtype.kind == "f" and whole(y).dtype.kind == "f"))
    return X, y if number else whole(y), base


def _rows(piece, base, dtype):
    """(X, y, told) of a piece, or None if it has no line.

    `told` is the number of the first feature, or "raw" for text whose features are counted as if
    it were 0.
    """
    path = piece.path
    if path != "-" and form_of(path) != "text":
        X, y, told = read(path, base=base, dtype=dtype)
        if piece.part is not None:
            k, n = piece.part
            rows = slice(X.shape[0] * k // n, X.shape[0] * (k + 1) // n)
            X, y = X[rows], y[rows]
        return (X, y, told) if X.shape[0] else None
    if piece.part is None:
        X, y, told = read(path, base=base or 0, dtype=dtype)
    else:
        begin, end = byte_range(path, *piece.part)
        if begin == end:
            return None
        with Lines(path, begin, end) as lines:
            X, y = load_svmlight(lines, zero_based=not base,
                                 dtype=np.float64 if dtype is None else dtype)
    return X, flat(y), "raw" if base is None else base


def _base(found, base, together):
    """The number of the first feature, for all."""
    if base is not None:
        return base
    raw = [X for X, _, told in found if isinstance(told, str)]
    zero = any(X.nnz and X.indices.min() == 0 for X in raw)
    told = [told for _, _, told in found if not isinstance(told, str)]
    zero, text, told_0, told_1 = together.largest(zero, bool(raw), 0 in told, 1 in told)
    if told_1 and (told_0 or zero):
        raise ValueError("some data files number their features from 0 and others from 1; tell "
                         "which is right by --zero-based")
    if told_0 or told_1:
        return int(told_1)
    return int(not zero) if text else None


def _shifted(X, told, base):
    if isinstance(told, str) and base:
        width = max(1, X.shape[1] - 1)
        return sp.csr_matrix((X.data, X.indices - base, X.indptr), shape=(X.shape[0], width))
    return X


def _stacked(matrices, sparse, n_features, together):
    wide, doubles = together.largest(
        max(X.shape[1] for X in matrices), any(X.dtype == np.float64 for X in matrices))
    wide = int(wide)
    if n_features is not None and wide > n_features:
        raise ValueError(f"the data files have {wide} features, more than the {n_features} given")
    dtype = np.float64 if doubles else np.float32
    if not sparse:
        if any(X.shape[1] != wide for X in matrices) or n_features not in (None, wide):
            raise ValueError("arrays of the data files must have the same number of features")
        return np.concatenate(matrices).astype(dtype, copy=False)
    for X in matrices:
        X.resize(X.shape[0], n_features or wide)
    X = matrices[0] if len(matrices) == 1 else sp.vstack(matrices, format="csr")
    return X.astype(dtype, copy=False)
