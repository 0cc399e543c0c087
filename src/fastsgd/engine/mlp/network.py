"""Forward and backward through layers, for one minibatch, in buffers made once."""

from copy import copy

import numpy as np

from fastsgd.engine.mlp.array_module import xp_of


class Pass:
    """Forward and backward of minibatches of at most `size` rows; one for each thread.

    Parameters
    ----------
    inputs : DenseInput, SparseInput or None
        The first layer; None: these layers begin above it, and `forward` is given what they are
        fed.
    units : sequence of int
        Of what the layers are fed, then of each of them.
    like : ndarray
        An array of the kind and type that weights, rows and the buffers are of.
    activation : Activation
        Of the hidden layers.
    output : Output or None
        None: these layers end below the output layer.
    size : int
    masks : Masks or None
        Dropout of the hidden layers.
    begin : int
        How many layers of the network are below these.
    """

    def __init__(self, inputs, units, like, activation, output, size, masks=None, begin=0):
        self.inputs, self._xp = inputs, xp_of(like)
        self._activation, self._output, self._masks = activation, output, masks
        self._begin, self._fed_below = begin, None
        hidden = units[1:] if output is None else units[1:-1]
        self._n_hidden = len(hidden)
        self._z = self._buffers(size, units[1:], like.dtype)
        has_first = inputs is not None
        self._delta = [None] * has_first + self._buffers(  # by what a layer is fed
            size, units[has_first:-1], like.dtype)
        self._spare = self._buffers(size, hidden, like.dtype)
        self._fed = self._z[:self._n_hidden]
        if masks is not None:
            self._fed = self._buffers(size, hidden, like.dtype)
        self._dropped = [None] * len(hidden)

    def _buffers(self, size, units, dtype):
        return [self._xp.empty((size, u), dtype) for u in units]

    def part(self, rows, inputs, masks):
        """A pass through the same layers for some rows of its minibatches (a slice).

        It works in this one's buffers: after forward and `backward` of all parts, `weigh` finds
        the gradient of the whole minibatch here.
        """
        new = copy(self)
        new.inputs, new._masks = inputs, masks
        for name in ("_z", "_delta", "_spare", "_fed"):
            setattr(new, name, [buffer if buffer is None else buffer[rows]
                                for buffer in getattr(self, name)])
        new._dropped = [None] * len(self._dropped)
        return new

    def forward(self, parameters, n, fed=None):
        """z of the output layer, or what the last hidden layer feeds on: a view of a buffer.

        Parameters
        ----------
        parameters : Parameters or Layers
        n : int
            Rows: those that `inputs` began with, or of `fed`.
        fed : ndarray of shape (n, units[0]) or None
            IN, until `backward` has been called.
        """
        self._fed_below = fed
        for i, coef in enumerate(parameters.coefs):
            z = self._z[i][:n]
            if fed is None:
                self.inputs.forward(coef, z)
            else:
                self._xp.matmul(fed, coef, out=z)
            z += parameters.intercepts[i]
            if i == self._n_hidden:
                return z
            self._activation.apply(z)
            fed = z if self._masks is None else self._drop(i, z)
        return fed

    def _drop(self, layer, a):
        mask = self._dropped[layer] = self._masks.draw(self._begin + layer + 1, len(a))
        fed = self._fed[layer][:len(a)]
        if mask is None:
            fed[:] = a
        else:
            self._xp.multiply(a, mask, out=fed)
        return fed

    def predict(self, parameters, visits):
        """The output layer's values for the rows `visits`."""
        self.inputs.begin(visits)
        z = self.forward(parameters, len(visits))
        self._output.apply(z)
        return z

    @np.errstate(over="ignore", invalid="ignore", divide="ignore")  # of each thread
    def gradient(self, parameters, target, weight, total, out):
        """The loss of the rows that `inputs` began with, and its gradient.

        Parameters
        ----------
        parameters : Parameters
        target : ndarray
            Of these rows.
        weight : ndarray of shape (n, 1) or (n, n_outputs), or None
        total : float
            What the gradient is divided by: the weights of the whole minibatch.
        out : Parameters
            OUT: the gradient, without the penalty.

        Returns
        -------
        float
            The sum of the weighted losses, not divided.
        """
        delta = self.forward(parameters, len(target))
        loss = self.derive(delta, target, weight, total)
        self.backward(parameters, delta, out)
        return loss

    def derive(self, z, target, weight, total):
        """The sum of the weighted losses; z (INOUT) becomes the derivative by it, over `total`."""
        losses = self._output.loss(z, target)
        if weight is None:
            z *= 1 / total
            return float(losses.sum(dtype=np.float64))
        z *= weight / total
        weight = weight if losses.ndim == 2 else weight[:, 0]
        return float(self._xp.multiply(losses, weight).sum(dtype=np.float64))

    def backward(self, parameters, delta, out=None):
        """The gradient of the layers, after their forward pass.

        Parameters
        ----------
        parameters : Parameters or Layers
        out : Parameters or Layers, or None
            OUT: the gradient; None leaves it to `weigh`.
        delta : ndarray of shape (n, units[-1])
            INOUT. d loss / d z of the output layer, or by what the last hidden layer feeds on.

        Returns
        -------
        ndarray of shape (n, units[0]) or None
            d loss / d `fed`, a view of a buffer; None where `inputs` is the first layer.
        """
        n, coefs = len(delta), parameters.coefs
        for i in range(len(coefs) - 1, -1, -1):
            if i < self._n_hidden:
                if self._dropped[i] is not None:
                    delta *= self._dropped[i]
                self._activation.back(self._z[i][:n], delta, self._spare[i][:n])
            if out is not None:
                delta.sum(axis=0, out=out.intercepts[i])
            if i == 0 and self.inputs is not None:
                if out is not None:
                    self.inputs.backward(delta, out)
                return None
            if out is not None:
                fed = self._fed[i - 1][:n] if i else self._fed_below
                self._xp.matmul(fed.T, delta, out=out.coefs[i])
            above, delta = delta, self._delta[i][:n]
            self._xp.matmul(above, coefs[i].T, out=delta)
        return delta

    def delta(self, layer, n):
        """d loss / d z of a layer for the `n` rows of the last backward pass."""
        return (self._z[-1] if layer == len(self._z) - 1 else self._delta[layer + 1])[:n]

    def weigh(self, layer, rows, n, out):
        """The gradient of some rows of a matrix above the first, after all parts' backward pass.

        Parameters
        ----------
        layer : int
        rows : slice
        n : int
            Rows of the minibatch.
        out : Parameters
            OUT: these rows of ``out.coefs[layer]``.
        """
        self._xp.matmul(self._fed[layer - 1][:n, rows].T, self.delta(layer, n),
                        out=out.coefs[layer][rows])
