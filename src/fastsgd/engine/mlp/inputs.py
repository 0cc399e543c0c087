"""The first layer on dense rows and on CSR: z = x W, the gradient of W, and the step on it.

`begin(visits)`, `forward(W, out)`, `backward(delta, gradient)` and the step follow each other, for
one minibatch. With `lazy` there is no gradient of W: the step finds each feature's as it goes.
"""

from copy import copy

import numpy as np

from fastsgd.engine.mlp.array_module import take_rows, xp_of
from fastsgd.kernels.sparse_layer import SparseLayer


class DenseInput:
    """Rows of an ndarray, gathered into a buffer of one minibatch.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features)
    size : int
        Rows of a minibatch at most.
    masks : Masks or None
        Dropout of the input.
    """

    lazy, touched = False, None

    def __init__(self, X, size, masks):
        self._X, self._masks, self._xp = X, masks, xp_of(X)
        self._buffer = self._xp.empty((size, X.shape[1]), X.dtype)

    def part(self, rows, masks):
        """The same for some rows of its minibatches (a slice), gathered into its own buffer."""
        new = copy(self)
        new._buffer, new._masks = self._buffer[rows], masks
        return new

    def join(self, visits):
        """After `begin` of all parts: these are the rows of the minibatch."""
        self._rows = self._buffer[:len(visits)]

    def begin(self, visits):
        self._rows = self._buffer[:len(visits)]
        take_rows(self._X, visits, self._rows)
        mask = None if self._masks is None else self._masks.draw(0, len(visits))
        if mask is not None:
            self._rows *= mask

    def forward(self, W, out):
        self._xp.matmul(self._rows, W, out=out)

    def backward(self, delta, gradient, rows=slice(None)):
        self._xp.matmul(self._rows[:, rows].T, delta, out=gradient.first[rows])


class SparseInput:
    """Rows of a CSR matrix: only the non-zeros are visited.

    Parameters
    ----------
    rows : Rows
        Checked.
    n_units : int
    lazy : bool
        Whether a step moves the touched rows only.

    Attributes
    ----------
    layer : SparseLayer
    delta : ndarray
        With `lazy`: d loss / d z of the last minibatch, which the step needs.
    touched : int64 ndarray
        The features of the last minibatch.
    """

    touched = delta = None

    def __init__(self, rows, n_units, lazy):
        self.layer, self.lazy = SparseLayer(rows, n_units), lazy

    def begin(self, visits):
        self._visits = visits
        if self.lazy:
            self.touched = self.layer.touch(visits)

    def forward(self, W, out):
        self.layer.forward(self._visits, W, out)

    def part(self, _rows, _masks):
        """The forward pass for some rows of its minibatches."""
        return ForwardOnly(self.layer)

    def join(self, visits):
        """Sorts the minibatch by feature; may run beside the forward passes of its parts."""
        self.touched = self.layer.touch(visits)

    def backward(self, delta, gradient):
        if self.lazy:
            self.delta = delta
            return
        self.join(self._visits)
        gradient.first.fill(0)
        self.scatter(delta, gradient, 0, len(self.touched))

    def descend(self, begin, end, rule, W, *about, squares):
        """The step on a slice of the touched features: `SparseLayer.descend`."""
        return self.layer.descend(self.delta, rule, W, *about, begin, end, squares=squares)

    def scatter(self, delta, gradient, begin, end):
        """Writes the gradient of a slice of the touched features to their rows."""
        if begin == end:
            return
        rows = np.empty((end - begin, delta.shape[1]), delta.dtype)
        self.layer.backward(delta, rows, begin, end)
        gradient.first[self.touched[begin:end]] = rows


class ForwardOnly:
    """The first layer on some of a minibatch's CSR rows; their backward pass is done for all at
    once.

    Parameters
    ----------
    layer : SparseLayer
        That of the whole minibatch.

    Attributes
    ----------
    delta : ndarray or None
        Where d loss / d z of these rows is kept for the whole's backward pass; None: it is there.
    """

    lazy, delta = True, None

    def __init__(self, layer):
        self._layer = layer

    def begin(self, visits):
        self._visits = visits

    def forward(self, W, out):
        self._layer.forward(self._visits, W, out)

    def backward(self, delta, gradient):
        if self.delta is not None:
            self.delta[:] = delta
