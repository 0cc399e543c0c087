"""Lines longer than a block of `load_svmlight`: what they give, how they fail, what they take."""

import io
import random
import tracemalloc

import numpy as np
import pytest

import fastsgd.data.svmlight as module
from fastsgd import load_svmlight
from fastsgd.cli.joined import read_pieces
from fastsgd.cli.workers import Alone
from fastsgd.data.shards import Piece

WHOLE = 1 << 22
"""A block that every line of these tests fits into: how lines were always read."""


def outcome(monkeypatch, text, size, options):
    """What a text gives when blocks have `size` bytes: arrays, or the error without what it found.

    Leading zeros of a number are not shown where it was shortened.
    """
    blocks = vars(module)["line_blocks"]
    with monkeypatch.context() as patch:
        patch.setattr(module, "line_blocks",
                      lambda *args, **rules: blocks(*args, **rules, size=size))
        try:
            X, *others = load_svmlight(io.BytesIO(text), **options)
        except ValueError as error:
            return str(error).split(", found")[0]
    return [X.shape, X.data.tobytes(), X.indices.tolist(), X.indptr.tolist(), *map(repr, others)]


class Texts:
    """Random text whose numbers, blanks, labels and comments are short, and at times very long."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def one_of(self, *choices):
        return self.random.choice(choices)

    def rarely(self):
        return self.random.random() < 0.04

    def digits(self, kinds):
        n = self.one_of(100, 801, 802, 3000, 7000) if self.rarely() else self.one_of(1, 2, 5, 20)
        return "".join(self.random.choices(kinds, k=n))

    def number(self):
        whole = self.digits(self.one_of("0", "1", "09", "0123456789"))
        fraction = "." + self.digits(self.one_of("0", "9", "0123456789")) * self.one_of(0, 1)
        text = self.one_of("", "", "-", "+") + whole + fraction * self.one_of(0, 1)
        if self.one_of(True, False, False):
            zeros = self.digits("0") * self.one_of(0, 1)
            text += self.one_of("e", "E") + self.one_of("", "-", "+") + zeros
            text += str(self.one_of(0, 3, 300, len(whole), len(fraction), 5000))
        return text

    def blank(self):
        return self.one_of(" ", "  ", "\t", "\r", "\v\f") * (3000 if self.rarely() else 1)

    def line(self, multilabel, query_id):
        if self.rarely():
            return self.blank() + self.one_of("", "#" + "# d, " * 1500)
        n_labels = self.one_of(1, 3, 400) if multilabel else 1
        words = [",".join(self.number() for _ in range(n_labels))]
        if query_id:
            words.append(f"qid:{self.one_of('', '-')}{self.digits('0')}{self.one_of(0, 7, 2**40)}")
        index = 0
        for _ in range(self.one_of(0, 1, 5, 40)):
            index += self.random.randint(1, 9)
            words.append(f"{'0' * 5000 * self.rarely()}{index}:{self.number()}")
        return "".join(word + self.blank() for word in words) + "# x, y" * self.one_of(0, 0, 900)

    def damaged(self, text):
        text = bytearray(text)
        for _ in range(self.one_of(1, 2)):
            text[self.random.randrange(len(text))] = self.random.choice(
                b" \t\r\n\x00:,#-.0159eEqinf\xff")
        return bytes(text)


@pytest.mark.parametrize("seed", range(40))
def test_parts_of_lines_give_what_whole_lines_give(monkeypatch, seed):
    texts = Texts(seed)
    multilabel, query_id = seed % 3 == 0, seed % 4 == 1
    text = "\n".join(texts.line(multilabel, query_id) for _ in range(3)).encode() + b"\n9\n"
    options = {"multilabel": multilabel, "query_id": query_id, "allow_nonfinite": seed % 5 > 0,
               "dtype": texts.one_of(np.float32, np.float64),
               "n_features": texts.one_of(None, None, 40),
               "zero_based": texts.one_of(True, False, "auto")}
    for tried in (text, text[:-3], texts.damaged(text)):
        expected = outcome(monkeypatch, tried, WHOLE, options)
        if isinstance(expected, str) and "label" in expected:
            continue  # what is wrong with a long label depends on how much of it was seen
        for size in (4, 60, 1000, 4096, 9999):
            assert outcome(monkeypatch, tried, size, options) == expected


@pytest.mark.parametrize(("number", "value"), [
    ("0" * 9000 + "5", 5.0), ("0." + "0" * 9000 + "5e9001", 5.0),
    ("5" + "0" * 9000 + "e-9000", 5.0),
    ("1e" + "0" * 9000 + "2", 100.0), ("1e-" + "9" * 9000, 0.0), ("0." + "3" * 9000, 1 / 3),
    ("9007199254740993" + "0" * 9000 + "e-9000", 9007199254740992.0),  # a tie
    ("9007199254740993" + "0" * 9000 + "1e-9001", 9007199254740994.0),  # just above it
    ("9007199254740993." + "0" * 9000 + "1", 9007199254740994.0),
    ("9007199254740993" + "0" * 900 + "1" + "0" * 9000 + "e-9901", 9007199254740994.0),
    ("9007199254740993." + "0" * 900 + "1" + "0" * 9000, 9007199254740994.0),
    ("-" + "0" * 9000 + ".5", -0.5), ("0" * 9000, 0.0), ("." + "0" * 9000, 0.0)])
def test_long_numbers_are_rounded_by_all_their_digits(monkeypatch, number, value):
    """As a value, as a label, and with an index that is long itself."""
    assert float(number.replace("9" * 9000, "999")) == value
    text = f"{number} {'0' * 9000}7:{number}\n".encode()
    found = outcome(monkeypatch, text, 4096, {})
    assert found == outcome(monkeypatch, text, WHOLE, {})
    X, y = load_svmlight(io.BytesIO(text), n_features=7)
    assert (X[0, 6], y[0]) == (value, value)


@pytest.mark.parametrize(("text", "place"), [
    (b"1 1:" + b"5" * 9000 + b"e-9000x", "column 9011: expected a space after the value"),
    (b"1 1:0." + b"0" * 9000 + b"x", "column 9007: expected a space after the value"),
    (b"1 " + b"0" * 9000 + b".5:1", "column 9003: expected ':' after the feature index"),
    (b"1 " + b"0" * 9000 + b"7:" + b"0" * 9000 + b"x",
     "column 18005: expected a space after the value"),
    (b"1 1:1" + b" " * 9000 + b"1:1", "column 9006: expected a feature index above 1"),
    (b"1 1:1 #" + b"x" * 9000 + b"\0", "column 9008: expected text"),
    (b"1" + b" " * 9000 + b"2:1" + b"1" * 900, "column 9004: expected a finite number"),
    (b"\0" * 9000, "column 1: expected text"),
    (b"1 2" + b" " * 9000 + b"1:1", "column 4: expected ':' after the feature index, found ' '"),
    (b"1 1:1" + b"\t" * 9000 + b"7:" + b"0" * 9000 + b" 3:1",
     "column 18009: expected a feature index above 7"),
])
@pytest.mark.parametrize("size", [64, 4096])
def test_errors_name_their_column_in_the_whole_line(monkeypatch, text, place, size):
    blocks = module.line_blocks
    monkeypatch.setattr(module, "line_blocks",
                        lambda *args, **rules: blocks(*args, **rules, size=size))
    with pytest.raises(ValueError, match="line 2, column") as caught:
        load_svmlight(io.BytesIO(b"1\n" + text + b"\n"), dtype=np.float32)
    assert f"line 2, {place}" in str(caught.value)


@pytest.mark.parametrize(("text", "outcome"), [
    (b"1:1 2:1 " + b" " * 9000 + b"3:1\n1 1:1\n", [(), (1.0,)]),  # no label, then one
    (b"1 1:1\n" + b"2,3," * 3000 + b"4 1:1\n", [(1.0,), (2.0, 3.0) * 3000 + (4.0,)]),
    (b"0" * 9000 + b"2,3 1:1\n", [(2.0, 3.0)]),
    (b"1 1:1\n" + b"2," * 6000 + b" 1:1\n", "line 2, column 12001: expected a number as the"),
    (b"1:1 2:1 " + b" " * 9000 + b"1:1\n", "line 1, column 9009: expected a feature index above"),
])
@pytest.mark.parametrize("size", [64, 4096, WHOLE])
def test_a_long_line_may_be_the_first_without_one_label(monkeypatch, text, outcome, size):
    """The commands read it once more, then as a set of labels."""
    blocks = module.line_blocks
    monkeypatch.setattr(module, "line_blocks",
                        lambda *args, **rules: blocks(*args, **rules, size=size))
    if isinstance(outcome, str):
        with pytest.raises(ValueError, match=outcome):
            module.load_rows(io.BytesIO(text))
    else:
        assert [*module.load_rows(io.BytesIO(text))[1]] == outcome


class Repeated:
    """A binary file of head + `count` times unit + tail that needs no memory."""

    def __init__(self, head, unit, tail, size):
        self.unit = unit * (1 << 16)
        self.parts = iter([head, *[self.unit] * (size // len(self.unit)), tail])
        self.left = b""

    def read(self, size):
        self.left = self.left or next(self.parts, b"")
        given, self.left = self.left[:size], self.left[size:]
        return given


@pytest.mark.parametrize(("head", "unit", "tail"), [
    (b"", b"\0", b"\n"), (b"1", b" ", b"\n"), (b"1", b"\t\v\f\r", b"1:1\n"), (b"", b"\n", b"1\n"),
    (b"", b"\r\n", b"1\n"), (b"", b"# c\n", b"1\n"), (b"1 #", b"#", b"\n"),
    (b"1 # ", b"a, b ", b"\n"),
    (b"", b"7", b"\n"), (b"", b"0", b"1\n"), (b"1 ", b"0", b"1:1\n"), (b"1 1:", b"0", b"1\n"),
    (b"1 1:", b"1", b"\n"), (b"1 1:0.", b"0", b"1\n"), (b"1 1:0.", b"9", b""),
    (b"1 1:1e", b"0", b"1\n"), (b"1 1:1e-", b"9", b"\n"), (b"1 qid:", b"0", b"1\n"),
    (b"", b"1,", b"1\n"), (b"1 ", b"1:1 ", b"\n"), (b"1 1", b":", b"\n"), (b"1 1:", b"-", b"\n"),
    (b"", b"x", b"\n"), (b"", b"\xff", b""), (b"1 1:0", b"e0", b"\n"),
])
def test_memory_does_not_follow_the_length_of_a_line(head, unit, tail):
    """16 MB of text that hold at most one row with one value; arrays have room for some blocks."""
    source = Repeated(head, unit, tail, 16 << 20)
    tracemalloc.start()
    try:
        X, _ = load_svmlight(source)
        assert X.shape == (1, 1)
    except ValueError as error:
        assert ": expected " in str(error)  # noqa: PT017
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 8 << 20


def test_arrays_grow_to_at_most_twice_what_is_kept():
    n = 3_000_000
    text = b"1 " + b" ".join(b"%d:1" % j for j in range(1, n + 1)) + b"\n"
    source = io.BytesIO(text)
    tracemalloc.start()
    X, _ = load_svmlight(source)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (X.shape, X.nnz) == ((1, n), n)
    assert peak < 2 * (X.data.nbytes + X.indices.nbytes)


def test_many_labels_of_a_row_come_in_parts():
    n = 200_000
    _, y = load_svmlight(Repeated(b"", b"2,", b"1 1:1\n2 1:1\n", 2 * n), multilabel=True)
    assert [len(row) for row in y] == [2 * n // (1 << 17) * (1 << 16) + 1, 1]
    assert y[0][:2] == (1.0, 2.0)
    with pytest.raises(ValueError, match="line 2, column 400003: expected a number as the label"):
        load_svmlight(io.BytesIO(b"1\n" + b"1," * 200_001 + b" 1:1\n"), multilabel=True)


def test_a_line_longer_than_the_range_of_its_process(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"1 " + b" ".join(b"%d:1" % j for j in range(1, 90_001)) + b"\n2 1:1\n")

    class Told(Alone):
        def __init__(self, rank):
            self.rank, self.size = rank, 3

    X, y, _ = read_pieces([Piece(str(path), (0, 3))], Told(0))
    assert (X.nnz, y.tolist()) == (90_000, [1])
