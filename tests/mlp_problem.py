"""A small network's loss and gradient as functions of one vector, for the tests of MLPs."""

import numpy as np
from scipy import sparse

from fastsgd.engine.mlp.activations import ACTIVATIONS
from fastsgd.engine.mlp.examples import Examples
from fastsgd.engine.mlp.minibatch import PassFactory
from fastsgd.engine.mlp.outputs import OUTPUTS
from fastsgd.engine.mlp.parameters import Parameters
from fastsgd.engine.mlp.settings import Settings
from fastsgd.kernels.rows import Rows
from fastsgd.optimizers import OPTIMIZERS

N, FEATURES, HIDDEN, K = 7, 5, (6, 4), 3


def settings(activation="tanh", output=("softmax", "log_loss"), **others):
    given = {
        "alpha": 0.3, "rule": OPTIMIZERS["sgd"], "schedule": {}, "by_epoch": False,
        "adaptive": False, "batch_size": N, "max_iter": 1, "tol": 0.0, "n_iter_no_change": 5,
        "shuffle": False, "lazy": False, "dropout": (0.0,) * (len(HIDDEN) + 1)}
    return Settings(activation=ACTIVATIONS[activation], output=OUTPUTS[output],
                    **{**given, **others})


def rows_of(dtype=np.float64, csr=False, seed=0):
    """X of N rows, one of whose features never occurs."""
    X = np.random.default_rng(seed).normal(size=(N, FEATURES)).astype(dtype)
    X[np.abs(X) < 0.5] = 0
    X[:, 2] = 0
    return sparse.csr_array(X) if csr else X


def targets_of(output, dtype=np.float64, seed=1):
    draw = np.random.default_rng(seed)
    if output[0] == "softmax":
        return draw.integers(0, K, N)
    if output[0] == "logistic":
        return draw.integers(0, 2, (N, K)).astype(dtype)
    return draw.exponential(size=(N, K)).astype(dtype)


class Problem:
    """Mean loss of all rows with the penalty, and its gradient by backpropagation."""

    def __init__(self, settings, X, targets, sample_weight=None, label_weights=None, seed=3):
        rows = Rows(X)
        rows.check()
        self.examples = Examples(X, rows, targets, sample_weight, label_weights)
        self.settings = settings
        self.parameters = Parameters((FEATURES, *HIDDEN, K), X.dtype)
        draw = np.random.default_rng(2)
        self.start = draw.normal(scale=0.7, size=self.parameters.size)
        self._bench = PassFactory(self.examples, self.parameters.units, settings, seed)
        self._pass = self._bench.make_pass(N)
        self._gradient = self._bench.make_gradient()

    def __call__(self, vector):
        """(value, Parameters of the gradient without the penalty, total weight)."""
        self.parameters.unpack(vector)
        self._bench.begin(0)  # the same dropout masks each time
        visits = np.arange(N, dtype=np.int64)
        target, weight, total = self.examples.of(visits)
        self._pass.inputs.begin(visits)
        loss = self._pass.gradient(self.parameters, target, weight, total, self._gradient)
        loss += 0.5 * self.settings.alpha * self.parameters.square()
        return loss / total, self._gradient, total

    def gradient(self, vector):
        """The whole gradient as a vector; rows that are not touched have no penalty (`lazy`)."""
        _, found, total = self(vector)
        whole = Parameters(self.parameters.units, np.float64)
        whole.rest[:] = found.rest
        inputs, at = self._pass.inputs, slice(None)
        touched = inputs.touched
        if inputs.lazy:
            at, first = touched, np.empty((len(touched), HIDDEN[0]), self.parameters.dtype)
            inputs.layer.backward(inputs.delta, first)
            found.first = first
        whole.first[at] = found.first
        whole.first[at] += self.settings.alpha / total * self.parameters.first[at]
        whole.matrices += self.settings.alpha / total * self.parameters.matrices
        return whole.pack(), touched

    def differences(self, vector, h=1e-6):
        """The gradient by central differences."""
        found = np.empty(len(vector))
        for i in range(len(vector)):
            ends = [self(vector + sign * h * np.eye(1, len(vector), i)[0])[0] for sign in (1, -1)]
            found[i] = (ends[0] - ends[1]) / (2 * h)
        return found
