"""How good a model is on rows."""

import math

import numpy as np
from sklearn.base import is_classifier

from fastsgd.cli.data import dtype_of, is_mlp
from fastsgd.cli.measure_mlp import measure_mlp
from fastsgd.cli.targets import check_labels, class_weights
from fastsgd.cli.workers import ALONE
from fastsgd.engine.products import products
from fastsgd.estimators._sparse_coef import dense
from fastsgd.kernels import tables
from fastsgd.kernels.rows import Rows
from fastsgd.losses import LOSSES
from fastsgd.penalties import make_penalty
from fastsgd.schedules import has_flag
from fastsgd.solvers import solver_of

CHUNK_ROWS = 1 << 16


def measure(model, X, y, together=ALONE):
    """rows, error (or rmse and r2), mean_loss and objective of a fitted model, as a dict.

    The objective is f(w, b) = mean_loss + alpha * R(w), in float64; class weights count in the
    loss. With more than two classes both are means over the one-against-rest models. That of a
    multilayer perceptron is told by `measure_mlp`. Processes of a job which each have rows of
    their own tell of all of them.
    """
    if getattr(model, "multilabel_", False):
        raise ValueError("this is a multilabel model; the command line measures models of one "
                         "class a row only")
    check_labels(model, y)
    if is_mlp(model):
        return measure_mlp(model, X, y, together)
    n = X.shape[0]
    coef = dense(model.coef_).astype(np.float64)
    by_feature = np.ascontiguousarray(coef.T)
    targets, weights = _targets(model, y, len(coef))
    loss = LOSSES[model.loss]
    total, wrong, squares = 0.0, 0, 0.0
    for begin in range(0, n, CHUNK_ROWS):
        part = slice(begin, begin + CHUNK_ROWS)
        rows = X[part].astype(dtype_of(model), copy=False)
        predicted = model.predict(rows)
        if is_classifier(model):
            wrong += int(np.count_nonzero(predicted != y[part]))
        else:
            squares += float(np.sum((predicted.astype(np.float64) - y[part]) ** 2))
        margins = products(Rows(rows), by_feature) + model.intercept_.astype(np.float64)
        for k in range(len(coef)):
            losses = loss.value(margins[:, k], targets(k)[part], float(model.epsilon))
            total += float(np.sum(losses * weights(k)[part]))
    n, wrong, squares, total, at_all = together.sums(
        n, wrong, squares, total, 0 if is_classifier(model) else float(np.sum(y)))
    n = int(n)
    result = {"rows": n}
    if is_classifier(model):
        result["error"] = wrong / n
    else:
        spread, = together.sums(float(np.sum((y - at_all / n) ** 2)))
        result["rmse"] = math.sqrt(squares / n)
        result["r2"] = 1 - squares / spread if spread > 0 else math.nan
    result["mean_loss"] = total / (n * len(coef))
    result["objective"] = result["mean_loss"] + _penalty(model, coef, n)
    return result


def _targets(model, y, n_models):
    """(targets, weights): functions of the number of the one-against-rest model."""
    if not is_classifier(model):
        return lambda k: y.astype(np.float64), lambda k: np.ones(len(y))
    by_class, classes = class_weights(model, y), model.classes_.tolist()

    def targets(k):
        return np.where(y == classes[k if n_models > 1 else 1], 1.0, -1.0)

    def weights(k):
        positive = by_class.get(classes[k if n_models > 1 else 1], 1.0)
        negative = 1.0 if n_models > 1 else by_class.get(classes[0], 1.0)
        return np.where(targets(k) > 0, positive, negative)

    return targets, weights


def _penalty(model, coef, n):
    """alpha * R(w), the mean over the models; 0 for the passive-aggressive steps."""
    if solver_of(model).takes_steps and has_flag(
            model.learning_rate, tables.PASSIVE_AGGRESSIVE):
        return 0.0
    alpha = getattr(model, "fit_stats_", {}).get("alpha")
    if alpha is None:
        alpha = model.alpha if model.C is None else 1 / (n * model.C)
    penalty = make_penalty(model.penalty, model.l1_ratio)
    return float(alpha) * float(np.mean([penalty.value(np.ascontiguousarray(w)) for w in coef]))
