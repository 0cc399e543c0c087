"""Solver "sdca" by several workers: CoCoA+, each ascends on rows of its own.

Jaggi et al.: Communication-efficient distributed dual coordinate ascent, 2014; Ma et al.: Adding
vs. averaging in distributed primal-dual optimization, 2015. In a round each rank steps on its dual
variables against its own v, where steps count `caution` (sigma') times as much as they are; then
the changes of v are added up, divided by it. sigma' = the number of ranks is safe for any data;
the first rounds try less. Dual variables stay with their rank; certificates gather them, unless
each rank has rows of its own: then nobody ever sees those of others.
"""

import numpy as np

from fastsgd.engine.exchange import Exchange
from fastsgd.engine.linear.ascent import BUSY, CAUTION, FEW, DualAscent

ROUNDS = 16
"""Sums of an epoch that visits all rows (measured, docs/workers.md)."""

SWEEPS = 8
"""Sums of the sweeps over busy rows, after those of the epoch."""


class SharedAscent(DualAscent):
    """The dual variables of a training, of which each rank moves those of its blocks of rows.

    Blocks are dealt out in turn, so rows that are sorted by label do no harm; of rows of its own
    a rank moves all.
    """

    def __init__(self, rows, y, sample_weight, state, settings, subset, peers):
        super().__init__(rows, y, sample_weight, state, settings, subset, peers)
        n = rows.shape[0]
        self.blocks = np.arange(self.n_blocks, dtype=np.int64)
        self.mine = np.ones(n, bool)
        if not peers.own:
            self.blocks = self.blocks[peers.rank::peers.size]
            self.mine = np.arange(n) // self.block_rows % peers.size == peers.rank
            self.own_visits = self.n_visits / peers.size
        self.cells[~self.mine, 1] = 0  # the kernel passes them over
        bounded = np.isfinite(self.problem.bound)
        self._take_care(1 + (CAUTION if bounded else 1.0) * (peers.size - 1))
        steps = settings.local_steps
        self.rounds = ROUNDS if steps is None else self.n_visits / (peers.size * steps)
        self._exchange = Exchange(peers)
        self._change, *_ = self._exchange.allocate(len(self.v), (), (), (), (), ())

    def begin(self, team, state):
        super().begin(team, state)
        self._take_care(self.ascent.caution)

    def _take_care(self, caution):
        """Sets sigma'. For the bias, which every row moves, it is the number of ranks in any case:
        with less, it and the multiplier swing ever wider from epoch to epoch.
        """
        self.ascent.caution = caution
        self.ascent.gain = self.gain * self.peers.size / caution

    def _measure(self):
        part = self.peers.share(len(self.mine))
        n = part.stop - part.start
        self._share(lambda rank, n_threads: self.ascent.measure(
            part.start + n * rank // n_threads, part.start + n * (rank + 1) // n_threads))
        if not self.peers.own:
            self.cells[:, 2] = self.peers.gather(np.ascontiguousarray(self.cells[:, 2]))

    def _mean_square(self):
        total, n = self.peers.total(self.cells[:, 2].sum(), len(self.cells))
        return total / n

    def _all_keep(self, dual_coef):
        mine = super()._all_keep(dual_coef)
        return not self.peers.total(not mine)[0]

    def _visit(self, seed, number):
        shuffled = self._order(seed, number, len(self.blocks))
        blocks = self.blocks if shuffled is None else self.blocks[shuffled]
        rounds = max(1, round(self.rounds * self.awake))
        self._met, own = np.zeros(3), 0
        for k in range(rounds):
            part = blocks[len(blocks) * k // rounds:len(blocks) * (k + 1) // rounds]
            if self._round(part, self._run):
                return *self._told(), True
            own += self.ascent.tally()[2]
        return *self._told(), self._sweep(seed, number, own)

    def _sweep(self, seed, number, visited):
        """Rounds over the rows that still have something to gain; whether they were stopped.

        The multiplier takes its step before, and then stays, as `Ascent.run_busy` says.
        """
        if not (self.rows_rest and self.ascent.dull > 0):
            return False
        self.centre += self.gain * self.excess
        for k in range(SWEEPS):
            if self._round(self.blocks[:0], lambda k=k: self.ascent.run_busy(
                    seed, SWEEPS * number + k, centre=self.ascent.b,
                    few=int(FEW * self.own_visits),
                    most=BUSY * visited // SWEEPS)):
                return True
        return False

    def _told(self):
        gap, conjugates, visits = self._met.tolist()
        return gap, conjugates, int(visits)

    def _round(self, blocks, step):
        """``step()`` on some blocks of this rank, and the sum of what all ranks have changed."""
        ascent, change = self.ascent, self._change
        before = self.v.copy()
        ascent.b = self.centre + self.gain * self.excess
        ascent.set_order(blocks, self.block_rows)
        step()
        np.subtract(self.v, before, out=change)
        change /= ascent.caution
        _, *met, stopped, self.excess = self._exchange.sum(
            [change, *ascent.tally(), ascent.stopped, self._own_duals()])
        np.add(before, change, out=self.v)
        self._met += met
        return bool(stopped)

    def _own_duals(self):
        """sum c beta over the rows of this rank; 0 without a bias."""
        return float(np.einsum("i,i->", self.cells[:, 1], self.beta)) if self.gain else 0.0

    def _end_epoch(self, *met):
        self.ascent.b = self.centre + self.gain * self.excess
        return super()._end_epoch(*met)

    def _sum_duals(self):
        return self.excess

    def _be_cautious(self):
        super()._be_cautious()
        self._take_care(float(self.peers.size))

    def certify(self, state):
        if not self.peers.own:
            self.beta[:] = self.peers.sum(np.where(self.mine, self.beta, 0.0))
        return super().certify(state)

    def settle(self, state):
        """Nothing: without the others there is no v; the state stays as it was."""
        self.team = None
