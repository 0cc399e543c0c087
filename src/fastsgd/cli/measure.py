"""How good a model is on rows, and how results are printed."""

import json
import math

import numpy as np
from sklearn.base import is_classifier
from sklearn.utils.class_weight import compute_class_weight

from fastsgd.kernels import tables
from fastsgd.losses import LOSSES
from fastsgd.penalties import make_penalty
from fastsgd.schedules import has_flag
from fastsgd.solvers import solver_of

CHUNK_ROWS = 1 << 16


def measure(model, X, y):
    """rows, error (or rmse and r2), mean_loss and objective of a fitted model, as a dict.

    The objective is f(w, b) = mean_loss + alpha * R(w), in float64; class weights count in the
    loss. With more than two classes both are means over the one-against-rest models.
    """
    if getattr(model, "multilabel_", False):
        raise ValueError("this is a multilabel model; the command line measures models of one "
                         "class a row only")
    n = X.shape[0]
    coef = model.coef_.toarray() if hasattr(model.coef_, "toarray") else model.coef_
    coef = np.atleast_2d(coef).astype(np.float64)
    targets, weights = _targets(model, y, len(coef))
    loss = LOSSES[model.loss]
    total, wrong, squares = 0.0, 0, 0.0
    for begin in range(0, n, CHUNK_ROWS):
        part = slice(begin, begin + CHUNK_ROWS)
        predicted = model.predict(X[part])
        if is_classifier(model):
            wrong += int(np.count_nonzero(predicted != y[part]))
        else:
            squares += float(np.sum((predicted.astype(np.float64) - y[part]) ** 2))
        margins = X[part] @ coef.T + model.intercept_.astype(np.float64)
        for k in range(len(coef)):
            losses = loss.value(margins[:, k], targets(k)[part], float(model.epsilon))
            total += float(np.sum(losses * weights(k)[part]))
    result = {"rows": n}
    if is_classifier(model):
        result["error"] = wrong / n
    else:
        spread = float(np.sum((y - np.mean(y)) ** 2))
        result["rmse"] = math.sqrt(squares / n)
        result["r2"] = 1 - squares / spread if spread > 0 else math.nan
    result["mean_loss"] = total / (n * len(coef))
    result["objective"] = result["mean_loss"] + _penalty(model, coef, n)
    return result


def _targets(model, y, n_models):
    """(targets, weights): functions of the number of the one-against-rest model."""
    if not is_classifier(model):
        return lambda k: y.astype(np.float64), lambda k: np.ones(len(y))
    unknown = np.setdiff1d(y, model.classes_)
    if len(unknown):
        raise ValueError(
            f"label {unknown[0]} of the data is not among the model's classes "
            + ", ".join(map(str, model.classes_)))
    balanced = isinstance(model.class_weight, str)
    given = "balanced" if balanced else model.class_weight
    present = np.unique(y) if balanced else model.classes_
    by_class = dict(zip(present.tolist(), compute_class_weight(given, classes=present, y=y),
                        strict=True))
    classes = model.classes_.tolist()

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


def show(result, as_json):
    """Prints a result to stdout: one JSON object, or a line for each entry."""
    if as_json:
        print(json.dumps(_plain(result)))
        return
    width = max(map(len, _flat(result)))
    for name, value in _flat(result).items():
        print(f"{name:<{width}}  {_text(name, value)}")


def _flat(result):
    flat = {}
    for name, value in result.items():
        if isinstance(value, dict):
            flat.update({f"{name} {inner}": v for inner, v in value.items()})
        else:
            flat[name] = value
    return flat


def _text(name, value):
    if value is None:
        return "-"
    if name.split()[-1] == "error":
        return f"{100 * value:.3f} %"
    if name == "rows_per_second":
        return f"{value:,.0f}"
    if isinstance(value, list):
        return ", ".join(str(item) for item in value)
    return f"{value:.9g}" if isinstance(value, float) else str(value)


def _plain(value):
    """In terms of JSON; what is not a finite number becomes null."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
