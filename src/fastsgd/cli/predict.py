"""The command `predict`."""

import io
import sys

import numpy as np

from fastsgd.cli.data import read_for
from fastsgd.cli.outputs import STDOUT
from fastsgd.output_file import output_file

CHUNK_ROWS = 1 << 16


def predict(model, data, *, proba, output, base, quiet):
    """Writes a line for each row: its label or value, or its probabilities."""
    if proba and not model.gives_probability:
        raise ValueError(
            "--proba needs a classifier: an MLP, or a linear model with loss log_loss or "
            f"modified_huber; this model is a {model.model_name} with loss {model.loss}")
    X, _ = read_for(model, data, base=base, quiet=quiet)
    if output in (None, STDOUT):
        _write(sys.stdout, model, X, proba)
        return
    with output_file(output) as file:
        text = io.TextIOWrapper(file, encoding="utf-8", newline="\n")
        _write(text, model, X, proba)
        text.detach()


def _write(file, model, X, proba):
    sets = getattr(model, "multilabel_", False) and not proba
    for begin in range(0, X.shape[0], CHUNK_ROWS):
        part = X[begin : begin + CHUNK_ROWS]
        rows = model.predict_proba(part) if proba else model.predict(part)
        if sets:  # as files have them: the labels joined by commas, nothing for none
            rows = [model.classes_[row > 0] for row in rows]
        rows = rows[:, np.newaxis] if not sets and rows.ndim == 1 else rows
        file.writelines(("," if sets else " ").join(map(str, row)) + "\n" for row in rows)
