"""Forward and backward through all layers, for one minibatch, in buffers made once."""

import numpy as np


class Pass:
    """Forward and backward of minibatches of at most `size` rows; one for each thread.

    Parameters
    ----------
    inputs : DenseInput or SparseInput
        The first layer.
    units : sequence of int
    activation : Activation
        Of the hidden layers.
    output : Output
    size : int
    masks : Masks or None
        Dropout of the hidden layers.
    """

    def __init__(self, inputs, units, dtype, activation, output, size, masks=None):
        self.inputs = inputs
        self._activation, self._output, self._masks = activation, output, masks
        hidden = units[1:-1]
        self._z = [np.empty((size, u), dtype) for u in units[1:]]
        self._delta = [np.empty((size, u), dtype) for u in hidden]
        self._spare = [np.empty((size, u), dtype) for u in hidden]
        self._fed = self._z[:-1]
        if masks is not None:
            self._fed = [np.empty((size, u), dtype) for u in hidden]
        self._dropped = [None] * len(hidden)

    def leave_delta_in(self, buffer):
        """From now on d loss / d z of the first layer is left there: (n_rows, units[1])."""
        (self._delta or self._z)[0] = buffer

    def forward(self, parameters, n):
        """z of the output layer for the `n` rows that `inputs` began with: a view of a buffer."""
        z = self._z[0][:n]
        self.inputs.forward(parameters.coefs[0], z)
        z += parameters.intercepts[0]
        for i in range(1, len(self._z)):
            self._activation.apply(z)
            if self._masks is not None:
                z = self._drop(i, z)
            below, z = z, self._z[i][:n]
            np.matmul(below, parameters.coefs[i], out=z)
            z += parameters.intercepts[i]
        return z

    def _drop(self, layer, a):
        mask = self._dropped[layer - 1] = self._masks.draw(layer, len(a))
        fed = self._fed[layer - 1][:len(a)]
        if mask is None:
            fed[:] = a
        else:
            np.multiply(a, mask, out=fed)
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
        n, coefs = len(target), parameters.coefs
        delta = self.forward(parameters, n)
        losses = self._output.loss(delta, target)
        if weight is None:
            delta *= 1 / total
            loss = losses.sum(dtype=np.float64)
        else:
            delta *= weight / total
            weight = weight if losses.ndim == 2 else weight[:, 0]
            loss = np.multiply(losses, weight).sum(dtype=np.float64)
        for i in range(len(coefs) - 1, 0, -1):
            np.matmul(self._fed[i - 1][:n].T, delta, out=out.coefs[i])
            np.add.reduce(delta, axis=0, out=out.intercepts[i])
            above, delta = delta, self._delta[i - 1][:n]
            np.matmul(above, coefs[i].T, out=delta)
            if self._dropped[i - 1] is not None:
                delta *= self._dropped[i - 1]
            self._activation.back(self._z[i - 1][:n], delta, self._spare[i - 1][:n])
        np.add.reduce(delta, axis=0, out=out.intercepts[0])
        self.inputs.backward(delta, out)
        return float(loss)
