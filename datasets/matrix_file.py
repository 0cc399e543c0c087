"""A labelled sparse matrix in one uncompressed .npz file: loads at the speed of the disk."""

from __future__ import annotations

import os
import tempfile
import zipfile
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix


def save_matrix(path, X, y):
    """Write X and y so that ``path`` is either the old file or the whole new one, never a part.

    The file is written under another name in the same directory and then renamed.
    """
    path = Path(path)
    if path.suffix != ".npz":
        raise ValueError(f"the name must end in .npz, got {str(path)!r}")
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=path.name, suffix=".part", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            np.savez(
                file, data=X.data, indices=X.indices, indptr=X.indptr, shape=np.array(X.shape), y=y
            )
        os.chmod(temporary, 0o644)  # mkstemp makes it private
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def load_matrix(path, dtype=np.float32):
    """Read (X, y) of a file that `save_matrix` wrote."""
    if not Path(path).is_file():
        raise FileNotFoundError(f"there is no file {str(path)!r}")
    try:
        with np.load(path, allow_pickle=False) as file:
            # Entries are sorted and unique: `save_matrix` is given nothing else.
            parts = tuple(file[name] for name in ("data", "indices", "indptr"))
            X, y = csr_matrix(parts, shape=tuple(file["shape"])), file["y"]
            X.has_sorted_indices = X.has_canonical_format = True
    except (KeyError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(
            f"{str(path)!r} is damaged or was not written by rcv1_shaped.py ({error}); "
            "delete it and make it again: python datasets/rcv1_shaped.py --out FILE.npz"
        ) from error
    return X.astype(dtype, copy=False), y.astype(dtype, copy=False)


def rows_view(X, start, stop):
    """Rows start to stop of a CSR matrix, sharing memory if they are its larger part."""
    a, b = X.indptr[start], X.indptr[stop]
    view = csr_matrix(
        (X.data[a:b], X.indices[a:b], X.indptr[start : stop + 1] - a),
        shape=(stop - start, X.shape[1]),
        copy=False,
    )
    view.has_sorted_indices = X.has_sorted_indices
    view.has_canonical_format = X.has_canonical_format
    return view
