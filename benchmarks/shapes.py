"""The data of race, scaling and sync by name, so that a fresh process can be told what to load.

`problem("rcv1_shaped:100000")` is 100,000 rows of it; the names are `SHAPES`' keys.
"""

import numpy as np
from scipy import sparse

from harness import sources

ALPHA = 1e-4


def problem(name):
    """The `sources.Dataset` that `name` stands for: a key of SHAPES, with ":rows" if fewer."""
    key, _, rows = name.partition(":")
    if key not in SHAPES:
        raise ValueError(f"unknown data {name!r}; known are {', '.join(SHAPES)}")
    return SHAPES[key](int(rows) if rows else None)


def _rcv1(rows):
    parts = sources.load("rcv1_ccat", np.float32)
    return _cut(sources.Dataset(*parts, "RCV1 sample", "real stories, label CCAT"), rows)


def _rcv1_shaped(rows):
    return _cut(sources.rcv1(size="full"), rows, slice(rows))  # as if so few had been made


def _blogs(rows):
    parts = sources.load("blogs", np.float32)
    return _cut(sources.Dataset(*parts, "Blogs", "real posts, label gender"), rows)


def _news20(rows):
    parts = sources.load("news20", np.float32)
    return _cut(sources.Dataset(*parts, "20 newsgroups", "real posts, 20 classes"), rows)


def _two_classes(name):
    def make(rows):
        X, y, X_test, y_test = sources.load(name, np.float32)
        if X_test is None:
            X_test, y_test = X[:0], y[:0]
        return _cut(sources.Dataset(X, y, X_test, y_test, name, "real rows, two classes"), rows)
    return make


def _cut(data, rows, chosen=None):
    """Fewer training rows, evenly taken: blogs stand sorted by blogger, newsgroups by class."""
    n = data.X_train.shape[0]
    if rows is None or rows >= n:
        return data
    if chosen is None:
        chosen = np.linspace(0, n - 1, rows).astype(int)
    return data._replace(X_train=data.X_train[chosen], y_train=data.y_train[chosen],
                         note=f"{data.note}; {rows:,} of its {n:,} training rows")


def zipf(n_features, n_rows=300_000, per_row=50, seed=0):
    """Rows whose features follow Zipf's law with exponent 1, their numbers scattered by chance.

    The label is the sign of a fixed normal weighting of the features; 5 % are turned round.
    Scattered numbers are as hashing gives them: no two busy features share a cache line but by
    chance. Features that a row drew twice add up, so a row has a few less than `per_row`.
    """
    rng = np.random.default_rng(seed)
    number = rng.permutation(n_features).astype(np.int32)
    rank = np.exp(rng.random(n_rows * per_row) * np.log(n_features)).astype(np.int64) - 1
    X = sparse.csr_matrix(
        (np.ones(n_rows * per_row, np.float32), number[rank.clip(0, n_features - 1)],
         np.arange(n_rows + 1, dtype=np.int32) * per_row), shape=(n_rows, n_features))
    X.sum_duplicates()
    norm = np.sqrt(np.asarray(X.multiply(X).sum(axis=1)).ravel())
    X.data /= np.repeat(norm, np.diff(X.indptr)).astype(np.float32)
    score = X @ rng.standard_normal(n_features, dtype=np.float32)
    y = np.where((score > np.median(score)) ^ (rng.random(n_rows) < 0.05), 1, -1)
    return X, y.astype(np.float32)


def _zipf(n_features):
    def make(rows):
        X, y = zipf(n_features, *((rows,) if rows else ()))
        note = f"generated: Zipf features, {X.shape[0]:,} rows x {n_features:,}, seed 0"
        return sources.Dataset(X, y, X[:0], y[:0], f"Zipf, {n_features:,} features", note)
    return make


def random_rows(n, d, density):
    """Normal rows (density None: dense) with a linear label; the small problems of epoch.py."""
    rng = np.random.default_rng(0)
    X = (sparse.random_array((n, d), density=density, format="csr", rng=rng, dtype=np.float64)
         if density else rng.standard_normal((n, d)))
    return X, np.where(X @ rng.standard_normal(d) > 0, 1.0, -1.0)


def _random(n, d, density):
    def make(rows):
        X, y = random_rows(rows or n, d, density)
        kind = f"{density:.0%} filled" if density else "dense"
        name = f"{rows or n:,} x {d:,} {kind}"
        return sources.Dataset(X, y, X[:0], y[:0], name, "generated: normal values, linear label")
    return make


SHAPES = {
    "rcv1": _rcv1,
    "rcv1_shaped": _rcv1_shaped,
    "blogs": _blogs,
    "news20": _news20,
    **{name: _two_classes(name) for name in ("a9a", "w8a", "frappe", "mushrooms")},
    "zipf_200k": _zipf(200_000),
    "zipf_1m": _zipf(1_000_000),
    "zipf_5m": _zipf(5_000_000),
    "zipf_20m": _zipf(20_000_000),
    "small_dense": _random(1000, 20, None),
    "small_sparse": _random(2000, 5000, 0.01),
}
