"""Local SGD: each worker steps by itself for a while, then the weights are averaged.

Zinkevich, Weimer, Li, Smola: Parallelized SGD, 2010 (one average at the end); Stich: Local SGD
converges fast and communicates little, 2019 (an average every H steps). An epoch's order is that
of one process; of each stretch of it every rank takes a part, so rows sorted by label do no harm.
"""

from dataclasses import replace

import numpy as np

from fastsgd.engine.deadline import NEVER
from fastsgd.engine.exchange import Exchange
from fastsgd.engine.linear.progress import make_run, objective_of
from fastsgd.engine.linear.sgd import make_epoch, make_trainer, store
from fastsgd.engine.linear.visiting import block_rows, visiting_order
from fastsgd.engine.peers import grown
from fastsgd.engine.team import Team, serial_chunk
from fastsgd.kernels import order, tables
from fastsgd.schedules import of_one_worker

AVERAGES_OF_AN_EPOCH = 16
"""Where `local_steps` is not given (measured, docs/workers.md)."""


class Dealer:
    """Cuts the order of an epoch into rounds, and each round among the ranks, by whole blocks."""

    def __init__(self, rows, settings, seed, subset, peers):
        self._rows, self._settings, self._seed = rows, settings, seed
        self._subset, self._peers = subset, peers
        self._own = rows.shape[0] if subset is None else len(subset)
        self.n_visits = sum(peers.counts(self._own))
        self._size = block_rows(rows, settings.shuffle)
        steps = settings.local_steps or max(
            tables.TILE, -(-self.n_visits // (AVERAGES_OF_AN_EPOCH * peers.size)))
        self.n_rounds = max(1, -(-self.n_visits // (steps * peers.size)))

    def rounds(self, epoch):
        """The rows of this rank in each round of an epoch: int64 arrays."""
        blocks, row = visiting_order(self._settings.shuffle, self._seed, epoch,
                                     self._rows.shape[0], self._size, self._subset)
        n = self._own if blocks is None else len(blocks)
        for k in range(self.n_rounds):
            begin, end = n * k // self.n_rounds, n * (k + 1) // self.n_rounds
            mine = self._peers.share(end - begin)
            begin, end = begin + mine.start, begin + mine.stop
            if blocks is not None:
                yield order.expand(blocks[begin:end], self._size, self._rows.shape[0])
            else:
                yield np.arange(begin, end) if row is None else row[begin:end]


class Average:
    """The average of the ranks' models, weighted by the rows that each has visited since the last.

    Each rank sends its weights (with L1 also what clipping has taken) in their own type, and six
    numbers. Sums of weights, of ASGD, are added up.
    """

    def __init__(self, state, pairs, peers):
        self._peers = peers
        self._models = Exchange(peers, state.weights.dtype)
        self._parts = self._models.allocate(*[len(state.weights)] * (1 + pairs))
        self._numbers, self._sums = Exchange(peers), Exchange(peers)

    def begin(self, state):
        """Before a round: of sums that all ranks have alike, rank 0's stay."""
        if state.average is not None and self._peers.rank:
            state.average[:], state.intercept_sum = 0.0, 0.0

    def __call__(self, state, n_rows, loss, stopped):
        """After a round. Returns (rows of all ranks, their losses, whether one was stopped)."""
        averaged = [state.weights, state.l1_paid][:len(self._parts)]
        for part, array in zip(self._parts, averaged, strict=True):
            part[:] = array
            part *= n_rows
        self._models.sum(self._parts)
        total, b, paid, sums, loss, stopped = self._numbers.sum(
            [n_rows, n_rows * state.intercept, n_rows * state.l1_total, state.intercept_sum, loss,
             stopped])
        if total:
            for part, array in zip(self._parts, averaged, strict=True):
                part /= total
                array[:] = part
            state.intercept, state.l1_total = b / total, paid / total
        if state.average is not None:
            state.average[:], = self._sums.sum([state.average])
            state.intercept_sum = sums
        state.t += int(total)
        return int(total), loss, bool(stopped)


class LocalSteps:
    """Rounds of one rank's own steps, over its threads."""

    def __init__(self, rows, y, sample_weight, state, settings, peers, n_visits):
        self._data, self._state, self._settings = (rows, y, sample_weight), state, settings
        self._peers, self._n_visits = peers, n_visits
        self._average = Average(state, settings.penalty.l1 > 0, peers)
        self._chunk, self._trainer = serial_chunk(rows), None

    def stop(self):
        """Asks the threads to return soon."""
        if self._trainer is not None:
            self._trainer.stop()

    def round(self, row, team):
        """Steps by the rows `row`, then the average: (rows of all, their losses, stopped)."""
        state, n = self._state, self._peers.size
        if self._settings.average_from and state.t >= self._settings.average_from:
            state.begin_average(self._settings.average_from)
        self._average.begin(state)
        mine = state.copy()
        mine.weights = state.weights  # in place
        mine.average, mine.average_from = state.average, 1
        mine.t = max(1, round(state.t / n))
        growth = grown(n, state.t, self._settings.warm_up * self._n_visits)
        if mine.eta0 is not None:
            mine.eta0 *= growth
        settings = replace(
            self._settings, average_from=0,
            schedule=of_one_worker(self._settings.schedule, n, growth))
        self._trainer, pairs = make_trainer(*self._data, mine, settings)
        self._trainer.set_order(None, row)
        begun = mine.t
        if team.expired():
            self._trainer.stop()
        else:
            run = make_epoch(self._trainer, self._data[0], settings, mine)
            run(self._trainer, team, self._chunk)
        store(self._trainer, pairs, mine, settings)
        state.intercept, state.intercept_sum = mine.intercept, mine.intercept_sum
        state.l1_paid, state.l1_total = mine.l1_paid, mine.l1_total
        state.merge_halvings = mine.merge_halvings  # of this rank's threads
        visited = mine.t - begun
        return self._average(state, visited, self._trainer.loss_sum, visited < len(row))

    def set_eta0(self, eta0):
        """For the adaptive schedule, between epochs."""
        self._state.eta0 = eta0

    @property
    def eta0(self):
        """The adaptive schedule's step."""
        kept = self._state.eta0
        return self._settings.schedule["eta0"] if kept is None else kept


def train_local(rows, y, sample_weight, state, settings, seed, *, subset=None, score=None,
                on_epoch=None, deadline=NEVER, sample=None, peers):
    """Epochs of local SGD on one linear model, run by all ranks; arguments as of `sgd.train`.

    Parameters
    ----------
    peers : Peers
        `score`, `on_epoch` and `sample` are those of rank 0.

    Returns
    -------
    Ended
        `state` is the same on all ranks, but that at the end of `max_time` rank 0 may go back to
        the best epoch.
    """
    dealer = Dealer(rows, settings, seed, subset, peers)
    work = LocalSteps(rows, y, sample_weight, state, settings, peers, dealer.n_visits)
    run = make_run(y, state, settings, score=score, on_epoch=on_epoch, deadline=deadline,
                   sample=sample, peers=peers)
    with Team(settings.n_threads if settings.sync != "serial" else 0,
              on_interrupt=work.stop, deadline=deadline) as team:
        while run.stopped_by is None:
            losses = 0.0
            for row in dealer.rounds(state.epoch):
                visited, loss, stopped = work.round(row, team)
                run.steps, losses = run.steps + visited, losses + loss
                if stopped:
                    run.cut_short()
                    break
            else:
                run.after(*objective_of(state, losses, dealer.n_visits, settings), team.expired,
                          rate=work)
    return run.end()
