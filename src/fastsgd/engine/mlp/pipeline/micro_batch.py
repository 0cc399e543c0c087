"""Micro-batches in one stage: cut from a minibatch, forward and back, added up, one step."""

import numpy as np

from fastsgd.engine.mlp.inputs import ForwardOnly
from fastsgd.engine.mlp.minibatch import Tally, check_step
from fastsgd.engine.mlp.optimizer import Stepper, share
from fastsgd.engine.mlp.parameters import Layers, add_up


def cut(n_rows, n_micro_batches):
    """The rows of each micro-batch, as slices of nearly equal length, none empty.

    The last minibatch of an epoch may have fewer rows than there are micro-batches; then each
    is one row.
    """
    n = min(n_micro_batches, n_rows)
    return [share(n_rows, i, n) for i in range(n)]


class MicroBatches:
    """The layers begin..end of a network, on micro-batches; see Stage for what it is asked.

    Each micro-batch has a pass of its own: what went forward is kept until it comes back. On
    CSR the gradient of the first matrix is one sum over the whole minibatch, found before the
    step, as without stages.

    Parameters
    ----------
    bench : PassFactory
    begin, end : int
        The layers, numbered by their matrices.
    n : int
        Micro-batches of a minibatch.
    parameters : Parameters
        INOUT: only these layers.
    momenta : Momenta
        INOUT, alike.
    gradients : pair of Parameters
        Room for a sum and for what is added to it; only these layers are written.
    """

    def __init__(self, bench, begin, end, n, parameters, momenta, gradients):
        settings = self._settings = bench.settings
        self._examples, self._n, self._has_first = bench.examples, n, begin == 0
        self.n_fed, self.n_units = bench.units[begin], bench.units[end]
        self._layers, self._momenta = Layers(parameters, begin, end), momenta.layers(begin, end)
        self._gradients = [Layers(gradient, begin, end) for gradient in gradients]
        self._masks, size = None, -(-settings.batch_size // n)
        drawn = bench.make_masks(settings.batch_size)
        if drawn is not None:
            self._masks = MinibatchMasks(drawn, len(settings.dropout))
        self._whole, self._adds_first = None, self._has_first and bench.dense
        if self._has_first and not bench.dense:
            self._whole = bench.make_sparse_input()
            self._deltas = np.empty((settings.batch_size, bench.units[1]), bench.dtype)
        self._passes = [self._make_pass(bench, begin, end, size, i) for i in range(n)]
        self._out, self._stepper = [None] * n, Stepper(settings.rule)
        self.tally, self._exact, self._square = Tally(), settings.penalty.l2 > 0, 0.0

    def _make_pass(self, bench, begin, end, size, i):
        masks = None if self._masks is None else self._masks.of(i)
        inputs = None
        if self._whole is not None:
            inputs = ForwardOnly(self._whole.layer)
        elif self._has_first:
            inputs = bench.make_dense_input(size, masks)
        return bench.make_pass_of(inputs, begin, end, size, masks)

    def begin_epoch(self):
        self._square = self._layers.square() if self._exact else 0.0

    def begin(self, visits):
        """Cuts a minibatch; returns the rows of each micro-batch, none where all weigh 0."""
        self._visits, self._loss = visits, 0.0
        self._target, self._weight, self._total = self._examples.of(visits)
        self._parts = cut(len(visits), self._n) if self._total > 0 else []
        if self._masks is not None and self._parts:
            self._masks.draw(len(visits), self._parts)
        return [part.stop - part.start for part in self._parts]

    def forward(self, i, fed):
        """Output of micro-batch i for the layer above, or z of the output layer; `fed` is read."""
        one, part = self._passes[i], self._parts[i]
        if self._has_first:
            one.inputs.begin(self._visits[part])
        out = self._out[i] = one.forward(self._layers, part.stop - part.start, fed)
        if self._whole is not None and i == len(self._parts) - 1:
            self._whole.begin(self._visits)  # while the others work
        return out

    def backward(self, i, delta):
        """d loss / d what these layers were fed, or None; `delta` is written to.

        It is None for the output layer, whose loss is taken here.
        """
        one, part = self._passes[i], self._parts[i]
        if delta is None:
            delta = self._out[i]
            weight = None if self._weight is None else self._weight[part]
            self._loss += one.derive(delta, self._target[part], weight, self._total)
        if self._whole is not None:
            one.inputs.delta = self._deltas[part]
        total, part_of_it = self._gradients
        is_first = i == len(self._parts) - 1  # as the last forward is the first back
        below = one.backward(self._layers, delta, total if is_first else part_of_it)
        if not is_first:
            add_up(total, part_of_it, with_first=self._adds_first)
        return below

    def step(self, eta, t):
        """One step of these layers with the sum of the gradients."""
        n, penalty, loss = len(self._visits), self._settings.penalty, self._loss
        if not self._parts:
            self.tally.add(0.0, 0.0, n)
            return
        inputs = self._whole or self._passes[0].inputs
        if self._whole is not None:
            inputs.backward(self._deltas[:n], self._gradients[0])
        if self._settings.guards:
            check_step(loss, self._gradients[:1], eta, t)
        if self._exact:
            loss += penalty.value_of_square(self._square)
        self._square += self._stepper.step(
            self._layers, self._gradients[0], self._momenta, inputs, eta=eta, t=t,
            l2=penalty.l2 / self._total, squares=self._exact)
        self.tally.add(loss, self._total, n)


class MinibatchMasks:
    """Masks of a whole minibatch, drawn as a pass without stages draws them, and cut up.

    Each stage draws those of all layers, so that all are at the same place in the one stream.

    Parameters
    ----------
    masks : Masks
    n_layers : int
        The input and the hidden layers.
    """

    def __init__(self, masks, n_layers):
        self._masks, self._n_layers = masks, n_layers

    def draw(self, n_rows, parts):
        self._drawn = [self._masks.draw(layer, n_rows) for layer in range(self._n_layers)]
        self._parts = parts

    def of(self, i):
        """Random stream of the masks of micro-batch i."""
        return _PartOfMasks(self, i)

    def part(self, i, layer):
        mask = self._drawn[layer]
        return None if mask is None else mask[self._parts[i]]


class _PartOfMasks:
    def __init__(self, whole, i):
        self._whole, self._i = whole, i

    def draw(self, layer, _n_rows):
        return self._whole.part(self._i, layer)
