"""Dropout: while training, each input and hidden unit is left out with its layer's probability.

What stays is divided by 1 - p, so that predictions take the weights as they are (inverted dropout;
Srivastava et al.: Dropout, JMLR 2014, sec. 10). The masks of an epoch are a pure function of
(seed, epoch, stream); each thread, or each part of a minibatch, has a stream of its own.
"""

import numpy as np

INPUT_STREAM = 0xD0


class Masks:
    """Masks of the layers, drawn in the order in which they are asked for.

    Parameters
    ----------
    rates : sequence of float
        Probability of being left out, of the input and of each hidden layer.
    units : sequence of int
        Their widths.
    size : int
        Rows of a minibatch at most.
    seed, stream : int
    """

    def __init__(self, rates, units, size, dtype, seed, stream):
        self._rates, self._seed, self._stream = rates, seed, stream
        self._buffers = [np.empty((size, u), dtype) if rate else None
                         for rate, u in zip(rates, units, strict=True)]

    def begin(self, epoch):
        """Goes to the beginning of an epoch's stream."""
        self._draw = np.random.Generator(np.random.SFC64((self._seed, epoch, self._stream)))

    def draw(self, layer, n_rows):
        """The mask of `n_rows` rows of a layer (0 is the input), or None: nothing is left out."""
        if self._buffers[layer] is None:
            return None
        mask = self._buffers[layer][:n_rows]
        _fill(mask, self._rates[layer], self._draw)
        return mask


class PartOfMasks:
    """The masks of some rows of each minibatch: those that one process draws for all of them.

    Parameters
    ----------
    masks : Masks
        Of whole minibatches.
    """

    def __init__(self, masks):
        self._masks = masks

    def choose(self, n, rows):
        """From now on: `rows`, a slice, of a minibatch of n."""
        self._n, self._rows = n, rows

    def draw(self, layer, _n_rows):
        """See Masks.draw."""
        mask = self._masks.draw(layer, self._n)
        return None if mask is None else mask[self._rows]


def drop_values(values, out, rate, seed, epoch, stream=0):
    """The stored values of a sparse X for one epoch: `out` becomes `values` times their masks."""
    draw = np.random.Generator(np.random.SFC64((seed, epoch, INPUT_STREAM + stream)))
    _fill(out, rate, draw)
    out *= values


def _fill(mask, rate, draw):
    draw.random(dtype=mask.dtype, out=mask)
    np.greater_equal(mask, rate, out=mask, casting="unsafe")
    mask *= 1 / (1 - rate)
