"""Ranks that are threads, each with a part of the rows: what rows="own" is under MPI."""

from itertools import pairwise

import numpy as np
from scipy import sparse

OF_ROWS = "targets", "sample_weight"


class CutPool:
    """A pool whose ranks each get a part of the rows that the estimator has.

    Parameters
    ----------
    pool : ThreadPool
    cuts : list of int
        Where the rows are cut.
    """

    kind = "thread"

    def __init__(self, pool, cuts):
        self._pool, self._cuts, self.world_size = pool, cuts, pool.world_size

    def run(self, task, arguments, **more):
        """As `pool.run`."""
        data = arguments.pop("data")
        n = len(data["dense"] if "dense" in data else data["indptr"]) - ("dense" not in data)
        per_rank = [{"data": part_of(data, begin, end)}
                    for begin, end in pairwise([0, *self._cuts, n])]
        return self._pool.run(task, {**arguments, "own": True}, per_rank, **more)


def part_of(data, begin, end):
    """Of what `pack_rows` and its callers say of rows: that of some."""
    part = dict(data)
    for name in OF_ROWS:
        if part.get(name) is not None:
            part[name] = part[name][begin:end]
    if "dense" in data:
        return part | {"dense": data["dense"][begin:end]}
    X = sparse.csr_array((data["data"], data["indices"], data["indptr"]),
                         tuple(data["shape"]))[begin:end]
    return part | {"data": X.data, "indices": X.indices, "indptr": X.indptr.astype(np.int64),
                   "shape": list(X.shape)}
