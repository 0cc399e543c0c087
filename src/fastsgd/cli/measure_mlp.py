"""How good a multilayer perceptron is on rows."""

import math

import numpy as np
from sklearn.base import is_classifier

from fastsgd.cli.data import dtype_of
from fastsgd.cli.targets import class_weights
from fastsgd.cli.workers import ALONE
from fastsgd.engine.mlp.activations import ACTIVATIONS
from fastsgd.engine.mlp.outputs import OUTPUTS
from fastsgd.engine.mlp.prediction import predict
from fastsgd.kernels.rows import Rows

CHUNK_ROWS = 1 << 14
BATCH_SIZE = 200
"""What batch_size="auto" stands for, on as many rows or more."""


def measure_mlp(model, X, y, together=ALONE):
    """rows, error (or rmse and r2), mean_loss and objective, as a dict.

    mean_loss is the mean of the losses, weighted by the classes' weights. The objective adds what
    a minibatch B of the training adds (docs/mlp.md): alpha |W|^2 / (2 s), where s is the weight of
    B; B has `batch_size` rows, with solver="lbfgs" all. In float64 from the margins on. Processes
    of a job which each have rows of their own tell of all of them.
    """
    n = X.shape[0]
    output = OUTPUTS[model.out_activation_, model.loss]
    targets, weights = _targets(model, y)
    parameters = model._own_parameters()  # no copy
    total, wrong, squares = 0.0, 0, 0.0
    for begin in range(0, n, CHUNK_ROWS):
        part = slice(begin, begin + CHUNK_ROWS)
        z = _margins(model, parameters, X[part].astype(dtype_of(model), copy=False))
        said = z.copy()
        output.apply(said)
        z, target = z.astype(np.float64), targets(part)
        if is_classifier(model):
            wrong += int(np.count_nonzero(model._answers(said) != y[part]))
        else:
            squares = squares + np.sum((said.astype(np.float64) - target) ** 2, axis=0)
        with np.errstate(over="ignore", under="ignore"):
            losses = output.loss(z, target)
        losses = losses.sum(axis=1) if output.by_output else losses
        total += float(np.sum(losses * weights[part]))
    own, (n, wrong, total, weight) = n, together.sums(n, wrong, total, float(np.sum(weights)))
    n = int(n)
    result = {"rows": n}
    if is_classifier(model):
        result["error"] = wrong / n
    else:
        y, squares = y.reshape(own, -1).astype(np.float64), np.array(together.sums(*squares))
        mean = np.array(together.sums(*np.sum(y, axis=0))) / n
        spread = np.array(together.sums(*np.sum((y - mean) ** 2, axis=0)))
        result["rmse"] = math.sqrt(float(np.mean(squares)) / n)
        result["r2"] = float(np.mean(1 - squares / spread)) if np.all(spread > 0) else math.nan
    result["mean_loss"] = total / weight
    size = BATCH_SIZE if model.batch_size == "auto" else model.batch_size
    size = n if model.solver == "lbfgs" else min(size, n)
    square = sum(float(np.einsum("ij,ij->", w, w, dtype=np.float64)) for w in model.coefs_)
    penalty = model.alpha * square / (2 * size * weight / n)
    result["objective"] = result["mean_loss"] + penalty
    return result


def _targets(model, y):
    """(targets of a slice of the rows as the output layer takes them, weights of all rows)."""
    if not is_classifier(model):
        y = y.reshape(len(y), -1)
        if y.shape[1] != model.n_outputs_:
            raise ValueError(f"y has {y.shape[1]} numbers a row, the model {model.n_outputs_}")
        if model.loss == "poisson" and y.min() < 0:
            raise ValueError(f"loss 'poisson' is of targets >= 0, y has {y.min()}")
        return lambda part: y[part].astype(np.float64), np.ones(len(y))
    by_class = class_weights(model, y)
    codes = np.searchsorted(model.classes_, y)
    weights = np.array([by_class.get(label, 0.0) for label in model.classes_.tolist()])[codes]
    if model.out_activation_ == "softmax":
        return lambda part: codes[part], weights
    return lambda part: codes[part].astype(np.float64)[:, None], weights


def _margins(model, parameters, X):
    """z of the output layer."""
    rows = Rows(X)
    rows.check()
    return predict(X, rows, parameters, ACTIVATIONS[model.activation],
                   OUTPUTS["identity", "squared_error"])
