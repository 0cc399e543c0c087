"""``sync="map_reduce"``: threads share each minibatch, and then the step that follows from it.

Map: the minibatch is cut into parts of its rows; a part's forward and backward pass leaves its
values and derivatives in the buffers of the whole. Reduce: the weights are cut into slices; the
gradient of a slice is one product over all rows, and its step follows while it is in the cache. No
gradients are added up. Both cuts depend on shapes alone, so any number of threads gives the same
bits. Threads take whichever part or slice is next, and meet after each phase.
"""

from functools import partial
from itertools import count, pairwise

import numpy as np

from fastsgd.engine.mlp.minibatch import Tally, check_step
from fastsgd.engine.mlp.optimizer import Stepper, share
from fastsgd.engine.mlp.steps import minibatches
from fastsgd.kernels.meeting import Meeting

MOST_PARTS = 16
ROWS_OF_A_PART = 48
"""A part has at least so many rows: products of fewer are slow (measured on MNIST, minibatches of
200: 2 parts cost 7 % more than none, 4 parts 20 %)."""

WEIGHTS_OF_A_SLICE = 8192
"""A matrix is cut into as many slices as there are parts, of so many weights or more."""


def count_parts(batch_size):
    """Into how many parts a minibatch is cut: a power of two, so that threads share alike."""
    parts = 1
    while parts < MOST_PARTS and 2 * parts * ROWS_OF_A_PART <= batch_size:
        parts *= 2
    return parts


class MapReduce:
    """All threads go through the epoch together; the first of them prepares each minibatch."""

    def __init__(self, bench, parameters, momenta, team, halt):
        settings = self.settings = bench.settings
        self._examples, self._team, self._halt = bench.examples, team, halt
        self.parameters, self.momenta = parameters, momenta
        self.replicas = [(parameters, momenta)]
        n_parts = count_parts(settings.batch_size)
        self._masks = [bench.make_masks(-(-settings.batch_size // n_parts), p)
                       for p in range(n_parts)]
        self.inputs = (bench.make_dense_input(settings.batch_size, None) if bench.dense
                       else bench.make_sparse_input())
        self.whole = bench.make_pass_of(
            self.inputs, 0, len(bench.units) - 1, settings.batch_size, self._masks[0])
        self._parts = self.cut_rows(settings.batch_size)
        self.n_slices = n_parts
        self.slices = cut_weights(bench.units, settings.lazy, n_parts)
        self.gradient, self.scatters = bench.make_gradient(), not (bench.dense or settings.lazy)
        if self.scatters:
            self.gradient.first.fill(0)
        self.stepper, self.exact = Stepper(settings.rule), settings.penalty.l2 > 0
        self._tally, self._meeting = Tally(), Meeting(max(1, team.size))

    def cut_rows(self, n):
        """[(rows, Pass)] of the parts of a minibatch of n rows."""
        if n == self.settings.batch_size and hasattr(self, "_parts"):
            return self._parts
        n_parts = min(len(self._masks), n)
        cut = [share(n, p, n_parts) for p in range(n_parts)]
        return [(rows, self.whole.part(rows, self.inputs.part(rows, masks), masks))
                for rows, masks in zip(cut, self._masks, strict=False)]

    def run(self, order, steps):
        """See Serial.run."""
        self._square = self.parameters.square() if self.exact else 0.0
        self._minibatches, self._now = minibatches(order, self.settings.batch_size, steps), None
        if self._team.size:
            self._team.run(self._work)
        else:
            self._work(0)
        return self.take_tally()

    def take_tally(self):
        """See Serial.take_tally."""
        return self._tally.clear()

    def _work(self, rank):
        """Work of one thread in an epoch."""
        before = None
        try:
            while True:
                if rank == 0:
                    self._now = self._prepare()
                if not self._meeting.wait():  # all work on the minibatch before has ended
                    return
                now = self._now
                if rank == 0 and before is not None:
                    self._count(before)
                if now is None:
                    return
                for i, (jobs, numbers) in enumerate(now.phases):
                    if i and not self._meeting.wait():
                        return
                    while (k := next(numbers)) < len(jobs):  # no two threads get the same
                        jobs[k]()
                before = now
        except BaseException:  # nobody may wait for this thread
            self._meeting.leave()
            raise

    def _prepare(self):
        """The next minibatch as a `Batch`; None: the epoch, or the time, is over."""
        if self._halt.asked or (not self._team.size and self._team.expired()):
            return None
        for visits, eta, t in self._minibatches:
            target, weight, total = self._examples.of(visits)
            if total > 0:
                return Batch(self, visits, target, weight, total, eta, t)
            self._tally.add(0.0, 0.0, len(visits))
        return None

    def _count(self, batch):
        """Adds up what the threads have found, in a fixed order."""
        loss = sum(batch.losses)
        if self.exact:
            loss += self.settings.penalty.value_of_square(self._square)
        self._square += sum(batch.changes)
        self._tally.add(loss, batch.total, len(batch.visits))


class Batch:
    """The work on one minibatch.

    Attributes
    ----------
    phases : list of (jobs, numbers)
        Threads take the next of the numbers and do that job; they meet between two phases.
    losses : list of float
        Sums of the weighted losses, by part.
    changes : list of float
        Of the sum of squares of the weights, by slice.
    """

    def __init__(self, run, visits, target, weight, total, eta, t):
        self._run, self.visits, self.total = run, visits, total
        self._target, self._weight = target, weight
        self._constants = run.stepper.constants(eta, t, run.settings.penalty.l2 / total)
        parts = run.cut_rows(len(visits))
        self.losses, self.changes = [0.0] * len(parts), [0.0] * len(run.slices)
        phases = [[self._join] + [partial(self._map, p, *part) for p, part in enumerate(parts)]]
        if run.scatters:
            phases.append([partial(self._scatter, k) for k in range(run.n_slices)])
        if run.settings.guards:
            phases.append([partial(self._check, eta, t)])
        phases.append([partial(self._reduce, k, *one) for k, one in enumerate(run.slices)]
                      + [self._reduce_vectors])
        self.phases = [(jobs, count()) for jobs in phases]

    def _join(self):
        """Prepare what the first layer needs of the minibatch as a whole."""
        run, before = self._run, self._run.inputs.touched
        run.inputs.join(self.visits)
        if run.scatters and before is not None:
            run.gradient.first[before] = 0
        if run.inputs.touched is not None:
            self._cut = run.inputs.layer.split(run.n_slices)

    def _map(self, p, rows, one):
        """Forward and backward through one part of the rows."""
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # of each thread
            one.inputs.begin(self.visits[rows])
            z = one.forward(self._run.parameters, rows.stop - rows.start)
            self.losses[p] = one.derive(
                z, self._target[rows], None if self._weight is None else self._weight[rows],
                self.total)
            one.backward(self._run.parameters, z)

    def _scatter(self, k):
        """The gradient of some touched features, where all weights are to move."""
        delta = self._run.whole.delta(0, len(self.visits))
        self._run.inputs.scatter(delta, self._run.gradient, *self._cut[k:k + 2])

    def _reduce(self, k, layer, part):
        """The gradient of a slice of a matrix over all rows, and its step."""
        run, n = self._run, len(self.visits)
        if layer:
            run.whole.weigh(layer, part, n, run.gradient)
        elif run.settings.lazy:
            run.inputs.delta, part = run.whole.delta(0, n), slice(*self._cut[part:part + 2])
        elif not run.scatters:
            run.inputs.backward(run.whole.delta(0, n), run.gradient, part)
        self.changes[k] = run.stepper.step_matrix(
            layer, part, run.parameters, run.gradient, run.momenta, run.inputs, self._constants,
            run.exact)

    def _sum_vectors(self):
        """The gradient of all intercepts."""
        run, n = self._run, len(self.visits)
        with np.errstate(over="ignore", invalid="ignore"):
            for layer, out in enumerate(run.gradient.intercepts):
                run.whole.delta(layer, n).sum(axis=0, out=out)

    def _check(self, eta, t):
        """Before any step: none is taken by what is not finite."""
        self._sum_vectors()
        check_step(sum(self.losses), [self._run.gradient], eta, t)

    def _reduce_vectors(self):
        """The gradient of all intercepts, and their step."""
        run = self._run
        self._sum_vectors()
        run.stepper.step_vectors(run.parameters, run.gradient, run.momenta, self._constants)


def cut_weights(units, lazy, most):
    """[(layer, rows)] of all slices of the matrices; of a lazy first one the slices' numbers."""
    slices = []
    for layer, (below, above) in enumerate(pairwise(units)):
        if layer == 0 and lazy:
            slices += [(0, k) for k in range(most)]
            continue
        pieces = max(1, min(most, below, below * above // WEIGHTS_OF_A_SLICE))
        slices += [(layer, share(below, k, pieces)) for k in range(pieces)]
    return slices
