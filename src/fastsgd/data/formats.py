"""The forms of data files, a row each, and `load`, which reads any of them.

A new form is a row of FORMATS: the commands, `load` and its errors take it from there.
"""

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from inspect import signature

import numpy as np
import scipy.sparse as sp

from fastsgd._integers import check_range
from fastsgd.data.arrays import Data
from fastsgd.data.cache import open_cache
from fastsgd.data.files import IRREGULAR
from fastsgd.data.npz import load_npz
from fastsgd.data.svmlight import load_svmlight
from fastsgd.data.text_blocks import COMPRESSED
from fastsgd.errors import DataFileError

START = 9
"""Bytes at the start of a file that tell its form."""

FOREIGN = {
    b"\x80": "looks like a pickle, which is never opened since it may run code; save an .npz",
    b"\x93NUMPY": "holds a single array (.npy); numpy.savez stores X and y in an .npz",
    b"\x89HDF": "is HDF5; save an .npz or svmlight text",
}
"""First bytes -> what to do instead."""


@dataclass(frozen=True)
class Format:
    """A form of data files.

    Attributes
    ----------
    name : str
    about : str
        What users call it.
    recognises : callable
        ``recognises(start)``: whether a file that begins with these bytes has this form.
    load : callable
        ``load(path, **options)`` -> Data.
    by_lines : bool
        Whether a row is a line, so that pipes can be read and processes can share a file by
        ranges of bytes.
    """

    name: str
    about: str
    recognises: Callable[[bytes], bool]
    load: Callable[..., Data]
    by_lines: bool = False

    @property
    def options(self):
        """Names of the options that `load` takes."""
        return tuple(signature(self.load).parameters)[1:]


def with_width(X, n_features, path):
    """Rows as wide as asked for; only sparse ones can be made wider.

    Raises
    ------
    ValueError
    """
    n_own = X.shape[1]
    if n_own > n_features or (n_own < n_features and not sp.issparse(X)):
        raise ValueError(f"{os.fsdecode(path)}: has {n_own} features, not the {n_features} given")
    if n_own < n_features:
        X.resize(X.shape[0], n_features)
    return X


def _is_cache(start):
    """Whether safetensors: the length of a JSON header, whose highest byte is 0, and a brace.

    Text has no byte 0 there; the lowest byte of the length may be the first of a pickle.
    """
    return start[7:] == b"\0{"


def _is_npz(start):
    return start.startswith((b"PK\x03\x04", b"PK\x05\x06"))


def _is_text(start):
    """Whether nothing speaks against text: compressed, or without control characters."""
    return start.startswith(COMPRESSED) or not (
        start.startswith(tuple(FOREIGN)) or any(byte < 9 or 13 < byte < 32 for byte in start))


def _text(path, *, n_features=None, dtype=np.float64, zero_based="auto", multilabel=False,
          allow_nonfinite=False):
    return Data(*load_svmlight(
        path, n_features=n_features, dtype=dtype, zero_based=zero_based, multilabel=multilabel,
        allow_nonfinite=allow_nonfinite))


def _npz(path, *, n_features=None, dtype=None):
    X, y, base = load_npz(path, dtype=dtype)
    return Data(X if n_features is None else with_width(X, n_features, path), y, base)


def _cache(path, *, n_features=None, dtype=None, check="indices"):
    """The arrays as they lie in the file, unless another type is asked for."""
    X, y, base = open_cache(path, check=check)
    X = X if dtype is None else X.astype(dtype, copy=False)
    return Data(X if n_features is None else with_width(X, n_features, path), y, base)


TEXT = Format("text", "svmlight text (plain, gzip or bzip2)", _is_text, _text, by_lines=True)
FORMATS = (
    Format("cache", "a cache (fastsgd convert)", _is_cache, _cache),
    Format("npz", "an .npz of numpy or scipy", _is_npz, _npz),
    TEXT,
)
"""Forms in the order in which they are asked."""


def format_of(path):
    """The `Format` of a file, by its first bytes and not its name; pipes and terminals are text.

    Parameters
    ----------
    path : str, bytes or path-like

    Raises
    ------
    DataFileError
        It is of a form that fastsgd does not read, or a folder, socket or disk.
    OSError
    """
    name = os.fsdecode(path)
    kind = stat.S_IFMT(os.stat(path).st_mode)
    if kind in (stat.S_IFIFO, stat.S_IFCHR):
        return TEXT
    if kind != stat.S_IFREG:
        raise DataFileError(f"{name}: is {IRREGULAR.get(kind, 'no file')}; data are read from "
                            "files, pipes and stdin (-)")
    with open(path, "rb") as file:
        start = file.read(START)
    for form in FORMATS:
        if form.recognises(start):
            return form
    for first, hint in FOREIGN.items():
        if start.startswith(first):
            raise DataFileError(f"{name}: {hint}")
    raise DataFileError(f"{name}: is of no form that fastsgd reads, it begins with {start!r}; "
                        f"save the rows as {known_forms()}")


def known_forms():
    """All forms as users call them, in one phrase."""
    *others, last = (form.about for form in reversed(FORMATS))
    return f"{', '.join(others)} or {last}"


def load(path, *, n_features=None, dtype=None, zero_based=None, multilabel=None,
         allow_nonfinite=None, check=None):
    """Load rows and targets from a data file of any form, which its first bytes tell.

    The forms are svmlight text (plain or compressed by gzip or bzip2), an ``.npz`` of numpy or
    scipy, and a cache made by ``fastsgd convert``; docs/data.md describes them. An option that is
    None has the default of the form's own reader.

    Parameters
    ----------
    path : str, bytes or path-like
        A file; named pipes are read as text.
    n_features : int, default=None
        Columns of X. A file with more is an error. Sparse rows become as wide; arrays must be.
    dtype : numpy.float64 or numpy.float32, default=None
        Of X. None: float64 for text, otherwise the type in the file.
    zero_based : bool or "auto", default=None
        Text only: whether feature numbers start at 0; see :func:`load_svmlight`.
    multilabel : bool, default=None
        Text only: whether rows have any number of labels.
    allow_nonfinite : bool, default=None
        Text only: whether nan and inf are accepted.
    check : {"structure", "indices", "all"}, default=None
        Cache only: what is checked; see :func:`fastsgd.data.cache.open_cache`.

    Returns
    -------
    X : scipy.sparse.csr_matrix or ndarray of shape (n_samples, n_features)
        Of a cache, arrays that are mapped into memory and read-only.
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs), list of tuples, or None
        The targets as the file has them: of text float64, or with `multilabel` a tuple of labels
        for each row. None where an ``.npz`` or a cache has none.

    Raises
    ------
    DataFileError
        The file is of another form, which the text names with the forms that can be read; or it
        is damaged, or a folder, socket or disk.
    ValueError
        A line of text is malformed, an option has a value that it cannot have, or the file's form
        does not take it.
    OSError
        The file cannot be read.

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np
    >>> import fastsgd
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "train.npz")
    ...     np.savez(path, X=np.eye(2), y=[0, 1])
    ...     X, y = fastsgd.load(path)
    >>> X, y
    (array([[1., 0.],
           [0., 1.]]), array([0, 1]))
    """
    path = os.fsdecode(path)
    form = format_of(path)
    given = {name: value for name, value in (
        ("n_features", n_features), ("dtype", dtype), ("zero_based", zero_based),
        ("multilabel", multilabel), ("allow_nonfinite", allow_nonfinite), ("check", check),
    ) if value is not None}
    foreign = [name for name in given if name not in form.options]
    if foreign:
        raise ValueError(
            f"{path}: is {form.about}, which takes the options "
            f"{', '.join(form.options)}; leave out {', '.join(foreign)}")
    if n_features is not None:
        given["n_features"] = check_range("n_features", n_features, 1)
    if dtype is not None and np.dtype(dtype) not in (np.float32, np.float64):
        raise ValueError(f"dtype must be float32 or float64, got {dtype!r}")
    X, y, _ = form.load(path, **given)
    return X, y
