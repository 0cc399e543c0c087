"""The command `convert`: any data file as a binary cache."""

import os

import scipy.sparse as sp

from fastsgd.cli.data import read
from fastsgd.cli.outputs import where_to_print
from fastsgd.cli.show import show
from fastsgd.data.cache import save_cache
from fastsgd.output_target import is_replaced


def convert(data, cache, *, base, n_features, dtype, as_json):
    """Reads, writes, prints what is in the file."""
    X, y, base = read(data, base=base, n_features=n_features, dtype=dtype, labels=False)
    save_cache(cache, X, y, index_base=base)
    sparse = sp.issparse(X)
    show({
        "rows": X.shape[0],
        "features": X.shape[1],
        "nonzeros": int(X.indptr[-1]) if sparse else None,
        "first_feature": base,
        "dtype": str(X.dtype),
        "labels": None if y is None else str(y.dtype),
        "bytes": os.path.getsize(cache) if is_replaced(cache) else None,
        "cache": cache,
    }, as_json, where_to_print(cache))
