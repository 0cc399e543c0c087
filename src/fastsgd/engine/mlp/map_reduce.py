"""``sync="map_reduce"``: a minibatch is cut into parts whose gradients are added in a fixed order.

The parts depend on the size of the minibatch alone, so any number of threads gives the same bits.
"""

import numpy as np

from fastsgd.engine.mlp.optimizer import Optimizer, share
from fastsgd.engine.mlp.parameters import Parameters
from fastsgd.engine.mlp.worker import Tally

MOST_PARTS = 4
ROWS_OF_A_PART = 32
"""A part has at least so many rows; products of fewer are slow."""


def count_parts(batch_size):
    """Into how many parts a minibatch is cut."""
    return max(1, min(MOST_PARTS, batch_size // ROWS_OF_A_PART))


class MapReduce:
    """Two rounds for each minibatch: gradients of the parts; then sums and steps by slices."""

    def __init__(self, bench, parameters, slots, team, halt):
        settings = bench.settings
        self._settings, self._examples, self._team = settings, bench.examples, team
        self._parameters, self._slots = parameters, slots
        self._size, self._n_parts = settings.batch_size, count_parts(settings.batch_size)
        part_size = -(-self._size // self._n_parts)
        self._passes = [bench.make_pass(part_size, p) for p in range(self._n_parts)]
        self._gradients = [bench.make_gradient() for _ in range(self._n_parts)]
        self._optimizer, self._tally = Optimizer(settings.rule, settings.constants), Tally()
        self._add = Union(bench) if settings.lazy else add_slices

    def run(self, order, steps):
        """See Serial.run."""
        for number, begin in enumerate(range(0, len(order), self._size)):
            self._learn(order[begin:begin + self._size], *steps.at(number, begin))
            if self._team.expired():
                break
        return self._tally.clear()

    def _learn(self, visits, eta, t):
        alpha, n, size = self._settings.alpha, len(visits), max(1, self._team.size)
        target, weight, total = self._examples.of(visits)
        if not total > 0:
            self._tally.add(0.0, 0.0, n)
            return
        losses = [0.0] * self._n_parts

        def find_gradients(rank):
            for p in range(rank, self._n_parts, size):
                part = share(n, p, self._n_parts)
                losses[p] = self._passes[p].gradient(
                    self._parameters, visits[part], target[part],
                    None if weight is None else weight[part], total, self._gradients[p])

        self._all(find_gradients)
        loss = sum(losses)
        if self._settings.penalty_is_exact and alpha:
            loss += 0.5 * alpha * self._parameters.square()
        touched = None
        if self._settings.lazy:
            touched = self._add.gather([each.inputs.touched for each in self._passes])

        def add_and_step(rank):
            gradient = self._add(self._gradients, rank, size)
            self._optimizer.step(self._parameters, gradient, self._slots, eta=eta, t=t,
                                 l2=alpha / total, touched=touched, rank=rank, size=size)

        self._all(add_and_step)
        self._tally.add(loss, total, n)

    def _all(self, task):
        if self._team.size:
            self._team.run(task)
        else:
            task(0)


def add_slices(gradients, rank, size):
    """Adds all to the first one, in their order: the slices of which `rank` takes the step."""
    total = gradients[0]
    for name in ("first", "matrices", "vectors"):
        mine = getattr(total, name)
        part = share(len(mine), rank, size)
        for other in gradients[1:]:
            mine[part] += getattr(other, name)[part]
    return total


class Union:
    """The same where each gradient holds the rows of other features."""

    def __init__(self, bench):
        self._total = Parameters(bench.units, bench.dtype, np.empty((0, bench.units[1]),
                                                                    bench.dtype))

    def gather(self, touched):
        """The features of any of the parts, in order; room for their rows."""
        self._union = np.unique(np.concatenate(touched))
        self._places = [np.searchsorted(self._union, each) for each in touched]
        if len(self._union) > len(self._total.first):
            shape = (len(self._union) + len(self._union) // 4, self._total.first.shape[1])
            self._total.first = np.empty(shape, self._total.dtype)
        return self._union

    def __call__(self, gradients, rank, size):
        """See add_slices."""
        total, rows = self._total, share(len(self._union), rank, size)
        total.first[rows] = 0
        for gradient, places in zip(gradients, self._places, strict=True):
            mine = (places >= rows.start) & (places < rows.stop)
            total.first[places[mine]] += gradient.first[mine]
        for name in ("matrices", "vectors"):
            flat = getattr(total, name)
            part = share(len(flat), rank, size)
            flat[part] = getattr(gradients[0], name)[part]
            for other in gradients[1:]:
                flat[part] += getattr(other, name)[part]
        return total
