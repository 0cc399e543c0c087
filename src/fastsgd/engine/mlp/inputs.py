"""The first layer on dense rows and on CSR: z = x W, and the gradient of W.

`forward(visits, W, out)` and `backward(visits, delta, gradient)` belong together: the second is of
the rows of the first. A gradient is a Parameters; on CSR with `lazy` its `first` holds only the
rows of the features in `touched`.
"""

import numpy as np

from fastsgd.engine.mlp.stand_in import SparseLayer


class DenseInput:
    """Rows of an ndarray, gathered into a buffer of one minibatch.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features)
    size : int
        Rows of a minibatch at most.
    masks : Masks or None
    """

    touched = None

    def __init__(self, X, size, masks):
        self._X, self._masks = X, masks
        self._buffer = np.empty((size, X.shape[1]), X.dtype)

    def forward(self, visits, W, out):
        self._rows = self._buffer[:len(visits)]
        np.take(self._X, visits, axis=0, out=self._rows, mode="clip")  # 'raise' would copy twice
        mask = None if self._masks is None else self._masks.draw(0, len(visits))
        if mask is not None:
            self._rows *= mask
        np.matmul(self._rows, W, out=out)

    def backward(self, visits, delta, gradient):
        np.matmul(self._rows.T, delta, out=gradient.first)


class SparseInput:
    """Rows of a CSR matrix: only the non-zeros are visited.

    Parameters
    ----------
    rows : Rows
        Checked.
    n_units : int
    lazy : bool
        Whether the gradient holds the touched rows only.
    """

    touched = None

    def __init__(self, rows, n_units, lazy):
        self._layer, self._lazy = SparseLayer(rows, n_units), lazy
        self._buffer = np.empty((0, n_units), rows.dtype)

    def forward(self, visits, W, out):
        self._layer.forward(visits, W, out)

    def backward(self, visits, delta, gradient):
        touched = self._layer.touch(visits)
        if len(touched) > len(self._buffer):
            shape = (len(touched) + len(touched) // 4, self._buffer.shape[1])
            self._buffer = np.empty(shape, self._buffer.dtype)
        found = self._buffer[:len(touched)]
        self._layer.backward(visits, delta, found)
        if self._lazy:
            gradient.first, self.touched = found, touched
        else:
            gradient.first.fill(0)
            gradient.first[touched] = found
