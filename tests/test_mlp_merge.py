"""An epoch of ``sync="merge"`` equals one written out with a worker after the other."""

import numpy as np
import pytest
from mlp_problem import settings
from scipy import sparse

from fastsgd.engine.deadline import NEVER
from fastsgd.engine.mlp.examples import Examples
from fastsgd.engine.mlp.loop import Halt
from fastsgd.engine.mlp.merge import Merge
from fastsgd.engine.mlp.minibatch import PassFactory, Tally, Worker
from fastsgd.engine.mlp.optimizer import Momenta
from fastsgd.engine.mlp.parameters import Parameters
from fastsgd.engine.team import Team
from fastsgd.kernels.optimizers import settle
from fastsgd.kernels.rows import Rows
from fastsgd.optimizers import OPTIMIZERS

N, BATCH, EVERY, UNITS = 83, 10, 2, (40, 6, 3)
"""Nine minibatches: rounds of four, four and one, which the second of two threads takes."""

DRAW = np.random.default_rng(0)
X = sparse.random_array((N, 40), density=0.04, format="csr", rng=np.random.default_rng(1))
Y, ORDER = DRAW.integers(0, 3, N), DRAW.permutation(N)


class Rates:
    """A step size for each minibatch; the epoch begins at step 5."""

    first = 5

    def at(self, number, begin):
        assert begin == number * BATCH
        return 0.01 * (1 + number), self.first + number


def problem(name, lazy):
    """(bench, parameters, momenta), the weights and the state being some."""
    chosen = settings("tanh", rule=OPTIMIZERS[name], lazy=lazy, batch_size=BATCH, sync="merge",
                      merge_every=EVERY, n_threads=2, dropout=(0.0, 0.0), alpha=0.5)
    data = X if lazy else X.toarray()
    rows = Rows(data)
    rows.check()
    bench = PassFactory(Examples(data, rows, Y), UNITS, chosen)
    draw, parameters = np.random.default_rng(2), Parameters(UNITS, np.float64)
    parameters.unpack(draw.normal(size=parameters.size))
    momenta = Momenta.of(OPTIMIZERS[name], parameters, lazy)
    for slot in momenta.slots:
        slot.unpack(draw.random(slot.size))
    if lazy:
        momenta.last[:] = draw.integers(0, 5, UNITS[0])
    return bench, parameters, momenta


def written_out(name, lazy):
    """(parameters, momenta, rows, steps that follow each other) after the epoch."""
    bench, first, momenta = problem(name, lazy)
    replicas = [(first, momenta), (first.copy(), momenta.copy())]
    workers = [Worker(bench, *each) for each in replicas]
    t, rates, rule = Rates.first, Rates(), OPTIMIZERS[name]
    for begin, shares in ((0, ([0, 1], [2, 3])), (4, ([4, 5], [6, 7])), (8, ([], [8]))):
        touched = [set(), set()]
        for rank, numbers in enumerate(shares):
            for i, number in enumerate(numbers):
                at = number * BATCH
                found = workers[rank].learn(ORDER[at:at + BATCH], rates.at(number, at)[0], t + i)
                touched[rank] |= set([] if found is None else found.tolist())
        t += max(map(len, shares))
        total = sum(map(len, shares))
        union = np.array(sorted(touched[0] | touched[1]), np.int64)
        if lazy:
            for each in replicas:
                constants = rule.constants(eta=rates.at(begin, begin * BATCH)[0], t=t,
                                           l2=0.5 / BATCH)
                settle(rule.number, each[0].first, [s.first for s in each[1].slots], constants,
                       each[1].last, union)
                each[1].last[union] = t - 1
        for same in zip(*([p, *m.slots] for p, m in replicas), strict=True):
            same[0].rest[:] = sum(len(numbers) / total * each.rest
                                  for numbers, each in zip(shares, same, strict=True))
            if not lazy:
                same[0].first[:] = sum(len(numbers) / total * each.first
                                       for numbers, each in zip(shares, same, strict=True))
            for row in union:
                own = [e.first[row] for e, t_ in zip(same, touched, strict=True) if row in t_]
                same[0].first[row] = sum(own) / len(own)
                same[1].first[row] = same[0].first[row]
            same[1].rest[:] = same[0].rest
            if not lazy:
                same[1].first[:] = same[0].first
    return first, momenta, sum(w.tally.rows for w in workers), t - Rates.first


@pytest.mark.parametrize("lazy", [False, True], ids=["dense", "lazy"])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_epoch(name, lazy):
    """Weights, every slot, the steps of lazy rows, and what was counted."""
    expected, state, rows, steps = written_out(name, lazy)
    bench, parameters, momenta = problem(name, lazy)
    halt = Halt()
    with Team(2, on_interrupt=halt.ask, deadline=NEVER) as team:
        merge = Merge(bench, parameters, momenta, team, halt)
        tally = merge.run(ORDER, Rates())
    np.testing.assert_allclose(parameters.pack(), expected.pack(), rtol=1e-10, atol=1e-12)
    for ours, slot in zip(momenta.slots, state.slots, strict=True):
        np.testing.assert_allclose(ours.pack(), slot.pack(), rtol=1e-10, atol=1e-12)
    if lazy:
        np.testing.assert_array_equal(momenta.last, state.last)
    assert (tally.rows, tally.steps) == (rows, steps) == (N, 5)
    for worker in merge._workers:  # all begin the next epoch alike
        np.testing.assert_array_equal(worker.parameters.pack(), parameters.pack())


def test_no_minibatch_begins_after_halt():
    bench, parameters, momenta = problem("adam", lazy=True)
    before, halt = parameters.pack(), Halt()
    with Team(2, on_interrupt=halt.ask, deadline=NEVER) as team:
        merge = Merge(bench, parameters, momenta, team, halt)
        halt.ask()
        tally = merge.run(ORDER, Rates())
    assert (tally.rows, tally.steps) == (0, 0)
    np.testing.assert_array_equal(parameters.pack(), before)


def test_tally():
    """Means times rows, and how often the penalty, divided by the weight, belongs to it."""
    tally = Tally()
    tally.add(loss=6.0, total=2.0, n_rows=4)
    tally.add(loss=0.0, total=0.0, n_rows=3)  # rows that weigh nothing
    assert vars(tally.clear()) == {"loss": 12.0, "penalties": 2.0, "rows": 7, "steps": 2}
    assert vars(tally) == vars(Tally())
