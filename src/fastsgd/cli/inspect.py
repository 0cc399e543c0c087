"""The command `inspect`: what a model file holds."""

import gzip

import numpy as np

from fastsgd.cli.data import dtype_of, is_mlp
from fastsgd.cli.show import show


def inspect(model, *, path, top, vocabulary, as_json):
    """Prints parameters, sizes and the largest weights.

    They are the `top` weights of largest size of each class; of a multilayer perceptron the
    features whose weights into the first layer have the largest norms.
    """
    names = feature_names(model, vocabulary)
    about, tops = (_mlp if is_mlp(model) else _linear)(model, top, names)
    result = {
        "model": str(path),
        "estimator": model.model_name,
        "classes": model.classes_.tolist() if hasattr(model, "classes_") else None,
        "features": model.n_features_in_,
        "first_feature": getattr(model, "_index_base", 0),
        "dtype": str(dtype_of(model)),
        "epochs": max((state.epoch for state in getattr(model, "_states", [])), default=None),
        **about,
        "parameters": {name: _value(v) for name, v in model.get_params(deep=False).items()},
    }
    if as_json:
        show(result | {"top": tops}, True)
        return
    layers = result.pop("layers", [])
    show(result, False)
    if layers:
        print("\nlayer   inputs    units  activation        |W|        |b|")
    for row in layers:
        print(f"{row['layer']:>5} {row['inputs']:>8} {row['units']:>8}  {row['activation']:<10} "
              f"{row['norm']:>10.6g} {row['intercept_norm']:>10.6g}")
    for entry in tops:
        print(f"\n{_title(entry)}")
        for row in entry.get("weights", ()):
            print(f"{row['weight']:>+14.6g}  {row['feature']:>9}  {row['name'] or ''}".rstrip())
        for row in entry.get("features", ()):
            print(f"{row['norm']:>14.6g}  {row['feature']:>9}  {row['name'] or ''}".rstrip())


def _linear(model, top, names):
    """(what is told of a linear model, its largest weights by class)."""
    base = getattr(model, "_index_base", 0)
    coef = model.coef_.toarray() if hasattr(model.coef_, "toarray") else model.coef_
    coef = np.atleast_2d(coef)
    curve = getattr(model, "loss_curve_", [])
    about = {
        "nonzero_weights": int(np.count_nonzero(coef)),
        "intercept": np.ravel(model.intercept_).tolist(),
        "steps": int(model.t_) - 1,
        "objective": curve[-1] if curve else None,
    }
    heads = [None] if len(coef) == 1 else model.classes_.tolist()
    tops = []
    for head, weights in zip(heads, coef, strict=True):
        size = np.abs(weights)
        best = np.argsort(-size, kind="stable")[:top]
        tops.append({"class": head, "weights": [
            {"feature": int(j) + base, "name": names[j] if names is not None else None,
             "weight": float(weights[j])} for j in best if size[j] > 0]})
    return about, tops


def _mlp(model, top, names):
    """(what is told of a multilayer perceptron, the features of largest norm)."""
    base, coefs = getattr(model, "_index_base", 0), model.coefs_
    activations = [model.activation] * (len(coefs) - 1) + [model.out_activation_]
    about = {
        "units": [len(coefs[0]), *(w.shape[1] for w in coefs)],
        "weights": sum(w.size + b.size for w, b in zip(coefs, model.intercepts_, strict=True)),
        "layers": [
            {"layer": k, "inputs": w.shape[0], "units": w.shape[1], "activation": name,
             "norm": _norm(w), "intercept_norm": _norm(b)}
            for k, (w, b, name) in enumerate(
                zip(coefs, model.intercepts_, activations, strict=True), start=1)],
        "steps": model._states[0].step,
        "rows_seen": int(model.t_),
        "loss": model.loss_,
        "best_validation_score": getattr(model, "best_validation_score_", None),
    }
    norms = np.sqrt(np.einsum("ij,ij->i", coefs[0], coefs[0], dtype=np.float64))
    best = np.argsort(-norms, kind="stable")[:top]
    return about, [{"features": [
        {"feature": int(j) + base, "name": names[j] if names is not None else None,
         "norm": float(norms[j])} for j in best]}]


def _norm(weights):
    return float(np.sqrt(np.sum(np.square(weights, dtype=np.float64))))


def _title(entry):
    if "features" in entry:
        return "features whose weights into the first layer have the largest norms"
    return "largest weights" + (
        f" of class {entry['class']}" if entry["class"] is not None else "")


def feature_names(model, vocabulary):
    """One name a feature: the lines of a file (plain or .gz), else the model's own, else None."""
    if vocabulary is None:
        names = getattr(model, "feature_names_in_", None)
        return None if names is None else names.tolist()
    opener = gzip.open if str(vocabulary).endswith(".gz") else open
    with opener(vocabulary, "rt", encoding="utf-8") as file:
        names = file.read().split("\n")
    if names[-1] == "":
        names.pop()
    if len(names) < model.n_features_in_:
        raise ValueError(
            f"{vocabulary}: has {len(names)} lines, fewer than the model's "
            f"{model.n_features_in_} features; line 1 names the first feature")
    return names


def _value(value):
    return value if isinstance(value, (bool, int, float, str, type(None))) else str(value)
