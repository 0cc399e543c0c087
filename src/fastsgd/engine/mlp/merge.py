"""``sync="merge"``: each thread learns on a replica; every few minibatches they are averaged.

Between two merges the replicas are steps of SGD on shares of the rows (local SGD; Zinkevich et al.:
Parallelized stochastic gradient descent, 2010; McMahan et al., 2017, average the same way). The
shares and the order of sums are fixed, so the same number of threads gives the same bits. With
`lazy` only rows that were touched since the last merge are averaged, each over the replicas that
touched it, so a rare feature keeps the whole step of the one that met it.
"""

import numpy as np

from fastsgd.engine.mlp.optimizer import share
from fastsgd.engine.mlp.worker import Worker, sum_up


class Merge:
    """Rounds of `merge_every` minibatches a thread, each followed by a merge."""

    def __init__(self, bench, parameters, slots, team, halt):
        settings = bench.settings
        self._size, self._every = settings.batch_size, settings.merge_every
        self._lazy, self._team, self._halt = settings.lazy, team, halt
        self._workers = [Worker(bench, parameters, slots)] + [
            Worker(bench, parameters.copy(), [s.copy() for s in slots], rank)
            for rank in range(1, team.size)]
        self._touched = [[] for _ in self._workers]

    def run(self, order, steps):
        """See Serial.run."""
        n_batches, team, begin = -(-len(order) // self._size), self._team, 0
        while begin < n_batches and not team.expired():
            end = min(n_batches, begin + self._every * team.size)
            shares = [share(end - begin, rank, team.size) for rank in range(team.size)]

            def learn(rank, begin=begin, shares=shares):
                for number in range(begin + shares[rank].start, begin + shares[rank].stop):
                    if self._halt.asked:
                        break
                    at = number * self._size
                    touched = self._workers[rank].learn(
                        order[at:at + self._size], *steps.at(number, at))
                    if self._lazy:
                        self._touched[rank].append(touched)

            before = [worker.tally.steps for worker in self._workers]
            team.run(learn)
            weights = np.array([worker.tally.steps for worker in self._workers]) - before
            self._merge(weights)
            begin = end
        return sum_up(worker.tally.clear() for worker in self._workers)

    def _merge(self, weights):
        """Every replica, and its optimizer's state, becomes their mean."""
        if not weights.sum():
            return
        replicas = [[worker.parameters, *worker.slots] for worker in self._workers]
        union = None
        if self._lazy:
            touched = [np.unique(np.concatenate([np.empty(0, np.int64), *each]))
                       for each in self._touched]
            union = np.unique(np.concatenate(touched))
            self._touched = [[] for _ in self._workers]

        def mean(rank):
            for same in zip(*replicas, strict=True):  # the weights, then each slot
                average([each.rest for each in same], weights,
                        share(len(same[0].rest), rank, len(replicas)))
                first, rows = [each.first for each in same], share(
                    len(same[0].first if union is None else union), rank, len(replicas))
                if union is None:
                    average(first, weights, rows)
                else:
                    average_touched(first, touched, union[rows])

        if self._halt.asked:  # threads take no more work: here, by this one
            for rank in range(len(replicas)):
                mean(rank)
        else:
            self._team.run(mean)


def average(arrays, weights, part):
    """The weighted mean of a part of some arrays, in their order, written to all of them."""
    total = arrays[0][part] * arrays[0].dtype.type(weights[0] / weights.sum())
    for array, weight in zip(arrays[1:], weights[1:], strict=True):
        total += array[part] * array.dtype.type(weight / weights.sum())
    for array in arrays:
        array[part] = total


def average_touched(arrays, touched, rows):
    """The mean of some rows, each over the arrays that touched it, written to all of them."""
    if not len(rows):
        return
    total = np.zeros((len(rows), arrays[0].shape[1]), arrays[0].dtype)
    count = np.zeros((len(rows), 1), arrays[0].dtype)
    for array, own in zip(arrays, touched, strict=True):
        mine = own[np.searchsorted(own, rows[0]):np.searchsorted(own, rows[-1], "right")]
        places = np.searchsorted(rows, mine)
        total[places] += array[mine]
        count[places] += 1
    total /= count
    for array in arrays:
        array[rows] = total
