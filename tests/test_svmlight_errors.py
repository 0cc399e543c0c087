"""Every error of `load_svmlight`, with the line and column that it names."""

import bz2
import gzip
import io
import zlib

import numpy as np
import pytest

import fastsgd.data.svmlight as module
from fastsgd import load_svmlight

TEXT = b"1 1:0.5 3:-2\n-1 2:1e-3\n0.5\n"


def error_of(text, **options):
    with pytest.raises(ValueError, match="<stream>, line ") as caught:
        load_svmlight(io.BytesIO(text), **options)
    return str(caught.value).removeprefix("<stream>, ")


ERRORS = [
    (b"1 1:1\n1 12 3:1\n", {}, 2, 5, "':' after the feature index", "' '"),
    (b"1 12\n", {}, 1, 5, "':' after the feature index", "the end of the line"),
    (b"1 12\r\n", {}, 1, 5, "':' after the feature index", "the end of the line"),
    (b"1 1:1\n\n# c\n1 2:nan", {}, 4, 5, "a finite number (allow_nonfinite=False)", "'nan'"),
    (b"1 2:-inf\n", {}, 1, 5, "a finite number (allow_nonfinite=False)", "'-inf'"),
    (b"inf 2:1\n", {}, 1, 1, "a finite number (allow_nonfinite=False)", "'inf'"),
    (b"1 2:1e309\n", {}, 1, 5, "a finite number (allow_nonfinite=False)", "'1e309'"),
    (
        b"1 2:1e39\n",
        {"dtype": np.float32},
        1,
        5,
        "a finite number (allow_nonfinite=False)",
        "'1e39'",
    ),
    (
        b"1,nan 2:1\n",
        {"multilabel": True},
        1,
        3,
        "a finite number (allow_nonfinite=False)",
        "'nan'",
    ),
    (b"1 -3:1\n", {}, 1, 3, "a feature index that is not negative", "'-3'"),
    (b"1 3:1 3:1\n", {}, 1, 7, "a feature index above 3 (they must rise along a line)", "'3'"),
    (b"1 3:1 2:1\n", {}, 1, 7, "a feature index above 3 (they must rise along a line)", "'2'"),
    (
        b"1 0:1\n",
        {"zero_based": False},
        1,
        3,
        "a feature index of at least 1 (zero_based=False)",
        "'0'",
    ),
    (
        b"1 9223372036854775807:1\n",
        {},
        1,
        3,
        "a feature index of at most 9223372036854775806",
        "'9223372036854775807'",
    ),
    (
        b"1 99999999999999999999:1\n",
        {},
        1,
        3,
        "a feature index of at most 9223372036854775806",
        None,
    ),
    (
        b"1 1:1\n1 6:1\n",
        {"n_features": 5},
        2,
        3,
        "a feature index of at most 5 (n_features)",
        "'6'",
    ),
    (
        b"1 5:1\n",
        {"n_features": 5, "zero_based": True},
        1,
        3,
        "a feature index of at most 4 (n_features)",
        "'5'",
    ),
    (
        b"1 1:1  5:1\n1 5:1\n1 0:1\n",
        {"n_features": 5},
        1,
        8,
        "a feature index of at most 4 (n_features; indices start at 0)",
        "'5'",
    ),
    (b"1 1:1\0\n", {}, 1, 6, "text", "a NUL byte"),
    (b"1 1:1\n\0", {}, 2, 1, "text", "a NUL byte"),
    (b"1 1:1 # \0 c\n", {}, 1, 9, "text", "a NUL byte"),
    (b"1 1:1.5x\n", {}, 1, 8, "a space after the value", "'x'"),
    (b"1 1:0x10\n", {}, 1, 6, "a space after the value", "'x10'"),
    (b"1 1:1_0\n", {}, 1, 6, "a space after the value", "'_0'"),
    (b"1 1:1:2\n", {}, 1, 6, "a space after the value", "':'"),
    (b"1 1:1e\n", {}, 1, 6, "a space after the value", "'e'"),
    (b"1 1:x\n", {}, 1, 5, "a number as the value", "'x'"),
    (b"1 1:-\n", {}, 1, 5, "a number as the value", "'-'"),
    (b"1 1:.\n", {}, 1, 5, "a number as the value", "'.'"),
    (b"1 1:1,5\n", {}, 1, 6, "a space after the value", "',5'"),
    (b"1 1:\n", {}, 1, 5, "a value after ':'", "the end of the line"),
    (b"1 1: 2\n", {}, 1, 5, "a value after ':'", "' '"),
    (b"1 1:#2\n", {}, 1, 5, "a value after ':'", "'#'"),
    (b" 1:1 2:2\n", {}, 1, 2, "a label before the first feature", "'1:1'"),
    (b"qid:1 2:2\n", {}, 1, 1, "a label before the first feature", "'qid:1'"),
    (b"spam 1:1\n", {}, 1, 1, "a number as the label", "'spam'"),
    (b"1x 1:1\n", {}, 1, 2, "a space after the label", "'x'"),
    (b"1,2 1:1\n", {}, 1, 2, "one label (multilabel=True reads several)", "',2'"),
    (b"1, 1:1\n", {"multilabel": True}, 1, 3, "a number as the label", "' '"),
    (b"1,2x 1:1\n", {"multilabel": True}, 1, 4, "a space after the label", "'x'"),
    (b"1 :1\n", {}, 1, 3, "a feature index", "':'"),
    (b"1 x:1\n", {}, 1, 3, "a feature index", "'x'"),
    (b"1 +3:1\n", {}, 1, 3, "a feature index", "'+3'"),
    (b"1 1:1 qid:3\n", {}, 1, 7, "a feature index", "'qid'"),
    (b"1 qid 1:1\n", {}, 1, 6, "':' after 'qid'", "' '"),
    (b"1 qid:x 1:1\n", {}, 1, 7, "an int64 after 'qid:'", "'x'"),
    (b"1 qid:9223372036854775808\n", {}, 1, 7, "an int64 after 'qid:'", "'9223372036854775808'"),
    (b"1 qid:1.5\n", {}, 1, 8, "a space after the query id", "'.5'"),
    (
        b"1 qid:1\n2 1:1\n",
        {"query_id": True},
        2,
        3,
        "'qid:' and an integer after the label (query_id=True)",
        "'1'",
    ),
    (b"", {}, 1, 1, "a row", "the end of the file"),
    (b"# only\n\n", {}, 3, 1, "a row", "the end of the file"),
    (b"1 1:1\n\xff\n", {}, 2, 1, "a number as the label", "'\\xff'"),
]


@pytest.mark.parametrize(("text", "options", "line", "column", "expected", "found"), ERRORS)
def test_errors_name_their_place(text, options, line, column, expected, found):
    message = error_of(text, **options)
    assert message.startswith(f"line {line}, column {column}: expected {expected}, found ")
    if found:
        assert message.endswith(f", found {found}")


def test_every_error_code_is_tested():
    tested = {expected for *_, expected, _ in ERRORS}
    for name, expected in module.CODES.items():
        head, _, tail = expected.partition("%d")
        assert name in ("OK", "WIDEN") or any(
            text.startswith(head) and text.endswith(tail) for text in tested
        )


def test_error_names_the_file(tmp_path):
    path = tmp_path / "data.svm"
    path.write_bytes(b"1 1:1\n" * 6 + b"1 1:1 2:1 34 5:6\n")
    message = f"{path}, line 7, column 13: expected ':' after the feature index, found ' '"
    with pytest.raises(ValueError, match="line 7") as caught:
        load_svmlight(path)
    assert str(caught.value) == message


def test_line_numbers_far_into_a_file():
    text = b"1 1:1 2:2 3:3 # c\n\n" * 50_000 + b"1 1:x\n"
    assert error_of(text).startswith("line 100001, column 5: ")


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress])
def test_damaged_compressed_data(compress):
    lines = b"".join(b"%d 1:%d.%d\n" % (i, i, i * 7919) for i in range(20_000))
    text = compress(lines)
    for kept in (4, len(text) // 2, len(text) - 1):
        message = error_of(text[:kept])
        assert message.endswith("expected more text, found the end of a truncated compressed file")
    line = int(error_of(text[: len(text) // 2]).split(",")[0].removeprefix("line "))
    assert line > 1000 or compress is bz2.compress
    middle = len(text) // 2
    error_of(text[:middle] + bytes(64) + text[middle + 64 :])
    assert "damaged compressed data" in error_of(text + b"garbage")


def test_place_where_truncated_gzip_stops():
    start = zlib.compressobj(wbits=31)
    text = start.compress(b"1 1:1\n2 2:2\n3 3") + start.flush(zlib.Z_SYNC_FLUSH)
    assert error_of(text).startswith("line 3, column 4: expected more text")


def test_byte_order_mark_has_no_column():
    assert error_of(b"\xef\xbb\xbfx 1:1\n").startswith("line 1, column 1: expected a number")
    assert "line 2, column 1" in error_of(b"1 1:1\n\xef\xbb\xbf1 1:1\n")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"zero_based": "yes"}, "zero_based must be True, False or \"auto\", got 'yes'"),
        ({"zero_based": 1}, 'zero_based must be True, False or "auto", got 1'),
        ({"n_features": 0}, "n_features must be from 1 to 9223372036854775806, got 0"),
        ({"n_features": 1.5}, "n_features must be an int or None, got 1.5"),
        ({"dtype": np.int64}, "dtype must be float32 or float64"),
        ({"multilabel": "no"}, "multilabel must be True or False, got 'no'"),
        ({"query_id": 2}, "query_id must be True or False, got 2"),
        ({"allow_nonfinite": None}, "allow_nonfinite must be True or False, got None"),
    ],
)
def test_options_are_checked(options, message):
    with pytest.raises(ValueError, match="must be") as caught:
        load_svmlight(io.BytesIO(TEXT), **options)
    assert str(caught.value).startswith(message)


def test_sources_are_checked(tmp_path):
    with pytest.raises(TypeError, match="binary mode"):
        load_svmlight(io.StringIO("1 1:1\n"))
    with pytest.raises(TypeError, match="got list"):
        load_svmlight([])
    with pytest.raises(ValueError, match=">= 0"):
        load_svmlight(-1)
    with pytest.raises(FileNotFoundError):
        load_svmlight(tmp_path / "none.svm")
