"""`load_npz`: rows from the archives that numpy.savez and scipy.sparse.save_npz write."""

import os
import zipfile

import numpy as np
import scipy.sparse as sp

from fastsgd._integers import LARGEST
from fastsgd.data.arrays import Data, check_indices, check_indptr, check_targets
from fastsgd.data.files import check_regular
from fastsgd.data.npy import MAGIC, damage_told, read_array
from fastsgd.errors import DataFileError

CSR = ("data", "indices", "indptr", "shape")
FORMS = "X (dense rows), or data, indices, indptr and shape (CSR, as scipy.sparse.save_npz writes)"


def load_npz(path, *, dtype=None):
    """Loads rows, and y if it is there, from an .npz file. Nothing in it is unpickled.

    Parameters
    ----------
    path : str or path-like
        A file with the array ``X``, or with what scipy.sparse.save_npz writes for a CSR matrix
        (data, indices, indptr, shape, format); and with ``y`` or without. Compressed or not.
    dtype : numpy.float64 or numpy.float32, default=None
        Of X; None keeps these two and makes float64 of integers, bools and float16.

    Returns
    -------
    X : scipy.sparse.csr_matrix or ndarray of shape (n_samples, n_features)
        Without rows where the file has none.
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs), or None
        Numbers, bools or strings.
    index_base : None
        As `open_cache` returns; these files do not say.

    Raises
    ------
    DataFileError
        The file is damaged, lacks an array, has one of another kind, or arrays do not fit; or it
        is a pipe.
    MemoryError
        An array is too large; the text tells how many bytes it takes.
    OSError

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np
    >>> import scipy.sparse as sp
    >>> from fastsgd.data.npz import load_npz
    >>> X = sp.csr_matrix(np.eye(3))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "train.npz")
    ...     np.savez(path, data=X.data, indices=X.indices, indptr=X.indptr, shape=X.shape,
    ...              y=[1, 2, 1])
    ...     X, y, _ = load_npz(path)
    >>> X.shape, y
    ((3, 3), array([1, 2, 1]))
    """
    path = os.fspath(path)
    check_regular(path, ".npz files are read by their parts")
    try:
        with open(path, "rb") as file:
            if file.read(len(MAGIC)) == MAGIC:
                raise ValueError(
                    f"holds a single array; numpy.savez stores several: {FORMS}, and y")
            with damage_told("the archive"):
                archive = zipfile.ZipFile(file)
            return _read(archive, dtype)
    except MemoryError as error:
        raise MemoryError(f"{path}: {error}") from error
    except ValueError as error:
        raise DataFileError(f"{path}: {error}") from error
    except OSError as error:
        raise OSError(error.errno, error.strerror, path) from error


def _read(archive, dtype):
    names = {name.removesuffix(".npy") for name in archive.namelist()}
    sparse, dense = names & {*CSR, "format"}, "X" in names
    if dense and sparse:
        raise ValueError(f"has both X and {', '.join(sorted(sparse))}; one of the two holds rows")
    if not dense and not sparse:
        raise ValueError(f"has the arrays {', '.join(sorted(names)) or 'none'}; it needs {FORMS}")
    X = _dense(archive, dtype) if dense else _csr(archive, names, dtype)
    y = read_array(archive, "y") if "y" in names else None
    if y is not None:
        check_targets(y, X.shape[0])
        if y.dtype.kind not in "biufU":
            raise ValueError(f"y is {y.dtype}; it must be numbers, bools or strings")
    return Data(X, y)


def _real(values, dtype):
    """Convert values to C order and to `dtype`; None: as they are, or float64."""
    kind = values.dtype
    if kind not in (np.float32, np.float64):
        if kind.kind not in "biu" and kind != np.float16:
            raise ValueError(f"the values of X are {kind}; they must be float32, float64 or "
                             "integers")
        kind = np.dtype(np.float64)
    return np.ascontiguousarray(values, kind if dtype is None else dtype)


def _dense(archive, dtype):
    X = read_array(archive, "X")
    if X.ndim != 2 or (len(X) and not X.size):
        raise ValueError(f"X must be an array of rows and columns, its shape is {X.shape}")
    return _real(X, dtype)


def _csr(archive, names, dtype):
    if "format" in names:
        found = read_array(archive, "format")
        found = found.item() if found.size == 1 else found.shape
        found = found.decode("latin-1") if isinstance(found, bytes) else str(found)
        if found != "csr":
            raise ValueError(f"holds a matrix of format {found[:20]}; it must be csr, as by "
                             "scipy.sparse.save_npz(path, X.tocsr())")
    missing = [name for name in CSR if name not in names]
    if missing:
        raise ValueError(f"lacks {', '.join(missing)}; a CSR matrix is {', '.join(CSR)}")
    data, indices, indptr, shape = (read_array(archive, name) for name in CSR)
    for name, array in (("indices", indices), ("indptr", indptr), ("shape", shape)):
        if array.dtype.kind not in "iu" or array.ndim != 1:
            raise ValueError(f"{name} must be a vector of integers, got {array.dtype} of shape "
                             f"{array.shape}")
    if len(shape) != 2 or not all(0 <= n <= LARGEST for n in shape.tolist()) or (
            shape[0] and not shape[1]):
        raise ValueError("shape must be the numbers of rows and of columns, at least one column "
                         f"and at most {LARGEST} of either; got {shape[:3].tolist()}")
    if data.shape != indices.shape:
        raise ValueError(f"data and indices must be of one length, got shapes {data.shape} and "
                         f"{indices.shape}")
    shape = tuple(shape.tolist())
    check_indptr(indptr, shape[0], len(data))
    check_indices(indices, shape[1])
    return sp.csr_matrix((_real(data, dtype), indices, indptr), shape=shape)
