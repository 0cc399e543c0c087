"""Local SGD: each worker learns on its share of the rows; every few minibatches all are averaged.

The rule of merge.py between processes, where only what is to be averaged is sent (Stich: Local SGD
converges fast and communicates little, 2019). Of each stretch of an epoch's order every rank takes
a part. With one step between averages, and a rule that is linear in the gradient, this is the step
of all together.
"""

import numpy as np

from fastsgd.engine.exchange import Exchange
from fastsgd.engine.mlp.minibatch import Tally
from fastsgd.engine.mlp.optimizer import Stepper
from fastsgd.engine.mlp.shares import Shares
from fastsgd.engine.mlp.touched import add_up_rows
from fastsgd.errors import DivergenceError
from fastsgd.kernels.sparse_layer import SparseLayer


class RoundSteps:
    """The step sizes of a rank's own minibatches in one round.

    Parameters
    ----------
    steps : Steps
        Of the epoch.
    begin : int
        The round's first row in the epoch's order.
    done : int
        Steps of the epoch before it.
    pace : float
        Rows of all for each of this rank's own: others go on side by side.
    """

    def __init__(self, steps, begin, done, pace=1.0):
        self._steps, self._begin, self._pace = steps, begin, pace
        self.first = steps.first + done

    def at(self, number, begin):
        """See Steps.at; `begin` counts the rank's own rows of the round."""
        eta, _ = self._steps.at(0, self._begin + int(begin * self._pace))
        return eta, self.first + number


class Local:
    """Rounds of `local_steps` minibatches of all ranks, each followed by an average.

    Parameters
    ----------
    make : callable
        Makes what runs this rank's own steps: Serial, Hogwild, MapReduce or Merge.
    settings : Settings
        Of all ranks together; those of `bench` are this rank's own.
    """

    def __init__(self, make, settings, bench, parameters, momenta, team, halt, *, peers):
        self._size, self._local_steps = settings.batch_size, settings.local_steps
        self._peers, self._shares = peers, Shares(peers, bench.examples)
        self._settings = settings = bench.settings
        self._epochs = make(bench, parameters, momenta, team, halt)
        self.replicas = self._epochs.replicas
        self._team, self._halt = team, halt
        self._models = [parameters, *momenta.slots]
        self._exchange = Exchange(peers, bench.dtype)
        self._parts = self._exchange.allocate(*(
            array.size for array in self._dense_of(self._models)))
        self._layer = SparseLayer(bench.examples.rows, 1) if settings.lazy else None
        self._stepper, self._tally = Stepper(settings.rule), Tally()

    def _dense_of(self, models):
        """The arrays of models that are averaged whole, one after another."""
        for model in models:
            if not self._settings.lazy:
                yield model.first.reshape(-1)
            yield model.rest

    def run(self, order, steps):
        """See Serial.run; the steps counted are those that follow each other."""
        for own, begin, end in self._shares.cut(order, self._rounds(self._shares.n_rows)):
            pace = self._peers.size if not self._peers.own else (end - begin) / max(1, len(own))
            done = self._tally.steps
            diverged = None
            try:
                tally = self._epochs.run(own, RoundSteps(steps, begin, done, pace))
            except DivergenceError as error:  # others must hear of it before they go on
                tally, diverged = self._epochs.take_tally(), error
            counts, stopped = self._count(tally, diverged)
            after = RoundSteps(steps, begin, self._tally.steps)
            self._average(counts, own, *after.at(0, 0))
            if stopped:
                break
        return self.take_tally()

    def _rounds(self, n_rows):
        """Where rounds end that have about as many minibatches of all, the last one too."""
        n_batches = -(-n_rows // self._size)
        n_rounds = -(-n_batches // self._local_steps)
        return [min(n_rows, n_batches * k // n_rounds * self._size) for k in range(n_rounds + 1)]

    def take_tally(self):
        """See Serial.take_tally."""
        return self._tally.clear()

    def _count(self, tally, diverged):
        """Adds up the tallies of a round: (rows of each rank, whether some rank's time is over).

        Raises DivergenceError on all ranks where one has.
        """
        own = np.array([[tally.rows, tally.steps, tally.loss, tally.penalties,
                         self._team.expired() or self._halt.asked, diverged is not None]],
                       np.float64)
        numbers, _ = self._peers.join(own)
        rows, steps, losses, penalties, stopped, lost = numbers.T
        if lost.any():
            raise diverged or DivergenceError(
                "Solver would produce non-finite parameter weights: on worker "
                f"{int(lost.argmax())} the loss or its gradient is not finite, and the step was "
                "not taken. The input data may contain large values and need to be preprocessed; "
                "a smaller learning_rate_init helps too")
        self._tally.rows += int(rows.sum())
        self._tally.steps += int(steps.max())
        self._tally.loss += float(losses.sum())
        self._tally.penalties += float(penalties.sum()) / self._peers.size
        return rows, stopped.any()

    def _average(self, counts, own, eta, t):
        """The model and the optimizer's state become their means by rows; t is the next step."""
        if not counts.sum():
            return
        share = counts[self._peers.rank] / counts.sum()
        for array, part in zip(self._dense_of(self._models), self._parts, strict=True):
            np.multiply(array, array.dtype.type(share), out=part)
        means = self._exchange.sum(self._parts)
        for parameters, momenta in self.replicas:
            dense = self._dense_of([parameters, *momenta.slots])
            for array, mean in zip(dense, means, strict=True):
                array[:] = mean
        if self._settings.lazy:
            self._average_touched(own, eta, t)

    def _average_touched(self, own, eta, t):
        """Average the touched rows of the first matrix, each over the ranks that touched it."""
        touched = self._layer.touch(own)
        parameters, momenta = self.replicas[0]
        self._stepper.settle(
            parameters, momenta, eta=eta, t=t, touched=touched,
            l2=self._settings.penalty.l2 / self._settings.batch_size)
        union, mean, counts = add_up_rows(self._peers, touched, np.concatenate(
            [model.first[touched] for model in self._models], axis=1))
        mean /= counts.astype(mean.dtype)[:, None]
        width = self._models[0].first.shape[1]
        for parameters, momenta in self.replicas:
            for k, model in enumerate((parameters, *momenta.slots)):
                model.first[union] = mean[:, k * width:(k + 1) * width]
            momenta.last[union] = t - 1
