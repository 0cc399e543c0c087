"""Workers that share each minibatch: each finds the gradient of some rows, all step by the sum.

Every rank has the whole model. What it steps by is the same bits on all: sums that an all-reduce
has made, and rows of a sparse first layer's gradient, which are sent with their features' numbers
and added up in the order of ranks. So the models stay the same without ever being sent.
"""

import numpy as np

from fastsgd.engine.exchange import Exchange
from fastsgd.engine.mlp.dropout import PartOfMasks
from fastsgd.engine.mlp.minibatch import Tally, check_step
from fastsgd.engine.mlp.optimizer import Stepper
from fastsgd.engine.mlp.parameters import Parameters, count_rest
from fastsgd.engine.mlp.shares import Shares
from fastsgd.engine.mlp.touched import add_up_rows
from fastsgd.kernels import optimizers


class SumOfRows:
    """The first layer's gradient on CSR rows, summed over all ranks, of the features that occur.

    Attributes
    ----------
    lazy : bool
        Whether a step moves these features only.
    touched : int64 ndarray of shape (n,)
        In order.
    gradient : ndarray of shape (n, n_units)
    """

    def __init__(self, lazy, peers):
        self.lazy, self._peers, self.touched = lazy, peers, np.empty(0, np.int64)

    def add_up(self, own):
        """Sends and sums; `own` is the SparseInput of this rank's rows after its backward pass."""
        rows = np.empty((len(own.touched), own.delta.shape[1]), own.delta.dtype)
        if len(rows):
            own.layer.backward(own.delta, rows)
        self.touched, self.gradient, _ = add_up_rows(self._peers, own.touched, rows)

    def descend(self, begin, end, rule, W, *about, squares):
        """See SparseInput.descend."""
        *about, last = about
        if not len(self.touched):
            return 0.0
        return optimizers.step(rule, W, self.gradient[begin:end], *about,
                               touched=self.touched[begin:end], last=last, squares=squares)


class SummedEpoch:
    """The minibatches of one thread, each cut among the ranks (`Workers(policy="sync")`)."""

    def __init__(self, bench, parameters, momenta, team, halt, *, peers):
        settings = self._settings = bench.settings
        self._examples, self._peers, self._team, self._halt = bench.examples, peers, team, halt
        self._parameters, self._momenta = parameters, momenta
        self.replicas = [(parameters, momenta)]
        self._shares = Shares(peers, bench.examples)
        self._ends = self._shares.minibatches(settings.batch_size)
        size = self._shares.longest(settings.batch_size)
        # those of whole minibatches, which all ranks draw, or of this rank's own rows
        masks = bench.make_masks(size if peers.own else settings.batch_size)
        self._masks = None if masks is None or peers.own else PartOfMasks(masks)
        masks = self._masks or masks
        self._inputs = (bench.make_dense_input(size, masks) if bench.dense
                        else bench.make_sparse_input(lazy=True))
        self._pass = bench.make_pass_of(self._inputs, 0, len(bench.units) - 1, size, masks)
        self._step_inputs = (self._inputs if bench.dense
                             else SumOfRows(settings.lazy, peers))
        self._make_gradient(bench)
        self._stepper, self._tally = Stepper(settings.rule), Tally()
        self._exact = settings.penalty_is_exact and settings.penalty.l2 > 0

    def _make_gradient(self, bench):
        """One buffer that is summed at once: the dense layers, and whether the time is over."""
        units, dtype = bench.units, bench.dtype
        self._sums, self._losses = Exchange(self._peers, dtype), Exchange(self._peers)
        self._parts = self._sums.allocate(
            (units[0] if bench.dense else 0, units[1]), count_rest(units), ())
        first, rest, _ = self._parts
        if not (bench.dense or self._settings.lazy):
            first = np.zeros((units[0], units[1]), dtype)
        self._gradient = Parameters(units, dtype, first, rest)

    def run(self, order, steps):
        """See Serial.run; the tally is that of all ranks."""
        self._loss, self._square = 0.0, self._parameters.square() if self._exact else 0.0
        totals = self._shares.totals(order, self._ends)
        for k, (visits, begin, end) in enumerate(self._shares.cut(order, self._ends)):
            if self._learn(visits, end - begin, totals[k], *steps.at(k, begin)):
                break
        loss, = self._losses.sum([self._loss])
        self._tally.loss += loss
        return self.take_tally()

    def take_tally(self):
        """See Serial.take_tally."""
        return self._tally.clear()

    def _learn(self, visits, n_rows, total, eta, t):
        """One step by a minibatch of `n_rows`, of which `visits` are this rank's.

        Returns whether some rank's time is over.
        """
        settings, gradient, inputs = self._settings, self._gradient, self._step_inputs
        if not total > 0:  # all rows weigh 0: known to all ranks
            self._tally.add(0.0, 0.0, n_rows)
            return False
        loss = self._find_gradient(visits, n_rows, total)
        *found, _ = self._parts
        *_, over = self._sums.sum([*found, self._team.expired() or self._halt.asked])
        if isinstance(inputs, SumOfRows):
            self._sum_rows(inputs)
        if settings.guards:
            self._check(loss, eta, t)
        penalty = settings.penalty.value_of_square(self._square) if self._exact else 0.0
        self._tally.add(penalty, total, n_rows)
        self._loss += loss / total * n_rows
        self._square += self._stepper.step(
            self._parameters, gradient, self._momenta, inputs, eta=eta, t=t,
            l2=settings.penalty.l2 / total, squares=self._exact)
        return over > 0

    def _find_gradient(self, visits, n_rows, total):
        """Compute the gradient of this rank's part of a minibatch; returns its loss."""
        if self._masks is not None:
            self._masks.choose(n_rows, self._peers.share(n_rows))
        target, weight, _ = self._examples.of(visits)
        self._inputs.begin(visits)
        return self._pass.gradient(self._parameters, target, weight, total, self._gradient)

    def _sum_rows(self, inputs):
        """The first layer's gradient; where all its weights are to move, at its place."""
        if not self._settings.lazy:
            self._gradient.first[inputs.touched] = 0
        inputs.add_up(self._inputs)
        if not self._settings.lazy:
            self._gradient.first[inputs.touched] = inputs.gradient

    def _check(self, loss, eta, t):
        """Raises DivergenceError on all ranks, before any step by what is not finite."""
        loss, = self._losses.sum([loss])
        check_step(loss, [self._gradient], eta, t)
