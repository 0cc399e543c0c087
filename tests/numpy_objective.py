"""The objective of the log loss in plain NumPy, as someone with another device would bring it."""

import numpy as np

from fastsgd.engine.linear.objective import Objective


class NumPyObjective(Objective):
    """Means over the rows of a dense X; nothing but NumPy is asked."""

    def __init__(self, X, examples, settings, intercept, *, batch, deadline, peers):
        super().__init__(settings, X.shape[1], intercept, peers)
        assert settings.loss.name == "log_loss"
        assert peers.alone
        self._X, self._y, self._all = X, examples.y, np.arange(len(X))
        self._l2 = 0.0 if self.proximal else settings.penalty.l2

    def __exit__(self, *error):
        pass

    def expired(self):
        return False

    def _margins(self, x):
        self.visits += len(self._X)
        return self._X @ x[:self._d] + self.intercept_of(x)

    def _losses(self, z):
        """Losses, slopes and curvatures at the margins z."""
        p = 1 / (1 + np.exp(self._y * z))
        return np.logaddexp(0, -self._y * z), -self._y * p, p * (1 - p)

    def _back(self, by_row, at, n=None):
        """X^T of numbers by row, as a mean, with the penalty's part."""
        n = len(self._X) if n is None else n
        return np.r_[self._X.T @ by_row / n + self._l2 * at[:self._d],
                     [by_row.sum() / n][:len(at) - self._d]]

    def evaluate(self, x):
        self.x = x
        losses, slopes, self._curves = self._losses(self._margins(x))
        self.gradient, self.mean_loss = self._back(slopes, x), losses.mean()
        self.value = self.mean_loss + self.penalty(x)
        return self.value, self.gradient

    def batch(self, x, rows, n=None):
        losses, slopes, _ = self._losses(self._margins(x))
        used = np.isin(self._all, rows)
        return losses[used].sum(), self._back(slopes * used, x, len(rows))

    def product(self, v):
        return self._back(self._curves * self._margins(np.r_[v, 0.0][:self._d + 1]), v)

    def units(self, proof, power=0.25):
        h = 0.25 * (self._X ** 2).mean(axis=0) + self._l2
        h = np.maximum(h, 1e-12 * h.max())
        mean = np.exp(np.log(h).mean())
        u = np.r_[(h / mean) ** -power * mean ** -0.5, (0.25 * proof.weight) ** -0.5]
        return u[:len(self.x)] * np.sqrt(proof.zero)

    def point_to(self, direction):
        self._direction = direction

    def along(self, eta):
        d, x = self._direction, self.x + eta * self._direction
        losses, slopes, curves = self._losses(self._margins(x))
        dz, w = self._margins(np.r_[d, 0.0][:self._d + 1]), x[:self._d]
        d = d[:self._d]
        return (losses.mean() + self._l2 / 2 * (w @ w), (slopes * dz).mean() + self._l2 * (w @ d),
                (curves * dz * dz).mean() + self._l2 * (d @ d))

    def move(self, eta, to=None):
        return self.evaluate(self.x + eta * self._direction if to is None else to)
