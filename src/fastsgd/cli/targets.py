"""The y of data files: of which kind it is, and how it goes with a model."""

from typing import NamedTuple

import numpy as np
from scipy import sparse

from fastsgd.cli.data import flat, whole
from fastsgd.cli.errors import say
from fastsgd.cli.kinds import kind_of
from fastsgd.data.label_sets import LabelSets, listed
from fastsgd.models.pools import union

KINDS = {"U": "text", **dict.fromkeys("biuf", "numbers")}
BLOCK = 1 << 20
"""Values that are looked at at a time."""


def settled(found, together, multilabel):
    """The y of several files as one: a vector, an array of columns, or `LabelSets`.

    Parameters
    ----------
    found : list of (path, y)
        Of the files that have rows, y as `read` gives it.
    together : Alone or Job
        Processes that decide for all what the rows of each are.
    multilabel : bool or None
        Whether each row has a set of labels; None: if a row of text has several. Columns stay.

    Raises
    ------
    ValueError
        A file has no y, a row lacks a label or has several, or the files are of several kinds.
    """
    for path, y in found:
        if y is None:
            raise ValueError(f"{path}: has no y, the labels or targets; add an array y")
    ys = [y for _, y in found]
    kinds = {_kind(y) for y in ys}
    sets = [(path, y) for path, y in found if isinstance(y, LabelSets)]
    several = [path for path, y in sets if y.several]
    columns, labels, texts, numbers, any_several, labelled = map(bool, together.largest(
        "columns" in kinds, bool(kinds - {"columns"}), "text" in kinds, "numbers" in kinds,
        bool(several), any(not isinstance(y, LabelSets) or len(y.values) for y in ys)))
    if columns and labels:
        raise ValueError("some data files have a y of columns and others one label, or a set of "
                         "labels, a row; convert them to one form")
    if texts and numbers:
        raise ValueError("some data files have labels of text and others numbers; convert them "
                         "to one kind")
    if columns:
        if len(widths := {y.shape[1] for y in ys}) > 1:
            raise ValueError("the data files must have y of as many columns, they have "
                             + " and ".join(map(str, sorted(widths))))
        return np.concatenate(ys) if len(ys) > 1 else ys[0]
    if labelled and (multilabel or (multilabel is None and any_several)):
        return whole(_joined_sets(ys))
    if several:
        raise ValueError(f"{several[0]}: has rows of several labels, where one a row is needed")
    if sets:
        raise ValueError(_unlabelled(sets[0][1], to_train=multilabel is None))
    y = np.concatenate(ys) if len(ys) > 1 else ys[0]
    number, = together.largest(float(y.dtype.kind == "f" and whole(y).dtype.kind == "f"))
    return y if number else whole(y)


def _unlabelled(y, to_train):
    if not len(y.values):
        return f"{y.missing}; the file has no labels, which training and evaluation need"
    hint = "; with --multilabel a row without a label has none of the labels" if to_train else ""
    return f"{y.missing}; each row needs a label{hint}"


def _kind(y):
    if isinstance(y, LabelSets):
        y = y.values
    return "columns" if y.ndim == 2 else KINDS[y.dtype.kind]


def _joined_sets(ys):
    sets = [y if isinstance(y, LabelSets) else LabelSets.of_column(y) for y in ys]
    begins = np.cumsum([0, *(len(y.values) for y in sets)])
    ptr = [y.ptr[1:] + begin for y, begin in zip(sets, begins, strict=False)]
    return LabelSets(np.concatenate([y.values for y in sets]), np.concatenate([[0], *ptr]))


def check_kind(model, y):
    """Raises ValueError where y is of no kind that this estimator is trained on."""
    if model.classifies:
        return
    if isinstance(y, LabelSets):
        raise ValueError("rows have several labels, where one number a row is needed to regress")
    if y.dtype.kind not in "biuf":
        raise ValueError(f"y must be numbers to regress, got {y.dtype}")


class Answers(NamedTuple):
    """Answers of a model: the y that rows must have to measure it on them.

    Attributes
    ----------
    classes : ndarray or None
        Classes, or the labels of the columns; None: it regresses.
    multilabel : bool
    n_columns : int
        Of a regression.
    not_negative : bool
        Whether targets below 0 have no loss.
    """

    classes: np.ndarray | None
    multilabel: bool = False
    n_columns: int = 1
    not_negative: bool = False


def answers_of(model):
    """Answers of a fitted model."""
    if model.classifies:
        return Answers(model.classes_, getattr(model, "multilabel_", False))
    return Answers(None, n_columns=kind_of(model).n_outputs(model),
                   not_negative=model.loss == "poisson")


def answers_after(model, y):
    """Answers of a model that will be trained on y; in a job all processes ask."""
    if not model.classifies:
        return Answers(None, n_columns=1 if y.ndim == 1 else y.shape[1],
                       not_negative=model.loss == "poisson")
    if isinstance(y, LabelSets):
        return Answers(union(model, y.labels), multilabel=True)
    if y.ndim == 2:
        return Answers(np.arange(y.shape[1]), multilabel=True)
    return Answers(union(model, np.unique(y)))


def measurable(path, X, y, answers, together, quiet=False):
    """The y of rows to measure a model on, checked: after this measuring does not fail.

    Labels that the model lacks are told; `measure` counts their rows as errors.

    Parameters
    ----------
    path : str
    X, y :
        As `read_as` gives them.
    answers : Answers
    together : Alone
    quiet : bool
    """
    if not X.shape[0]:
        raise ValueError(f"{path}: no rows to measure on; empty lines and comments are none")
    y = settled([(path, y)], together, answers.multilabel)
    _check_finite(path, X)
    if answers.classes is None:
        _check_targets(path, flat(y), answers)
        return flat(y)
    if answers.multilabel and not isinstance(y, LabelSets):
        _check_indicator(path, y, answers.classes)
        return y
    if not answers.multilabel and y.ndim == 2:
        raise ValueError(f"{path}: y has {y.shape[1]} columns; the model answers one class a row")
    values = y.values if isinstance(y, LabelSets) else y
    given, own = KINDS[values.dtype.kind], KINDS.get(answers.classes.dtype.kind, "text")
    if given != own and len(values):
        raise ValueError(f"{path}: its labels are {given}, those of the training are {own}")
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise ValueError(f"{path}: its labels hold NaN or infinity")
    lost = rows_of_unseen_labels(y, answers.classes)
    if np.any(lost) and not quiet:
        _tell(path, np.setdiff1d(values, answers.classes), int(np.count_nonzero(lost)), len(lost))
    return y


def _check_finite(path, X):
    values = X.data if sparse.issparse(X) else X
    step = max(1, BLOCK // max(1, values.size // max(1, len(values))))
    for begin in range(0, len(values), step):
        if not np.isfinite(values[begin:begin + step]).all():
            raise ValueError(f"{path}: its features hold NaN or infinity")


def _check_targets(path, y, answers):
    if isinstance(y, LabelSets) or y.dtype.kind not in "biuf":
        raise ValueError(f"{path}: y must be numbers, as the model regresses")
    n_columns = 1 if y.ndim == 1 else y.shape[1]
    if n_columns != answers.n_columns:
        raise ValueError(f"{path}: y has {n_columns} numbers a row, the model {answers.n_columns}")
    if not np.isfinite(y).all():
        raise ValueError(f"{path}: its targets hold NaN or infinity")
    if answers.not_negative and y.min() < 0:
        raise ValueError(f"{path}: loss 'poisson' is of targets >= 0, y has {y.min()}")


def _check_indicator(path, y, classes):
    if y.shape[1] != len(classes):
        raise ValueError(f"{path}: y has {y.shape[1]} columns, the model {len(classes)} labels")
    if y.dtype.kind not in "biuf" or np.any((y != 0) & (y != 1)):
        raise ValueError(f"{path}: y has columns, which must hold 0 and 1 where the model has "
                         "several labels a row")


def _tell(path, unseen, n_lost, n_rows):
    what = "1 row has" if n_lost == 1 else f"{n_lost} rows have"
    say(f"note: {path}: {what} labels that the model lacks ({listed(unseen)}), of {n_rows}; they "
        "count as errors, and losses are those of the other rows")


def rows_of_unseen_labels(y, classes):
    """Flag for each row: whether it has a label that is not among `classes`."""
    if not isinstance(y, LabelSets):
        return ~np.isin(y, classes) if y.ndim == 1 else np.zeros(len(y), bool)
    unseen = np.concatenate([[0], np.cumsum(~y.known(classes))])
    return np.diff(unseen[y.ptr]) > 0


def indicator_of(y, classes):
    """A multilabel y as a csr_array of the labels that are among `classes`."""
    if isinstance(y, LabelSets):
        return y.take(y.known(classes)).indicator(classes)
    return sparse.csr_array(y != 0, dtype=np.int8)
