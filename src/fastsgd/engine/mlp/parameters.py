"""The weights of a network, or anything of their shape: a gradient, a slot of an optimizer."""

import hashlib
from itertools import pairwise

import numpy as np

SWAPPED = 1 << 12
"""Rows, or numbers, that are exchanged at a time."""


class Layers:
    """Layers that follow each other, as views of a network's weights or of anything like them.

    Parameters
    ----------
    whole : Parameters
    begin, end : int
        The layers, numbered by their matrices.

    Attributes
    ----------
    first : ndarray of shape (n_features, units[1]) or None
        The network's first matrix where these layers begin with it.
    matrices, vectors : ndarray of shape (n,)
        The other matrices; the intercepts.
    coefs, intercepts : list of ndarray
        By layer.
    """

    def __init__(self, whole, begin, end):
        self.coefs, self.intercepts = whole.coefs[begin:end], whole.intercepts[begin:end]
        self.first = whole.first if begin == 0 else None
        self.matrices = _span(whole.matrices, whole.coefs[1:], max(begin, 1) - 1, end - 1)
        self.vectors = _span(whole.vectors, whole.intercepts, begin, end)

    def square(self):
        """Sum of the squares of all weights that alpha penalises."""
        total = float(np.dot(self.matrices, self.matrices))
        if self.first is not None:
            flat = self.first.reshape(-1)
            total += float(np.dot(flat, flat))
        return total


def _span(flat, views, begin, end):
    """The part of `flat` that the views begin..end take."""
    at = sum(view.size for view in views[:begin])
    return flat[at:at + sum(view.size for view in views[begin:end])]


class Parameters(Layers):
    """Matrices and vectors of all layers: the first matrix apart, all others in one vector.

    The first matrix is the large one where features are many, and the only one of which a
    minibatch may touch few rows; the others move together, in one call each for matrices and
    vectors.

    Parameters
    ----------
    units : sequence of int
        Features, hidden units of each layer, outputs.
    dtype : dtype

    Attributes
    ----------
    first : ndarray of shape (n_features, units[1])
    rest : ndarray of shape (n,)
        The other matrices, then the intercepts.
    coefs, intercepts : list of ndarray
        Views of these by layer.
    """

    def __init__(self, units, dtype, first=None, rest=None):
        self.units = tuple(int(u) for u in units)
        shapes = list(pairwise(self.units))
        self.first = np.zeros(shapes[0], dtype) if first is None else first
        self.rest = np.zeros(count_rest(self.units), dtype) if rest is None else rest
        self._view()

    def _view(self):
        shapes = list(pairwise(self.units))
        n_coefs = sum(a * b for a, b in shapes[1:])
        self.matrices, self.vectors = self.rest[:n_coefs], self.rest[n_coefs:]
        self.coefs, self.intercepts, at = [self.first], [], 0
        for a, b in shapes[1:]:
            self.coefs.append(self.rest[at:at + a * b].reshape(a, b))
            at += a * b
        for b in self.units[1:]:
            self.intercepts.append(self.rest[at:at + b])
            at += b

    def __getstate__(self):
        """Each number once, not its views too."""
        return self.units, self.first, self.rest

    def __setstate__(self, state):
        self.units, self.first, self.rest = state
        self._view()

    @classmethod
    def of(cls, coefs, intercepts, dtype=None):
        """Copies of the matrices and vectors of a fitted model."""
        new = cls([len(coefs[0]), *(c.shape[1] for c in coefs)],
                  coefs[0].dtype if dtype is None else dtype)
        for mine, given in zip(new.coefs + new.intercepts, [*coefs, *intercepts], strict=True):
            if mine.shape != np.shape(given):
                raise ValueError(f"coefs_ and intercepts_ do not fit each other: an array has "
                                 f"shape {np.shape(given)} where {mine.shape} is needed")
            mine[:] = given
        return new

    @property
    def dtype(self):
        return self.rest.dtype

    @property
    def size(self):
        return self.first.size + self.rest.size

    def copy(self):
        new = Parameters(self.units, self.dtype, self.first.copy())
        new.rest[:] = self.rest
        return new

    def become(self, other):
        """Takes the values of `other`."""
        self.first[:] = other.first
        self.rest[:] = other.rest

    def swap(self, other):
        """Exchanges the values with those of `other`, a matrix's row block at a time."""
        for mine, theirs in ((self.first, other.first), (self.rest, other.rest)):
            for begin in range(0, len(mine), SWAPPED):
                part = slice(begin, begin + SWAPPED)
                kept = mine[part].copy()
                mine[part] = theirs[part]
                theirs[part] = kept

    def digest(self):
        """A text that is the same for the same bits."""
        digest = hashlib.sha256()
        for array in (self.first, self.rest):
            digest.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
        return digest.hexdigest()

    def are_finite(self):
        return bool(np.isfinite(self.rest).all() and np.isfinite(self.first).all())

    def pack(self):
        """One float64 vector."""
        return np.concatenate([self.first.reshape(-1), self.rest]).astype(np.float64)

    def unpack(self, vector):
        """The inverse of `pack`."""
        self.first.reshape(-1)[:] = vector[:self.first.size]
        self.rest[:] = vector[self.first.size:]


def count_rest(units):
    """Numbers beside those of the first matrix."""
    return sum(a * b for a, b in pairwise(units[1:])) + sum(units[1:])


def add_up(total, other, with_first):
    """Adds `other` to `total`; `with_first`: the first matrix too."""
    for name in ("first", "matrices", "vectors")[not with_first:]:
        part = getattr(total, name)
        part += getattr(other, name)
