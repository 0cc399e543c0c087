"""Ranks that are threads, each with a part of the rows: what rows="own" is under MPI."""

from itertools import pairwise

import numpy as np
from scipy import sparse

from fastsgd.communicators import KINDS

OF_ROWS = "targets", "y", "sample_weight", "alike"


class CutPool:
    """A pool whose ranks each get a part of the rows that the estimator has.

    Parameters
    ----------
    pool : ThreadPool
    cuts : list of int
        Where the rows are cut.
    """

    kind, capabilities = "thread", KINDS["thread"]

    def __init__(self, pool, cuts):
        self._pool, self._cuts, self.world_size = pool, cuts, pool.world_size

    def run(self, task, arguments, **more):
        """As `pool.run`; the dual variables of all ranks are joined."""
        data = arguments.pop("data")
        n = len(data["dense"] if "dense" in data else data["indptr"]) - ("dense" not in data)
        edges = [slice(*pair) for pair in pairwise([0, *self._cuts, n])]
        per_rank = [{"data": part_of(data, part)} for part in edges]
        duals = None
        if "y" in data:  # of a linear model
            state = arguments["model"]
            if arguments["settings"]["solver"] == "sdca":
                duals = np.empty(n)
            for part, told in zip(edges, per_rank, strict=True):
                before = state["dual_coef"]
                told["model"] = state | {"dual_coef": None if before is None else before[part]}
                told["dual_coef"] = None if duals is None else duals[part]
        for name in per_rank[0]:
            arguments.pop(name, None)
        arguments["about"] = arguments["about"] | {"own": True}
        results = self._pool.run(task, arguments, per_rank, **more)
        if duals is not None:
            assert all("dual_coef" not in told.get("model", {}) or
                       told["model"]["dual_coef"] is None for told in results)
            results[0]["model"]["dual_coef"] = duals
        return results


def part_of(data, rows):
    """Of what `pack_rows` and its callers say of rows: that of some, a slice."""
    part = dict(data)
    for name in OF_ROWS:
        if part.get(name) is not None:
            part[name] = None if name == "alike" else part[name][rows]
    if "dense" in data:
        return part | {"dense": data["dense"][rows]}
    X = sparse.csr_array((data["data"], data["indices"], data["indptr"]),
                         tuple(data["shape"]))[rows]
    return part | {"data": X.data, "indices": X.indices, "indptr": X.indptr.astype(np.int64),
                   "shape": list(X.shape)}
