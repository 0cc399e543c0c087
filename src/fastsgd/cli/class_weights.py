"""The weights of classes: as --class-weight says them, and as a model gives them to rows."""

import json
import math

import numpy as np

from fastsgd import weighting
from fastsgd.data.label_sets import listed

FORM = ("balanced, balanced_running (linear), LABEL=WEIGHT,LABEL=WEIGHT, or a JSON object as "
        '{"LABEL": WEIGHT} where labels have commas')
BOOLS = {"true": True, "1": True, "false": False, "0": False}


def parse_class_weight(text):
    """'balanced', 'balanced_running', or a dict of weights by the text of each label.

    A label ends at the last = before its weight.

    Raises
    ------
    ValueError
        The text has another form, names a label twice, or a weight is no finite number >= 0.
    """
    if text.lstrip().startswith("{"):
        pairs = _of_json(text)
    elif "=" in text:
        pairs = [pair.rpartition("=")[::2] for pair in text.split(",")]
    elif text in ("balanced", "balanced_running"):
        return text
    else:
        _refuse(f"{FORM}; got {text!r}")
    weights = {}
    for label, weight in pairs:
        if not label.strip():
            _refuse(f"{FORM}; got {text!r}")
        if label in weights:
            _refuse(f"one weight a label; {label!r} has two")
        weights[label] = _weight(label, weight)
    return weights


def _of_json(text):
    try:
        pairs = json.loads(text, object_pairs_hook=list)
    except (ValueError, RecursionError) as error:
        _refuse(f"{FORM}; {text!r} is no JSON: {error}")
    if not pairs:
        _refuse(f"{FORM}; {text!r} names no label")
    return pairs


def _weight(label, weight):
    try:
        value = math.nan if isinstance(weight, bool) else float(weight)
    except (TypeError, ValueError, OverflowError):
        value = math.nan
    if not 0 <= value < math.inf:
        _refuse(f"a finite number >= 0 for each label, got {weight!r} for {label!r}")
    return value


def _refuse(what):
    raise ValueError(f"The 'class_weight' parameter of it must be {what}")


def by_label(weights, labels, multilabel):
    """A dict by the text of labels as one by the labels themselves.

    Parameters
    ----------
    weights : dict
    labels : ndarray
        All that the data have.
    multilabel : bool

    Raises
    ------
    ValueError
        The data lack a label, a label is named twice, or rows have several labels.
    """
    if multilabel:
        raise ValueError("--class-weight LABEL=WEIGHT is for one label a row; with several it can "
                         "be balanced only")
    found = {}
    for text, weight in weights.items():
        label = _label(text, labels)
        if label is None:
            raise ValueError(f"--class-weight names the label {text!r}, which the data lack; "
                             f"theirs are {listed(labels)}")
        if label in found:
            raise ValueError(f"--class-weight names the label {label} twice")
        found[label] = weight
    return found


def _label(text, labels):
    """The label that is written so, or None."""
    kind = labels.dtype.kind
    if kind == "b":
        named = [BOOLS.get(text.strip().lower())]
    elif kind in "iuf":
        named = _numbers(text)
    else:
        named = [text, text.strip()]
    return next((label for label in labels.tolist() for name in named
                 if name is not None and label == name), None)


def _numbers(text):
    for kind in (int, float):  # int first: it is exact
        try:
            return [kind(text)]
        except ValueError:
            continue
    return []


def class_weights(model, y):
    """Label -> weight, as the model's `class_weight` gives it for these rows of its classes."""
    balanced = isinstance(model.class_weight, str)
    given = "balanced" if balanced else model.class_weight
    present = np.unique(y) if balanced else model.classes_
    if not len(y):
        return {}
    return dict(zip(present.tolist(), weighting.class_weights(given, present, y), strict=True))
