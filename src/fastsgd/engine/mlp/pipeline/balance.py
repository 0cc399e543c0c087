"""Cuts layers into stages whose costs are as equal as they can be."""

from itertools import accumulate, pairwise


def balance(costs, n_stages):
    """Where to cut a list of costs so that the largest sum of a piece is the least possible.

    Exact, by dynamic programming over (pieces, layers) in O(n_stages * layers^2).

    Parameters
    ----------
    costs : sequence of float
        Of each layer, >= 0.
    n_stages : int
        1 to len(costs).

    Returns
    -------
    list of (int, int)
        Begin and end of each stage, none empty.

    Examples
    --------
    >>> from fastsgd.engine.mlp.pipeline.balance import balance
    >>> balance([5, 1, 1, 4], 2)
    [(0, 1), (1, 4)]
    """
    if not 1 <= n_stages <= len(costs):
        raise ValueError(f"{len(costs)} layers can be cut into 1 to {len(costs)} stages, got "
                         f"{n_stages}")
    until = [0, *accumulate(costs)]
    # best[end] = (largest sum, cuts) of the layers before `end`, in as many pieces as so far
    best = {end: (until[end], (0, end)) for end in range(1, len(costs) + 1)}
    for pieces in range(2, n_stages + 1):
        best = {end: min((max(best[cut][0], until[end] - until[cut]), (*best[cut][1], end))
                         for cut in range(pieces - 1, end))
                for end in range(pieces, len(costs) + 1)}
    return list(pairwise(best[len(costs)][1]))


def training_costs(forward):
    """Multiplications of each layer in training, from those of its forward pass.

    Its gradient takes as many again, and so does the derivative by what it is fed, which the first
    layer has no use for.
    """
    return [(2 if i == 0 else 3) * cost for i, cost in enumerate(forward)]
