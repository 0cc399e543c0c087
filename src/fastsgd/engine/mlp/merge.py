"""``sync="merge"``: each thread learns on a replica; every few minibatches they are averaged.

Between two merges the replicas are steps of SGD on shares of the rows (local SGD; Zinkevich et
al.: Parallelized stochastic gradient descent, 2010; McMahan et al., 2017, average the same way).
Shares and the order of sums are fixed, so the same number of threads gives the same bits. Steps
that threads take side by side have the same number t. With `lazy` only rows that were touched
since the last merge are averaged, each over the replicas that touched it, so a rare feature keeps
the whole step of the one that met it.
"""

import numpy as np

from fastsgd.engine.mlp.minibatch import Worker, sum_up
from fastsgd.engine.mlp.optimizer import Stepper, share

NONE = np.empty(0, np.int64)


class Merge:
    """Rounds of `merge_every` minibatches a thread, each followed by a merge."""

    def __init__(self, bench, parameters, momenta, team, halt):
        self._settings = settings = bench.settings
        self._size, self._team, self._halt = settings.batch_size, team, halt
        self._workers = [Worker(bench, parameters, momenta)] + [
            Worker(bench, parameters.copy(), momenta.copy(), rank)
            for rank in range(1, team.size)]
        self.replicas = [(worker.parameters, worker.momenta) for worker in self._workers]
        self._stepper, self._done = Stepper(settings.rule), 0

    def run(self, order, steps):
        """See Serial.run; the steps counted are those that follow each other."""
        n_batches, team, begin = -(-len(order) // self._size), self._team, 0
        while begin < n_batches and not team.expired():
            end = min(n_batches, begin + self._settings.merge_every * team.size)
            shares = [share(end - begin, rank, team.size) for rank in range(team.size)]
            touched = [[NONE] for _ in shares]

            def learn(rank, begin=begin, done=self._done, shares=shares, touched=touched):
                for i, number in enumerate(range(shares[rank].start, shares[rank].stop)):
                    if self._halt.asked:
                        break
                    at = (begin + number) * self._size
                    eta, _ = steps.at(begin + number, at)
                    found = self._workers[rank].learn(
                        order[at:at + self._size], eta, steps.first + done + i)
                    if found is not None:
                        touched[rank].append(found)

            before = [worker.tally.steps for worker in self._workers]
            team.run(learn)
            counts = np.array([worker.tally.steps for worker in self._workers]) - before
            self._done += int(counts.max())
            self._merge(counts, touched, steps.at(begin, begin * self._size)[0],
                        steps.first + self._done)
            begin = end
        return self.take_tally()

    def take_tally(self):
        """See Serial.take_tally."""
        tally = sum_up(worker.tally.clear() for worker in self._workers)
        tally.steps, self._done = self._done, 0
        return tally

    def _merge(self, counts, touched, eta, t):
        """Every replica, and its optimizer's state, becomes their mean; t is the next step."""
        if not counts.sum():
            return
        lazy, size = self._settings.lazy, len(self._workers)
        replicas = [[worker.parameters, *worker.momenta.slots] for worker in self._workers]
        if lazy:
            touched = [np.unique(np.concatenate(each)) for each in touched]
            union = np.unique(np.concatenate(touched))

        def settle(rank):
            worker = self._workers[rank]
            self._stepper.settle(worker.parameters, worker.momenta, eta=eta, t=t, touched=union,
                                   l2=self._settings.penalty.l2 / self._size)

        def mean(rank):
            for same in zip(*replicas, strict=True):  # the weights, then each slot
                first = [each.first for each in same]
                average([each.rest for each in same], counts,
                        share(len(same[0].rest), rank, size))
                if lazy:
                    average_touched(first, touched, union[share(len(union), rank, size)])
                else:
                    average(first, counts, share(len(first[0]), rank, size))

        for task in (settle, mean) if lazy else (mean,):
            if self._halt.asked:  # the threads are to take no more work
                for rank in range(size):
                    task(rank)
            else:
                self._team.run(task)
        if lazy:
            for worker in self._workers:
                worker.momenta.last[union] = t - 1


def average(arrays, counts, part):
    """The mean of a part of some arrays, by their counts, in order; written to all of them."""
    total = arrays[0][part] * arrays[0].dtype.type(counts[0] / counts.sum())
    for array, count in zip(arrays[1:], counts[1:], strict=True):
        total += array[part] * array.dtype.type(count / counts.sum())
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
