"""The command `inspect`: what a model file holds."""

import gzip

import numpy as np

from fastsgd.cli.measure import show


def inspect(model, *, path, top, vocabulary, as_json):
    """Prints parameters, sizes and the `top` weights of largest size of each class."""
    base = getattr(model, "_index_base", 0)
    names = feature_names(model, vocabulary)
    coef = model.coef_.toarray() if hasattr(model.coef_, "toarray") else model.coef_
    coef = np.atleast_2d(coef)
    classes = model.classes_.tolist() if hasattr(model, "classes_") else None
    curve = getattr(model, "loss_curve_", [])
    result = {
        "model": str(path),
        "estimator": type(model).__name__,
        "classes": classes,
        "features": model.n_features_in_,
        "first_feature": base,
        "dtype": str(coef.dtype),
        "nonzero_weights": int(np.count_nonzero(coef)),
        "intercept": np.ravel(model.intercept_).tolist(),
        "epochs": max((state.epoch for state in getattr(model, "_states", [])), default=None),
        "steps": int(model.t_) - 1,
        "objective": curve[-1] if curve else None,
        "parameters": {name: _value(v) for name, v in model.get_params(deep=False).items()},
    }
    heads = [None] if len(coef) == 1 else classes
    tops = []
    for head, weights in zip(heads, coef, strict=True):
        size = np.abs(weights)
        best = np.argsort(-size, kind="stable")[:top]
        tops.append({"class": head, "weights": [
            {"feature": int(j) + base, "name": names[j] if names is not None else None,
             "weight": float(weights[j])} for j in best if size[j] > 0]})
    if as_json:
        show(result | {"top": tops}, True)
        return
    show(result, False)
    for entry in tops:
        towards = f" of class {entry['class']}" if entry["class"] is not None else ""
        print(f"\nlargest weights{towards}")
        for row in entry["weights"]:
            print(f"{row['weight']:>+14.6g}  {row['feature']:>9}  {row['name'] or ''}".rstrip())


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
