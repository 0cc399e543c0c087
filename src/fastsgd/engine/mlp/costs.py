"""The work of a network's layers on some rows, which decides whether threads pay."""

from itertools import pairwise

SYNCS = ("auto", "serial", "hogwild", "map_reduce", "merge")


def costs_of(rows, units):
    """Multiplications of each layer in a row's forward pass; the first counts non-zeros."""
    first = rows.nnz / max(1, rows.shape[0]) * units[1]
    return [first, *(a * b for a, b in pairwise(units[1:]))]


def work_of(rows, units, batch_size):
    """Multiplications of a minibatch's forward pass."""
    return batch_size * sum(costs_of(rows, units))
