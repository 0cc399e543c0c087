"""Rows of several data files, or of the parts of a job's processes, as one X and y."""

import numpy as np
import scipy.sparse as sp

from fastsgd.cli.data import read
from fastsgd.cli.targets import settled
from fastsgd.data.formats import format_of
from fastsgd.data.shards import Lines, byte_range
from fastsgd.data.svmlight import load_rows


def read_pieces(pieces, together, *, base=None, n_features=None, dtype=None, multilabel=None):
    """The rows of several pieces, one after another: (X, y, base), as `read` of one file.

    The first feature's number, the width of X, the types and the kind of y are decided for all
    pieces of all processes, whatever each of them holds. Pieces without rows are passed over.

    Parameters
    ----------
    pieces : list of Piece
    together : Alone or Job
    base, n_features, dtype :
        As of `read`.
    multilabel :
        As of `settled`.
    """
    if together.size == 1 and len(pieces) == 1 and pieces[0].part is None:
        path = pieces[0].path
        X, y, base = read(path, base=base, n_features=n_features, dtype=dtype)
        if X.shape[0]:
            return X, settled([(path, y)], together, multilabel), base
        found = []
    else:
        found = [(piece.path, *rows) for piece in pieces
                 if (rows := _rows(piece, base, dtype))[0].shape[0]]
    if not found and together.size == 1:
        paths = ", ".join(dict.fromkeys(piece.path for piece in pieces))
        raise ValueError(f"{paths}: no rows to train on; empty lines and comments are none")
    if not found:
        raise ValueError(f"process {together.rank} of {together.size} has no rows to read; start "
                         "fewer processes, or give --rows all")
    base = _base(found, base, together)
    matrices = [_shifted(X, told, base) for _, X, _, told in found]
    sparse = [sp.issparse(X) for X in matrices]
    any_sparse, any_dense = together.largest(any(sparse), not all(sparse))
    if any_sparse and any_dense:
        raise ValueError("some data files hold sparse rows and others arrays; convert them to "
                         "one form")
    X = _stacked(matrices, any_sparse, n_features, together)
    return X, settled([(path, y) for path, _, y, _ in found], together, multilabel), base


def _rows(piece, base, dtype):
    """(X, y, told) of a piece.

    `told` is the number of the first feature, or "raw" for text whose features are counted as if
    it were 0.
    """
    path = piece.path
    if path != "-" and not format_of(path).by_lines:
        X, y, told = read(path, base=base, dtype=dtype)
        if piece.part is not None:
            k, n = piece.part
            rows = slice(X.shape[0] * k // n, X.shape[0] * (k + 1) // n)
            X, y = X[rows], None if y is None else y[rows]
        return X, y, told
    if piece.part is None:
        X, y, _ = read(path, base=base or 0, dtype=dtype)
    else:
        with Lines(path, *byte_range(path, *piece.part)) as lines:
            X, y = load_rows(lines, zero_based=not base,
                             dtype=np.float64 if dtype is None else dtype)
    return X, y, "raw" if base is None else base


def _base(found, base, together):
    """The number of the first feature, for all."""
    if base is not None:
        return base
    raw = [X for _, X, _, told in found if isinstance(told, str)]
    zero = any(X.nnz and X.indices.min() == 0 for X in raw)
    told = [told for *_, told in found if not isinstance(told, str)]
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
