"""The command `inspect`: what a model file holds."""

import gzip

from fastsgd.cli.kinds import kind_of
from fastsgd.cli.show import show


def inspect(model, *, path, top, vocabulary, as_json):
    """Prints parameters, sizes and the largest weights.

    They are the `top` weights of largest size of each class; of a multilayer perceptron the
    features whose weights into the first layer have the largest norms.
    """
    names = feature_names(model, vocabulary)
    about, tops = kind_of(model).describe(model, top, names)
    result = {
        "model": str(path),
        "estimator": model.model_name,
        "classes": model.classes_.tolist() if hasattr(model, "classes_") else None,
        "features": model.n_features_in_,
        "first_feature": getattr(model, "_index_base", 0),
        "dtype": str(kind_of(model).dtype(model)),
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
