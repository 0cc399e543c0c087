"""The binary cache of data: `save_cache`, and `open_cache`, which maps it into memory.

The file is a safetensors file, as model files are: 8 bytes with the length of a JSON header, that
header, arrays one after the other. In the header's metadata ``fastsgd_data`` is a JSON object:
format, format_version, version of fastsgd, kind of X ("csr" or "dense"), its shape, index_base,
whether rows are canonical (columns rise, none comes twice), and the CRC-32 of each array;
``crc32`` is that of the JSON text itself. CSR rows are the arrays data, indices and indptr, dense
ones X; y is there or not.
"""

import json
import math
import os
import zlib

import numpy as np
import scipy.sparse as sp

from fastsgd import __version__
from fastsgd._interrupts import orderly
from fastsgd.data.arrays import (
    INT32_MAX,
    Data,
    check_indices,
    check_indptr,
    check_targets,
)
from fastsgd.data.cache_header import DTYPES, FORMAT, FORMAT_VERSION, checksum, read_header
from fastsgd.data.files import check_regular
from fastsgd.errors import DataFileError
from fastsgd.output_file import output_file
from fastsgd.tensor_file import parts, write_tensors

CHECKS = ("structure", "indices", "all")


@orderly
def save_cache(path, X, y=None, *, index_base=None):
    """Writes rows to a file that `open_cache` maps into memory.

    It is written under another name and renamed once it is whole, with the mode of the file that
    was there before. Arrays are read twice and written as they lie: no second copy of X is made.

    Parameters
    ----------
    path : str, bytes or path-like
        Any name; ``.fsgd-cache`` is the custom.
    X : scipy.sparse CSR or ndarray of shape (n_samples, n_features)
        float32 or float64, with any number of rows. Indices are stored as int32 where they fit.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
        Numbers or bools.
    index_base : {0, 1}, default=None
        What svmlight text calls the first column, for models that will meet text too.

    Raises
    ------
    ValueError
        X or y is of another kind, or X is no valid CSR matrix.
    OSError
        It cannot be written, or not to its end; an older file at `path` is whole.

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np
    >>> import scipy.sparse as sp
    >>> from fastsgd import FastSGDClassifier
    >>> from fastsgd.data.cache import open_cache, save_cache
    >>> X = sp.csr_matrix(np.eye(4))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "train.fsgd-cache")
    ...     save_cache(path, X, [0, 1, 0, 1])
    ...     X, y, _ = open_cache(path)
    ...     accuracy = FastSGDClassifier(random_state=0).fit(X, y).score(X, y)
    >>> type(X.data).__name__, accuracy
    ('memmap', 1.0)
    """
    if index_base not in (None, 0, 1):
        raise ValueError(f"index_base must be 0, 1 or None, got {index_base!r}")
    told = {"format": FORMAT, "format_version": FORMAT_VERSION, "version": __version__}
    if sp.issparse(X):
        arrays = _csr_arrays(X)
        told |= {"kind": "csr", "canonical": bool(X.has_canonical_format)}
    else:
        arrays = {"X": _dense(X)}
        told |= {"kind": "dense", "canonical": True}
    told |= {"shape": [int(n) for n in X.shape], "index_base": index_base}
    if y is not None:
        arrays["y"] = _targets(y, X.shape[0])
    told |= {"crc32": {name: _sum(parts(*pair)) for name, pair in arrays.items()}}
    said = json.dumps(told)
    with output_file(path) as file:
        write_tensors(file, arrays, {FORMAT: said, "crc32": checksum(said)})


def open_cache(path, *, check="indices"):
    """Opens a cache: X and y as read-only arrays that are mapped into memory, not read.

    Parameters
    ----------
    path : str, bytes or path-like
    check : {"structure", "indices", "all"}, default="indices"
        "structure" reads the header and `indptr`: for a file that was checked before, or whose
        column numbers are checked on use (as the estimators do). "indices" reads all column
        numbers too, so that no library can be led outside its arrays. "all" reads everything and
        compares it with the checksums.

    Returns
    -------
    X : scipy.sparse.csr_matrix or numpy.memmap of shape (n_samples, n_features)
        The matrix's `data`, `indices` and `indptr` are numpy.memmap; the estimators use them
        without a copy.
    y : numpy.memmap or None
    index_base : {0, 1} or None

    Raises
    ------
    DataFileError
        The file is damaged, cut off, of another program, a model, or of a newer format.
    OSError
        It cannot be read.

    Notes
    -----
    A file that is written over or cut while it is open takes the process down with it (SIGBUS);
    `save_cache` never does that, it puts a new file in the place of the old one.
    """
    if check not in CHECKS:
        raise ValueError(f"unknown check {check!r}; the valid names are "
                         + ", ".join(map(repr, CHECKS)))
    path = os.fsdecode(path)
    check_regular(path, "a cache is mapped into memory")
    with open(path, "rb") as file:
        told, places = read_header(file, path)
        arrays = {name: _mapped(file, *place) for name, place in places.items()}
    try:
        if told["kind"] == "dense":
            X = arrays["X"]
        else:
            X = _matrix(told, arrays)
            if check != "structure":
                check_indices(arrays["indices"], X.shape[1])
        if "y" in arrays:
            check_targets(arrays["y"], X.shape[0])
        if check == "all":
            _check_sums(told["crc32"], arrays)
    except ValueError as error:
        raise DataFileError(
            f"{path}: is damaged: {error}; make it again (fastsgd convert)") from error
    return Data(X, arrays.get("y"), told["index_base"])


def _csr_arrays(X):
    """Name -> (array, dtype it is stored as), of a checked matrix."""
    if X.format != "csr":
        raise ValueError(f"X must be CSR or dense, got {X.format}; X.tocsr() makes it so")
    _check_real(X.dtype)
    n_rows, n_features = X.shape
    if not n_features:
        raise ValueError("X must have at least one column")
    nnz = int(X.indptr[-1])
    check_indptr(X.indptr, n_rows, nnz)
    if min(len(X.data), len(X.indices)) < nnz:
        raise ValueError(f"X.indptr ends at {nnz}, beyond X.data or X.indices")
    check_indices(X.indices[:nnz], n_features)
    width = np.dtype("<i8" if max(nnz, n_rows, n_features) > INT32_MAX else "<i4")
    return {"data": (X.data[:nnz], X.dtype.newbyteorder("<")),
            "indices": (X.indices[:nnz], width), "indptr": (X.indptr, width)}


def _dense(X):
    if not isinstance(X, np.ndarray) or X.ndim != 2:
        raise ValueError("X must be a CSR matrix or an array of two dimensions, got "
                         f"{type(X).__name__} of shape {getattr(X, 'shape', None)}")
    _check_real(X.dtype)
    if not X.shape[1]:
        raise ValueError("X must have at least one column")
    return X, X.dtype.newbyteorder("<")


def _check_real(dtype):
    if dtype not in (np.float32, np.float64):
        raise ValueError(f"X must be float32 or float64, got {dtype}; X.astype(float) makes it so")


def _targets(y, n_rows):
    if sp.issparse(y):
        raise ValueError("y must be dense in a cache, got a sparse matrix; give y.toarray()")
    y = np.asarray(y)
    dtype = y.dtype.newbyteorder("<")
    if dtype not in DTYPES.values():
        raise ValueError(f"y must be numbers or bools in a cache, got {y.dtype}")
    check_targets(y, n_rows)
    return y, dtype


def _sum(blocks):
    """The checksum of bytes that come in blocks, as it stands in the header."""
    total = 0
    for part in blocks:
        total = zlib.crc32(part, total)
    return f"{total:08x}"


def _mapped(file, dtype, shape, offset):
    if not math.prod(shape):
        return np.empty(shape, dtype)  # nothing cannot be mapped
    return np.memmap(file, dtype, "r", offset, shape)


def _matrix(told, arrays):
    """The CSR matrix of these arrays themselves; scipy's constructor would read them all."""
    shape = tuple(told["shape"])
    check_indptr(arrays["indptr"], shape[0], len(arrays["data"]))
    X = sp.csr_matrix(shape, dtype=arrays["data"].dtype)
    X.data, X.indices, X.indptr = arrays["data"], arrays["indices"], arrays["indptr"]
    if told["canonical"]:
        X.has_canonical_format = True
    return X


def _check_sums(sums, arrays):
    for name, array in arrays.items():
        if _sum(parts(array, array.dtype)) != sums.get(name):
            raise ValueError(f"the array {name!r} does not match its checksum")
