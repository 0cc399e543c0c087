"""How good a multilayer perceptron is on rows."""

import math

import numpy as np

from fastsgd.cli.class_weights import class_weights
from fastsgd.cli.mistakes import Mistakes, Squares
from fastsgd.engine.mlp.activations import ACTIVATIONS
from fastsgd.engine.mlp.outputs import OUTPUTS
from fastsgd.engine.mlp.prediction import predict
from fastsgd.kernels.rows import Rows
from fastsgd.models.labels import label_weights
from fastsgd.penalties import make_penalty
from fastsgd.plan.mlp import BATCH_SIZE
from fastsgd.plan.mlp_rules import sums_all_rows

CHUNK_ROWS = 1 << 14


def measure_mlp(model, X, y, together):
    """rows, error (or rmse and r2), mean_loss and objective, as a dict (see `measure`).

    mean_loss is the mean of the losses, weighted by the classes' weights. The objective adds what
    a minibatch B of the training adds (docs/mlp.md): alpha |W|^2 / (2 s), where s is the weight of
    B; B has `batch_size` rows, with solver="lbfgs" all. In float64 from the margins on. Processes
    of a job which each have rows of their own tell of all of them.
    """
    output = OUTPUTS[model.out_activation_, model.loss]
    mistakes = Mistakes(model, y) if model.classifies else Squares(y)
    targets, weights, by_label = _targets(model, y, mistakes)
    parameters = model._own_parameters()  # no copy
    total = 0.0
    for begin in range(0, X.shape[0], CHUNK_ROWS):
        part = slice(begin, begin + CHUNK_ROWS)
        z = _margins(model, parameters, X[part].astype(model.coefs_[0].dtype, copy=False))
        said = z.copy()
        output.apply(said)
        mistakes.add(part, model._answers(said))
        z, target = z.astype(np.float64), targets(part)
        with np.errstate(over="ignore", under="ignore"):
            losses = output.loss(z, target)
        if by_label is not None:
            losses = losses * (by_label[:, 0] + target * (by_label[:, 1] - by_label[:, 0]))
        losses = losses.sum(axis=1) if output.by_output else losses
        total += float(np.sum(losses * weights[part]))
    total, weight, n_known = together.sums(total, float(np.sum(weights)), mistakes.n_known)
    result = mistakes.told(together)
    result["mean_loss"] = total / weight if weight else math.nan
    size = BATCH_SIZE if model.batch_size == "auto" else model.batch_size
    size = n_known if sums_all_rows(model.solver) else min(size, result["rows"])
    square = sum(float(np.einsum("ij,ij->", w, w, dtype=np.float64)) for w in model.coefs_)
    if weight:
        penalty = make_penalty("l2", alpha=model.alpha).value_of_square(square)
        result["objective"] = result["mean_loss"] + penalty / (size * weight / n_known)
    else:
        result["objective"] = math.nan
    return result


def _targets(model, y, mistakes):
    """Inputs of the output layer: targets of a slice of the rows, weights of rows and of labels.
    """
    if not model.classifies:
        y = y.reshape(len(y), -1)
        return lambda part: y[part].astype(np.float64), np.ones(len(y)), None
    known = ~mistakes.lost
    if mistakes.Y is not None:
        by_label = (None if model.class_weight is None
                    else label_weights(model.class_weight, mistakes.Y))
        return (lambda part: mistakes.Y[part].toarray().astype(np.float64),
                known.astype(np.float64), by_label)
    by_class = class_weights(model, y[known])
    codes = np.minimum(np.searchsorted(model.classes_, y), len(model.classes_) - 1)
    weights = np.array([by_class.get(label, 0.0) for label in model.classes_.tolist()])[codes]
    weights *= known
    if model.out_activation_ == "softmax":
        return lambda part: codes[part], weights, None
    return lambda part: codes[part].astype(np.float64)[:, None], weights, None


def _margins(model, parameters, X):
    """z of the output layer."""
    rows = Rows(X)
    rows.check()
    return predict(X, rows, parameters, ACTIVATIONS[model.activation],
                   OUTPUTS["identity", "squared_error"])
