"""`load_svmlight`: files in svmlight / libsvm form as CSR matrices."""

import re
from itertools import pairwise
from numbers import Integral

import numpy as np
import scipy.sparse as sp

from fastsgd.data.label_sets import LabelSets
from fastsgd.data.text_blocks import DamagedTextError, line_blocks, open_text
from fastsgd.kernels.svmlight import CODES, LARGEST_INDEX, PADDING, LineReader

_INT32_MAX = np.iinfo(np.int32).max
_COPIED_BYTES = 1 << 24  # arrays below this size grow by copying


def load_svmlight(
    path,
    *,
    n_features=None,
    dtype=np.float64,
    zero_based="auto",
    multilabel=False,
    query_id=False,
    allow_nonfinite=False,
):
    r"""Load a file in svmlight / libsvm form.

    Each line is a row: ``<label> [qid:<integer>] <index>:<value> <index>:<value> ... # comment``.
    Spaces and tabs separate; lines that are blank or only a comment are passed over. Numbers are
    rounded correctly: each value has the bits of Python's ``float(text)``.

    Parameters
    ----------
    path : str, path-like, int or binary file object
        A file, a file descriptor or an object with ``read``, plain or compressed by gzip or bzip2
        (told by its first bytes). Descriptors and objects are read from where they stand and are
        not closed.
    n_features : int, default=None
        Columns of X. None: as many as the largest index needs, at least 1.
    dtype : numpy.float64 or numpy.float32, default=numpy.float64
        Of X; float32 values are the float64 ones, rounded once more.
    zero_based : bool or "auto", default="auto"
        Whether feature indices start at 0. "auto": they start at 1 if the file has no index 0.
    multilabel : bool, default=False
        A line starts with labels separated by commas, or with no label: also for files without
        labels, whose rows have empty tuples.
    query_id : bool, default=False
        Return the query ids too; each row must then have one.
    allow_nonfinite : bool, default=False
        Accept ``nan``, ``inf`` and numbers too large for `dtype`, which become infinite.

    Returns
    -------
    X : scipy.sparse.csr_matrix of shape (n_samples, n_features)
        Zeros in the file are stored. Indices are int32 where all of them fit, else int64.
    y : ndarray of float64, shape (n_samples,), or list of tuples of float
        The labels; with multilabel a sorted tuple for each row.
    qid : ndarray of int64, shape (n_samples,)
        Only with query_id=True.

    Raises
    ------
    ValueError
        A line is malformed, the file has no row, or compressed data is damaged: the text names
        file, line and column (in bytes, both from 1), what was expected and what was found. Or a
        parameter has a value it cannot have.

    Notes
    -----
    Differences from ``sklearn.datasets.load_svmlight_file``.

    It accepts, and this function refuses: nan, inf and overflow (unless allow_nonfinite=True);
    files without a row; NUL bytes; numbers with underscores (``1_000``); signs before an index
    (``+3:1``, ``-0:1``) and a plus before a query id; a query id that is not ``qid:<int64>``, also
    with query_id=False; rows without a query id when query_id=True; other dtypes than float32 and
    float64; text or garbage after the end of bzip2 data.

    It refuses, and this function accepts: a byte order mark at the start; indices of 2**31 and
    above, up to 2**63 - 2; a plain file named ``.gz`` or ``.bz2``, and compressed data under
    another name or in a file object.

    Its 1.9 releases return int64 indices always. It has ``offset`` and ``length``.

    Reading stops within milliseconds after Ctrl-C. Lines may have any length: the memory needed is
    that of the arrays, at most twice over while they grow, and of a block of 256 KB.

    Examples
    --------
    >>> import tempfile
    >>> from fastsgd import load_svmlight
    >>> with tempfile.NamedTemporaryFile(suffix=".svm") as file:
    ...     _ = file.write(b"+1 1:0.5 3:2\n-1 2:1.25 # a comment\n")
    ...     file.flush()
    ...     X, y = load_svmlight(file.name)
    >>> X.toarray()
    array([[0.5 , 0.  , 2.  ],
           [0.  , 1.25, 0.  ]])
    >>> y
    array([ 1., -1.])
    """
    n_features, dtype, zero_based = _checked_options(n_features, dtype, zero_based)
    for name, flag in (
        ("multilabel", multilabel),
        ("query_id", query_id),
        ("allow_nonfinite", allow_nonfinite),
    ):
        if not isinstance(flag, (bool, np.bool_)):
            raise ValueError(f"{name} must be True or False, got {flag!r}")
    reader = LineReader(
        one_based=zero_based is False,
        multilabel=multilabel,
        query_id=query_id,
        allow_nonfinite=allow_nonfinite,
        index_limit=LARGEST_INDEX if n_features is None else n_features - (zero_based is True),
    )
    rows = _Rows(dtype, multilabel, query_id)
    name = _read(path, reader, rows)
    if not reader.n_rows:
        raise _error(name, reader.line, 1, "a row", "the end of the file")
    X = _matrix(name, reader, rows, n_features, zero_based)
    y = rows.targets(reader)
    return (X, y, rows.qid) if query_id else (X, y)


def load_rows(path, *, n_features=None, dtype=np.float64, zero_based=True):
    """Loads a file whose rows may have one label, several or none: (X, y), for the commands.

    Parameters
    ----------
    path, n_features, dtype, zero_based :
        As in `load_svmlight`.

    Returns
    -------
    X : scipy.sparse.csr_matrix of shape (n_samples, n_features)
        Without a row where the file has none.
    y : ndarray of float64, shape (n_samples,), or LabelSets
        The sets begin where a row has not one label; up to there nothing is slower.
    """
    n_features, dtype, zero_based = _checked_options(n_features, dtype, zero_based)
    reader = LineReader(
        one_based=zero_based is False,
        index_limit=LARGEST_INDEX if n_features is None else n_features - (zero_based is True),
    )
    rows = _Rows(dtype, multilabel=False, query_id=False, any_labels=True)
    name = _read(path, reader, rows)
    X = _matrix(name, reader, rows, n_features, zero_based)
    return X, rows.vector_or_sets(reader)


def _read(path, reader, rows):
    """Reads all lines; the name of the file for messages."""
    with open_text(path) as (source, head, name):
        try:
            for block in line_blocks(source, head, padding=PADDING,
                                     commas=rows.any_labels or rows.label_ptr is not None):
                rows.read(reader, block, name)
        except DamagedTextError as error:
            raise _error(name, reader.line, error.column, "more text", error) from error
    return name


def _matrix(name, reader, rows, n_features, zero_based):
    """X of what was read."""
    one_based = zero_based is False or (zero_based == "auto" and reader.min_index > 0)
    needed = reader.max_index + (not one_based)
    if n_features is None:
        n_features = max(needed, 1)
    elif needed > n_features:  # "auto", and index 0 came after the index that is too large
        expected = f"a feature index of at most {n_features - 1} (n_features; indices start at 0)"
        raise _error(name, *reader.limit_place, expected, f"'{reader.max_index}'")
    return rows.matrix(reader, n_features, one_based)


def _checked_options(n_features, dtype, zero_based):
    if isinstance(zero_based, (bool, np.bool_)):
        zero_based = bool(zero_based)
    elif not (isinstance(zero_based, str) and zero_based == "auto"):
        raise ValueError(f'zero_based must be True, False or "auto", got {zero_based!r}')
    if n_features is not None:
        if not isinstance(n_features, Integral) or isinstance(n_features, bool):
            raise ValueError(f"n_features must be an int or None, got {n_features!r}")
        n_features = int(n_features)
        if not 1 <= n_features <= LARGEST_INDEX:
            raise ValueError(f"n_features must be from 1 to {LARGEST_INDEX}, got {n_features}")
    if np.dtype(dtype) not in (np.float32, np.float64):
        raise ValueError(f"dtype must be float32 or float64, got {dtype!r}")
    return n_features, np.dtype(dtype), zero_based


def _error(name, line, column, expected, found):
    return ValueError(_place(name, line, column, expected, found))


def _place(name, line, column, expected, found):
    return f"{name}, line {line}, column {column}: expected {expected}, found {found}"


class _Rows:
    """The arrays that a reader fills, with room for the next block.

    With `any_labels` the first row that has not one label makes it go on with sets of labels.
    """

    def __init__(self, dtype, multilabel, query_id, any_labels=False):
        self.any_labels, self.unlabelled = any_labels, None
        self.labels = np.empty(0, dtype=np.float64)
        self.label_ptr = np.zeros(1, dtype=np.int64) if multilabel else None
        self.qid = np.zeros(1, dtype=np.int64) if query_id else None  # as long as indptr
        self.indptr = np.zeros(1, dtype=np.int64)
        self.indices = np.empty(0, dtype=np.int32)
        self.values = np.empty(0, dtype=dtype)

    def read(self, reader, block, name):
        """Add the rows of a block, or the entries of its part of a row."""
        text, begin, end, covered, columns, _ = block
        entries, others = (end - begin) // 4 + 1, (end - begin) // 2 + 2
        self.values = _with_room(self.values, reader.nnz, entries)
        self.indices = _with_room(self.indices, reader.nnz, entries)
        self.labels = _with_room(self.labels, reader.n_labels, others)
        self.indptr = _with_room(self.indptr, reader.n_rows + 1, others)
        if self.label_ptr is not None:
            self.label_ptr = _with_room(self.label_ptr, reader.n_rows + 1, others)
        if self.qid is not None:
            self.qid = _with_room(self.qid, reader.n_rows + 1, others)
        done = begin
        while done < end:
            done, code, at, detail = reader.read(
                text,
                done,
                end,
                self.labels,
                self.label_ptr,
                self.qid,
                self.indptr,
                self.indices,
                self.values,
                covered is not None,
                columns,
            )
            if code == "WIDEN":
                self.indices = self.indices.astype(np.int64)
            elif code != "OK":
                expected = CODES[code].replace("%d", str(detail))
                if covered is not None:
                    text[end - 1] = covered
                found = _found(text, at, whole=code == "NO_LABEL")
                text[end - 1] = ord("\n")  # the range may be read once more
                place = _place(name, reader.line, block.column(done, at), expected, found)
                if not self.any_labels or code not in ("NO_LABEL", "ONE_LABEL"):
                    raise ValueError(place)
                self.unlabelled = place if code == "NO_LABEL" else None
                self.label_ptr = np.arange(len(self.indptr), dtype=np.int64)
                reader.multilabel = True

    def matrix(self, reader, n_features, one_based):
        """X; the arrays are used up."""
        nnz, n_rows = reader.nnz, reader.n_rows
        indices, values = self.indices, self.values
        indices.resize(nnz, refcheck=False)
        values.resize(nnz, refcheck=False)
        if one_based:
            indices -= 1
        wide = max(nnz, n_rows, n_features) > _INT32_MAX
        kind = np.int64 if wide else np.int32
        indptr = self.indptr[: n_rows + 1].astype(kind)
        X = sp.csr_matrix(
            (values, indices.astype(kind, copy=False), indptr), shape=(n_rows, n_features)
        )
        X.has_canonical_format = True  # the reader saw that each row rises
        return X

    def targets(self, reader):
        """y, and qid cut to its length."""
        if self.qid is not None:
            self.qid.resize(reader.n_rows, refcheck=False)
        self.labels.resize(reader.n_labels, refcheck=False)
        if self.label_ptr is None:
            return self.labels
        labels = self.labels.tolist()
        ptr = self.label_ptr[: reader.n_rows + 1].tolist()
        return [tuple(sorted(labels[a:b])) for a, b in pairwise(ptr)]

    def vector_or_sets(self, reader):
        """y of `any_labels`."""
        self.labels.resize(reader.n_labels, refcheck=False)
        if self.label_ptr is None:
            return self.labels
        return LabelSets(self.labels, self.label_ptr[: reader.n_rows + 1], self.unlabelled)


def _with_room(array, used, more):
    """`array`, or one that begins like it, with room for `more` entries after the first `used`.

    A small array is copied to one of four times its size, whose pages are not touched before they
    are used. A large one grows in place by half: it is moved by the page table, so that the old
    and the new one never stand side by side, but its new part is filled with zeros.
    """
    if used + more <= array.size:
        return array
    if array.nbytes < _COPIED_BYTES:
        larger = np.empty(max(used + more, 4 * array.size), dtype=array.dtype)
        larger[:used] = array[:used]
        return larger
    array.resize(max(used + more, array.size + array.size // 2), refcheck=False)
    return array


def _found(text, at, whole):
    """Text that stands at text[at], for a message; only up to a colon unless `whole`."""
    byte = text[at : at + 1]
    if byte == b"\n" or (byte == b"\r" and text[at + 1 : at + 2] == b"\n"):
        return "the end of the line"
    if byte == b"\0":
        return "a NUL byte"
    token = re.compile(rb"[^\s#\0]+" if whole else rb"[^\s:#\0]+").match(text, at, at + 40)
    found = token.group() if token else bytes(byte)
    return repr(bytes(found))[1:]
