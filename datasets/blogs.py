"""The blog authorship corpus as rows for a learner: log-tf-idf of the words of each post.

`blogs_bow.npz` holds how often each word is in each post, the word numbers as differences. From it

    value = (1 + ln count) idf(word),  idf(word) = 1 + ln((1 + N) / (1 + df(word))),

N and df over the training posts, and every row is scaled to length 1. The split is by blogger, the
label is the blogger's gender. Rows keep the file's order, and so stand sorted by blogger.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix

from matrix_file import load_matrix, save_matrix

VERSION = 1  # raise it with every change that alters the rows: it is part of the cache's name
N_FEATURES = 65_535
CHUNK = 1 << 15  # posts decoded at a time


def load_blogs(path, cache, dtype=np.float32):
    """(X_train, y_train, X_test, y_test) of the packed file, kept in `cache` once made.

    Parameters
    ----------
    path : path
        ``blogs_bow.npz``.
    cache : Path
        Directory; about 600 MB go there.
    dtype : float32 or float64, default=float32
        The values are made in float32 in either case, as the reference optima have them.
    """
    files = [Path(cache) / f"blogs_gender-v{VERSION}-{part}.npz" for part in ("train", "test")]
    try:
        parts = [load_matrix(file, dtype) for file in files]
    except (OSError, ValueError):  # not there yet, or damaged
        parts = make_blogs(path)
        try:
            for file, part in zip(files, parts, strict=True):
                save_matrix(file, *part)
        except OSError as error:
            warnings.warn(f"the blogs' rows are not cached: {error}", stacklevel=3)
        parts = [(X.astype(dtype, copy=False), y.astype(dtype)) for X, y in parts]
    return (*parts[0], *parts[1])


def make_blogs(path):
    """[(X_train, y_train), (X_test, y_test)] in float32, labels +1 (female) and -1."""
    with np.load(path, allow_pickle=False) as packed:
        indptr, delta, count = packed["indptr"], packed["delta"], packed["count"]
        gender, is_test = packed["gender"], packed["is_test"]
    words = _words(indptr, delta)
    length = np.diff(indptr)
    df = sum(np.bincount(words[a:b][np.repeat(~is_test[lo:hi], length[lo:hi])],
                         minlength=N_FEATURES)
             for lo, hi, a, b in _chunks(indptr))
    idf = 1 + np.log((1 + np.count_nonzero(~is_test)) / (1 + df))
    weight = 1 + np.log(np.arange(256).clip(1))
    value = np.empty(len(words), np.float32)
    for lo, hi, a, b in _chunks(indptr):
        v = weight[count[a:b]] * idf[words[a:b]]
        row = np.repeat(np.arange(hi - lo), length[lo:hi])
        v /= np.sqrt(np.bincount(row, v * v, minlength=hi - lo))[row]
        value[a:b] = v
    parts = []
    for rows in (~is_test, is_test):
        entries = np.repeat(rows, length)
        starts = np.concatenate([[0], np.cumsum(length[rows])])
        X = csr_matrix((value[entries], words[entries].astype(np.int32), starts.astype(np.int32)),
                       shape=(np.count_nonzero(rows), N_FEATURES))
        X.has_sorted_indices = X.has_canonical_format = True
        parts.append((X, gender[rows].astype(np.float32)))
    return parts


def _words(indptr, delta):
    """Word numbers: the differences of each row summed up."""
    words = np.empty(len(delta), np.uint16)
    for lo, hi, a, b in _chunks(indptr):
        total = np.cumsum(delta[a:b], dtype=np.int64)
        before = np.concatenate([[0], total])[indptr[lo:hi] - a]  # what earlier rows add up to
        words[a:b] = total - np.repeat(before, np.diff(indptr[lo:hi + 1]))
    return words


def _chunks(indptr):
    """(first row, end row, first entry, end entry) of a few ten thousand rows at a time."""
    for lo in range(0, len(indptr) - 1, CHUNK):
        hi = min(lo + CHUNK, len(indptr) - 1)
        yield lo, hi, indptr[lo], indptr[hi]
