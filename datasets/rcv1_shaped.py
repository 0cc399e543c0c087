"""RCV1-shaped data: rows that a learner cannot tell from RCV1 by their shape, made from a seed.

The generative story of one document:

1. It has a length (log-normal) and two topics; topic ``a`` is its subject and decides the label,
   topic ``b`` is what it mentions on the side.
2. Each word comes from the background vocabulary, from ``a`` or from ``b``. Mixed over all topics,
   the words follow RCV1's own document frequencies, so topics change who uses a word, not how
   often it is used in all.
3. The weight of a word is (1 + ln tf) · ln(1 / df), and the row is scaled to length 1.
4. A small share of the labels is turned round.

Rows are made in chunks, and chunk ``i`` depends on (seed, i) alone: the result is the same for any
number of threads, and a smaller set is the beginning of a larger one.

    python datasets/rcv1_shaped.py --rows 100000 --seed 0 --out rcv1_shaped.npz
    python datasets/rcv1_shaped.py --rows 20000 --check
"""

from __future__ import annotations

import argparse
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
from joblib import cpu_count
from scipy.sparse import csr_matrix

from matrix_file import save_matrix

VERSION = 1  # raise it with every change that alters the rows: it is part of the cache's name
N_ROWS, N_FEATURES, N_TEST = 804_414, 47_236, 23_149  # RCV1-v2 (Lewis et al. 2004)
CHUNK_ROWS = 4096

# The share of documents that hold the word of a given frequency rank, read off 20,000 stories of
# RCV1 up to rank 20,000 and continued so that as many words stay unseen in 20,000 stories.
DF_RANK = (1, 3, 10, 30, 100, 300, 1000, 3000, 10_000, 20_000, 30_000, 47_236)
DF_SHARE = (0.438, 0.343, 0.255, 0.196, 0.114, 0.0526, 0.0163, 0.0031, 3.6e-4, 7e-5, 2e-5, 3e-6)

# The rest is fitted, so that rows are as long as RCV1's and a linear SVM learns as slowly.
WORDS_LOG_MEAN, WORDS_LOG_STD, WORDS_MIN = 4.19, 0.69, 8  # words of a story, repeats counted
N_TOPICS = 50
BACKGROUND = 0.4  # share of the words that belong to no topic
KINSHIP = 0.32  # share of a topic's taste in words that it has in common with its class
SUBJECT_SHARE = (8.0, 1.0)  # Beta: of the topical words, those that come from the subject
POSITIVE_SHARE = 0.47  # CCAT's share of RCV1
LABEL_NOISE = 0.03
BACKGROUND_BITS, TOPIC_BITS = 22, 17  # log2 of the lengths of the sampling tables


class _Language(NamedTuple):
    """What all documents share. A table is sampled by one uniform draw of its index."""

    idf: np.ndarray  # (n_features,) by column
    background: np.ndarray  # (2**BACKGROUND_BITS,) columns
    topics: np.ndarray  # (N_TOPICS, 2**TOPIC_BITS) columns
    topic_cdf: np.ndarray  # (N_TOPICS,)
    topic_label: np.ndarray  # (N_TOPICS,) +1 or -1


def _sampling_table(p, bits, column):
    """Column numbers, each as often as its probability asks for; and the share each one got."""
    edges = np.rint(np.cumsum(p) * (2**bits / p.sum())).astype(np.int64)
    count = np.diff(edges, prepend=0)
    return np.repeat(column, count), count / 2**bits


def _balanced_labels(size, rng):
    """A class for each topic such that the positive topics hold POSITIVE_SHARE of the documents.

    Largest topics first, each to the class that lacks more.
    """
    label = np.empty(len(size), dtype=np.int8)
    lack = {1: POSITIVE_SHARE, -1: 1 - POSITIVE_SHARE}
    for t, s in enumerate(size):
        first, second = (1, -1) if rng.random() < 0.5 else (-1, 1)
        label[t] = first if lack[first] >= lack[second] else second
        lack[int(label[t])] -= s
    return label


def _make_language(n_features, seed):
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0,)))
    rank = np.linspace(1, N_FEATURES, n_features)
    df = np.exp(np.interp(np.log(rank), np.log(DF_RANK), np.log(DF_SHARE)))
    # A word drawn x times in an average document is in 1 - (1 + x/k)^-k of the documents, where
    # lengths are spread as a gamma distribution of shape k = 1 / (variance / mean^2).
    k = 1 / np.expm1(WORDS_LOG_STD**2)
    p = k * ((1 - df) ** (-1 / k) - 1)
    p /= p.sum()
    column = rng.permutation(n_features).astype(np.min_scalar_type(n_features - 1))

    size = 1.0 / (np.arange(N_TOPICS) + 4.0)
    size /= size.sum()
    # Common words are used alike everywhere, rare ones belong to few topics.
    spread = np.interp(np.log(rank), np.log([1, 100, 2000]), [0.3, 1.0, 2.0])
    label = _balanced_labels(size, rng)
    shared = {1: rng.standard_normal(n_features), -1: rng.standard_normal(n_features)}
    topics = np.empty((N_TOPICS, 2**TOPIC_BITS), dtype=column.dtype)
    topical = np.zeros(n_features)
    for t in range(N_TOPICS):
        taste = KINSHIP**0.5 * shared[int(label[t])]
        taste += (1 - KINSHIP) ** 0.5 * rng.standard_normal(n_features)
        q = p * np.exp(spread * taste - spread**2 / 2)
        topics[t], got = _sampling_table(q, TOPIC_BITS, column)
        topical += size[t] * got
    # What the topics use too often, the background uses less.
    rest = np.maximum(p - (1 - BACKGROUND) * topical, 0.1 * BACKGROUND * p)

    idf = np.empty(n_features)
    idf[column] = -np.log(df)
    return _Language(
        idf=idf,
        background=_sampling_table(rest, BACKGROUND_BITS, column)[0],
        topics=topics,
        topic_cdf=np.cumsum(size),
        topic_label=label,
    )


def _make_chunk(language, seed, chunk, dtype):
    """Rows chunk·CHUNK_ROWS and on: (row lengths, columns, values, labels, topics)."""
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(1, chunk)))
    n = CHUNK_ROWS
    draw = rng.random((n, 2)) * language.topic_cdf[-1]
    topic = np.searchsorted(language.topic_cdf, draw, side="right").astype(np.int16)
    y = language.topic_label[topic[:, 0]]
    y = np.where(rng.random(n) < LABEL_NOISE, -y, y)

    words = np.exp(WORDS_LOG_MEAN + WORDS_LOG_STD * rng.standard_normal(n))
    words = np.maximum(words.astype(np.int64), WORDS_MIN)
    n_background = rng.binomial(words, BACKGROUND)
    n_subject = rng.binomial(words - n_background, rng.beta(*SUBJECT_SHARE, size=n))
    n_side = words - n_background - n_subject

    # A word of a document is one number, document << bits | column: sorting these brings the
    # repeats of a word together, in column order within each document.
    bits = int(language.idf.size - 1).bit_length()
    document = np.arange(n, dtype=np.uint32) << np.uint32(bits)
    keys = [
        np.repeat(document, n_background)
        | language.background[
            rng.integers(2**BACKGROUND_BITS, size=n_background.sum(), dtype=np.uint32)
        ]
    ]
    table = language.topics.ravel()
    for t, count in ((topic[:, 0], n_subject), (topic[:, 1], n_side)):
        at = rng.integers(2**TOPIC_BITS, size=count.sum(), dtype=np.uint32)
        at += np.repeat(t.astype(np.uint32) << np.uint32(TOPIC_BITS), count)
        keys.append(np.repeat(document, count) | table[at])
    key = np.concatenate(keys)
    key.sort()
    first = np.flatnonzero(np.concatenate(([True], key[1:] != key[:-1])))
    tf = np.diff(first, append=key.size)
    key = key[first]

    row = key >> np.uint32(bits)
    columns = (key & np.uint32(2**bits - 1)).astype(np.int32)
    values = (1 + np.log(np.arange(1, tf.max() + 1)))[tf - 1] * language.idf[columns]
    start = np.searchsorted(row, np.arange(n, dtype=np.uint32))
    lengths = np.diff(start, append=row.size)
    values *= np.repeat(1 / np.sqrt(np.add.reduceat(values * values, start)), lengths)
    return lengths, columns, values.astype(dtype), y, topic


def make_rcv1_shaped(
    n_rows=N_ROWS,
    n_features=N_FEATURES,
    seed=0,
    dtype=np.float32,
    n_jobs=None,
    return_topics=False,
):
    """Make RCV1-shaped data.

    Parameters
    ----------
    n_rows : int, default=804_414
        Documents. The first rows do not depend on it.
    n_features : int, default=47_236
        Words, 1,000 to 1,048,576. Another number than RCV1's stretches the curve of frequencies.
    seed : int, default=0
        The same seed gives the same rows, for one version of this file and of NumPy.
    dtype : float32 or float64, default=float32
        Type of the values.
    n_jobs : int or None, default=None
        Threads; None takes the cores that the process may use. The rows do not depend on it.
    return_topics : bool, default=False
        Also return the topics.

    Returns
    -------
    X : csr_matrix of shape (n_rows, n_features)
        Rows of length 1, about 76 entries each, int32 indices sorted within each row.
    y : ndarray of shape (n_rows,), of ``dtype``
        +1.0 or -1.0; about 47 % are +1.
    topics : ndarray of shape (n_rows, 2), int16
        Subject and side topic, 0 to 49. Only with ``return_topics=True``.

    Examples
    --------
    >>> X, y = make_rcv1_shaped(1000, seed=0)
    >>> X.shape
    (1000, 47236)
    """
    if n_rows < 1:
        raise ValueError(f"n_rows must be at least 1, got {n_rows}")
    if not 1000 <= n_features <= 2**20:
        raise ValueError(f"n_features must be from 1,000 to 1,048,576, got {n_features}")
    if np.dtype(dtype) not in (np.float32, np.float64):
        raise ValueError(f"dtype must be float32 or float64, got {np.dtype(dtype)}")

    language = _make_language(n_features, seed)
    with ThreadPoolExecutor(n_jobs or cpu_count()) as pool:
        parts = list(
            pool.map(
                lambda chunk: _make_chunk(language, seed, chunk, dtype),
                range(-(-n_rows // CHUNK_ROWS)),
            )
        )
    lengths, indices, data, y, topics = (list(part) for part in zip(*parts, strict=True))
    del parts
    indptr = np.concatenate([[0], np.cumsum(np.concatenate(lengths)[:n_rows])])
    nnz = int(indptr[-1])
    indptr = indptr.astype(np.int32 if nnz < 2**31 else np.int64)
    indices, data = _joined(indices, nnz), _joined(data, nnz)  # one after the other: less memory
    X = csr_matrix((data, indices.astype(indptr.dtype, copy=False), indptr), (n_rows, n_features))
    X.has_sorted_indices = X.has_canonical_format = True
    y = np.concatenate(y)[:n_rows].astype(dtype)
    return (X, y, np.concatenate(topics)[:n_rows]) if return_topics else (X, y)


def _joined(parts, size):
    """Concatenate and cut to size, freeing each part on the way."""
    out = np.empty(size, dtype=parts[0].dtype)
    at = 0
    parts.reverse()
    while parts:
        part = parts.pop()[: size - at]
        out[at : at + part.size] = part
        at += part.size
    return out


def n_test_rows(n_rows):
    """Rows at the end that are the test set: 23,149 of 804,414, and in proportion."""
    return max(1, round(n_rows * N_TEST / N_ROWS))


def main(argv=None):
    parser = argparse.ArgumentParser(
        description="Make data of RCV1's shape: same size, density, word frequencies, difficulty.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--rows", type=int, default=N_ROWS, help="documents, test rows included")
    parser.add_argument("--seed", type=int, default=0, help="of the random numbers")
    parser.add_argument("--n-jobs", type=int, help="threads (default: all cores)")
    parser.add_argument("--out", type=Path, metavar="FILE.npz", help="where to write it")
    parser.add_argument(
        "--check", action="store_true", help="print the shape, beside real RCV1's if it is found"
    )
    args = parser.parse_args(argv)
    if not (args.out or args.check):
        parser.error("nothing to do: give --out FILE.npz, or --check to look at the shape")
    try:
        start = time.perf_counter()
        X, y = make_rcv1_shaped(args.rows, seed=args.seed, n_jobs=args.n_jobs)
        seconds = time.perf_counter() - start
        print(f"{X.shape[0]:,} rows, {X.nnz:,} non-zeros in {seconds:.1f} s", file=sys.stderr)
        if args.out:
            save_matrix(args.out, X, y)
            print(f"written: {args.out}", file=sys.stderr)
    except (ValueError, OSError) as error:
        print(f"rcv1_shaped: {error}", file=sys.stderr)
        return 1
    if args.check:
        from shape import compare_with_rcv1

        print(compare_with_rcv1(X, y))
    return 0


if __name__ == "__main__":
    sys.exit(main())
