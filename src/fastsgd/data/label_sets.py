"""Any number of labels for each row: multilabel targets as files and lists of tuples hold them."""

import numpy as np
from scipy import sparse


class LabelSets:
    """The labels of each row, one row after another; a sequence of tuples to those who index it.

    Parameters
    ----------
    values : ndarray of shape (n_values,)
        Numbers, bools or strings.
    ptr : int64 ndarray of shape (n_rows + 1,)
        Row i has the labels ``values[ptr[i]:ptr[i + 1]]``.
    missing : str or None
        Of text that was read without knowing whether it is multilabel: where the first row without
        a label stands, as an error says it.
    classes : array-like or None
        All labels there are, where `values` may hold a part of them only.
    """

    def __init__(self, values, ptr, missing=None, classes=None):
        self.values, self.ptr, self.missing = values, ptr, missing
        self.classes = None if classes is None else np.unique(classes)

    def __len__(self):
        return len(self.ptr) - 1

    def __getitem__(self, row):
        if isinstance(row, slice):
            begin, end, step = row.indices(len(self))
            if step != 1:
                raise ValueError("rows of label sets are cut by steps of 1 only")
            ptr = self.ptr[begin:max(begin, end) + 1]
            return LabelSets(self.values[ptr[0]:ptr[-1]], ptr - ptr[0], self.missing, self.classes)
        if not -len(self) <= row < len(self):
            raise IndexError(row)
        row %= len(self)
        return tuple(self.values[self.ptr[row]:self.ptr[row + 1]].tolist())

    @classmethod
    def of_column(cls, y):
        """One label for each row."""
        return cls(np.asarray(y), np.arange(len(y) + 1))

    @classmethod
    def of_rows(cls, rows):
        """From a list of tuples, lists or sets.

        Raises
        ------
        ValueError
            The labels are neither numbers alone nor text alone, or not finite.
        """
        flat = [label for row in rows for label in row]
        if len({isinstance(label, str) for label in flat}) > 1:
            raise ValueError("y has label sets of text and of numbers; all labels must be of one "
                             "kind")
        try:
            values = np.array(flat) if flat else np.empty(0)
        except ValueError:
            values = np.empty((0, 0))
        if values.ndim != 1 or values.dtype.kind not in "biufU":
            raise ValueError("y has label sets whose labels are neither numbers nor text")
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            raise ValueError("y has label sets that hold NaN or infinity")
        return cls(values, np.concatenate([[0], np.cumsum([len(row) for row in rows], dtype=int)]))

    @property
    def several(self):
        """Whether a row has more than one label."""
        return bool(np.any(np.diff(self.ptr) > 1))

    @property
    def labels(self):
        """All labels, each once, in order."""
        return np.unique(self.values) if self.classes is None else self.classes

    def known(self, labels):
        """Flag for each value: whether it is among `labels`."""
        return np.isin(self.values, labels)

    def take(self, chosen):
        """The same rows with those values only."""
        before = np.concatenate([[0], np.cumsum(chosen)])
        return LabelSets(self.values[chosen], before[self.ptr])

    def indicator(self, labels):
        """A column for each of `labels`, which rise: csr_array of int8 ones, canonical.

        Raises
        ------
        ValueError
            A row has another label.
        """
        if not np.all(known := self.known(labels)):
            others = np.unique(self.values[~known])
            raise ValueError(
                f"y has the label {others[0]}{' and others' if len(others) > 1 else ''}, none of "
                f"the labels {listed(labels)}")
        columns = np.searchsorted(labels, self.values)
        Y = sparse.csr_array((np.ones(len(columns), np.int8), columns, self.ptr),
                             shape=(len(self), len(labels)))
        Y.sum_duplicates()
        Y.data[:] = 1
        return Y


def label_sets_of(y):
    """`LabelSets` where y has a set of labels for each row, else None.

    Rows are tuples, sets or lists. What is an indicator as well (rows of 0 and 1 of one length)
    is none, nor are lists of one length: they are columns.
    """
    if isinstance(y, LabelSets):
        return y
    if not isinstance(y, (list, tuple)):
        kind = getattr(getattr(y, "dtype", None), "kind", None)
        if kind != "O" or getattr(y, "ndim", 0) != 1:
            return None
        y = y.tolist()
    if not len(y) or not isinstance(y[0], (tuple, list, set, frozenset)):
        return None
    kinds, lengths = set(map(type, y)), {len(row) for row in y if hasattr(row, "__len__")}
    if not kinds <= {tuple, list, set, frozenset}:
        return None
    if not kinds & {set, frozenset} and len(lengths) == 1:
        if list in kinds:
            return None
        if max(lengths) > 1 and all(label in (0, 1) for row in y for label in row):
            return None
    return LabelSets.of_rows(y)


def listed(labels, most=20):
    """Labels for a message, on one line."""
    shown = ", ".join(map(str, labels[:most]))
    return shown if len(labels) <= most else f"{shown}, ... ({len(labels)} in all)"
