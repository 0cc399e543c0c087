"""How good a linear model is on rows."""

import math

import numpy as np

from fastsgd.cli.class_weights import class_weights
from fastsgd.cli.mistakes import Mistakes, Squares
from fastsgd.engine.products import products
from fastsgd.kernels import tables
from fastsgd.kernels.rows import Rows
from fastsgd.losses import LOSSES
from fastsgd.models.labels import label_weights
from fastsgd.models.linear.sparse_coef import dense
from fastsgd.penalties import make_penalty
from fastsgd.plan.linear_check import solver_of
from fastsgd.schedules import has_flag

CHUNK_ROWS = 1 << 16
CHUNK_CELLS = 1 << 24
"""Rows times models that are looked at at a time."""


def measure_linear(model, X, y, together):
    """Numbers about a linear model, as a dict (see `measure`).

    With several one-against-rest models, mean_loss and objective are means over them; class
    weights count in the loss. `y` is as `settled` or `measurable` gives it.
    """
    coef = dense(model.coef_).astype(np.float64)
    by_feature = np.ascontiguousarray(coef.T)
    mistakes = Mistakes(model, y) if model.classifies else Squares(y)
    targets_of = _targets(model, y, mistakes, len(coef))
    loss, total = LOSSES[model.loss], 0.0
    step = max(1, min(CHUNK_ROWS, CHUNK_CELLS // len(coef)))
    for begin in range(0, X.shape[0], step):
        part = slice(begin, begin + step)
        rows = X[part].astype(model.coef_.dtype, copy=False)
        mistakes.add(part, model.predict(rows))
        margins = products(Rows(rows), by_feature) + model.intercept_.astype(np.float64)
        targets = targets_of(part)
        for k in range(len(coef)):
            y_k, weights = targets(k)
            losses = loss.value(margins[:, k], y_k, float(model.epsilon))
            total += float(np.sum(losses * weights))
    total, n_known = together.sums(total, mistakes.n_known)
    result = mistakes.told(together)
    result["mean_loss"] = total / (n_known * len(coef)) if n_known else math.nan
    result["objective"] = result["mean_loss"] + _penalty(model, coef, result["rows"])
    return result


def _targets(model, y, mistakes, n_models):
    """``targets_of(part)(k)``: (targets, weights) of model k and the rows of a slice."""
    if not model.classifies:
        return lambda part: lambda k: (y[part].astype(np.float64), 1.0)
    known = ~mistakes.lost
    if mistakes.Y is not None:
        pairs = label_weights(model.class_weight, mistakes.Y)

        def of_labels(part):
            has = mistakes.Y[part].toarray() > 0
            return lambda k: _signs(has[:, k], *pairs[k], known[part])

        return of_labels
    by_class, classes = class_weights(model, y[known]), model.classes_.tolist()

    def of_classes(part):
        def targets(k):
            label = classes[k if n_models > 1 else 1]
            negative = 1.0 if n_models > 1 else by_class.get(classes[0], 1.0)
            return _signs(y[part] == label, negative, by_class.get(label, 1.0), known[part])

        return targets

    return of_classes


def _signs(has, negative, positive, known):
    return np.where(has, 1.0, -1.0), np.where(has, positive, negative) * known


def _penalty(model, coef, n):
    """alpha R(w), the mean over the models; 0 for the passive-aggressive steps."""
    if solver_of(model).takes_steps and has_flag(
            model.learning_rate, tables.PASSIVE_AGGRESSIVE):
        return 0.0
    alpha = getattr(model, "fit_stats_", {}).get("alpha")
    if alpha is None:
        alpha = model.alpha if model.C is None else 1 / (n * model.C)
    penalty = make_penalty(model.penalty, model.l1_ratio)
    mean = float(np.mean([penalty.value(np.ascontiguousarray(w)) for w in coef]))
    return penalty.of_alpha(float(alpha)).weigh(mean)
