"""One epoch of minibatches, for each way in which threads share the weights (`sync`)."""

from functools import partial
from itertools import count

from fastsgd.engine.mlp.local import Local
from fastsgd.engine.mlp.map_reduce import MapReduce
from fastsgd.engine.mlp.merge import Merge
from fastsgd.engine.mlp.minibatch import Worker, sum_up
from fastsgd.engine.mlp.pipeline.epoch import Pipelined
from fastsgd.engine.mlp.steps import minibatches
from fastsgd.engine.mlp.summed import SummedEpoch
from fastsgd.engine.peers import ALONE


class Serial:
    """One thread takes the minibatches in turn.

    Attributes
    ----------
    replicas : list of (Parameters, Momenta)
        All copies of the model that an epoch leaves, the shared one first.
    """

    def __init__(self, bench, parameters, momenta, team, halt):
        self._size, self._team = bench.settings.batch_size, team
        self.replicas = [(parameters, momenta)]
        self._worker = Worker(bench, parameters, momenta)

    def run(self, order, steps):
        """One epoch, or the part of it before the deadline.

        Parameters
        ----------
        order : int64 ndarray of shape (n,)
        steps : Steps

        Returns
        -------
        Tally
        """
        self._worker.begin()
        for minibatch in minibatches(order, self._size, steps):
            self._worker.learn(*minibatch)
            if self._team.expired():
                break
        return self.take_tally()

    def take_tally(self):
        """Counts of the work since the last call, also after an error in `run`."""
        return self._worker.tally.clear()


class Hogwild:
    """Each thread draws the next minibatch and writes to the shared weights without locks.

    Niu, Recht, Re, Wright: HOGWILD!, 2011. Lost updates are allowed; the order of rows is that of
    one thread, the interleaving is not.
    """

    def __init__(self, bench, parameters, momenta, team, halt):
        self._size, self._team, self._halt = bench.settings.batch_size, team, halt
        self.replicas = [(parameters, momenta)]
        self._workers = [Worker(bench, parameters, momenta, rank) for rank in range(team.size)]

    def run(self, order, steps):
        """See Serial.run."""
        numbers = count()

        def task(rank):
            worker = self._workers[rank]
            while not self._halt.asked:
                number = next(numbers)  # one bytecode: no two threads get the same
                begin = number * self._size
                if begin >= len(order):
                    break
                worker.learn(order[begin:begin + self._size], *steps.at(number, begin))

        self._team.run(task)
        return self.take_tally()

    def take_tally(self):
        """See Serial.take_tally."""
        return sum_up(worker.tally.clear() for worker in self._workers)


EPOCHS = {"serial": Serial, "hogwild": Hogwild, "map_reduce": MapReduce, "merge": Merge}
"""By `sync`."""


def choose_epochs(settings, peers=ALONE):
    """(how an epoch is run, threads of its team; 0: the main thread runs it)."""
    if not peers.alone and settings.local_steps is None:
        return partial(SummedEpoch, peers=peers), 0
    make, n_threads = _choose_own(settings.of_one(peers.size))
    if not peers.alone:
        make = partial(Local, make, settings, peers=peers)
    return make, n_threads


def _choose_own(settings):
    if settings.pipeline is not None:
        return Pipelined, settings.pipeline.stages
    if settings.n_threads > 1 and settings.sync != "serial":
        return EPOCHS[settings.sync], settings.n_threads
    # replicas of one and threads without rivals are the serial epoch
    return EPOCHS["map_reduce" if settings.sync == "map_reduce" else "serial"], 0
