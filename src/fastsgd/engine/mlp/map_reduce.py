"""``sync="map_reduce"``: a minibatch is cut into parts whose gradients are added in a fixed order.

The parts depend on the size of the minibatch alone, so any number of threads gives the same bits.
The lazy first layer needs no sum: the gradient of a feature is one sum over all rows, and threads
share the features (`SparseLayer.descend`).
"""

import numpy as np

from fastsgd.engine.mlp.inputs import ForwardOnly
from fastsgd.engine.mlp.optimizer import Stepper, share
from fastsgd.engine.mlp.steps import minibatches
from fastsgd.engine.mlp.worker import Tally, check_step

MOST_PARTS = 4
ROWS_OF_A_PART = 32
"""A part has at least so many rows; products of fewer are slow."""


def count_parts(batch_size):
    """Into how many parts a minibatch is cut."""
    return max(1, min(MOST_PARTS, batch_size // ROWS_OF_A_PART))


SLICES = 4
"""The weights are cut into so many for the step, whatever the threads."""


class MapReduce:
    """Two rounds for each minibatch: gradients of the parts; then sums and steps by slices."""

    def __init__(self, bench, parameters, momenta, team, halt):
        settings = bench.settings
        self._settings, self._examples, self._team = settings, bench.examples, team
        self._parameters, self._momenta = parameters, momenta
        self.replicas = [(parameters, momenta)]
        self._size, self._n_parts = settings.batch_size, count_parts(settings.batch_size)
        part_size = -(-self._size // self._n_parts)
        self._inputs, self._deltas = [None] * self._n_parts, None
        if settings.lazy:
            self._whole = bench.make_sparse_input()
            self._deltas = np.empty((self._size, bench.units[1]), bench.dtype)
            self._inputs = [ForwardOnly(self._whole.layer) for _ in range(self._n_parts)]
        self._passes = [bench.make_pass(part_size, p, inputs=self._inputs[p])
                        for p in range(self._n_parts)]
        self._gradients = [bench.make_gradient() for _ in range(self._n_parts)]
        self._stepper, self._tally = Stepper(settings.rule), Tally()
        self._exact = settings.alpha > 0

    def run(self, order, steps):
        """See Serial.run."""
        self._square = self._parameters.square() if self._exact else 0.0
        for minibatch in minibatches(order, self._size, steps):
            self._learn(*minibatch)
            if self._team.expired():
                break
        return self.take_tally()

    def take_tally(self):
        """See Serial.take_tally."""
        return self._tally.clear()

    def _learn(self, visits, eta, t):
        alpha, n, size = self._settings.alpha, len(visits), max(1, self._team.size)
        target, weight, total = self._examples.of(visits)
        if not total > 0:
            self._tally.add(0.0, 0.0, n)
            return
        n_parts = min(self._n_parts, n)
        losses, changes = [0.0] * n_parts, [0.0] * SLICES
        lazy, inputs = self._settings.lazy, self._passes[0].inputs

        def find_gradients(rank):
            if lazy and rank == size - 1:  # which has the fewest parts
                self._whole.begin(visits)
            for p in range(rank, n_parts, size):
                part, one = share(n, p, n_parts), self._passes[p]
                if lazy:
                    one.leave_delta_in(self._deltas[part])
                one.inputs.begin(visits[part])
                losses[p] = one.gradient(
                    self._parameters, target[part], None if weight is None else weight[part],
                    total, self._gradients[p])

        self._all(find_gradients)
        loss, cut = sum(losses), None
        if self._settings.guards:
            check_step(loss, self._gradients[:n_parts], eta, t)
        if lazy:
            self._whole.delta = self._deltas[:n]
            inputs, cut = self._whole, self._whole.layer.split(SLICES)
        if self._exact:
            loss += 0.5 * alpha * self._square

        def add_and_step(rank):
            for k in range(rank, SLICES, size):
                add_up(self._gradients[:n_parts], k, SLICES, with_first=not lazy)
                changes[k] = self._stepper.step(
                    self._parameters, self._gradients[0], self._momenta, inputs, eta=eta,
                    t=t, l2=alpha / total, rank=k, size=SLICES, cut=cut, squares=self._exact)

        self._all(add_and_step)
        self._square += sum(changes)
        self._tally.add(loss, total, n)

    def _all(self, task):
        if self._team.size:
            self._team.run(task)
        else:
            task(0)


def add_up(gradients, rank, size, with_first):
    """Adds all to the first one, in their order: one slice of all arrays."""
    for name in ("first", "matrices", "vectors")[not with_first:]:
        total = getattr(gradients[0], name)
        part = share(len(total), rank, size)
        for other in gradients[1:]:
            total[part] += getattr(other, name)[part]
