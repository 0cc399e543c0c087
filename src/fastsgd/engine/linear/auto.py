"""``solver="auto"``: the solver that the data's shape speaks for; another where it is too slow.

Dual coordinate ascent is the first of all programs on sparse rows of one length, and hopeless
where columns differ by orders of magnitude or alpha is tiny. So it is left where a forecast of its
gap says that another solver is sooner (forecast.py), which goes on from the weights it has found.
"""

from dataclasses import replace

import numpy as np

from fastsgd.engine.linear.choice import Choice, first_choice, other_choice
from fastsgd.engine.linear.dual_problem import row_weights
from fastsgd.engine.peers import ALONE
from fastsgd.engine.run import Ended


class AutoTraining:
    """Trains by one or two of some solvers.

    Parameters
    ----------
    solvers : dict
        ``solvers[name](rows, y, sample_weight, state, settings, seed, ...)`` as `sgd.train`.
    """

    def __init__(self, solvers):
        self._solvers = solvers

    def __call__(self, rows, y, sample_weight, state, settings, seed, **how):
        """Trains; the arguments and the result as `sgd.train`'s.

        `settings.choices` names the solvers that may be taken, with the threads of each, and
        `settings.shape` is the `DataShape` of the rows.
        """
        rows.check()
        on_epoch, peers = how.pop("on_epoch", None), how.get("peers", ALONE)
        names, shape = [name for name, *_ in settings.choices], settings.shape
        weight = float(np.mean(row_weights(
            y, sample_weight, settings, how.get("subset"))) or 1.0)
        l2 = settings.penalty.l2 / weight
        choice = first_choice(names, shape, settings.loss, l2)
        choice = self._agree(choice, names, peers)
        other = other_choice(names, shape, settings.loss, l2) if choice.solver == "sdca" else None

        def run(name, done=0, **more):
            told = on_epoch if on_epoch is None or not done else _counted_from(done, on_epoch)
            return self._solvers[name](
                rows, y, sample_weight, state, settings.of_choice(name, done), seed,
                on_epoch=told, **how, **more)

        if other is None:
            return _ended(run(choice.solver), choice)

        def give_up(needed, done):  # nan: nothing is known after so many passes
            return not needed <= max(other[1], done)

        begun = state.epoch
        first = run("sdca", give_up=give_up)
        if first.stopped_by != "forecast":
            return _ended(first, choice)
        done = state.epoch - begun
        if other[0] != "interior-point":
            state.dual_coef = None
        choice = Choice(f"sdca, {other[0]}", (
            f"{choice.why}; after {done} epochs the gap fell too slowly, {other[0]} goes on"))
        return _ended(run(other[0], done), choice, first)

    def _agree(self, choice, names, peers):
        """Rank 0's choice, where shapes differ because each has rows of its own."""
        name = names[int(peers.decide(names.index(choice.solver))[0])]
        return choice if name == choice.solver else Choice(name, f"{name}: rank 0's rows")


def _counted_from(done, on_epoch):
    """`on_epoch` of a training that goes on after `done` epochs of another solver."""
    return lambda told: on_epoch(replace(told, number=told.number + done))


def _ended(ended, choice, first=None):
    before = (0, 0) if first is None else (first.n_iter, first.steps)
    return Ended(ended.n_iter + before[0], ended.stopped_by, ended.steps + before[1],
                 forecast=ended.forecast, solver=choice.solver, why=choice.why)
